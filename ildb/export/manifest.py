"""What an export says of itself, and whether it is still true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ildb.errors import InputError
from ildb.hashing import sha256_file

MANIFEST = "manifest.json"


def describe_file(path: Path) -> dict[str, Any]:
    """Bytes and sha256 of a file, and the rows of a Parquet file."""
    found: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
    if path.suffix == ".parquet":
        found["rows"] = int(pq.read_metadata(path).num_rows)
    return found


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of an export.

    Raises:
        InputError: there is none.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != "ildb-export":
        raise InputError(f"{directory} is not an export of ildb: it has no {MANIFEST}.", "Give the export's folder.")
    return manifest


def verify_export(directory: Path) -> list[str]:
    """What is wrong with an export, file by file; nothing when it is as it was written.

    Raises:
        InputError: the folder is not an export.
    """
    manifest = read_manifest(directory)
    problems = []
    for name, said in manifest.get("files", {}).items():
        path = directory / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.stat().st_size != said["bytes"] or sha256_file(path) != said["sha256"]:
            problems.append(f"{name} is not what was written")
    there = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    problems += [f"{name} was added" for name in sorted(there - {MANIFEST, *manifest.get("files", {})})]
    return problems
