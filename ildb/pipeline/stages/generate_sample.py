"""Draw new ions, or whole ionic liquids, from a sequence model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.generate.filters import Filters
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages import generated_rows
from ildb.pipeline.stages.generated_rows import Draw, Origin

if TYPE_CHECKING:
    from ildb.generate.melting_score import MeltingScore
    from ildb.generate.sequence import SequenceVAE

_TRAIN, _MELTING = "generate.train", "melting.train"
_COUNTER_IONS = 4


class GenerateSampleParams(Filters):
    """Parameters of ``generate.sample``: where to draw, how, and the limits a new ion must keep to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["prior", "around", "between", "steered"] = Field(
        default="prior", description="steered: in rounds towards low melting points, by a melting.train it needs"
    )
    anchors: tuple[str, ...] = Field(
        default=(), description="SMILES of ions or salts, for around and between; around: none means all known ions"
    )
    draws: int = Field(default=10_000, ge=1, description="strings to draw in all")
    draws_per_task: int = Field(default=2_000, ge=1)
    anion_share: float = Field(default=0.35, ge=0, le=1, description="share of the draws that are anions")
    temperature: float = Field(default=0.5, ge=0, le=5, description="of the decoder; 0: the likeliest token each time")
    scale: float = Field(default=0.8, gt=0, le=3, description="standard deviation of the prior, drawn narrower below 1")
    spread: float = Field(default=0.35, ge=0, le=3, description="how far draws stray around, between and when steered")
    rounds: int = Field(default=12, ge=1, le=100, description="of a steered search, in each task")
    mask: Literal["grammar", "none"] = Field(default="grammar", description="keep the decoder to valid SMILES")
    seed: int = Field(default=0, ge=0, lt=2**32)

    def filters(self) -> Filters:
        """The limits alone."""
        return Filters.model_validate(self.model_dump(include=set(Filters.model_fields)))


class GenerateSample(Stage[GenerateSampleParams]):
    """Draws from the model of the ``generate.train`` it needs, else from the one that comes with ildb."""

    uses: ClassVar[str] = "generate.sample"
    version: ClassVar[int] = 3
    summary: ClassVar[str] = (
        "draw new ions from a sequence model: prior, around ions, between two, or steered to low melting points"
    )
    params_type: ClassVar[type[GenerateSampleParams]] = GenerateSampleParams
    packages: ClassVar[tuple[str, ...]] = ("torch", "rdkit")

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings, and the model that comes with ildb."""
        from ildb.generate.shipped import shipped_sha256

        known = query.execute(connection, "links/fingerprint", sources=False).scalar_one()
        return f"{known} {shipped_sha256()}"

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Slices of the draws, each with its own seed."""
        from ildb.generate.sampling import read_anchors

        params = self.params
        read_anchors(params.anchors)  # what is wrong with them is said before anything is drawn
        shared = {
            **generated_rows.put_known(context),
            **self._model(context),
            "params": params.model_dump(mode="json"),
        }
        if params.method == "steered":
            melting = [up for up in context.upstream if up.uses == _MELTING]
            if len(melting) != 1:
                raise InputError(
                    'method = "steered" asks a melting model.', f"Let the stage need exactly one that uses {_MELTING}."
                )
            shared["melting"] = melting[0].result["model_sha256"]
        return [
            {
                **shared,
                "first": first,
                "n": min(params.draws_per_task, params.draws - first),
                "seed": generated_rows.task_seed(params.seed, number),
            }
            for number, first in enumerate(range(0, params.draws, params.draws_per_task))
        ]

    def _model(self, context: StageContext) -> dict[str, Any]:
        trained = [up for up in context.upstream if up.uses == _TRAIN]
        if len(trained) > 1:
            raise InputError("The stage needs two trained generators.", f"Let it need one that uses {_TRAIN}.")
        if trained:
            return {"model": trained[0].result["model_sha256"], "model_id": trained[0].result["model_id"]}
        return _register_shipped(context)

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Draw one slice and judge it."""
        import torch

        params = GenerateSampleParams.model_validate(task.payload["params"])
        torch.set_num_threads(task.threads)
        draws = _draws(task, params)
        origin = Origin(params.method, task.payload["seed"], params.temperature, task.payload["first"])
        return generated_rows.judged_output(generated_rows.judge_of(task, params.filters()), draws, origin)

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """One row a draw, and the new ions."""
        del files
        return {"model_id": payload["model_id"], **generated_rows.store_draws(context, output, payload["model_id"])}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How many draws had which outcome."""
        del context
        return generated_rows.total(results, results[0]["model_id"])


def _register_shipped(context: StageContext) -> dict[str, Any]:
    """The model that comes with ildb as a model of this stage; its data are claims of the sources it learnt from."""
    from ildb.generate.shipped import shipped_model

    shipped = shipped_model()
    file = context.artifacts.put(shipped.path)
    artifact_id = context.add_artifact("vae_model", file)
    evidence = query.rows(context.connection, "generated/known_evidence")
    if not evidence:
        raise InputError("there are no known ions to compare with.", "Ingest some first: ildb ingest ilthermo")
    named = query.rows(context.connection, "generated/evidence_of_sources", names=list(shipped.sources))
    members = [(row["id"], None, "train") for row in named or evidence]
    snapshot_id = store.add_snapshot(context, "vae", {"shipped": shipped.sha256}, members)
    model_id = store.add_model(
        context,
        "vae",
        artifact_id=artifact_id,
        snapshot_id=snapshot_id,
        params=shipped.params,
        metrics=shipped.metrics,
        seed=shipped.seed,
    )
    return {"model": file.sha256, "model_id": model_id}


def _draws(task: TaskInput, params: GenerateSampleParams) -> list[Draw]:
    from ildb.generate.grammar import IonGrammar
    from ildb.generate.sampling import Start, around, between, known_anchors, read_anchors
    from ildb.generate.sequence import PAIR_CHARGE
    from ildb.generate.steer import N_BEGIN, steered_draws

    model = _model_of(task.file("model"), task.payload["model"])
    n, seed = task.payload["n"], task.payload["seed"]
    pairs = model.vocabulary.charges == (PAIR_CHARGE,)
    mask = None if pairs or params.mask == "none" else IonGrammar(model.vocabulary)
    if params.method in ("around", "between"):
        if pairs:
            raise InputError(f"method = {params.method!r} needs a model of ions.", 'Train with kind = "ion".')
        anchors = read_anchors(params.anchors)
        if params.method == "around" and not anchors:
            anchors = known_anchors(model, _ions(task), n, params.anion_share, seed)
        begin = around if params.method == "around" else between
        start = begin(model, anchors, n, params.spread, seed)
    else:
        known = task.table("known")
        charges = (
            [PAIR_CHARGE] * n
            if pairs
            else generated_rows.charges_like(known, n, params.anion_share, model.vocabulary.charges, seed)
        )
        if params.method == "steered":
            steered = steered_draws(
                model, charges, generated_rows.judge_of(task, params.filters()), melting_score(task),
                rounds=params.rounds, spread=params.spread, scale=params.scale, temperature=params.temperature,
                mask=mask, seed=seed, begin=known_anchors(model, _ions(task), N_BEGIN, params.anion_share, seed),
            )  # fmt: skip
            return [Draw(draw.raw, draw.charge, draw.finished, draw.round) for draw in steered]
        start = Start(model.prior(n, charges, seed=seed, scale=params.scale), charges)
    drawn = model.draw(start.z, start.charges, mask=mask, temperature=params.temperature, seed=seed)
    return [
        Draw(raw, charge, end)
        for raw, charge, end in zip(drawn.smiles, start.charges, drawn.finished.tolist(), strict=True)
    ]


def _ions(task: TaskInput) -> Iterator[tuple[str, int]]:
    """SMILES and charges of the known ions."""
    return ((row["smiles"], row["charge"]) for row in task.table("known").to_pylist())


def melting_score(task: TaskInput) -> MeltingScore:
    """Judged with the known ions of each sign that have most partners."""
    from ildb.generate.melting_score import CounterIon, MeltingScore
    from ildb.melting.store import load

    rows = sorted(task.table("known").to_pylist(), key=lambda row: (-row["n_partners"], row["inchikey"]))
    counters = [
        CounterIon(row["smiles"], row["charge"])
        for sign in (1, -1)
        for row in [row for row in rows if row["charge"] * sign > 0][:_COUNTER_IONS]
    ]
    return MeltingScore(load(task.file("melting")), counters)


@lru_cache(maxsize=1)
def _model_of(path: Path, sha256: str) -> SequenceVAE:
    """Kept by the worker for its next task; the path names the content."""
    from ildb.generate.sequence import SequenceVAE

    return SequenceVAE.load(path, sha256)
