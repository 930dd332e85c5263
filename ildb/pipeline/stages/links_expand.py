"""Score every unmade pairing of the known ions, or of all ions, and keep the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

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
from ildb.pipeline.stages.links_train import PAPER_METHOD, REASON_BREAK, LinksTrain

_LINK = {"cation_inchikey": "text", "anion_inchikey": "text", "probability": "float4", "reasons": "text"}
_LARGEST = 3e38
"""Stands for infinity where JSON knows none; a score in single precision is never larger."""
_TILE_PAIRS = 5_000_000_000
"""Pairs of a task of a vector model: seconds of work, so that little is lost when a worker dies."""
_RANKER_CATIONS = 4096
"""Before it scores anything a task of the ranker compares all ions, as long as it then takes for 2,000 cations."""


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
    version: ClassVar[int] = 4
    packages: ClassVar[tuple[str, ...]] = LinksTrain.packages
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
        return [{**payload, "do": "rows", "cations": block, "n_blocks": len(blocks)} for block in blocks]

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
            "cut": links_tasks.cut_task,
        }
        return work[task.payload["do"]](task)

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Store the links of a round or of the cut; add the task that follows from this one."""
        model_id = context.result_of(LinksTrain.uses).result["model_id"]
        if payload["do"] == "round":
            return self._store_round(context, payload, output, files, model_id)
        if payload["do"] == "cut":
            kept = self._add_links(context, output.result["files"]["links_kept"], 1, model_id)
            return {key: value for key, value in output.result.items() if key != "files"} | kept
        if payload["do"] == "encode":
            self._add_tiles(context, payload, output)
        else:
            _add_cut_after_last(context, payload, output.result["calibration"])
        return {}

    def _add_tiles(self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput) -> None:
        from ildb.links.calibrate import Calibration

        calibration = output.result["calibration"]
        floor = Calibration.model_validate(calibration).logit(self.params.min_probability)
        step = self.params.cations_per_task or max(1, _TILE_PAIRS // output.result["n_anions"] // 256) * 256
        blocks = _blocks(output.result["n_cations"], step)
        shared = {
            **payload,
            "do": "tiles",
            "vectors": output.result["files"]["links_vectors"],
            "floor": max(-_LARGEST, min(floor, _LARGEST)),
            "calibration": calibration,
            "n_blocks": len(blocks),
        }
        for block in blocks:
            _add_task(context, {**shared, "cations": block})

    def _store_round(
        self,
        context: StageContext,
        payload: Mapping[str, Any],
        output: TaskOutput,
        files: Mapping[str, int],
        model_id: int,
    ) -> dict[str, Any]:
        number, hashes, metrics = payload["round"], output.result["files"], output.result["metrics"]
        if number > 1:
            first = query.execute(context.connection, "links/model", model_id=model_id).mappings().one()
            model_id = store.add_model(
                context,
                "links",
                artifact_id=files["links_model"],
                snapshot_id=first["snapshot_id"],
                params=RoundParams(**first["params"], round=number),
                metrics=metrics,
                seed=first["seed"],
            )
        kept = self._add_links(context, hashes["links_kept"], number, model_id)
        if number < self.params.rounds:
            model = hashes.get("links_model", payload["model"])
            _add_task(context, {**payload, "round": number + 1, "model": model, "accepted": hashes["links_block"]})
        said = ("round", "n_hidden_found", "n_test", "n_test_found", "distance_known", "distance_new")
        return {
            **kept,
            **{key: output.result[key] for key in said},
            **{key: metrics[key] for key in ("auroc_uniform", "mrr", "hits_at_10") if key in metrics},
        }

    def _add_links(self, context: StageContext, sha256: str, number: int, model_id: int) -> dict[str, Any]:
        """Pairings, scores and evidence of the links in a file; how many, and the least probable."""
        connection = context.connection
        table = pq.read_table(context.artifacts.get(sha256))
        stage_rows(connection, "stage_link", _LINK, zip(*(table.column(n).to_pylist() for n in _LINK), strict=True))
        query.execute(connection, "links/add_pairings")
        n = query.execute(
            connection,
            "links/add_scores",
            run_id=context.run_id,
            round=number,
            model_id=model_id,
            accept_from=self.params.accept_from,
            reason_break=REASON_BREAK,
        ).rowcount
        query.execute(connection, "links/add_evidence", run_id=context.run_id, round=number)
        return {
            "model_id": model_id,
            "n_kept": n,
            "n_accepted": pc.sum(pc.greater_equal(table["probability"], self.params.accept_from)).as_py() or 0,
            "lowest_probability": pc.min(table["probability"]).as_py(),
        }

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What was kept, what the cut is worth and how it spreads over the ions."""
        from ildb.pipeline.stages.links_summary import of_cut, of_rounds

        if self.params.rounds > 1:
            return of_rounds(context, results)
        return of_cut(context, results[-1])


class RoundParams(BaseModel):
    """Parameters of the model of a later round: those of the first, and its number."""

    model_config = ConfigDict(extra="allow", frozen=True)

    round: int


def _blocks(n: int, step: int) -> list[list[int]]:
    return [[begin, min(begin + step, n)] for begin in range(0, n, step)]


def _add_cut_after_last(context: StageContext, payload: Mapping[str, Any], calibration: Mapping[str, Any]) -> None:
    """Add the cut over all blocks once the last of them is being stored, by whichever runner."""
    query.execute(context.connection, "links/lock_blocks", stage_run_id=context.stage_run_id)
    found: dict[str, list[str]] = {}
    for row in query.rows(context.connection, "links/artifacts", stage_run_id=context.stage_run_id):
        found.setdefault(row["kind"], []).append(row["sha256"])
    if len(found["links_block"]) == payload["n_blocks"]:
        (heldout,) = found["links_heldout"]
        blocks = sorted(found["links_block"])
        _add_task(context, {**payload, "do": "cut", "blocks": blocks, "heldout": heldout, "calibration": calibration})


def _add_task(context: StageContext, payload: Mapping[str, Any]) -> None:
    """One more task for the stage whose task is being stored, after all others."""
    query.execute(context.connection, "links/add_task", stage_run_id=context.stage_run_id, payload=jsonb(payload))
