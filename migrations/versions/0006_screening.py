"""Pareto rank, diverse pick and accessibility of screening decisions; thermodynamic properties of ions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {"sa_score": sa.REAL(), "pareto_rank": sa.Integer(), "crowding": sa.REAL(), "pick_order": sa.Integer()}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("screening_decision", sa.Column(name, kind, nullable=True), schema="ildb")
    # Every row of before satisfies it; VALIDATE does not stop writers, ADD without NOT VALID would.
    op.execute(
        "ALTER TABLE ildb.screening_decision ADD CONSTRAINT ck_screening_decision_place_of_passed"
        " CHECK (passed OR num_nonnulls(pareto_rank, crowding, pick_order) = 0) NOT VALID"
    )
    op.execute("ALTER TABLE ildb.screening_decision VALIDATE CONSTRAINT ck_screening_decision_place_of_passed")
    # Covers no row yet.
    op.create_index(
        "ix_screening_decision_pick",
        "screening_decision",
        ["run_id", "pick_order"],
        unique=True,
        schema="ildb",
        postgresql_where=sa.text("pick_order IS NOT NULL"),
    )
    op.execute(f"CREATE OR REPLACE VIEW ildb.candidate AS\n{sql_text('views/candidate_v2')}")
    op.create_table(
        "ion_property",
        sa.Column("ion_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("volume_nm3", sa.Float(), nullable=True),
        sa.Column("sasa_a2", sa.Float(), nullable=True),
        sa.Column("skeleton_surface_a2", sa.Float(), nullable=True),
        sa.Column("gas_entropy_j_mol_k", sa.Float(), nullable=True),
        sa.Column("freedom", sa.SmallInteger(), nullable=True),
        sa.Column("effective_torsions", sa.Float(), nullable=True),
        sa.Column("kier_flexibility", sa.Float(), nullable=True),
        sa.Column("problems", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rdkit_version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("volume_nm3 > 0", name=op.f("ck_ion_property_volume_positive")),
        sa.CheckConstraint("sasa_a2 > 0", name=op.f("ck_ion_property_sasa_positive")),
        sa.CheckConstraint("skeleton_surface_a2 > 0", name=op.f("ck_ion_property_skeleton_surface_positive")),
        sa.CheckConstraint("effective_torsions >= 0", name=op.f("ck_ion_property_torsions_not_negative")),
        sa.CheckConstraint("freedom IN (3, 5, 6)", name=op.f("ck_ion_property_freedom")),
        sa.CheckConstraint(
            "num_nulls(volume_nm3, sasa_a2, skeleton_surface_a2, gas_entropy_j_mol_k, freedom, effective_torsions,"
            " kier_flexibility) = 0 OR cardinality(problems) > 0",
            name=op.f("ck_ion_property_missing_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["ion_id"], ["ildb.ion.id"], name=op.f("fk_ion_property_ion_id_ion"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_ion_property_run_id_run")),
        sa.PrimaryKeyConstraint("ion_id", "version", name=op.f("pk_ion_property")),
        schema="ildb",
    )
    op.create_index(op.f("ix_ion_property_run_id"), "ion_property", ["run_id"], schema="ildb")
    # Reading is granted by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.ion_property TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.drop_table("ion_property", schema="ildb")
    # A view cannot lose columns by being replaced.
    op.execute("DROP VIEW ildb.candidate")
    op.drop_index("ix_screening_decision_pick", "screening_decision", schema="ildb")
    op.drop_constraint("ck_screening_decision_place_of_passed", "screening_decision", schema="ildb")
    for name in COLUMNS:
        op.drop_column("screening_decision", name, schema="ildb")
    op.execute(f"CREATE VIEW ildb.candidate AS\n{sql_text('views/candidate_v1')}")
    op.execute(sql_text("roles/own_v1"))
