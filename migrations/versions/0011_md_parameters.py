"""Force-field parameters of ions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _foreign(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"ildb.{target}.id"], name=op.f(f"fk_md_parameters_{column}_{target}"))


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_md_parameters_{name}"))


def _real(name: str, comment: str | None = None) -> sa.Column[float]:
    return sa.Column(name, sa.REAL(), nullable=True, comment=comment)


def upgrade() -> None:
    op.create_table(
        "md_parameters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("ion_id", sa.BigInteger(), nullable=False),
        sa.Column("method_key", sa.Text(), nullable=False, comment="hash of the settings and of the method's version"),
        sa.Column(
            "charges_asked", sa.Text(), nullable=False, comment="what charges were asked for: resp, am1bcc or gfn2"
        ),
        sa.Column("refusal", sa.Text(), nullable=True, comment="why no back end can describe the ion"),
        sa.Column("backend", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("charge_method", sa.Text(), nullable=True, comment="what the charges are, after any fallback"),
        sa.Column("n_atoms", sa.Integer(), nullable=True),
        sa.Column(
            "gate_reference", sa.Text(), nullable=True, comment="what the shape was compared with; none for one atom"
        ),
        _real("gate_angle_deg"),
        _real("gate_distance_nm"),
        _real("gate_hot_distance_nm", "the same after 3 ps at 500 K"),
        _real("gate_strain", "share of what the gate allows"),
        _real("max_penalty", "of parmchk2's analogies, GAFF2 only"),
        sa.Column("provenance", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=True, comment="of what a simulation depends on"),
        sa.Column("artifact_id", sa.BigInteger(), nullable=True),
        sa.Column("cpu_s", sa.REAL(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _check("backend", "backend IN ('published', 'gaff2', 'uff')"),
        _check("grade", "grade IN ('A', 'B', 'C')"),
        _check("charge_method", "charge_method IN ('published', 'resp', 'am1bcc', 'gfn2', 'formal')"),
        _check("parameters_or_refusal", "num_nonnulls(backend, refusal) = 1"),
        _check(
            "all_or_none",
            "num_nonnulls(backend, grade, charge_method, n_atoms, content_sha256, artifact_id) IN (0, 6)",
        ),
        _check("n_atoms_positive", "n_atoms > 0"),
        _check("passed_the_gate", "gate_strain <= 1"),
        _check(
            "gate_all_or_none",
            "num_nulls(gate_reference, gate_angle_deg, gate_distance_nm, gate_hot_distance_nm, gate_strain) IN (0, 5)",
        ),
        _foreign("run_id", "run"),
        _foreign("ion_id", "ion"),
        _foreign("artifact_id", "artifact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_md_parameters")),
        sa.UniqueConstraint("ion_id", "method_key", name=op.f("uq_md_parameters_ion_id_method_key")),
        schema="ildb",
    )
    for column in ("run_id", "artifact_id"):
        op.create_index(op.f(f"ix_md_parameters_{column}"), "md_parameters", [column], schema="ildb")
    # Reading is granted by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.md_parameters TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.drop_table("md_parameters", schema="ildb")
