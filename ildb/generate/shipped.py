"""The small model of ions that comes with ildb, learnt from ILThermo's ions alone (ildb/data/ion_vae/MODEL_CARD.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ildb.errors import ArtifactError

_FILE: Final = "model.safetensors"
_SUM: Final = "SHA256SUM"
SOURCES: Final = ("ilthermo-catalogue", "ilthermo-melting-points")
"""Sources of the ions it learnt from, as an ingest names them."""


class ShippedParams(BaseModel):
    """Parameters of the model row of the shipped model: what its file says of itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    shipped: bool = True


@dataclass(frozen=True)
class Shipped:
    """The file and what it says of itself.

    Attributes:
        path: the file.
        sha256: what it must hash to.
        sources: see `SOURCES`.
        params: of its training.
        metrics: of its training.
        seed: of its training.
    """

    path: Path
    sha256: str
    sources: tuple[str, ...]
    params: ShippedParams
    metrics: dict[str, float]
    seed: int


def _folder() -> Path:
    return Path(__file__).resolve().parents[1] / "data" / "ion_vae"


def shipped_sha256() -> str:
    """What the shipped model's file must hash to; empty where there is none."""
    path = _folder() / _SUM
    return path.read_text(encoding="ascii").split()[0] if path.is_file() else ""


@cache
def shipped_model() -> Shipped:
    """The shipped model, its hash verified.

    Raises:
        ArtifactError: it is missing, or not the one that was shipped.
    """
    from ildb.generate.sequence import SequenceVAE

    path, sha256 = _folder() / _FILE, shipped_sha256()
    if not sha256:
        raise ArtifactError(
            "This copy of ildb has no model of ions in ildb/data/ion_vae.",
            "Install it again, or let the stage need one that uses generate.train.",
        )
    about: dict[str, Any] = SequenceVAE.load(path, sha256, device="cpu").about
    metrics = {name: float(value) for name, value in about.get("metrics", {}).items() if isinstance(value, int | float)}
    facts = {name: value for name, value in about.items() if name != "metrics"}
    return Shipped(path, sha256, SOURCES, ShippedParams(**facts), metrics, int(about.get("seed", 0)))
