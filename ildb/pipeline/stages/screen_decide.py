"""Turn link and melting scores into decisions with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import copy_rows
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_expand import LinksExpand
from ildb.pipeline.stages.melting_score import MeltingScoreStage
from ildb.pipeline.stages.pair_scores import proposing_runs
from ildb.screen.params import ScreenParams

if TYPE_CHECKING:
    from ildb.screen.candidate import Candidates

# The reasons are sent as jsonb's binary form, a 1 and the text: parsing them here only to write them again would cost
# more than the decisions.
_DECISION = {
    "run_id": "int8", "melting_model_id": "int8", "link_run_id": "int8", "pairing_id": "int8", "passed": "bool",
    "rank": "int4", "score": "float4", "sa_score": "float4", "pareto_rank": "int4", "crowding": "float4",
    "pick_order": "int4", "reasons": "bytea",
}  # fmt: skip
_OF_RUN = 2
_JSONB_VERSION = b"\x01"
_NUMBERS = ("link_probability", "p_below_373_k", "tm_k", "tm_low_k", "tm_high_k", "nearest_similarity")
_COLUMNS = ("pairing_id", "link_run_id", "cation_id", "anion_id", *_NUMBERS, "in_domain", "domain_reasons", "nearest")
_IONS = ("id", "smiles", "known")


class ScreenDecide(Stage[ScreenParams]):
    """The decision that joins links and melting: every candidate gets a row with every reason."""

    uses: ClassVar[str] = "screen.decide"
    version: ClassVar[int] = 3
    packages: ClassVar[tuple[str, ...]] = ("numpy", "rdkit")
    summary: ClassVar[str] = (
        "decide on every retained pairing, with reasons; rank those that pass and pick a diverse few"
    )
    params_type: ClassVar[type[BaseModel]] = ScreenParams
    requires: ClassVar[tuple[str, ...]] = (LinksExpand.uses, MeltingScoreStage.uses)
    once_per_recipe: ClassVar[bool] = True

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings, whose ions need no proof that they can be made."""
        return str(query.execute(connection, "links/fingerprint", sources=False).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: ranks and diversity limits need all candidates at once."""
        rows = query.rows(
            context.connection,
            "screen/candidates",
            link_run_ids=proposing_runs(context),
            model_id=context.result_of(MeltingScoreStage.uses).result["model_id"],
        )
        columns = store.as_columns(rows, _COLUMNS)
        ids = sorted({*columns["cation_id"], *columns["anion_id"]})
        ions = query.rows(context.connection, "screen/ions", ids=ids)
        return [
            {
                "candidates": context.put_table("screen_input", pa.table(columns)),
                "ions": context.put_table("screen_ions", pa.table(store.as_columns(ions, _IONS))),
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Check, rank, pick."""
        import numpy as np

        from ildb.screen.decide import decide

        candidates = _candidates(task.table("candidates"), task.table("ions"))
        decisions = decide(candidates, ScreenParams.model_validate(task.payload["params"]))
        failed = ~decisions.passed
        table = pa.table(
            {
                "link_run_id": task.table("candidates").column("link_run_id"),
                "pairing_id": candidates.pairing_id,
                "passed": decisions.passed,
                "rank": pa.array(decisions.rank, pa.int32(), mask=failed),
                "score": decisions.score.astype(np.float32),
                "sa_score": decisions.sa_score.astype(np.float32),
                "pareto_rank": pa.array(decisions.pareto_rank, pa.int32(), mask=failed),
                "crowding": pa.array(decisions.crowding.astype(np.float32), mask=failed),
                "pick_order": pa.array(decisions.pick_order, pa.int32(), mask=decisions.pick_order == 0),
                "reasons": pa.array(decisions.reasons_json(), pa.large_string()),
            }
        )
        n_picked = int((decisions.pick_order > 0).sum())
        return TaskOutput({"n_passed": int(decisions.passed.sum()), "n_picked": n_picked}, {"decisions": table})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row per candidate."""
        del payload, files
        of_run = (
            context.run_id,
            context.result_of(MeltingScoreStage.uses).result["model_id"],
        )
        n_decided = 0
        # Batch by batch, because the reasons of all candidates as Python objects take a gigabyte.
        for batch in output.tables["decisions"].to_batches(max_chunksize=20_000):
            columns = [batch.column(name).to_pylist() for name in list(_DECISION)[_OF_RUN:]]
            rows = ((*of_run, *row[:-1], _JSONB_VERSION + row[-1].encode()) for row in zip(*columns, strict=True))
            n_decided += copy_rows(context.connection, "screening_decision", _DECISION, rows)
        return {"n_decided": n_decided, **output.result}


def _candidates(table: pa.Table, ions: pa.Table) -> Candidates:
    import numpy as np

    from ildb.screen.candidate import CandidateIon, Candidates

    def column(name: str) -> Any:
        return table.column(name).to_numpy()

    ids = ions.column("id").to_numpy()
    return Candidates(
        ions=[
            CandidateIon(*row)
            for row in zip(ions.column("smiles").to_pylist(), ions.column("known").to_pylist(), strict=True)
        ],
        pairing_id=column("pairing_id"),
        cation=np.searchsorted(ids, column("cation_id")),
        anion=np.searchsorted(ids, column("anion_id")),
        # What is retained from the links is never known.
        known=np.zeros(len(table), dtype=np.bool_),
        in_domain=column("in_domain"),
        domain_reasons=table.column("domain_reasons").to_pylist(),
        nearest=table.column("nearest").to_pylist(),
        **{name: pc.fill_null(table.column(name).cast(pa.float64()), np.nan).to_numpy() for name in _NUMBERS},
    )
