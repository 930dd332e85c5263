"""The parts of the ion library that a database needs: found on disk, or made once and shared.

A part holds the ions of one range of ids. Its file is named by a digest of their ids and SMILES and of RDKit's version,
so a part that is there is right, whoever made it, and new ions cost only the parts they fall into.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import rdkit
from sqlalchemy import Connection

from ildb.db import query
from ildb.search.ion_library import write_part

IDS_PER_PART = 4096
# Parts of other databases of the same home, and of ions as they were, that are kept.
N_OLD_PARTS = 256

# (parts made so far, parts to make)
Progress = Callable[[int, int], None]


def ensure_parts(connection: Connection, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Files of all ions of the database, in order of id; what is missing is made.

    Args:
        connection: an open transaction.
        folder: where parts are kept; made if need be.
        progress: told how many parts are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    salt = f"{rdkit.__version__} {IDS_PER_PART} "
    found = [
        (row["part"], folder / hashlib.sha256(f"{salt}{row['digest']}".encode()).hexdigest()[:32])
        for row in query.rows(connection, "search/ion_parts", ids_per_part=IDS_PER_PART)
    ]
    missing = [(part, path) for part, path in found if not path.is_file()]
    for done, (part, path) in enumerate(missing):
        if progress is not None:
            progress(done, len(missing))
        rows = query.rows(connection, "search/ions_of_part", part=part, ids_per_part=IDS_PER_PART)
        write_part(path, [row["id"] for row in rows], [row["smiles"] for row in rows])
    if missing:
        _forget_old(folder, {path for _, path in found})
    return [path for _, path in found]


def _forget_old(folder: Path, current: set[Path]) -> None:
    """Keep the parts in use and the newest others."""
    others = sorted(
        (path for path in folder.iterdir() if path not in current and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in others[N_OLD_PARTS:]:
        with suppress(FileNotFoundError):
            path.unlink()
