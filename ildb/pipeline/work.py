"""What happens in a worker: tasks are done one after the other, and what became of each goes back to the runner."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ildb.errors import ArtifactError, IldbError
from ildb.pipeline import provenance
from ildb.pipeline.artifacts import ArtifactStore, StoredFile
from ildb.pipeline.stage import AnyStage, TaskInput

_STARTED_AT = datetime.now(UTC)


@dataclass(frozen=True)
class WorkerInfo:
    """Who did the work; with the device of a task it is a row of ``worker``.

    ``packages`` are the versions of those that decide the stage's numbers.
    """

    host: str
    pid: int
    started_at: datetime
    versions: Mapping[str, Any]
    packages: Mapping[str, str | None]


@dataclass(frozen=True)
class Done:
    """A task's output, with its files already in the store."""

    result: dict[str, Any]
    tables: dict[str, pa.Table]
    files: dict[str, StoredFile]
    wall_s: float
    device: str = "cpu"


@dataclass(frozen=True)
class Failed:
    """What a task raised, as text: not every exception survives the way back."""

    error: str
    traceback: str
    may_retry: bool


@dataclass(frozen=True)
class Replies:
    """What became of each task, in order."""

    worker: WorkerInfo
    tasks: list[Done | Failed]


def run_tasks(
    stage: type[AnyStage],
    payloads: Sequence[dict[str, Any]],
    store: ArtifactStore,
    threads: int,
    packages: Sequence[str] = (),
) -> Replies:
    """Do tasks in a worker process and put their files into the store.

    Args:
        stage: whose ``run`` to call.
        payloads: one for each task.
        store: for files.
        threads: that a task may use.
        packages: whose versions the runner wants to compare with its own.
    """
    found = {package: provenance.release(package) for package in packages}
    worker = WorkerInfo(platform.node(), os.getpid(), _STARTED_AT, provenance.versions(), found)
    replies: list[Done | Failed] = []
    try:
        # One folder for all, emptied after each: making and removing one costs more than a short task.
        with store.scratch() as folder:
            for payload in payloads:
                replies.append(_run_task(stage, payload, store, folder, threads))
                _empty(folder)
    except OSError as error:
        # The disk is full, say, or gone.
        replies += [failure(error)] * (len(payloads) - len(replies))
    return Replies(worker, replies)


def _run_task(
    stage: type[AnyStage], payload: dict[str, Any], store: ArtifactStore, folder: Path, threads: int
) -> Done | Failed:
    begin = time.monotonic()
    try:
        output = stage.run(TaskInput(payload, store, folder, threads))
        files = {kind: store.put(path) for kind, path in output.files.items()}
    except Exception as error:  # a task may raise anything, and the runner decides what it means
        return failure(error)
    return Done(output.result, output.tables, files, time.monotonic() - begin, output.device or device())


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else Path(entry.path).unlink()


def failure(error: BaseException) -> Failed:
    """An exception as text; our own errors speak of the input, so trying again would say the same."""
    own = isinstance(error, IldbError)
    said = str(error) if own else f"{type(error).__name__}: {error}"
    # A shared file system may show a file late.
    return Failed(said, "".join(traceback.format_exception(error)), not own or isinstance(error, ArtifactError))


def device() -> str:
    """What this process computes on: a GPU only once it has been used."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return f"cuda: {torch.cuda.get_device_name()}"
    return "cpu"
