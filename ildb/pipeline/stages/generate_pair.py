"""Pair generated ions with known and generated counter-ions, by the link model's scores for ions without pairings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.errors import InputError
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.generated_rows import GENERATORS
from ildb.pipeline.stages.links_train import PAPER_METHOD, REASON_BREAK, LinksTrain

_LINK = {"cation_inchikey": "text", "anion_inchikey": "text", "probability": "float4", "reasons": "text"}
_ION = ("inchikey", "smiles", "charge")


class GeneratePairParams(BaseModel):
    """Parameters of ``generate.pair``: how many of the new ions to pair, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cations: int = Field(
        default=2_000, ge=0, le=20_000, description="new cations to pair, the easiest to make first"
    )
    max_anions: int = Field(default=1_000, ge=0, le=20_000, description="new anions to pair, the easiest to make first")
    per_ion: int = Field(default=10, ge=1, description="best partners of each new ion")
    min_probability: float = Field(default=0.0, ge=0, le=1, description="keep none below this")
    accept_from: float = Field(default=0.5, ge=0, le=1, description="probability from which a link counts as accepted")
    max_multiplicity: int = Field(default=2, ge=1, le=8, description="largest count of one ion in the formula")


class GeneratePair(Stage[GeneratePairParams]):
    """Generated ionic liquids: each has at least one new ion, a link score, and the run as its evidence."""

    uses: ClassVar[str] = "generate.pair"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "pair generated ions with the counter-ions that the link model thinks most likely"
    params_type: ClassVar[type[BaseModel]] = GeneratePairParams
    requires: ClassVar[tuple[str, ...]] = (LinksTrain.uses,)
    once_per_recipe: ClassVar[bool] = True  # link_score's key is run, round and pairing

    def fingerprint(self, connection: Connection) -> str:
        """Nothing but what the needed stages made."""
        del connection
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the best of an anion may be any cation."""
        made = [up.stage_run_id for up in context.upstream if up.uses in GENERATORS]
        if not made:
            raise InputError(
                "there are no generated ions to pair.", f"Let the stage need one of {', '.join(GENERATORS)}."
            )
        model = context.result_of(LinksTrain.uses).result
        if model["method"] == PAPER_METHOD:
            raise InputError(
                "The paper's network knows only the ions it was trained on.", 'Train with method = "ranker".'
            )
        rows = query.rows(
            context.connection,
            "generated/new_ions",
            stage_run_ids=made,
            leave_out=list(model["leave_out"]),
            max_cations=self.params.max_cations,
            max_anions=self.params.max_anions,
        )
        if not rows:
            raise InputError("the generating stages drew no new ion that passed the filters.", "Draw more.")
        return [
            {
                "model": model["model_sha256"],
                "pairings": model["pairings_sha256"],
                "ions": context.put_table("generated_ions", pa.table(store.as_columns(rows, _ION))),
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Score, choose, explain."""
        import numpy as np

        from ildb.generate.pairing import best_partners
        from ildb.links.store import load_model
        from ildb.links.train import link_scorer
        from ildb.pipeline.stages.links_tasks import link_table, read_graphs

        params = GeneratePairParams.model_validate(task.payload["params"])
        ions = task.table("ions")
        _, graph = read_graphs(task.table("pairings"), ions)
        new = set(ions.column("inchikey").to_pylist())
        is_new_cation = np.array([key in new for key in graph.cations], dtype=np.bool_)
        is_new_anion = np.array([key in new for key in graph.anions], dtype=np.bool_)
        trained = load_model(task.file("model"))
        best = best_partners(
            graph,
            link_scorer(graph, trained),
            is_new_cation,
            is_new_anion,
            per_ion=params.per_ion,
            floor=trained.calibration.logit(params.min_probability),
            max_multiplicity=params.max_multiplicity,
        )
        both = int((is_new_cation[best.cations] & is_new_anion[best.anions]).sum())
        links = link_table(graph, best, trained.calibration)
        return TaskOutput({"n_pairs": len(links), "n_both_new": both, "n_new_ions": len(new)}, {"links": links})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Pairings, link scores and evidence."""
        del payload, files
        model_id = context.result_of(LinksTrain.uses).result["model_id"]
        columns = (output.tables["links"].column(name).to_pylist() for name in _LINK)
        stage_rows(context.connection, "stage_link", _LINK, zip(*columns, strict=True))
        query.execute(context.connection, "links/add_pairings")
        query.execute(
            context.connection,
            "generated/add_scores",
            run_id=context.run_id,
            model_id=model_id,
            accept_from=self.params.accept_from,
            reason_break=REASON_BREAK,
        )
        query.execute(context.connection, "generated/add_pair_evidence", run_id=context.run_id)
        return {"model_id": model_id, **{k: v for k, v in output.result.items() if k != "files"}}
