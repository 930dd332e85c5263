"""Where facts came from, and what each ingest read there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from ildb.db.models.base import Base, BigId, CreatedAt, ref


class Source(Base):
    """A file or catalogue of facts, identified by name and content."""

    __tablename__ = "source"
    __table_args__ = (UniqueConstraint("name", "sha256"),)

    id: Mapped[BigId]
    name: Mapped[str]
    sha256: Mapped[str]
    citation: Mapped[str | None]
    doi: Mapped[str | None]
    url: Mapped[str | None]
    licence: Mapped[str | None]
    retrieved_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class Ingest(Base):
    """One reading of a source; the check is the promise that nothing read is lost."""

    __tablename__ = "ingest"
    __table_args__ = (CheckConstraint("n_inserted + n_existing + n_quarantined = n_read", name="nothing_lost"),)

    id: Mapped[BigId]
    source_id: Mapped[int] = ref("source", index=True)
    n_read: Mapped[int]
    n_inserted: Mapped[int]
    n_existing: Mapped[int]
    n_quarantined: Mapped[int]
    code_version: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]


class IngestBatch(Base):
    """A batch of records a source has brought, by the hash of its words: met again, it needs no chemistry."""

    __tablename__ = "ingest_batch"
    __table_args__ = (
        UniqueConstraint("source_id", "sha256"),
        CheckConstraint("n_quarantined BETWEEN 0 AND n_read", name="counts"),
    )

    id: Mapped[BigId]
    source_id: Mapped[int] = ref("source", cascade=True)
    sha256: Mapped[str]
    n_read: Mapped[int]
    n_quarantined: Mapped[int]
    reasons: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]
