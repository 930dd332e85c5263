"""What a stage is: it plans tasks from rows, tasks are pure functions, and the runner stores what they return."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel
from sqlalchemy import Connection

from ildb.db import query
from ildb.pipeline.artifacts import ArtifactStore, StoredFile

SKIPPED = "skipped"
"""Key of a stage's result: why it did nothing, where that is no failure."""


@dataclass(frozen=True)
class TaskInput:
    """What a task gets: plain data and files, no database.

    Attributes:
        payload: JSON-like values made by ``plan``.
        artifacts: the store in which the payload's hashes are found.
        workdir: an empty folder of the task's own, deleted afterwards.
        threads: how many threads the task may use.
    """

    payload: Mapping[str, Any]
    artifacts: ArtifactStore
    workdir: Path
    threads: int = 1

    def file(self, key: str) -> Path:
        """The verified artifact whose SHA-256 stands under ``payload[key]``."""
        return self.artifacts.get(self.payload[key])

    def table(self, key: str) -> pa.Table:
        """The Parquet artifact whose SHA-256 stands under ``payload[key]``."""
        return pq.read_table(self.file(key))


@dataclass(frozen=True)
class TaskOutput:
    """What a task returns.

    Attributes:
        result: small JSON-like values kept in the task's row.
        tables: rows for ``store``, by name.
        files: files in the task's folder that become artifacts, by kind.
        device: what it was computed on; None to have it found out (torch on a GPU, else the CPU).
    """

    result: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    device: str | None = None


@dataclass(frozen=True)
class Upstream:
    """A finished stage that this one needs; for a reused stage, the one that did the work."""

    name: str
    uses: str
    stage_run_id: int
    run_id: int
    stage_key: str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class StageContext:
    """What ``plan``, ``store`` and ``finish`` work with, always inside one transaction."""

    connection: Connection
    artifacts: ArtifactStore
    run_id: int
    stage_run_id: int
    upstream: Sequence[Upstream]
    versions: Mapping[str, Any]

    def add_artifact(self, kind: str, file: StoredFile) -> int:
        """Record a stored file as this stage's; its id."""
        added: int = query.execute(
            self.connection,
            "artifact/add",
            run_id=self.run_id,
            stage_run_id=self.stage_run_id,
            kind=kind,
            path=file.path,
            sha256=file.sha256,
            n_bytes=file.n_bytes,
        ).scalar_one()
        return added

    def put_table(self, kind: str, table: pa.Table) -> str:
        """Store a table as a Parquet artifact, for tasks to read; its SHA-256."""
        with self.artifacts.scratch() as folder:
            path = folder / "table.parquet"
            pq.write_table(table, path)
            file = self.artifacts.put(path)
        self.add_artifact(kind, file)
        return file.sha256

    def result_of(self, uses: str) -> Upstream:
        """The one needed stage of a kind (the recipe was checked for it)."""
        return next(up for up in self.upstream if up.uses == uses)


P = TypeVar("P", bound=BaseModel)


class Stage(ABC, Generic[P]):
    """A kind of stage. Raise ``version`` when its results would change: old results are then not reused."""

    uses: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    params_type: ClassVar[type[BaseModel]]
    requires: ClassVar[tuple[str, ...]] = ()
    once_per_recipe: ClassVar[bool] = False
    """Its rows are told apart by run only, so a recipe may hold one stage of the kind."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Packages that decide its numbers: with another version of one, old results are not reused."""

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def fingerprint(self, connection: Connection) -> str:
        """Hash of what the stage reads from the database apart from its upstream stages ('' for nothing)."""

    @abstractmethod
    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Payloads of the stage's tasks; inputs larger than a few values go into artifacts.

        Raises:
            InputError: there is nothing to work on.
        """

    def priority(self, payload: Mapping[str, Any]) -> int:
        """Which tasks go first: those with the higher number (-32768 to 32767), then in the order of ``plan``."""
        del payload
        return 0

    @staticmethod
    @abstractmethod
    def run(task: TaskInput) -> TaskOutput:
        """Do one task: pure, in another process, perhaps on another machine."""

    @abstractmethod
    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """Write one task's rows; committed together with the task's status.

        Args:
            context: the open transaction.
            payload: the task's payload.
            output: what the task returned.
            files: artifact id of each of the output's files, by kind.

        Returns:
            What to keep as the task's result.
        """

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """After the last task, in the transaction that closes the stage.

        Args:
            context: the open transaction.
            results: each task's kept result, in task order.

        Returns:
            The stage's result, which later stages and ``pipeline show`` read.
        """
        del context
        return dict(results[0]) if len(results) == 1 else {}


AnyStage = Stage[Any]
