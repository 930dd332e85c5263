"""Runs of recipes, their stages and their units of work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ildb.db.models.base import Base, BigId, CreatedAt, Small, ref

_RUN_STATUS = "status IN ('running', 'succeeded', 'failed', 'cancelled')"


class Run(Base):
    """A recipe executed; the recipe is stored whole, so a run never depends on a file still being there."""

    __tablename__ = "run"
    __table_args__ = (CheckConstraint(_RUN_STATUS, name="status"), Index("ix_run_run_key", "run_key"))

    id: Mapped[BigId]
    recipe_name: Mapped[str]
    recipe: Mapped[dict[str, Any]]
    recipe_sha256: Mapped[str]
    run_key: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'running'"))
    error: Mapped[str | None]
    code_version: Mapped[str]
    git_commit: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    priority: Mapped[Small] = mapped_column(server_default=text("0"))


class StageRun(Base):
    """A stage of a run; ``reused_from_id`` names the earlier one whose rows answer for it."""

    __tablename__ = "stage_run"
    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        CheckConstraint(
            "status IN ('waiting', 'running', 'succeeded', 'reused', 'failed', 'cancelled')", name="status"
        ),
        CheckConstraint("(status = 'reused') = (reused_from_id IS NOT NULL)", name="reused"),
        Index("ix_stage_run_stage_key", "stage_key"),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run")
    position: Mapped[Small]
    name: Mapped[str]
    uses: Mapped[str]
    version: Mapped[Small]
    params: Mapped[dict[str, Any]]
    needs: Mapped[list[str]]
    stage_key: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    reused_from_id: Mapped[int | None] = ref("stage_run")
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    host: Mapped[str | None]
    device: Mapped[str | None]
    seed: Mapped[int | None]
    versions: Mapped[dict[str, Any] | None]
    git_commit: Mapped[str | None]
    wall_s: Mapped[float | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    made_of: Mapped[dict[str, Any] | None]
    invalidated_at: Mapped[datetime | None]


class Task(Base):
    """One unit of work of a stage; ``lease_token`` fences off a worker whose lease was taken over."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("stage_run_id", "position"),
        CheckConstraint("status IN ('waiting', 'running', 'succeeded', 'failed')", name="status"),
        CheckConstraint("status <> 'running' OR lease_expires_at IS NOT NULL", name="leased"),
        Index(
            "ix_task_open",
            "stage_run_id",
            text("priority DESC"),
            "position",
            postgresql_where=text("status IN ('waiting', 'running')"),
        ),
        Index("ix_task_failed", "stage_run_id", "position", postgresql_where=text("status = 'failed'")),
    )

    id: Mapped[BigId]
    stage_run_id: Mapped[int] = ref("stage_run")
    position: Mapped[int]
    payload: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    attempts: Mapped[Small] = mapped_column(server_default=text("0"))
    lease_token: Mapped[int] = mapped_column(server_default=text("0"))
    lease_expires_at: Mapped[datetime | None]
    host: Mapped[str | None]
    pid: Mapped[int | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    traceback: Mapped[str | None]
    wall_s: Mapped[float | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    priority: Mapped[Small] = mapped_column(server_default=text("0"))
    losses: Mapped[Small] = mapped_column(server_default=text("0"))
    available_at: Mapped[datetime | None]
    worker_id: Mapped[int | None] = ref("worker")


class Artifact(Base):
    """A file a run made, named by its content."""

    __tablename__ = "artifact"
    __table_args__ = (
        UniqueConstraint("stage_run_id", "kind", "sha256"),
        CheckConstraint("n_bytes >= 0", name="n_bytes_not_negative"),
        Index("ix_artifact_sha256", "sha256"),
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = ref("run", index=True)
    stage_run_id: Mapped[int] = ref("stage_run")
    kind: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    n_bytes: Mapped[int]
    created_at: Mapped[CreatedAt]
