"""Score known and proposed pairings with a property model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.melting_train import MeltingTrain
from ildb.pipeline.stages.pair_scores import SCORE_TYPES, plan_slices, proposing_runs, score_slice
from ildb.pipeline.stages.property_train import PropertyTrain


class PropertyScoreParams(BaseModel):
    """Parameters of ``property.score``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pairs_per_task: int = Field(default=50_000, ge=1)


class PropertyScoreStage(Stage[PropertyScoreParams]):
    """Value with its interval, domain and nearest known ILs for every known pairing.

    Pairings that ``links.expand`` retained or generating stages made are scored too where this stage needs those.
    """

    uses: ClassVar[str] = "property.score"
    version: ClassVar[int] = 1
    packages: ClassVar[tuple[str, ...]] = MeltingTrain.packages
    summary: ClassVar[str] = "score the known pairings, and retained ones, for the property of a property.train"
    params_type: ClassVar[type[BaseModel]] = PropertyScoreParams
    requires: ClassVar[tuple[str, ...]] = (PropertyTrain.uses,)

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings."""
        return str(query.execute(connection, "links/fingerprint", sources=False).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Pairs that the model has not scored yet, in slices of one table."""
        model = context.result_of(PropertyTrain.uses).result
        run_ids = proposing_runs(context)
        rows = query.rows(context.connection, "property/pairs_to_score", run_ids=run_ids, model_id=model["model_id"])
        return plan_slices(context, "property_pairs", rows, model["model_sha256"], self.params.pairs_per_task)

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

        model = context.result_of(PropertyTrain.uses).result
        stage_rows(
            context.connection, "stage_property", SCORE_TYPES, stored_rows(output.tables["scores"], list(SCORE_TYPES))
        )
        added = query.execute(
            context.connection,
            "property/add_scores",
            model_id=model["model_id"],
            run_id=context.run_id,
            property=model["property"],
        )
        return {"n_scored": added.rowcount}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many were scored, and with which model."""
        model = context.result_of(PropertyTrain.uses).result
        return {
            "model_id": model["model_id"],
            "property": model["property"],
            "n_scored": sum(result["n_scored"] for result in results),
        }
