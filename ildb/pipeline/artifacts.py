"""Files made by runs: named by their content, written whole or not at all, verified on load."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ildb.errors import ArtifactError
from ildb.hashing import sha256_file


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
        """Copy a file into the store and make it durable.

        Raises:
            ArtifactError: the disk is full or not writable.
        """
        digest = sha256_file(source)
        relative = f"{digest[:2]}/{digest}"
        target = self.root / relative
        if not target.exists():
            try:
                self._write(source, target)
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
            raise ArtifactError(f"The stored file {path} is damaged.", "Delete it and run again with --force.")
        return path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder on the store's file system."""
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".scratch-") as folder:
            yield Path(folder)
