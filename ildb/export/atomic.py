"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ildb.errors import InputError


def require_parent(path: Path) -> None:
    """Refuse a path whose folder does not exist or cannot be written to.

    Raises:
        InputError: naming the folder.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"The folder {parent} does not exist.", "Make it first, or give another path.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"The folder {parent} cannot be written to.", "Give another path.")


def require_file_path(path: Path) -> None:
    """Refuse a path where no file can be written.

    Raises:
        InputError: the folder does not exist, or ``path`` is a folder itself.
    """
    require_parent(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Give the path of a file.")


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and is removed otherwise.

    Raises:
        InputError: no file can be written there.
    """
    require_file_path(path)
    with _scratch(path) as scratch, _writable(path):
        draft = scratch / path.name
        yield draft
        draft.replace(path)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: the old one goes only once the new one is complete."""
    require_parent(path)
    with _scratch(path) as scratch, _writable(path):
        draft = scratch / "new"
        draft.mkdir()
        yield draft
        if path.exists():
            path.rename(scratch / "old")
        draft.rename(path)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Turn a failure to write into an error that says where."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split()).rstrip(".")
        raise InputError(f"Cannot write {path}: {reason}.", "Free some space, or give another path.") from error


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    # A folder of its own also holds what a writer leaves beside its file (DuckDB's write-ahead log).
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name[:50]}.", suffix=".partial", dir=path.absolute().parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
