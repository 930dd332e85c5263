"""Calibrate apparent melting points on liquids whose melting point is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.hashing import canonical_json
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.md_fit import MdFit

_KIND = "md_calibration"


class MdCalibrateParams(BaseModel):
    """Parameters of ``md.calibrate``: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MdCalibrate(Stage[MdCalibrateParams]):
    """A robust line from apparent to measured melting points, judged by leaving out one liquid at a time."""

    uses: ClassVar[str] = "md.calibrate"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "calibrate apparent melting points on the ladders whose liquids have measured ones"
    params_type: ClassVar[type[BaseModel]] = MdCalibrateParams
    requires: ClassVar[tuple[str, ...]] = (MdFit.uses,)

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the measured melting points."""
        found = query.execute(connection, "property/fingerprint", property="melting_point", unit="K", simulated=False)
        return str(found.scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: all liquids with both values."""
        rows = query.rows(context.connection, "md/parity", run_id=context.result_of(MdFit.uses).run_id)
        if not rows:
            raise InputError(
                "no ladder of the run has both an apparent and a measured melting point.",
                "Run longer ladders of measured liquids: pipelines/md_validation.toml.",
            )
        table = pa.table(store.as_columns(rows, ("pairing_id", "apparent_k", "measured_k", "measurement_ids")))
        return [{"parity": context.put_table("md_parity", table)}]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Fit and judge the line."""
        from ildb.md.calibrate import calibrate

        table = task.table("parity")
        apparent, measured = (table.column(name).to_numpy().astype(np.float64) for name in ("apparent_k", "measured_k"))
        metrics = calibrate(apparent, measured).metrics()
        path = task.workdir / "calibration.json"
        path.write_text(canonical_json(metrics), encoding="utf-8")
        return TaskOutput({"metrics": metrics, "n_pairings": len(table)}, files={f"{_KIND}_model": path})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """The model and the measured values it saw."""
        rows = pq.read_table(context.artifacts.get(payload["parity"])).to_pylist()
        return store.add_trained(
            context,
            _KIND,
            content=[[row["pairing_id"], row["apparent_k"], row["measured_k"]] for row in rows],
            members=[(None, member, "train") for row in rows for member in row["measurement_ids"]],
            output=output,
            files=files,
            params=self.params,
            seed=0,
            keep={"mae_k": "mae_k", "mae_mean_k": "mae_mean_k", "n": "n"},
        )
