"""Train and judge a model of any measured property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field, field_validator, model_validator
from sqlalchemy import Connection

from ildb.db import query
from ildb.melting.params import MeltingParams
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.melting_train import MeltingTrain
from ildb.pipeline.stages.property_data import NO_CONDITIONS, plan_training, store_trained, train_task
from ildb.units import UnitError, get_property

_OVER_DECADES = frozenset({"viscosity", "kinematic_viscosity", "conductivity", "vapor_pressure", "self_diffusion"})
_CONDITIONS = frozenset(NO_CONDITIONS)


class PropertyTrainParams(MeltingParams):
    """Parameters of ``property.train``: those of the model, and the conditions of the values it learns."""

    property: str = Field(description="what to learn: a name of ildb.units.PROPERTIES, such as viscosity or density")
    threshold_k: float | None = Field(
        default=None,
        gt=0,
        description="give the probability of lying below this, in the property's unit; none: do not",
    )
    temperature_k: float | None = Field(
        default=298.15, gt=0, description="temperature of measurement, K; none: any; not asked of transitions"
    )
    temperature_window_k: float = Field(default=0.5, ge=0, description="how far from it a value may be, K")
    pressure_kpa: float | None = Field(
        default=101.325, gt=0, description="pressure of measurement, kPa; values without one count; none: any"
    )
    pressure_window_kpa: float = Field(default=10.0, ge=0, description="how far from it a value may be, kPa")

    @field_validator("property")
    @classmethod
    def _is_another_property(cls, value: str) -> str:
        try:
            get_property(value)
        except UnitError as error:
            raise ValueError(f"{error.what} {error.hint or ''}".rstrip(". ")) from error
        if value == "melting_point":
            raise ValueError("melting points are learnt by the stage melting.train")
        return value

    @model_validator(mode="before")
    @classmethod
    def _decades(cls, values: Any) -> Any:
        """What varies over decades is judged in decades where nothing else is said."""
        if isinstance(values, Mapping) and values.get("property") in _OVER_DECADES:
            return {"scale": "log10", **values}
        return values

    def conditions(self) -> dict[str, float | None]:
        """Conditions for the query; none for a temperature at which something happens."""
        if get_property(self.property).is_transition:
            return dict(NO_CONDITIONS)
        return self.model_dump(include=set(_CONDITIONS))

    def of_model(self) -> MeltingParams:
        """The parameters of the model alone."""
        return MeltingParams.model_validate(self.model_dump(include=set(MeltingParams.model_fields)))


class PropertyTrain(Stage[PropertyTrainParams]):
    """The melting point's recipe on any numeric property, by its name."""

    uses: ClassVar[str] = "property.train"
    version: ClassVar[int] = 2
    packages: ClassVar[tuple[str, ...]] = MeltingTrain.packages
    summary: ClassVar[str] = "train the melting recipe on another measured property: viscosity, density, ..."
    params_type: ClassVar[type[BaseModel]] = PropertyTrainParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the property's exact values."""
        prop = get_property(self.params.property)
        found = query.execute(connection, "property/fingerprint", property=prop.name, unit=prop.unit, simulated=False)
        return str(found.scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole set."""
        conditions = self.params.conditions()
        hint = "Ingest some, or ask for other conditions."
        if conditions["temperature_k"] is not None:
            hint += (
                f" Asked for: {conditions['temperature_k']:g} K within {conditions['temperature_window_k']:g} K; values"
                " without a temperature count only for temperature_k = none."
            )
        return plan_training(context, get_property(self.params.property), conditions, self.params.of_model(), hint)

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Cross-validate, fit, calibrate."""
        return train_task(task, "property")

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Snapshot with the fold of every measurement, and the model."""
        keep = {"mae": "random.mae", "r2": "random.r2"}
        made = store_trained(context, "property", self.params, self.params.seed, payload, output, files, keep)
        return {**made, "property": self.params.property}
