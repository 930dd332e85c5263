"""Where facts came from, and what each ingest read there."""

from __future__ import annotations

from datetime import datetime

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
