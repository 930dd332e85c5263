"""What is said about a source when it is ingested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SourceInfo:
    """A source of facts; ``sha256`` is that of the file read."""

    name: str
    sha256: str
    citation: str | None = None
    doi: str | None = None
    url: str | None = None
    licence: str | None = None
    retrieved_at: datetime | None = None
