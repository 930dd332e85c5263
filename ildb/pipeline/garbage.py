"""What nobody needs any more: files without a row, leavings of killed processes, ended ladders, orphaned logs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError
from ildb.pipeline.artifacts import ArtifactStore

_LOG = re.compile(r"run-(\d+)\.jsonl")
_POINT = re.compile(r"(\d+)-[0-9a-f]{24}")  # ildb.md.ladder.folder_name


@dataclass(frozen=True)
class Rubbish:
    """A file or folder nobody needs, and why."""

    path: Path
    n_bytes: int
    reason: str


def find(
    connection: Connection, store: ArtifactStore, logs: Path, scratch: Path, *, older_than_s: float
) -> list[Rubbish]:
    """What may go.

    Args:
        connection: the database whose rows refer to the store's files.
        store: the files.
        logs: folder of the runs' logs.
        scratch: where ladders keep checkpoints and frames of the temperatures under way.
        older_than_s: younger files stay: a task stores its files before the row that refers to them.

    Raises:
        InputError: another database refers to files of the store, too.
    """
    ours, all_of_them = store.databases(connection)
    if others := all_of_them - {ours}:
        raise InputError(
            f"{len(others)} other database(s) used the files in {store.root}; what they refer to is not known here.",
            f"Where those are gone for good, remove their marks in {store.root / '.databases'}: "
            f"{', '.join(sorted(others))}.",
        )
    before = time.time() - older_than_s
    return [*_found(connection, store, logs, before), *_points(connection, scratch, before)]


def _points(connection: Connection, scratch: Path, before: float) -> Iterator[Rubbish]:
    """Folders of temperatures that nobody goes on with: what they were for is stored, cancelled or gone."""
    needed = {row["id"] for row in query.rows(connection, "stage_run/unfinished")}
    for path in scratch.glob("*"):
        named = _POINT.fullmatch(path.name)
        with suppress(FileNotFoundError):
            if named and int(named[1]) not in needed and _touched(path) < before:
                yield Rubbish(path, _size(path), "its ladder has ended")


def _touched(path: Path) -> float:
    return max(p.stat().st_mtime for p in (path, *path.iterdir()))


def _found(connection: Connection, store: ArtifactStore, logs: Path, before: float) -> Iterator[Rubbish]:
    referred = {row["sha256"] for row in query.rows(connection, "artifact/hashes")}
    for path in store.files():
        with suppress(FileNotFoundError):
            facts = path.stat()
            if path.name not in referred and facts.st_mtime < before:
                yield Rubbish(path, facts.st_size, "no row refers to it")
    for path in store.abandoned():
        yield Rubbish(path, _size(path), "left by a killed process")
    runs = {row["id"] for row in query.rows(connection, "run/ids")}
    for path in logs.glob("run-*.jsonl"):
        named = _LOG.fullmatch(path.name)
        with suppress(FileNotFoundError):
            facts = path.stat()
            if named and int(named[1]) not in runs and facts.st_mtime < before:
                yield Rubbish(path, facts.st_size, "there is no such run")


def _size(path: Path) -> int:
    return sum(p.lstat().st_size for p in (path, *path.rglob("*")) if p.is_file())


def remove(rubbish: Rubbish) -> None:
    """Delete one; what is gone already is well."""
    with suppress(FileNotFoundError):
        shutil.rmtree(rubbish.path) if rubbish.path.is_dir() else rubbish.path.unlink()
