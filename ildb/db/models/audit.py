"""Who changed or removed a fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId


class AuditEvent(Base):
    """One row of ``quarantine``, ``source`` or ``pairing_evidence`` that was changed or removed. Append-only.

    Triggers write it, and no role of ildb can. ``login`` is who connected and ``role`` what that session acted as;
    ``was`` holds the old values: of the changed columns, or of the whole row when it was deleted. Inserts need no
    event, because every row names its source or run; neither do scores, which come by the million and never change.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        CheckConstraint("action IN ('UPDATE', 'DELETE', 'TRUNCATE')", name="action"),
        CheckConstraint("(row_id IS NULL) = (action = 'TRUNCATE')", name="row"),
        Index("ix_audit_event_row", "table_name", "row_id"),
    )

    id: Mapped[BigId]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    transaction_id: Mapped[int]
    login: Mapped[str]
    role: Mapped[str]
    table_name: Mapped[str]
    action: Mapped[str]
    row_id: Mapped[int | None]
    was: Mapped[dict[str, Any] | None]
