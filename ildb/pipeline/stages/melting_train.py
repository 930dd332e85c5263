"""Train and judge a melting-point model on the measured melting points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.melting.params import MeltingParams
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.property_data import NO_CONDITIONS, plan_training, store_trained, train_task
from ildb.units import get_property

_IONS = (
    "id", "charge", "volume_nm3", "skeleton_surface_a2", "gas_entropy_j_mol_k", "freedom", "effective_torsions",
)  # fmt: skip
_MELTING = get_property("melting_point")


class MeltingTrainParams(MeltingParams):
    """Parameters of ``melting.train``; property and threshold are fixed, because the column ``p_below_373_k`` does."""

    property: Literal["melting_point"] = "melting_point"
    scale: Literal["linear"] = "linear"
    threshold_k: float = Field(default=373.15, ge=373.15, le=373.15)
    simulated: bool = Field(
        default=False,
        description="learn calibrated apparent melting points of simulations, too, where nothing was measured",
    )

    def of_model(self) -> MeltingParams:
        """The parameters of the model alone."""
        return MeltingParams.model_validate(self.model_dump(include=set(MeltingParams.model_fields)))


class MeltingTrain(Stage[MeltingTrainParams]):
    """Kernel machines, networks and trees on both ions, blended, calibrated and judged on grouped splits."""

    uses: ClassVar[str] = "melting.train"
    version: ClassVar[int] = 4
    packages: ClassVar[tuple[str, ...]] = ("numpy", "rdkit", "scikit-learn", "scipy", "torch", "xgboost-cpu")
    summary: ClassVar[str] = (
        "train kernels, networks and trees on measured melting points; calibrated P(Tm < 373.15 K) and intervals"
    )
    params_type: ClassVar[type[BaseModel]] = MeltingTrainParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the exact melting points, and how many ions the published classifier can describe."""
        from ildb.melting.ion_properties import PROPERTY_VERSION

        values = query.execute(
            connection,
            "property/fingerprint",
            property=_MELTING.name,
            unit=_MELTING.unit,
            simulated=self.params.simulated,
        )
        described = query.execute(connection, "melting/described_ions", version=PROPERTY_VERSION)
        return f"{values.scalar_one()} {described.scalar_one()}"

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole set."""
        from ildb.melting.ion_properties import PROPERTY_VERSION

        hint = "Ingest some first: ildb ingest ilthermo"
        model = self.params.of_model()
        simulated = self.params.simulated
        (payload,) = plan_training(context, _MELTING, NO_CONDITIONS, model, hint, simulated=simulated)
        rows = pq.read_table(context.artifacts.get(payload["data"]), columns=["cation_id", "anion_id"])
        ions = sorted({ion for name in rows.column_names for ion in rows.column(name).to_pylist()})
        described = query.rows(context.connection, "melting/ion_properties", version=PROPERTY_VERSION, ion_ids=ions)
        if described:
            table = pa.table({name: [row[name] for row in described] for name in _IONS})
            payload["ions"] = context.put_table("melting_ions", table)
        return [payload]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Cross-validate, fit, calibrate."""
        return train_task(task, "melting")

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Snapshot with the fold of every measurement, and the model."""
        keep = {"auroc": "random.auroc", "mae_k": "random.mae_k"}
        return store_trained(context, "melting", self.params, self.params.seed, payload, output, files, keep)
