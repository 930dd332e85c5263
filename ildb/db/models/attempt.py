"""Who worked on tasks, and the attempts that came to nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, ref


class Worker(Base):
    """A process that did tasks, on what device and with which package versions."""

    __tablename__ = "worker"
    __table_args__ = (UniqueConstraint("host", "pid", "started_at", "device"),)

    id: Mapped[BigId]
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    device: Mapped[str]
    versions: Mapped[dict[str, Any]]


class TaskAttempt(Base):
    """A lease that ended without a result: ``failed`` by the task itself, ``lost`` with its worker or runner.

    The attempt that goes on or succeeded is the task's own row. ``host`` and ``pid`` are the runner's.
    """

    __tablename__ = "task_attempt"
    __table_args__ = (CheckConstraint("outcome IN ('failed', 'lost')", name="outcome"),)

    task_id: Mapped[int] = ref("task", cascade=True, primary_key=True)
    lease_token: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    outcome: Mapped[str]
    host: Mapped[str | None]
    pid: Mapped[int | None]
    worker_id: Mapped[int | None] = ref("worker")
    error: Mapped[str | None]
    traceback: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime] = mapped_column(server_default=func.now())
