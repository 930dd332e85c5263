"""Files made by runs: named by their content, written whole or not at all, verified on load."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import ArtifactError
from ildb.hashing import sha256_file

_ABANDONED_S = 86_400.0
_SHA256_DIGITS = 64


@dataclass(frozen=True)
class StoredFile:
    """A file in the store; ``path`` is relative to it."""

    path: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True)
class ArtifactStore:
    """Content-addressed files below ``root``: ``ab/abcdef...``."""

    root: Path

    def put(self, source: Path) -> StoredFile:
        """Copy a file into the store and make it durable; a damaged copy that is there already is replaced.

        Raises:
            ArtifactError: the disk is full or not writable.
        """
        digest = sha256_file(source)
        relative = f"{digest[:2]}/{digest}"
        target = self.root / relative
        try:
            if not target.is_file() or sha256_file(target) != digest:
                self._write(source, target)
            else:
                os.utime(target)  # in use again: whoever looks for rubbish leaves it alone
        except OSError as error:
            raise ArtifactError(
                f"Cannot store a file in {self.root}: {error.strerror}.", "Free some space, then resume the run."
            ) from error
        return StoredFile(relative, digest, source.stat().st_size)

    @staticmethod
    def _write(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out, source.open("rb") as data:
                shutil.copyfileobj(data, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            temporary.chmod(0o444)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def get(self, sha256: str) -> Path:
        """Path of a stored file, after checking that it is what was stored.

        Raises:
            ArtifactError: it is missing or damaged.
        """
        path = self.root / sha256[:2] / sha256
        if not path.is_file():
            raise ArtifactError(
                f"The stored file {sha256[:12]} is missing from {self.root}.", "Run again with --force."
            )
        if sha256_file(path) != sha256:
            raise ArtifactError(f"The stored file {path} is damaged.", "Run again with --force.")
        return path

    def has(self, sha256: str, n_bytes: int) -> bool:
        """Whether a file is there in its full length; ``get`` checks the content, too."""
        try:
            return (self.root / sha256[:2] / sha256).stat().st_size == n_bytes
        except OSError:
            return False

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder on the store's file system."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".scratch-") as folder:
            yield Path(folder)

    def abandoned(self) -> Iterator[Path]:
        """What killed processes left behind: temporary files and folders in which nothing moved for a day."""
        before = time.time() - _ABANDONED_S
        for path in (*self.root.glob(".scratch-*"), *self.root.glob("*/.part-*")):
            # Another process may be removing it, too.
            with suppress(OSError):
                if max(p.lstat().st_mtime for p in (path, *path.rglob("*"))) < before:
                    yield path

    def clean_scratch(self) -> None:
        """Remove what killed processes left behind."""
        for path in self.abandoned():
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def files(self) -> Iterator[Path]:
        """Every stored file, whole ones only."""
        return (path for path in self.root.glob("[0-9a-f][0-9a-f]/*") if len(path.name) == _SHA256_DIGITS)

    def mark_database(self, connection: Connection) -> None:
        """Note that a database refers to files of this store, so that no other takes them for rubbish."""
        identity = query.execute(connection, "artifact/database").scalar_one()
        with suppress(OSError):
            mark = self.root / ".databases" / identity.replace("/", "-")
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()

    def databases(self, connection: Connection) -> tuple[str, set[str]]:
        """The mark of the given database, and those of all that ever used the store."""
        identity: str = query.execute(connection, "artifact/database").scalar_one()
        folder = self.root / ".databases"
        return identity.replace("/", "-"), {path.name for path in folder.glob("*")}
