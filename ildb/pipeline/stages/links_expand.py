"""Score every unmade pairing of the known ions and keep the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.errors import InputError
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_train import LinksTrain, read_graph

if TYPE_CHECKING:
    from ildb.links.dataset import LinkGraph
    from ildb.links.neighbours import PairReasons

_LINK = {"cation_inchikey": "text", "anion_inchikey": "text", "probability": "float4", "reasons": "text[]"}


def reason_texts(graph: LinkGraph, reasons: PairReasons) -> list[str]:
    """Why a pair was proposed, as sentences with the Tanimoto similarity of the ion they speak of."""
    cations = (
        f"known with this anion: {graph.cation_smiles[n.index]} (similarity {n.similarity:.2f})"
        for n in reasons.cations
    )
    anions = (
        f"known with this cation: {graph.anion_smiles[n.index]} (similarity {n.similarity:.2f})" for n in reasons.anions
    )
    return [*cations, *anions]


class LinksExpandParams(BaseModel):
    """Parameters of ``links.expand``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int = Field(default=20_000, ge=1, description="how many unmade pairings to keep in all")
    min_probability: float = Field(default=0.0, ge=0, le=1, description="keep none below this")
    accept_from: float = Field(default=0.5, ge=0, le=1, description="probability from which a link counts as accepted")
    max_multiplicity: int = Field(default=2, ge=1, le=8, description="largest count of one ion in the formula")
    cations_per_task: int = Field(
        default=1024, ge=1, description="best a multiple of 256, the cations the ranker describes at a time"
    )


class LinksExpand(Stage[LinksExpandParams]):
    """All cation x anion pairs in blocks of cations; only the retained reach the database."""

    uses: ClassVar[str] = "links.expand"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "score all unmade pairings of the known ions, keep the best"
    params_type: ClassVar[type[BaseModel]] = LinksExpandParams
    requires: ClassVar[tuple[str, ...]] = (LinksTrain.uses,)
    once_per_recipe: ClassVar[bool] = True  # link_score's key is run, round and pairing

    def fingerprint(self, connection: Connection) -> str:
        """Nothing beyond the model's own input."""
        del connection
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task per block of cations."""
        model = context.result_of(LinksTrain.uses).result
        pairings = pq.read_table(context.artifacts.get(model["pairings_sha256"]))
        n_cations = len(pc.unique(pairings.column("cation_inchikey")))
        return [
            {
                "model": model["model_sha256"],
                "pairings": model["pairings_sha256"],
                "cations": [begin, min(begin + self.params.cations_per_task, n_cations)],
                "params": self.params.model_dump(mode="json"),
            }
            for begin in range(0, n_cations, self.params.cations_per_task)
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Best unmade pairings of one block."""
        from ildb.links.score import score_unmade
        from ildb.links.store import load_model

        params = LinksExpandParams.model_validate(task.payload["params"])
        graph = read_graph(task.table("pairings"))
        trained = load_model(task.file("model"))
        begin, end = task.payload["cations"]
        scores = score_unmade(
            graph,
            trained,
            top=params.top,
            min_probability=params.min_probability,
            max_multiplicity=params.max_multiplicity,
            cations=(begin, end),
        )
        path = task.workdir / "links.parquet"
        pq.write_table(
            pa.table(
                {
                    "cation_inchikey": [graph.cations[i] for i in scores.cation_index],
                    "anion_inchikey": [graph.anions[i] for i in scores.anion_index],
                    "probability": pa.array(scores.probability, pa.float32()),
                    "reasons": pa.array(
                        [reason_texts(graph, scores.reasons[i]) for i in range(len(scores))], pa.list_(pa.string())
                    ),
                }
            ),
            path,
        )
        return TaskOutput({"n_kept": len(scores)}, files={"links_block": path})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Keep the block's file; the cut over all blocks comes at the end."""
        del context, payload, files
        return {"block": output.result["files"]["links_block"]}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The best of all blocks, as pairings with score and evidence."""
        blocks = [pq.read_table(context.artifacts.get(result["block"])) for result in results]
        order = [("probability", "descending"), ("cation_inchikey", "ascending"), ("anion_inchikey", "ascending")]
        best = pa.concat_tables(blocks).sort_by(order).slice(0, self.params.top)
        if not len(best):
            raise InputError("no unmade pairing reached min_probability.", "Lower it, or ingest more ions.")
        connection = context.connection
        stage_rows(connection, "stage_link", _LINK, zip(*(best.column(n).to_pylist() for n in _LINK), strict=True))
        query.execute(connection, "links/add_pairings")
        model_id = context.result_of(LinksTrain.uses).result["model_id"]
        kept = query.execute(
            connection,
            "links/add_scores",
            run_id=context.run_id,
            round=1,
            model_id=model_id,
            accept_from=self.params.accept_from,
        ).rowcount
        query.execute(connection, "links/add_evidence", run_id=context.run_id, round=1)
        return {
            "model_id": model_id,
            "n_kept": kept,
            "n_accepted": pc.sum(pc.greater_equal(best["probability"], self.params.accept_from)).as_py(),
            "lowest_probability": pc.min(best["probability"]).as_py(),
        }
