"""Attempts of tasks and the workers that made them; back-off, priorities, heartbeats of runs, invalidated stages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OPEN = sa.text("status IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("host", "pid", "started_at", "device", name=op.f("uq_worker_host_pid_started_at_device")),
        schema="ildb",
    )
    op.add_column("run", sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True), schema="ildb")
    op.add_column(
        "run", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False), schema="ildb"
    )
    op.add_column(
        "stage_run", sa.Column("made_of", postgresql.JSONB(astext_type=sa.Text()), nullable=True), schema="ildb"
    )
    op.add_column("stage_run", sa.Column("invalidated_at", sa.DateTime(timezone=True), nullable=True), schema="ildb")
    op.add_column(
        "task", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False), schema="ildb"
    )
    op.add_column(
        "task", sa.Column("losses", sa.SmallInteger(), server_default=sa.text("0"), nullable=False), schema="ildb"
    )
    op.add_column("task", sa.Column("available_at", sa.DateTime(timezone=True), nullable=True), schema="ildb")
    op.add_column("task", sa.Column("worker_id", sa.BigInteger(), nullable=True), schema="ildb")
    op.create_foreign_key(
        op.f("fk_task_worker_id_worker"),
        "task",
        "worker",
        ["worker_id"],
        ["id"],
        source_schema="ildb",
        referent_schema="ildb",
    )
    op.create_table(
        "task_attempt",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome IN ('failed', 'lost')", name=op.f("ck_task_attempt_outcome")),
        sa.ForeignKeyConstraint(
            ["task_id"], ["ildb.task.id"], name=op.f("fk_task_attempt_task_id_task"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["ildb.worker.id"], name=op.f("fk_task_attempt_worker_id_worker")),
        sa.PrimaryKeyConstraint("task_id", "lease_token", name=op.f("pk_task_attempt")),
        schema="ildb",
    )
    op.drop_index("ix_task_open", table_name="task", schema="ildb")
    op.create_index(
        "ix_task_open",
        "task",
        ["stage_run_id", sa.text("priority DESC"), "position"],
        schema="ildb",
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_task_failed",
        "task",
        ["stage_run_id", "position"],
        schema="ildb",
        postgresql_where=sa.text("status = 'failed'"),
    )
    # Its rows change three times each, and the index of open ones must stay small while millions are finished.
    op.execute(
        "ALTER TABLE ildb.task SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)"
    )
    # Reading is granted to the reader and owner by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.worker, ildb.task_attempt TO ildb_runner")
    op.execute("GRANT UPDATE (heartbeat_at) ON ildb.run TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.execute("REVOKE UPDATE (heartbeat_at) ON ildb.run FROM ildb_runner")
    op.execute("ALTER TABLE ildb.task RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)")
    op.drop_index("ix_task_failed", table_name="task", schema="ildb")
    op.drop_index("ix_task_open", table_name="task", schema="ildb")
    op.create_index("ix_task_open", "task", ["stage_run_id", "position"], schema="ildb", postgresql_where=_OPEN)
    op.drop_table("task_attempt", schema="ildb")
    op.drop_constraint(op.f("fk_task_worker_id_worker"), "task", schema="ildb", type_="foreignkey")
    for column in ("worker_id", "available_at", "losses", "priority"):
        op.drop_column("task", column, schema="ildb")
    for column in ("invalidated_at", "made_of"):
        op.drop_column("stage_run", column, schema="ildb")
    for column in ("priority", "heartbeat_at"):
        op.drop_column("run", column, schema="ildb")
    op.drop_table("worker", schema="ildb")
