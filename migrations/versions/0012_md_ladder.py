"""Ladders of temperature: simulations, their points, apparent melting points and their parity with measured ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KINDS = "'links', 'vae', 'melting', 'property', 'fragments'"


def _model_kinds(kinds: str) -> None:
    op.drop_constraint("ck_model_kind", "model", schema="ildb")
    # A model is a row a day: checking them all takes no time.
    op.create_check_constraint(op.f("ck_model_kind"), "model", f"kind IN ({kinds})", schema="ildb")


def upgrade() -> None:
    _model_kinds(f"{_KINDS}, 'md_calibration'")
    op.create_table(
        "md_simulation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("stage_run_id", sa.BigInteger(), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("preset", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("cation_parameters_id", sa.BigInteger(), nullable=True),
        sa.Column("anion_parameters_id", sa.BigInteger(), nullable=True),
        sa.Column("n_units", sa.BigInteger(), nullable=True),
        sa.Column("n_atoms", sa.BigInteger(), nullable=True),
        sa.Column("charge_scale", sa.Float(), nullable=False),
        sa.Column("cutoff_nm", sa.Float(), nullable=False),
        sa.Column("pressure_bar", sa.Float(), nullable=False),
        sa.Column("timestep_fs", sa.Float(), nullable=False),
        sa.Column("temperatures_k", postgresql.ARRAY(sa.Float()), nullable=False),
        sa.Column("passes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("n_seeds", sa.SmallInteger(), nullable=False),
        sa.Column("melt_ps", sa.Float(), nullable=False),
        sa.Column("equilibrate_ps", sa.Float(), nullable=False),
        sa.Column("produce_ps", sa.Float(), nullable=False),
        sa.Column("system_sha256", sa.Text(), nullable=True),
        sa.Column("system_artifact_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("grade IN ('A', 'B', 'C')", name=op.f("ck_md_simulation_grade")),
        sa.CheckConstraint(
            "cardinality(temperatures_k) >= 2 AND cardinality(passes) >= 1",
            name=op.f("ck_md_simulation_ladder_not_empty"),
        ),
        sa.CheckConstraint(
            "equilibrate_ps > 0 AND produce_ps > 0 AND melt_ps >= 0", name=op.f("ck_md_simulation_times_positive")
        ),
        sa.CheckConstraint("n_seeds >= 1 AND n_units >= 1", name=op.f("ck_md_simulation_counts_positive")),
        sa.CheckConstraint(
            "num_nulls(system_sha256, system_artifact_id, n_units, n_atoms, cation_parameters_id, anion_parameters_id) = CASE WHEN refusal IS NULL THEN 0 ELSE 6 END",
            name=op.f("ck_md_simulation_system_or_refusal"),
        ),
        sa.ForeignKeyConstraint(
            ["anion_parameters_id"],
            ["ildb.md_parameters.id"],
            name=op.f("fk_md_simulation_anion_parameters_id_md_parameters"),
        ),
        sa.ForeignKeyConstraint(
            ["cation_parameters_id"],
            ["ildb.md_parameters.id"],
            name=op.f("fk_md_simulation_cation_parameters_id_md_parameters"),
        ),
        sa.ForeignKeyConstraint(["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_md_simulation_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_md_simulation_run_id_run")),
        sa.ForeignKeyConstraint(
            ["stage_run_id"], ["ildb.stage_run.id"], name=op.f("fk_md_simulation_stage_run_id_stage_run")
        ),
        sa.ForeignKeyConstraint(
            ["system_artifact_id"], ["ildb.artifact.id"], name=op.f("fk_md_simulation_system_artifact_id_artifact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_md_simulation")),
        sa.UniqueConstraint("stage_run_id", "pairing_id", name=op.f("uq_md_simulation_stage_run_id_pairing_id")),
        schema="ildb",
    )
    op.create_index(op.f("ix_md_simulation_pairing_id"), "md_simulation", ["pairing_id"], unique=False, schema="ildb")
    op.create_index(op.f("ix_md_simulation_run_id"), "md_simulation", ["run_id"], unique=False, schema="ildb")
    op.create_table(
        "md_melting_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("simulation_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("tm_k", sa.Float(), nullable=True),
        sa.Column("tm_low_k", sa.Float(), nullable=True),
        sa.Column("tm_high_k", sa.Float(), nullable=True),
        sa.Column("calibration_model_id", sa.BigInteger(), nullable=True),
        sa.Column("calibrated_tm_k", sa.Float(), nullable=True),
        sa.Column("calibrated_low_k", sa.Float(), nullable=True),
        sa.Column("calibrated_high_k", sa.Float(), nullable=True),
        sa.Column("hysteresis_k", sa.Float(), nullable=True),
        sa.Column("gain", sa.Float(), nullable=True),
        sa.Column("gain_needed", sa.Float(), nullable=True),
        sa.Column("curve_gain", sa.Float(), nullable=True),
        sa.Column("ea_hot_kj_mol", sa.Float(), nullable=True),
        sa.Column("ea_cold_kj_mol", sa.Float(), nullable=True),
        sa.Column("jump_ln_d", sa.Float(), nullable=True),
        sa.Column("n_points", sa.BigInteger(), nullable=False),
        sa.Column("n_bounds", sa.BigInteger(), nullable=False),
        sa.Column("n_unstable", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("direction IN ('all', 'cooling', 'heating')", name=op.f("ck_md_melting_point_direction")),
        sa.CheckConstraint(
            "num_nulls(tm_k, tm_low_k, tm_high_k) = CASE WHEN shape IN ('kink', 'jump') THEN 0 ELSE 3 END",
            name=op.f("ck_md_melting_point_tm_of_a_break"),
        ),
        sa.CheckConstraint("shape IN ('kink', 'jump') OR reason <> ''", name=op.f("ck_md_melting_point_reason")),
        sa.CheckConstraint("shape IN ('line', 'kink', 'jump', 'undetermined')", name=op.f("ck_md_melting_point_shape")),
        sa.CheckConstraint(
            "num_nulls(calibration_model_id, calibrated_tm_k, calibrated_low_k, calibrated_high_k) IN (0, 4)",
            name=op.f("ck_md_melting_point_calibrated"),
        ),
        sa.CheckConstraint("tm_low_k <= tm_k AND tm_k <= tm_high_k", name=op.f("ck_md_melting_point_interval")),
        sa.ForeignKeyConstraint(
            ["calibration_model_id"], ["ildb.model.id"], name=op.f("fk_md_melting_point_calibration_model_id_model")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_md_melting_point_run_id_run")),
        sa.ForeignKeyConstraint(
            ["simulation_id"], ["ildb.md_simulation.id"], name=op.f("fk_md_melting_point_simulation_id_md_simulation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_md_melting_point")),
        sa.UniqueConstraint(
            "run_id", "simulation_id", "direction", name=op.f("uq_md_melting_point_run_id_simulation_id_direction")
        ),
        schema="ildb",
    )
    op.create_index(
        op.f("ix_md_melting_point_simulation_id"), "md_melting_point", ["simulation_id"], unique=False, schema="ildb"
    )
    op.create_table(
        "md_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("simulation_id", sa.BigInteger(), nullable=False),
        sa.Column("temperature_k", sa.Float(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("seed", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("density_g_cm3", sa.Float(), nullable=True),
        sa.Column("density_error_g_cm3", sa.Float(), nullable=True),
        sa.Column("enthalpy_kj_mol", sa.Float(), nullable=True),
        sa.Column("enthalpy_error_kj_mol", sa.Float(), nullable=True),
        sa.Column("box_nm", sa.Float(), nullable=True),
        sa.Column("d_cation_m2_s", sa.Float(), nullable=True),
        sa.Column("d_cation_error_m2_s", sa.Float(), nullable=True),
        sa.Column("d_cation_infinite_m2_s", sa.Float(), nullable=True),
        sa.Column("cation_slope", sa.Float(), nullable=True),
        sa.Column("d_anion_m2_s", sa.Float(), nullable=True),
        sa.Column("d_anion_error_m2_s", sa.Float(), nullable=True),
        sa.Column("d_anion_infinite_m2_s", sa.Float(), nullable=True),
        sa.Column("anion_slope", sa.Float(), nullable=True),
        sa.Column("is_subdiffusive", sa.Boolean(), nullable=True),
        sa.Column("rdf_peak_nm", sa.Float(), nullable=True),
        sa.Column("coordination", sa.Float(), nullable=True),
        sa.Column("strong_hydrogen_bonds", sa.Float(), nullable=True),
        sa.Column("weak_hydrogen_bonds", sa.Float(), nullable=True),
        sa.Column("cation_gyration_nm", sa.Float(), nullable=True),
        sa.Column("anion_gyration_nm", sa.Float(), nullable=True),
        sa.Column("timestep_fs", sa.Float(), nullable=False),
        sa.Column("n_resumed", sa.BigInteger(), nullable=False),
        sa.Column("n_unstable", sa.BigInteger(), nullable=False),
        sa.Column("simulated_ps", sa.Float(), nullable=False),
        sa.Column("ns_per_day", sa.Float(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("trajectory_artifact_id", sa.BigInteger(), nullable=True),
        sa.Column("thermo_artifact_id", sa.BigInteger(), nullable=True),
        sa.Column("state_artifact_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("direction IN ('cooling', 'heating')", name=op.f("ck_md_point_direction")),
        sa.CheckConstraint(
            "num_nulls(density_g_cm3, density_error_g_cm3, enthalpy_kj_mol, enthalpy_error_kj_mol, box_nm, d_cation_m2_s, d_cation_error_m2_s, d_cation_infinite_m2_s, cation_slope, d_anion_m2_s, d_anion_error_m2_s, d_anion_infinite_m2_s, anion_slope, is_subdiffusive, rdf_peak_nm, coordination, strong_hydrogen_bonds, weak_hydrogen_bonds, cation_gyration_nm, anion_gyration_nm, trajectory_artifact_id, thermo_artifact_id) = CASE status WHEN 'done' THEN 0 ELSE 22 END",
            name=op.f("ck_md_point_figures_when_done"),
        ),
        sa.CheckConstraint("status IN ('done', 'unstable')", name=op.f("ck_md_point_status")),
        sa.CheckConstraint("density_g_cm3 > 0", name=op.f("ck_md_point_density_positive")),
        sa.CheckConstraint("temperature_k > 0", name=op.f("ck_md_point_temperature_positive")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_md_point_run_id_run")),
        sa.ForeignKeyConstraint(
            ["simulation_id"], ["ildb.md_simulation.id"], name=op.f("fk_md_point_simulation_id_md_simulation")
        ),
        sa.ForeignKeyConstraint(
            ["state_artifact_id"], ["ildb.artifact.id"], name=op.f("fk_md_point_state_artifact_id_artifact")
        ),
        sa.ForeignKeyConstraint(
            ["thermo_artifact_id"], ["ildb.artifact.id"], name=op.f("fk_md_point_thermo_artifact_id_artifact")
        ),
        sa.ForeignKeyConstraint(
            ["trajectory_artifact_id"], ["ildb.artifact.id"], name=op.f("fk_md_point_trajectory_artifact_id_artifact")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_md_point")),
        sa.UniqueConstraint(
            "simulation_id",
            "temperature_k",
            "direction",
            "seed",
            name=op.f("uq_md_point_simulation_id_temperature_k_direction_seed"),
        ),
        schema="ildb",
    )
    op.create_index(op.f("ix_md_point_run_id"), "md_point", ["run_id"], unique=False, schema="ildb")
    op.execute(f"CREATE VIEW ildb.md_parity AS\n{sql_text('views/md_parity_v1')}")
    op.execute(f"CREATE OR REPLACE VIEW ildb.lineage AS\n{sql_text('views/lineage_v2')}")
    # Reading is granted by the default privileges of 0003.
    op.execute("GRANT INSERT ON ildb.md_simulation, ildb.md_point, ildb.md_melting_point TO ildb_runner")
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.execute(f"CREATE OR REPLACE VIEW ildb.lineage AS\n{sql_text('views/lineage_v1')}")
    op.execute("DROP VIEW ildb.md_parity")
    for table in ("md_melting_point", "md_point", "md_simulation"):
        op.drop_table(table, schema="ildb")
    op.execute("DELETE FROM ildb.model WHERE kind = 'md_calibration'")
    _model_kinds(_KINDS)
