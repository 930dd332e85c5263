"""Train and judge a melting-point model on the measured melting points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.melting.data import MeltingData
from ildb.melting.params import MeltingParams
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

_COLUMNS = (
    "cation_inchikey",
    "anion_inchikey",
    "cation_smiles",
    "anion_smiles",
    "n_cation",
    "n_anion",
    "tm_k",
    "n_values",
    "spread_k",
)


class MeltingTrainParams(MeltingParams):
    """Parameters of ``melting.train``; the threshold is fixed, because the column ``p_below_373_k`` names it."""

    threshold_k: float = Field(default=373.15, ge=373.15, le=373.15)


class MeltingTrain(Stage[MeltingTrainParams]):
    """Trees on descriptors and fingerprints of both ions, judged on grouped splits."""

    uses: ClassVar[str] = "melting.train"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "train trees on both ions' descriptors and ECFP; calibrated P(Tm < 373.15 K) and intervals"
    params_type: ClassVar[type[BaseModel]] = MeltingTrainParams

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the exact melting points."""
        return str(query.execute(connection, "melting/fingerprint").scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole set."""
        rows = query.rows(context.connection, "melting/training_set")
        if not rows:
            raise InputError("there are no melting points to learn from.", "Ingest some first: ildb ingest ilthermo")
        table = pa.table(store.as_columns(rows, (*_COLUMNS, "measurement_ids")))
        return [
            {
                "data": context.put_table("melting_input", table),
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Cross-validate, fit, calibrate."""
        from ildb.melting.store import save
        from ildb.melting.train import train_melting

        table = task.table("data")
        data = MeltingData(**{name: table.column(name).to_pylist() for name in _COLUMNS})
        trained = train_melting(data, MeltingParams.model_validate(task.payload["params"]))
        path = task.workdir / "model"
        save(trained.model, path)
        folds = pa.table({"split": [f"fold {fold}" for fold in trained.fold]})
        return TaskOutput(
            {"metrics": trained.metrics, "n_pairings": len(table)}, {"folds": folds}, {"melting_model": path}
        )

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Snapshot with the fold of every measurement, and the model."""
        rows = pq.read_table(context.artifacts.get(payload["data"])).to_pylist()
        folds = output.tables["folds"].column("split").to_pylist()
        members = [
            (None, measurement, fold)
            for row, fold in zip(rows, folds, strict=True)
            for measurement in row["measurement_ids"]
        ]
        content = [[row["cation_inchikey"], row["anion_inchikey"], row["tm_k"]] for row in rows]
        return store.add_trained(
            context,
            "melting",
            content=content,
            members=members,
            output=output,
            files=files,
            params=self.params,
            seed=self.params.seed,
            keep={"auroc": "random.auroc", "mae_k": "random.mae_k"},
        )
