"""Train and judge a sequence VAE: of ions, or of whole ionic liquids as in the paper."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.generate.params import VaeParams
from ildb.hashing import sha256_json
from ildb.links.dataset import IonRow
from ildb.pipeline import store
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.stages.links_train import PAIRING_COLUMNS

_EXPAND = "links.expand"
_CHECKPOINTS = ".training"
_ABANDONED_S = 30 * 86_400.0


class GenerateTrainParams(VaeParams):
    """Parameters of ``generate.train``: what to learn, the settings of the network, and what is held out."""

    kind: Literal["ion", "pair"] = Field(default="ion", description="learn ions, or whole ionic liquids")
    dataset: Literal["collected", "combinations", "expanded"] = Field(
        default="collected",
        description="of kind pair: known pairings; any neutral 1:1 pair of known ions; known and predicted pairings",
    )
    top: int = Field(default=262_000, ge=1, description="of dataset combinations: most pairs to learn from")
    heldout: float = Field(default=0.1, ge=0, lt=1, description="share of ions or pairs kept out to judge by")
    variants: int = Field(default=200_000, ge=0, description="of kind ion: recombined and changed ions to learn from")
    variant_share: float = Field(default=0.5, ge=0, lt=1, description="share of the training draws that are those")
    anion_share: float = Field(default=0.33, gt=0, lt=1, description="of kind ion: share of the draws that are anions")
    leave_out: tuple[str, ...] = Field(
        default=("inorganic_cation",), description="pairings with an ion that carries one of these flags are not learnt"
    )
    drawn: int = Field(default=2000, ge=1, description="strings to draw for the figures")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: a GPU where there is one")
    processes: int = Field(
        default=1, ge=0, description="processes that share every batch, one a GPU; 0: as many as there are GPUs"
    )

    def vae(self) -> VaeParams:
        """The settings of the network and its training alone."""
        return VaeParams.model_validate(self.model_dump(include=set(VaeParams.model_fields)))


class GenerateTrain(Stage[GenerateTrainParams]):
    """A recurrent VAE; its checkpoints outlive the process, so that a killed training goes on from the last one."""

    uses: ClassVar[str] = "generate.train"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "train a sequence VAE on known ions, or on whole ionic liquids as in the paper"
    params_type: ClassVar[type[BaseModel]] = GenerateTrainParams
    packages: ClassVar[tuple[str, ...]] = ("torch", "rdkit")

    def fingerprint(self, connection: Connection) -> str:
        """Hash of the known pairings and their sources."""
        return str(query.execute(connection, "links/fingerprint", sources=False).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """One task: the whole set."""
        rows = query.rows(context.connection, "links/known_pairings", leave_out=list(self.params.leave_out))
        if not rows:
            raise InputError("there are no known pairings to learn from.", "Ingest some first: ildb ingest ilthermo")
        table = pa.table(store.as_columns(rows, (*PAIRING_COLUMNS, "evidence_ids")))
        payload = {
            "pairings": context.put_table("generate_input", table),
            "params": self.params.model_dump(mode="json"),
        }
        if self.params.kind == "pair" and self.params.dataset == "expanded":
            expanded = [up for up in context.upstream if up.uses == _EXPAND]
            if len(expanded) != 1:
                raise InputError(
                    "dataset = 'expanded' learns from predicted pairings.",
                    f"Let the stage need exactly one that uses {_EXPAND}.",
                )
            predicted = query.rows(context.connection, "vae/expanded_pairings", run_id=expanded[0].run_id)
            columns = store.as_columns(predicted, ("cation", "anion"))
            payload["predicted"] = context.put_table("generate_predicted", pa.table(columns))
        return [payload]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Train, or go on training, and judge."""
        import torch

        from ildb.pipeline.stages import generate_tasks

        params = GenerateTrainParams.model_validate(task.payload["params"])
        torch.set_num_threads(task.threads)
        work = generate_tasks.train_ions if params.kind == "ion" else generate_tasks.train_pairs
        return work(task, params, checkpoint_path(task.artifacts, task.payload))

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Snapshot with the split of every claim, and the model."""
        import pyarrow.parquet as pq

        pairings = pq.read_table(context.artifacts.get(payload["pairings"]))
        split = output.tables["split"].column("split").to_pylist()
        members = [
            (evidence, None, side)
            for row, side in zip(pairings.to_pylist(), split, strict=True)
            for evidence in row["evidence_ids"]
        ]
        return store.add_trained(
            context,
            "vae",
            content=[payload, split],
            members=members,
            output=output,
            files=files,
            params=self.params,
            seed=self.params.seed,
            keep={"reconstruction_heldout": "reconstruction_heldout"},
        ) | {
            "kind": self.params.kind,
            "table1": output.result["table1"],
            "split_sha256": output.result["files"]["vae_split"],
            "checkpoint": sha256_json(dict(payload)),
        }

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The checkpoint has served; so have those of runs that nobody resumed in a month."""
        result = super().finish(context, results)
        folder = context.artifacts.root / _CHECKPOINTS
        for path in folder.glob("*"):
            with suppress(OSError):
                # In the name, as a process that was killed while it wrote leaves a draft of that name beside it.
                if result["checkpoint"] in path.name or path.stat().st_mtime < time.time() - _ABANDONED_S:
                    path.unlink()
        return {name: value for name, value in result.items() if name != "checkpoint"}


def checkpoint_path(artifacts: ArtifactStore, payload: Mapping[str, Any]) -> Path:
    """Where the checkpoints of a training lie: beside the artifacts, named by everything that decides the model."""
    return artifacts.root / _CHECKPOINTS / f"{sha256_json(dict(payload))}.safetensors"


def known_ions(table: pa.Table) -> list[IonRow]:
    """The distinct ions of a table of known pairings, in the order of their keys."""
    found: dict[str, IonRow] = {}
    for role in ("cation", "anion"):
        columns = (table.column(f"{role}_{name}").to_pylist() for name in ("inchikey", "smiles", "charge"))
        for row in zip(*columns, strict=True):
            found[row[0]] = IonRow(*row)
    return [found[key] for key in sorted(found)]
