"""Draw new ions from the cores and substituents of the known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.generate.filters import Filters
from ildb.pipeline import store
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages import generated_rows
from ildb.pipeline.stages.generated_rows import Draw, Origin

if TYPE_CHECKING:
    from ildb.generate.enumerate import Enumerator


class GenerateEnumerateParams(Filters):
    """Parameters of ``generate.enumerate``: how much to draw, and the limits a new ion must keep to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["frequency", "ranked"] = Field(
        default="frequency",
        description="frequency: at random, repeats and all; ranked: new ions, each once, in the order of what chemists "
        "would make, as learnt from hiding known ions",
    )
    draws: int = Field(default=20_000, ge=1, description="ions to draw in all")
    draws_per_task: int = Field(default=2_000, ge=1)
    anion_share: float = Field(default=0.35, ge=0, le=1, description="share of the draws that are anions")
    two_sites: float = Field(default=0.3, ge=0, le=1, description="share of the draws that exchange two substituents")
    power: float = Field(
        default=1.0,
        ge=0,
        le=2,
        description="frequent cores and substituents are drawn by this power of their frequency",
    )
    min_bonds: int = Field(
        default=3, ge=1, description="known ions that must have a bond between two kinds of atoms before a new ion may"
    )
    temperature: float = Field(
        default=0.0, ge=0, le=5, description="ranked: noise on the log odds of an ion; 0: always the likeliest"
    )
    seed: int = Field(default=0, ge=0, lt=2**32)

    def filters(self) -> Filters:
        """The limits alone."""
        return Filters.model_validate(self.model_dump(include=set(Filters.model_fields)))


class GenerateEnumerate(Stage[GenerateEnumerateParams]):
    """Core and substituent recombination; the rules learnt from the known ions are kept as a model.

    Ranked ions are put in order once, by the task that learns; the others judge a slice of them each.
    """

    uses: ClassVar[str] = "generate.enumerate"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = (
        "draw new ions by recombining cores and substituents of known ones; every draw accounted for"
    )
    params_type: ClassVar[type[GenerateEnumerateParams]] = GenerateEnumerateParams
    packages: ClassVar[tuple[str, ...]] = ("numpy", "rdkit", "scipy", "xgboost-cpu")

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings."""
        return str(query.execute(connection, "links/fingerprint", sources=False).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Learn the rules first; the draws are added when they are stored."""
        known = generated_rows.put_known(context)
        return [{"do": "learn", **known, "params": self.params.model_dump(mode="json")}]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Learn, or draw and judge."""
        if task.payload["do"] == "learn":
            return _learn(task)
        params = GenerateEnumerateParams.model_validate(task.payload["params"])
        if params.method == "ranked":
            return _judge_ranked(task, params)
        seed, n = task.payload["seed"], task.payload["n"]
        enumerator = _enumerator(task.file("rules"), params.min_bonds, params.two_sites, params.power)
        charges = generated_rows.charges_like(task.table("known"), n, params.anion_share, enumerator.charges, seed)
        draws = [Draw(raw, charge) for raw, charge in zip(enumerator.draw(charges, seed), charges, strict=True)]
        judge = generated_rows.judge_of(task, params.filters())
        return generated_rows.judged_output(judge, draws, Origin("enumeration", seed, None, task.payload["first"]))

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """The rules as a model and the tasks that draw; or the draws."""
        if payload["do"] == "draw":
            return generated_rows.store_draws(context, output, payload["model_id"])
        model_id = store_rules(context, self.params, output, files)
        params = self.params
        ranked = output.tables.get("ranked")
        shared = {"ranked": context.put_table("generated_ranked", ranked)} if ranked is not None else {}
        for number, first in enumerate(range(0, params.draws, params.draws_per_task)):
            task = {
                **payload,
                **shared,
                "do": "draw",
                "rules": output.result["files"]["fragments_model"],
                "model_id": model_id,
                "first": first,
                "n": min(params.draws_per_task, params.draws - first),
                "seed": generated_rows.task_seed(params.seed, number),
            }
            query.execute(context.connection, "links/add_task", stage_run_id=context.stage_run_id, payload=jsonb(task))
        return {"model_id": model_id}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many draws had which outcome."""
        del context
        return generated_rows.total(results, results[0]["model_id"])


def store_rules(
    context: StageContext, params: GenerateEnumerateParams, output: TaskOutput, files: Mapping[str, int]
) -> int:
    """Snapshot of the claims that make an ion known, and the rules as a model; its id."""
    rows = query.rows(context.connection, "generated/known_evidence")
    members = [(row["id"], None, "train") for row in rows]
    snapshot_id = store.add_snapshot(context, "fragments", [row["key"] for row in rows], members)
    return store.add_model(
        context,
        "fragments",
        artifact_id=files["fragments_model"],
        snapshot_id=snapshot_id,
        params=params,
        metrics={name: float(value) for name, value in output.result["metrics"].items()},
        seed=params.seed,
    )


def _learn(task: TaskInput) -> TaskOutput:
    from ildb.generate.fragments import learn_fragments

    smiles = task.table("known").column("smiles").to_pylist()
    if not smiles:
        raise InputError("there are no known ions to learn from.", "Ingest some first: ildb ingest ilthermo")
    rules = learn_fragments(smiles)
    path = task.workdir / "rules.json"
    path.write_text(rules.model_dump_json(), encoding="utf-8")
    metrics = {"n_ions": rules.n_ions, "n_cores": len(rules.cores), "n_substituents": len(rules.substituents)}
    params = GenerateEnumerateParams.model_validate(task.payload["params"])
    tables = {"ranked": _ranked(task, smiles, params)} if params.method == "ranked" else {}
    return TaskOutput({"metrics": metrics}, tables, {"fragments_model": path})


def _ranked(task: TaskInput, smiles: Sequence[str], params: GenerateEnumerateParams) -> pa.Table:
    """All draws of the stage with their charges, in order."""
    from ildb.generate.ranked import RankedEnumerator

    ranked = RankedEnumerator(smiles, seed=params.seed, min_bonds=params.min_bonds)
    charges = generated_rows.charges_like(
        task.table("known"), params.draws, params.anion_share, ranked.charges, params.seed
    )
    drawn = ranked.draw(charges, params.seed, temperature=params.temperature)
    return pa.table({"smiles": [text for text, _ in drawn], "charge": [charge for _, charge in drawn]})


def _judge_ranked(task: TaskInput, params: GenerateEnumerateParams) -> TaskOutput:
    first = task.payload["first"]
    rows = task.table("ranked").slice(first, task.payload["n"]).to_pylist()
    draws = [Draw(row["smiles"], row["charge"]) for row in rows]
    origin = Origin("enumeration", params.seed, params.temperature, first)
    return generated_rows.judged_output(generated_rows.judge_of(task, params.filters()), draws, origin)


@lru_cache(maxsize=1)
def _enumerator(path: Path, min_bonds: int, two_sites: float, power: float) -> Enumerator:
    """Kept by the worker for its next task; the path names the content."""
    from ildb.generate.enumerate import Enumerator
    from ildb.generate.fragments import FragmentRules

    rules = FragmentRules.model_validate_json(path.read_text(encoding="utf-8"))
    return Enumerator(rules, min_bonds=min_bonds, two_sites=two_sites, power=power)
