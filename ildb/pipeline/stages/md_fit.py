"""Fit the ladders of a run: apparent melting points with intervals, as rows and as measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.md_ladder import MdLadder

if TYPE_CHECKING:
    from ildb.md.calibrate import Calibration
    from ildb.md.ladder_fit import LadderFit

_POINT = (
    "temperature_k", "direction", "d_cation_m2_s", "d_cation_error_m2_s", "d_anion_m2_s", "d_anion_error_m2_s",
    "is_subdiffusive",
)  # fmt: skip
_95 = 1.959964


class MdFitParams(BaseModel):
    """Parameters of ``md.fit``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    false_rate: float = Field(
        default=0.04, gt=0, lt=0.5, description="how often a straight line may be taken for a transition"
    )
    seed: int = Field(default=0, ge=0, description="of the bootstrap")
    calibration_model: int | None = Field(
        default=None, description="a model of md.calibrate (ildb model list); none: apparent values only"
    )


class MdFit(Stage[MdFitParams]):
    """One line, a kink or a jump in ln D over 1/T, for all points of a ladder and for each pass."""

    uses: ClassVar[str] = "md.fit"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "fit apparent melting points with intervals to simulated diffusion"
    params_type: ClassVar[type[BaseModel]] = MdFitParams
    requires: ClassVar[tuple[str, ...]] = (MdLadder.uses,)
    once_per_recipe: ClassVar[bool] = True  # md_melting_point's key is run, simulation and pass

    def fingerprint(self, connection: Connection) -> str:
        """The calibration asked for, whose numbers decide."""
        return "" if self._calibration(connection) is None else str(self.params.calibration_model)

    def _calibration(self, connection: Connection) -> Mapping[str, Any] | None:
        if self.params.calibration_model is None:
            return None
        found = query.one(connection, "md/calibration", model_id=self.params.calibration_model)
        if found is None:
            raise InputError(
                f"there is no calibration with the model number {self.params.calibration_model}.",
                "See: ildb model list",
            )
        return dict(found["metrics"])

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task for each ladder."""
        ladder = context.result_of(MdLadder.uses)
        simulations = query.rows(context.connection, "md/simulations_of_stage", stage_run_id=ladder.stage_run_id)
        ids = [row["id"] for row in simulations]
        points = query.rows(context.connection, "md/points", ids=ids)
        payloads = []
        for simulation in simulations:
            own = [point for point in points if point["simulation_id"] == simulation["id"]]
            done = [{name: point[name] for name in _POINT} for point in own if point["status"] == "done"]
            table = pa.Table.from_pylist(done) if done else pa.table({name: pa.array([]) for name in _POINT})
            payloads.append(
                {
                    "simulation_id": simulation["id"],
                    "pairing_id": simulation["pairing_id"],
                    "n_unstable": sum(point["status"] == "unstable" for point in own),
                    "points": context.put_table("md_points", table),
                    "params": self.params.model_dump(mode="json"),
                    "calibration": self._calibration(context.connection),
                }
            )
        return payloads

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Fit one ladder."""
        from ildb.md.calibrate import Calibration
        from ildb.md.ladder_fit import LadderPoint, fit_ladder, hysteresis_k
        from ildb.md.presets import Pass

        points = [
            LadderPoint(direction=Pass(row.pop("direction")), is_bound=row.pop("is_subdiffusive"), **row)
            for row in task.table("points").to_pylist()
        ]
        params = MdFitParams.model_validate(task.payload["params"])
        fits = fit_ladder(points, false_rate=params.false_rate, seed=params.seed)
        found = task.payload["calibration"]
        calibration = None if found is None else Calibration(**found)
        hysteresis = hysteresis_k(fits)
        rows = [_row(name, ladder, calibration, hysteresis) for name, ladder in fits.items()]
        return TaskOutput({"rows": rows})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """The fits, and the ladder's apparent melting point as a measurement."""
        del files
        for row in output.result["rows"]:
            model_id = self.params.calibration_model if row["calibrated_tm_k"] is not None else None
            query.execute(
                context.connection,
                "md/add_melting_point",
                run_id=context.run_id,
                simulation_id=payload["simulation_id"],
                n_unstable=payload["n_unstable"],
                calibration_model_id=model_id,
                **row,
            )
        whole = next(row for row in output.result["rows"] if row["direction"] == "all")
        if whole["tm_k"] is not None:
            self._add_measurement(context, payload, whole)
        return {"shape": whole["shape"], "tm_k": whole["tm_k"]}

    def _add_measurement(self, context: StageContext, payload: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        kept = ("shape", "tm_low_k", "tm_high_k", "calibrated_tm_k", "calibrated_low_k", "calibrated_high_k")
        query.execute(
            context.connection,
            "md/add_measurement",
            run_id=context.run_id,
            pairing_id=payload["pairing_id"],
            value=row["tm_k"],
            uncertainty=(row["tm_high_k"] - row["tm_low_k"]) / (2 * _95),
            source_key=f"md_simulation {payload['simulation_id']}",
            raw=jsonb({"simulation_id": payload["simulation_id"], **{name: row[name] for name in kept}}),
        )

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many ladders showed what."""
        del context
        shapes = [result["shape"] for result in results]
        return {"n_ladders": len(shapes), **{f"n_{name}": shapes.count(name) for name in sorted(set(shapes))}}


def _row(name: str, ladder: LadderFit, calibration: Calibration | None, hysteresis: float | None) -> dict[str, Any]:
    """Columns of ``md_melting_point``."""
    from ildb.md.ladder_fit import shape_name

    fit = ladder.fit
    tm_k = None if fit is None else fit.tm_k
    measured = (None, None, None) if tm_k is None or calibration is None else calibration.measured_k(tm_k)
    return {
        "direction": name,
        "shape": shape_name(ladder),
        "tm_k": tm_k,
        "tm_low_k": ladder.low_k,
        "tm_high_k": ladder.high_k,
        "calibrated_tm_k": measured[0],
        "calibrated_low_k": measured[1],
        "calibrated_high_k": measured[2],
        "hysteresis_k": hysteresis if name == "all" else None,
        "gain": fit and fit.gain,
        "gain_needed": fit and fit.gain_needed,
        "curve_gain": ladder.curve_gain,
        "ea_hot_kj_mol": fit and fit.ea_hot_kj_mol,
        "ea_cold_kj_mol": fit and fit.ea_cold_kj_mol,
        "jump_ln_d": fit and fit.jump_ln_d,
        "n_points": ladder.n_points,
        "n_bounds": ladder.n_bounds,
        "reason": ladder.reason,
    }
