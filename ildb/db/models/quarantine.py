"""Records refused, kept whole with the reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, ref


class Quarantine(Base):
    """An input record that could not become rows; ``findings`` holds code, message and suggestion of each reason."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("source_id", "record_sha256"),
        CheckConstraint("status IN ('open', 'accepted', 'rejected')", name="status"),
        CheckConstraint("cardinality(reasons) > 0", name="has_reason"),
        Index("ix_quarantine_status", "status", "source_id"),
    )

    id: Mapped[BigId]
    source_id: Mapped[int] = ref("source")
    record: Mapped[dict[str, Any]]
    record_sha256: Mapped[str]
    reasons: Mapped[list[str]]
    findings: Mapped[list[dict[str, Any]]]
    status: Mapped[str] = mapped_column(server_default=text("'open'"))
    resolution: Mapped[dict[str, Any] | None]
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
