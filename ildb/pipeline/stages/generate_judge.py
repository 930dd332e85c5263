"""Judge a trained generator by figures that recombining known ions cannot win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.pipeline import store
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages import generated_rows
from ildb.pipeline.stages.generate_train import GenerateTrain

_MELTING = "melting.train"


class GenerateJudgeParams(BaseModel):
    """Parameters of ``generate.judge``: how much to draw, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draws: int = Field(default=20_000, ge=10, description="of each generator and seed")
    seeds: tuple[int, ...] = Field(default=(11, 12, 13), min_length=1)
    temperature: float = Field(default=0.5, ge=0, le=5, description="of the decoder")
    scale: float = Field(default=0.8, gt=0, le=3, description="standard deviation of the prior")
    screened: int = Field(default=1_000, ge=1, description="new ions of each generator sent through the melting screen")
    mask: Literal["grammar", "none"] = Field(default="grammar", description="keep the decoder to valid SMILES")
    seed: int = Field(default=0, ge=0, lt=2**32)


class GenerateJudge(Stage[GenerateJudgeParams]):
    """The figures of a ``generate.train`` beside shuffling, enumeration and an n-gram, in a model row of their own.

    The row has the file and snapshot of the model that is judged, and its figures together with the new ones; models
    are never changed. The melting screen is asked where the stage needs a ``melting.train``, too.
    """

    uses: ClassVar[str] = "generate.judge"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "judge a trained generator: rediscovery, new cores and screened yield beside enumeration"
    params_type: ClassVar[type[BaseModel]] = GenerateJudgeParams
    requires: ClassVar[tuple[str, ...]] = (GenerateTrain.uses,)
    packages: ClassVar[tuple[str, ...]] = ("torch", "rdkit")

    def fingerprint(self, connection: Connection) -> str:
        """Nothing but what the needed stages made."""
        del connection
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task."""
        trained = context.result_of(GenerateTrain.uses).result
        if trained["kind"] != "ion":
            raise InputError("These figures are of single ions.", 'Train with kind = "ion".')
        melting = [up.result["model_sha256"] for up in context.upstream if up.uses == _MELTING]
        return [
            {
                **generated_rows.put_known(context),
                "model": trained["model_sha256"],
                "split": trained["split_sha256"],
                "melting": melting[0] if melting else None,
                "params": self.params.model_dump(mode="json"),
            }
        ]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Draw, judge, compare."""
        import torch

        from ildb.generate.contest import Settings, contest
        from ildb.generate.grammar import IonGrammar
        from ildb.generate.sequence import SequenceVAE
        from ildb.pipeline.stages.generate_sample import melting_score

        torch.set_num_threads(task.threads)
        params = GenerateJudgeParams.model_validate(task.payload["params"])
        model = SequenceVAE.load(task.file("model"), task.payload["model"])
        split = task.table("split").to_pylist()
        ions = {
            part: [(row["smiles"], row["charge"]) for row in split if row["split"] == part]
            for part in ("train", "test")
        }
        figures = contest(
            model,
            ions["train"],
            ions["test"],
            Settings(
                n=params.draws,
                seeds=params.seeds,
                temperature=params.temperature,
                scale=params.scale,
                n_screened=params.screened,
            ),
            mask=IonGrammar(model.vocabulary) if params.mask == "grammar" else None,
            score=melting_score(task) if task.payload["melting"] else None,
        )
        return TaskOutput({"metrics": figures})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """A model row with all figures."""
        del payload, files
        trained = context.result_of(GenerateTrain.uses).result
        judged = query.execute(context.connection, "generated/model", model_id=trained["model_id"]).mappings().one()
        model_id = store.add_model(
            context,
            "vae",
            artifact_id=judged["artifact_id"],
            snapshot_id=judged["snapshot_id"],
            params=JudgedParams(**judged["params"], judged=self.params.model_dump(mode="json")),
            # The strict figures of the masked draws stand beside the plain ones of the training, by other names.
            metrics={
                **judged["metrics"],
                **{_name(k, judged["metrics"]): v for k, v in output.result["metrics"].items()},
            },
            seed=judged["seed"],
        )
        keep = (
            "rediscovery_ratio",
            "ranked.rediscovery_ratio",
            "pair_both_novel_share",
            "novel_core_per_10k",
            "screened_yield_ratio",
        )
        figures = output.result["metrics"]
        return {"model_id": model_id, **{name: figures[name] for name in keep if name in figures}}


class JudgedParams(BaseModel):
    """Parameters of a judged model: those of its training, and how it was judged."""

    model_config = ConfigDict(extra="allow", frozen=True)

    judged: dict[str, Any]


def _name(key: str, there: Mapping[str, Any]) -> str:
    return f"masked.{key}" if key in there else key
