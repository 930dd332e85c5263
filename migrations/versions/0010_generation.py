"""What generators wrote, string by string, and the rules of enumeration as models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KINDS = "'links', 'vae', 'melting', 'property'"
_FOUND = "outcome IN ('novel', 'duplicate', 'known')"
_TABLE = "generated_molecule"


def _model_kinds(kinds: str) -> None:
    op.drop_constraint("ck_model_kind", "model", schema="ildb")
    # A model is a row a day: checking them all takes no time.
    op.create_check_constraint(op.f("ck_model_kind"), "model", f"kind IN ({kinds})", schema="ildb")


def upgrade() -> None:
    _model_kinds(f"{_KINDS}, 'fragments'")
    op.create_table(
        _TABLE,
        sa.Column("stage_run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("charge", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("ion_id", sa.BigInteger(), nullable=True),
        sa.Column("pairing_id", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("temperature", sa.REAL(), nullable=True),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("sa_score", sa.REAL(), nullable=True),
        sa.Column("similarity", sa.REAL(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('novel', 'duplicate', 'known', 'rejected', 'empty', 'unfinished', 'unparsable',"
            " 'too_few_parts', 'too_many_parts', 'radical', 'wrong_charge', 'too_large', 'refused')",
            name=op.f("ck_generated_molecule_outcome"),
        ),
        sa.CheckConstraint(
            "method IN ('enumeration', 'prior', 'around', 'between', 'steered', 'ngram')",
            name=op.f("ck_generated_molecule_method"),
        ),
        sa.CheckConstraint(
            f"({_FOUND}) = (num_nonnulls(ion_id, pairing_id) = 1)", name=op.f("ck_generated_molecule_found_leads_on")
        ),
        sa.CheckConstraint(
            f"{_FOUND} OR cardinality(reasons) > 0", name=op.f("ck_generated_molecule_refusal_has_reason")
        ),
        sa.CheckConstraint("num_nonnulls(ion_id, pairing_id) <= 1", name=op.f("ck_generated_molecule_one_target")),
        sa.CheckConstraint("temperature >= 0", name=op.f("ck_generated_molecule_temperature")),
        sa.CheckConstraint("similarity BETWEEN 0 AND 1", name=op.f("ck_generated_molecule_similarity")),
        sa.ForeignKeyConstraint(
            ["stage_run_id"], ["ildb.stage_run.id"], name=op.f("fk_generated_molecule_stage_run_id_stage_run")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_generated_molecule_run_id_run")),
        sa.ForeignKeyConstraint(["model_id"], ["ildb.model.id"], name=op.f("fk_generated_molecule_model_id_model")),
        sa.ForeignKeyConstraint(["ion_id"], ["ildb.ion.id"], name=op.f("fk_generated_molecule_ion_id_ion")),
        sa.ForeignKeyConstraint(
            ["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_generated_molecule_pairing_id_pairing")
        ),
        sa.PrimaryKeyConstraint("stage_run_id", "position", name=op.f("pk_generated_molecule")),
        schema="ildb",
    )
    for column in ("ion_id", "pairing_id"):
        op.create_index(
            f"ix_generated_molecule_{column}",
            _TABLE,
            [column],
            schema="ildb",
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index("ix_generated_molecule_run_outcome", _TABLE, ["run_id", "outcome"], schema="ildb")
    op.create_index(op.f("ix_generated_molecule_model_id"), _TABLE, ["model_id"], schema="ildb")
    # Reading is granted by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.generated_molecule TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.drop_table(_TABLE, schema="ildb")
    op.execute("DELETE FROM ildb.model WHERE kind = 'fragments'")
    _model_kinds(_KINDS)
