"""Turn link and melting scores into decisions with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import copy_rows
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_expand import LinksExpand
from ildb.pipeline.stages.melting_score import MeltingScoreStage
from ildb.screen.candidate import Candidate
from ildb.screen.params import ScreenParams

_DECISION = {
    "run_id": "int8", "pairing_id": "int8", "link_run_id": "int8", "melting_model_id": "int8", "passed": "bool",
    "rank": "int4", "score": "float4", "reasons": "jsonb",
}  # fmt: skip
_COLUMNS = (
    "pairing_id", "cation_inchikey", "anion_inchikey", "cation_smiles", "anion_smiles", "known", "link_probability",
    "p_below_373_k", "tm_k", "tm_low_k", "tm_high_k", "in_domain", "domain_reasons", "nearest",
)  # fmt: skip


class ScreenDecide(Stage[ScreenParams]):
    """The decision that joins links and melting: every candidate gets a row with every reason."""

    uses: ClassVar[str] = "screen.decide"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "decide on every retained pairing, with reasons, and rank those that pass"
    params_type: ClassVar[type[BaseModel]] = ScreenParams
    requires: ClassVar[tuple[str, ...]] = (LinksExpand.uses, MeltingScoreStage.uses)
    once_per_recipe: ClassVar[bool] = True

    def fingerprint(self, connection: Connection) -> str:
        """Nothing beyond the scores of the upstream stages."""
        del connection
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: ranks and diversity limits need all candidates at once."""
        rows = query.rows(
            context.connection,
            "screen/candidates",
            link_run_id=context.result_of(LinksExpand.uses).run_id,
            model_id=context.result_of(MeltingScoreStage.uses).result["model_id"],
        )
        table = pa.table(store.as_columns(rows, _COLUMNS))
        return [{"candidates": context.put_table("screen_input", table), "params": self.params.model_dump(mode="json")}]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Check, rank, pick."""
        import json

        from ildb.screen.decide import decide

        candidates = [Candidate(**row) for row in task.table("candidates").to_pylist()]
        decisions = decide(candidates, ScreenParams.model_validate(task.payload["params"]))
        table = pa.table(
            {
                "pairing_id": pa.array([d.pairing_id for d in decisions], pa.int64()),
                "passed": [d.passed for d in decisions],
                "rank": pa.array([d.rank for d in decisions], pa.int32()),
                "score": pa.array([d.score for d in decisions], pa.float32()),
                "reasons": [json.dumps([reason.to_json() for reason in d.reasons]) for d in decisions],
            }
        )
        return TaskOutput({"n_passed": sum(d.passed for d in decisions)}, {"decisions": table})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row per candidate."""
        import json

        del payload, files
        link_run_id = context.result_of(LinksExpand.uses).run_id
        model_id = context.result_of(MeltingScoreStage.uses).result["model_id"]
        rows = (
            [
                context.run_id, row["pairing_id"], link_run_id, model_id, row["passed"], row["rank"], row["score"],
                json.loads(row["reasons"]),
            ]
            for row in output.tables["decisions"].to_pylist()
        )  # fmt: skip
        n_decided = copy_rows(context.connection, "screening_decision", _DECISION, rows)
        return {"n_decided": n_decided, "n_passed": output.result["n_passed"]}
