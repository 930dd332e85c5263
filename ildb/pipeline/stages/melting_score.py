"""Score known and proposed pairings with the melting model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_expand import LinksExpand
from ildb.pipeline.stages.melting_train import MeltingTrain
from ildb.pipeline.stages.pair_scores import SCORE_TYPES, plan_slices, proposing_runs, score_slice


class MeltingScoreParams(BaseModel):
    """Parameters of ``melting.score``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pairs_per_task: int = Field(default=50_000, ge=1)


class MeltingScoreStage(Stage[MeltingScoreParams]):
    """P(Tm < 373.15 K), Tm with its interval, domain and nearest known ILs for every pairing of interest.

    A score belongs to a model and a pairing: what an earlier run scored with the same model stands. So where scoring
    itself changes, the version of ``melting.train`` has to rise, too.
    """

    uses: ClassVar[str] = "melting.score"
    version: ClassVar[int] = 2
    packages: ClassVar[tuple[str, ...]] = MeltingTrain.packages
    summary: ClassVar[str] = "score the known, the retained and the generated pairings for melting below 373.15 K"
    params_type: ClassVar[type[BaseModel]] = MeltingScoreParams
    requires: ClassVar[tuple[str, ...]] = (LinksExpand.uses, MeltingTrain.uses)

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings, which are scored too."""
        return str(query.execute(connection, "links/fingerprint", sources=False).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Pairs that the model has not scored yet, in slices of one table."""
        run_ids = proposing_runs(context)
        model = context.result_of(MeltingTrain.uses).result
        rows = query.rows(context.connection, "melting/pairs_to_score", run_ids=run_ids, model_id=model["model_id"])
        return plan_slices(context, "melting_pairs", rows, model["model_sha256"], self.params.pairs_per_task)

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Score one slice."""
        return score_slice(task)

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row per pairing that another run has not scored with the model meanwhile."""
        del payload, files
        from ildb.melting.rows import stored_rows

        model_id = context.result_of(MeltingTrain.uses).result["model_id"]
        stage_rows(
            context.connection, "stage_melting", SCORE_TYPES, stored_rows(output.tables["scores"], list(SCORE_TYPES))
        )
        added = query.execute(context.connection, "melting/add_scores", model_id=model_id, run_id=context.run_id)
        return {"n_scored": added.rowcount}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many were scored, and with which model."""
        model_id = context.result_of(MeltingTrain.uses).result["model_id"]
        return {"model_id": model_id, "n_scored": sum(result["n_scored"] for result in results)}
