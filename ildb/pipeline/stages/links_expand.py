"""Score every unmade pairing of the known ions, or of all ions, and keep the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.errors import InputError
from ildb.pipeline import store
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_train import PAPER_METHOD, LinksTrain, read_graph

if TYPE_CHECKING:
    from ildb.links.dataset import LinkGraph
    from ildb.links.neighbours import PairReasons
    from ildb.links.tiles import Best

_LINK = {"cation_inchikey": "text", "anion_inchikey": "text", "probability": "float4", "reasons": "text[]"}
_TILE_PAIRS = 5_000_000_000
"""Pairs of a task of a vector model: seconds of work, so that little is lost when a worker dies."""
_RANKER_CATIONS = 1024


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
    """Parameters of ``links.expand``: which pairs to score and where to cut."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int = Field(default=20_000, ge=1, description="how many unmade pairings to keep in all: the budget")
    per_cation: int = Field(default=0, ge=0, description="how many to keep of one cation; 0: no limit")
    min_probability: float = Field(default=0.0, ge=0, le=1, description="keep none below this")
    accept_from: float = Field(default=0.5, ge=0, le=1, description="probability from which a link counts as accepted")
    max_multiplicity: int = Field(default=2, ge=1, le=8, description="largest count of one ion in the formula")
    ions: Literal["paired", "all"] = Field(
        default="paired", description="score the ions that have a known pairing, or every ion of the database"
    )
    rounds: int = Field(
        default=1,
        ge=1,
        le=100,
        description="of method graphsage_paper: train again on what was accepted, each time up to its share of top",
    )
    cations_per_task: int = Field(
        default=0, ge=0, description="0: as many as suit the model; best a multiple of 256, the height of a tile"
    )


class LinksExpand(Stage[LinksExpandParams]):
    """All cation x anion pairs, in tiles or in rounds; only the retained reach the database.

    What depends on an earlier task is added by it: rounds one after the other, tiles after the ions' vectors. The
    task and what it adds are stored in one transaction, so a run can be killed anywhere.
    """

    uses: ClassVar[str] = "links.expand"
    version: ClassVar[int] = 3
    summary: ClassVar[str] = "score all unmade pairings, keep the best, and estimate what the cut is worth"
    params_type: ClassVar[type[BaseModel]] = LinksExpandParams
    requires: ClassVar[tuple[str, ...]] = (LinksTrain.uses,)
    once_per_recipe: ClassVar[bool] = True  # link_score's key is run, round and pairing

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the ions, when more are scored than the model's own input has."""
        if self.params.ions == "paired":
            return ""
        return str(query.execute(connection, "links/ions_fingerprint").scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """The first round, the vectors that tiles are made from, or the ranker's blocks of cations."""
        model = context.result_of(LinksTrain.uses).result
        payload = {
            "model": model["model_sha256"],
            "pairings": model["pairings_sha256"],
            "method": model["method"],
            "ions": self._put_ions(context, model["leave_out"]),
            "params": self.params.model_dump(mode="json"),
        }
        if self.params.rounds > 1:
            if model["method"] != PAPER_METHOD or self.params.ions != "paired":
                raise InputError(
                    "rounds are the paper's method, on the ions that have known pairings.",
                    f'Use method = "{PAPER_METHOD}" to train and ions = "paired" here, or rounds = 1.',
                )
            return [{**payload, "do": "round", "round": 1}]
        if model["method"] != "ranker":
            return [{**payload, "do": "encode"}]
        step = self.params.cations_per_task or _RANKER_CATIONS
        blocks = _blocks(self._n_cations(context, payload), step)
        return [{**payload, "do": "heldout"}, *({**payload, "do": "rows", "cations": block} for block in blocks)]

    def _put_ions(self, context: StageContext, leave_out: Sequence[str]) -> str | None:
        if self.params.ions == "paired":
            return None
        rows = query.rows(context.connection, "links/ions", leave_out=list(leave_out))
        columns = store.as_columns(rows, ("inchikey", "smiles", "charge"))
        return context.put_table("links_ions", pa.table(columns))

    @staticmethod
    def _n_cations(context: StageContext, payload: Mapping[str, Any]) -> int:
        pairings = pq.read_table(context.artifacts.get(payload["pairings"]), columns=["cation_inchikey"])
        keys = pairings.column("cation_inchikey").combine_chunks()
        if payload["ions"]:
            ions = pq.read_table(context.artifacts.get(payload["ions"]))
            more = ions.filter(pc.greater(ions.column("charge"), 0)).column("inchikey").combine_chunks()
            keys = pa.concat_arrays([keys, more])
        return len(pc.unique(keys))

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Whatever the payload names."""
        from ildb.pipeline.stages import links_tasks

        work: dict[str, Callable[[TaskInput], TaskOutput]] = {
            "round": links_tasks.round_task,
            "encode": links_tasks.encode_task,
            "tiles": links_tasks.tiles_task,
            "rows": links_tasks.rows_task,
            "heldout": links_tasks.heldout_task,
        }
        return work[task.payload["do"]](task)

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Store a round's links and add the next; add the tiles; keep the file of a block."""
        hashes = output.result["files"]
        if payload["do"] == "round":
            return self._store_round(context, payload, output, files)
        if payload["do"] == "encode":
            from ildb.links.calibrate import Calibration

            floor = Calibration.model_validate(output.result["calibration"]).logit(self.params.min_probability)
            step = self.params.cations_per_task or max(1, _TILE_PAIRS // output.result["n_anions"] // 256) * 256
            shared = {
                "do": "tiles",
                "vectors": hashes["links_vectors"],
                "floor": floor if abs(floor) != float("inf") else None if floor < 0 else 1e38,
                "params": payload["params"],
            }
            for block in _blocks(output.result["n_cations"], step):
                _add_task(context, {**shared, "cations": block})
        kept = {key: hashes[f"links_{key}"] for key in ("block", "heldout") if f"links_{key}" in hashes}
        return {**kept, "calibration": output.result.get("calibration")}

    def _store_round(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        from ildb.links.calibrate import Calibration
        from ildb.pipeline.stages.links_tasks import read_best

        number, hashes = payload["round"], output.result["files"]
        model_id = context.result_of(LinksTrain.uses).result["model_id"]
        if number > 1:
            first = query.execute(context.connection, "links/model", model_id=model_id).mappings().one()
            model_id = store.add_model(
                context,
                "links",
                artifact_id=files["links_model"],
                snapshot_id=first["snapshot_id"],
                params=RoundParams(**first["params"], round=number),
                metrics=output.result["metrics"],
                seed=first["seed"],
            )
        graph = read_graph(pq.read_table(context.artifacts.get(payload["pairings"])))
        best = read_best(pq.read_table(context.artifacts.get(hashes["links_block"])))
        calibration = Calibration.model_validate(output.result["calibration"])
        kept = self._add_links(context, graph, _unrecorded(best, graph), calibration.probability, number, model_id)
        model = hashes.get("links_model", payload["model"])
        if number < self.params.rounds:
            _add_task(context, {**payload, "round": number + 1, "model": model, "accepted": hashes["links_block"]})
        metrics = output.result["metrics"]
        return {
            "round": number,
            "model_id": model_id,
            "n_new": kept["n"],
            "n_hidden_found": len(best) - kept["n"],
            "lowest_probability": kept["lowest"],
            "n_test": output.result["n_test"],
            "n_test_found": output.result["n_test_found"],
            **{key: metrics[key] for key in ("auroc_uniform", "mrr", "hits_at_10") if key in metrics},
        }

    def _add_links(
        self,
        context: StageContext,
        graph: LinkGraph,
        best: Best,
        probability: Callable[[Any], Any],
        number: int,
        model_id: int,
    ) -> dict[str, Any]:
        """Pairings, scores and evidence of some links; how many, and the least probable."""
        import numpy as np

        from ildb.links.features import graph_features
        from ildb.links.neighbours import explain

        connection = context.connection
        p = probability(best.logits).astype(np.float32)
        pairs = np.stack([best.cations, best.anions], axis=1)
        reasons = explain(graph, graph_features(graph), pairs, 3)
        rows = (
            (graph.cations[c], graph.anions[a], float(value), reason_texts(graph, reasons[i]))
            for i, (c, a, value) in enumerate(zip(pairs[:, 0], pairs[:, 1], p, strict=True))
        )
        stage_rows(connection, "stage_link", _LINK, rows)
        query.execute(connection, "links/add_pairings")
        n = query.execute(
            connection,
            "links/add_scores",
            run_id=context.run_id,
            round=number,
            model_id=model_id,
            accept_from=self.params.accept_from,
        ).rowcount
        query.execute(connection, "links/add_evidence", run_id=context.run_id, round=number)
        return {
            "n": n,
            "n_accepted": int((p >= np.float32(self.params.accept_from)).sum()),
            "lowest": float(p.min()) if len(p) else None,
        }

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The best of all blocks, as pairings with score and evidence; what the cut is worth and how it spreads."""
        from ildb.pipeline.stages.links_summary import of_expansion, of_rounds

        if self.params.rounds > 1:
            return of_rounds(context, results)
        from ildb.links.calibrate import Calibration
        from ildb.links.tiles import cut
        from ildb.pipeline.stages.links_tasks import read_best, read_graphs

        model = context.result_of(LinksTrain.uses).result
        pairings = pq.read_table(context.artifacts.get(model["pairings_sha256"]))
        ions = self._ions_of(context)
        paired, graph = read_graphs(pairings, ions)
        best = cut([], 0)
        for result in results:
            if "block" in result:  # two blocks at a time, so that memory follows what is kept
                block = read_best(pq.read_table(context.artifacts.get(result["block"])))
                best = cut([best, block], self.params.top)
        if not len(best):
            raise InputError(
                "no unmade pairing was left by min_probability and max_multiplicity.", "Lower the one, raise the other."
            )
        calibration = Calibration.model_validate(next(r["calibration"] for r in results if r.get("calibration")))
        kept = self._add_links(context, graph, best, calibration.probability, 1, model["model_id"])
        heldout = next(result["heldout"] for result in results if "heldout" in result)
        return {
            "model_id": model["model_id"],
            "n_kept": kept["n"],
            "n_accepted": kept["n_accepted"],
            "lowest_probability": kept["lowest"],
            **of_expansion(context, paired, graph, best, calibration, heldout),
        }

    def _ions_of(self, context: StageContext) -> pa.Table | None:
        if self.params.ions == "paired":
            return None
        sha256 = query.execute(
            context.connection, "links/ions_artifact", stage_run_id=context.stage_run_id
        ).scalar_one()
        return pq.read_table(context.artifacts.get(sha256))


class RoundParams(BaseModel):
    """Parameters of the model of a later round: those of the first, and its number."""

    model_config = ConfigDict(extra="allow", frozen=True)

    round: int


def _blocks(n: int, step: int) -> list[list[int]]:
    return [[begin, min(begin + step, n)] for begin in range(0, n, step)]


def _unrecorded(best: Best, graph: LinkGraph) -> Best:
    """Without the hidden known pairings that a round found."""
    import numpy as np

    from ildb.links.split import PairSet
    from ildb.links.tiles import Best

    new = ~PairSet(graph.edges, graph.n_anions).contains(np.stack([best.cations, best.anions], axis=1))
    return Best(best.cations[new], best.anions[new], best.logits[new])


def _add_task(context: StageContext, payload: Mapping[str, Any]) -> None:
    """One more task for the stage whose task is being stored, after all others."""
    query.execute(context.connection, "links/add_task", stage_run_id=context.stage_run_id, payload=jsonb(payload))
