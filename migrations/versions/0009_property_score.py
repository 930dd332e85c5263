"""Models of other properties than the melting point, and what they say about pairings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KINDS = "'links', 'vae', 'melting'"


def _model_kinds(kinds: str) -> None:
    op.drop_constraint("ck_model_kind", "model", schema="ildb")
    # A model is a row a day: checking them all takes no time.
    op.create_check_constraint(op.f("ck_model_kind"), "model", f"kind IN ({kinds})", schema="ildb")


def upgrade() -> None:
    _model_kinds(f"{_KINDS}, 'property'")
    op.create_table(
        "property_score",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("p_below", sa.REAL(), nullable=True),
        sa.Column("value", sa.REAL(), nullable=True),
        sa.Column("low", sa.REAL(), nullable=True),
        sa.Column("high", sa.REAL(), nullable=True),
        sa.Column("in_domain", sa.Boolean(), nullable=False),
        sa.Column("domain_reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("nearest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("p_below BETWEEN 0 AND 1", name=op.f("ck_property_score_p_below")),
        sa.CheckConstraint("low <= value AND value <= high", name=op.f("ck_property_score_interval")),
        sa.CheckConstraint("num_nulls(value, low, high) IN (0, 3)", name=op.f("ck_property_score_all_or_none")),
        sa.CheckConstraint("value IS NOT NULL OR NOT in_domain", name=op.f("ck_property_score_no_number_no_domain")),
        sa.ForeignKeyConstraint(["model_id"], ["ildb.model.id"], name=op.f("fk_property_score_model_id_model")),
        sa.ForeignKeyConstraint(["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_property_score_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_property_score_run_id_run")),
        sa.PrimaryKeyConstraint("model_id", "pairing_id", name=op.f("pk_property_score")),
        schema="ildb",
    )
    op.create_index("ix_property_score_pairing_id", "property_score", ["pairing_id", "property"], schema="ildb")
    op.create_index("ix_property_score_value", "property_score", ["property", "value"], schema="ildb")
    op.create_index(op.f("ix_property_score_run_id"), "property_score", ["run_id"], schema="ildb")
    # Reading is granted by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.property_score TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.drop_table("property_score", schema="ildb")
    op.execute("DELETE FROM ildb.model WHERE kind = 'property'")
    _model_kinds(_KINDS)
