"""Batches a source has brought, so that a second ingest of the same file needs no chemistry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("n_read", sa.BigInteger(), nullable=False),
        sa.Column("n_quarantined", sa.BigInteger(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("n_quarantined BETWEEN 0 AND n_read", name=op.f("ck_ingest_batch_counts")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["ildb.source.id"], name=op.f("fk_ingest_batch_source_id_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_batch")),
        sa.UniqueConstraint("source_id", "sha256", name=op.f("uq_ingest_batch_source_id_sha256")),
        schema="ildb",
    )
    # Reading is granted to the reader and owner by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.ingest_batch TO ildb_curator")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.drop_table("ingest_batch", schema="ildb")
