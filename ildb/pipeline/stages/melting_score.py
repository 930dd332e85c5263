"""Score known and proposed pairings with the melting model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_expand import LinksExpand
from ildb.pipeline.stages.melting_train import MeltingTrain

_PAIRS = (
    "pairing_id", "cation_inchikey", "cation_smiles", "anion_inchikey", "anion_smiles", "n_cation", "n_anion",
)  # fmt: skip
_SCORE = {
    "pairing_id": "int8", "p_below_373_k": "float4", "tm_k": "float4", "tm_low_k": "float4", "tm_high_k": "float4",
    "in_domain": "bool", "domain_reasons": "text[]", "nearest": "jsonb",
}  # fmt: skip


def _or_null(values: npt.NDArray[np.float64]) -> pa.Array:
    # NaN marks a pairing the model cannot describe.
    return pa.array(values, mask=np.isnan(values))


class MeltingScoreParams(BaseModel):
    """Parameters of ``melting.score``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pairs_per_task: int = Field(default=10_000, ge=1)


class MeltingScoreStage(Stage[MeltingScoreParams]):
    """P(Tm < 373.15 K), Tm with its interval, domain and nearest known ILs for every pairing of interest.

    A score belongs to a model and a pairing: what an earlier run scored with the same model stands. So where scoring
    itself changes, the version of ``melting.train`` has to rise, too.
    """

    uses: ClassVar[str] = "melting.score"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "score the known and the retained pairings for melting below 373.15 K"
    params_type: ClassVar[type[BaseModel]] = MeltingScoreParams
    requires: ClassVar[tuple[str, ...]] = (LinksExpand.uses, MeltingTrain.uses)

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings, which are scored too."""
        return str(query.execute(connection, "links/fingerprint").scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Pairs that the model has not scored yet, in slices of one table."""
        run_id = context.result_of(LinksExpand.uses).run_id
        model_id = context.result_of(MeltingTrain.uses).result["model_id"]
        rows = query.rows(context.connection, "melting/pairs_to_score", run_id=run_id, model_id=model_id)
        pairs = context.put_table("melting_pairs", pa.table(store.as_columns(rows, _PAIRS)))
        model = context.result_of(MeltingTrain.uses).result["model_sha256"]
        step = self.params.pairs_per_task
        return [
            {"model": model, "pairs": pairs, "slice": [begin, min(step, len(rows) - begin)]}
            for begin in range(0, len(rows), step)
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Score one slice."""
        from ildb.melting.ions import IonTable
        from ildb.melting.score import score_pairs
        from ildb.melting.store import load

        begin, length = task.payload["slice"]
        pairs = task.table("pairs").slice(begin, length)
        columns = {name: pairs.column(name).to_pylist() for name in _PAIRS}
        ions = list(
            dict.fromkeys(
                [
                    *zip(columns["cation_inchikey"], columns["cation_smiles"], strict=True),
                    *zip(columns["anion_inchikey"], columns["anion_smiles"], strict=True),
                ]
            )
        )
        position = {inchikey: i for i, (inchikey, _) in enumerate(ions)}
        scores = score_pairs(
            load(task.file("model")),
            IonTable.build([smiles for _, smiles in ions], [inchikey for inchikey, _ in ions]),
            np.array([position[key] for key in columns["cation_inchikey"]]),
            np.array([position[key] for key in columns["anion_inchikey"]]),
            np.array(columns["n_cation"]),
            np.array(columns["n_anion"]),
        )
        table = pa.table(
            {
                "pairing_id": columns["pairing_id"],
                "p_below_373_k": _or_null(scores.p_below_threshold),
                "tm_k": _or_null(scores.tm_k),
                "tm_low_k": _or_null(scores.tm_low_k),
                "tm_high_k": _or_null(scores.tm_high_k),
                "in_domain": scores.in_domain,
                "domain_reasons": pa.array(scores.reasons, pa.list_(pa.string())),
                "nearest": [json.dumps([n._asdict() for n in found]) for found in scores.neighbours],
            }
        )
        return TaskOutput({"n_scored": len(table)}, {"scores": table})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row per pairing that another run has not scored with the model meanwhile."""
        del payload, files
        model_id = context.result_of(MeltingTrain.uses).result["model_id"]
        rows = (
            [*(row[name] for name in list(_SCORE)[:-1]), json.loads(row["nearest"])]
            for row in output.tables["scores"].to_pylist()
        )
        stage_rows(context.connection, "stage_melting", _SCORE, rows)
        added = query.execute(context.connection, "melting/add_scores", model_id=model_id, run_id=context.run_id)
        return {"n_scored": added.rowcount}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many were scored, and with which model."""
        model_id = context.result_of(MeltingTrain.uses).result["model_id"]
        return {"model_id": model_id, "n_scored": sum(result["n_scored"] for result in results)}
