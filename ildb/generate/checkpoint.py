"""Files that are whole or not there: checkpoints of a training, as safetensors with JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ildb.errors import ArtifactError
from ildb.hashing import canonical_json


class CheckpointError(ArtifactError):
    """A checkpoint cannot be written, or does not belong to the training that finds it."""


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file, durably; until then, and if that fails, the old one stays.

    Raises:
        CheckpointError: the disk is full or not writable.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CheckpointError(
            f"Cannot write {path}: {error.strerror}. The checkpoint before it, if any, is untouched.",
            "Free some space, then resume.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and JSON-like facts, durably; equal content gives equal bytes.

    Raises:
        CheckpointError: the disk is full or not writable.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save(whole, metadata={"ildb": canonical_json(about)}))


def read_tensors(path: Path, form: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What `write_tensors` wrote.

    Args:
        path: the file.
        form: what its facts must say under ``format``.

    Raises:
        ArtifactError: the file is missing, damaged or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("ildb", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}.", "Restore the file or train again.") from error
    if about.get("format") != form:
        raise ArtifactError(f"{path} is {about.get('format', 'something else')}, not {form}.", "Train again.")
    return tensors, about
