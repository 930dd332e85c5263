"""The cartridge and the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.db import types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS rdkit WITH SCHEMA public")
    # Stored and queried fingerprints must have one length, whatever the server's default is.
    # Only once the cartridge is loaded may an owner who is no superuser set it.
    op.execute("""
        DO $$ BEGIN
            PERFORM public.mol_from_smiles('C'::cstring);
            EXECUTE format('ALTER DATABASE %I SET rdkit.morgan_fp_size = 512', current_database());
        END $$
    """)
    op.create_table(
        "ion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("inchikey", sa.Text(), nullable=False),
        sa.Column("smiles", sa.Text(), nullable=False),
        sa.Column("charge", sa.SmallInteger(), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("mass_g_mol", sa.Double(), nullable=False),
        sa.Column("heavy_atoms", sa.SmallInteger(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("rdkit_version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("inchikey ~ '^[A-Z]{14}-[A-Z]{10}-[A-Z]$'", name=op.f("ck_ion_inchikey_form")),
        sa.CheckConstraint("smiles <> ''", name=op.f("ck_ion_smiles_not_empty")),
        sa.CheckConstraint("charge <> 0", name=op.f("ck_ion_charged")),
        sa.CheckConstraint("heavy_atoms >= 0", name=op.f("ck_ion_heavy_atoms_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ion")),
        sa.UniqueConstraint("id", "charge", name=op.f("uq_ion_id_charge")),
        sa.UniqueConstraint("inchikey", name=op.f("uq_ion_inchikey")),
        schema="ildb",
    )
    op.create_index("ix_ion_smiles", "ion", [sa.literal_column("md5(smiles)")], unique=False, schema="ildb")
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recipe_name", sa.Text(), nullable=False),
        sa.Column("recipe", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recipe_sha256", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("git_commit", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_run_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        schema="ildb",
    )
    op.create_index("ix_run_run_key", "run", ["run_key"], unique=False, schema="ildb")
    op.create_table(
        "source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=True),
        sa.Column("doi", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("retrieved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("name", "sha256", name=op.f("uq_source_name_sha256")),
        schema="ildb",
    )
    op.create_table(
        "dataset_snapshot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("n_rows", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("n_rows > 0", name=op.f("ck_dataset_snapshot_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_dataset_snapshot_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_snapshot")),
        sa.UniqueConstraint("kind", "sha256", name=op.f("uq_dataset_snapshot_kind_sha256")),
        schema="ildb",
    )
    op.create_table(
        "ingest",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("n_read", sa.BigInteger(), nullable=False),
        sa.Column("n_inserted", sa.BigInteger(), nullable=False),
        sa.Column("n_existing", sa.BigInteger(), nullable=False),
        sa.Column("n_quarantined", sa.BigInteger(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("n_inserted + n_existing + n_quarantined = n_read", name=op.f("ck_ingest_nothing_lost")),
        sa.ForeignKeyConstraint(["source_id"], ["ildb.source.id"], name=op.f("fk_ingest_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest")),
        schema="ildb",
    )
    op.create_index(op.f("ix_ingest_source_id"), "ingest", ["source_id"], unique=False, schema="ildb")
    op.create_table(
        "ion_alias",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ion_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('smiles', 'name')", name=op.f("ck_ion_alias_kind")),
        sa.CheckConstraint("num_nonnulls(source_id, run_id) = 1", name=op.f("ck_ion_alias_one_origin")),
        sa.ForeignKeyConstraint(["ion_id"], ["ildb.ion.id"], name=op.f("fk_ion_alias_ion_id_ion"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_ion_alias_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["ildb.source.id"], name=op.f("fk_ion_alias_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ion_alias")),
        sa.UniqueConstraint(
            "ion_id",
            "source_id",
            "run_id",
            "kind",
            "value",
            name=op.f("uq_ion_alias_ion_id_source_id_run_id_kind_value"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="ildb",
    )
    op.create_index("ix_ion_alias_value", "ion_alias", [sa.literal_column("md5(value)")], unique=False, schema="ildb")
    op.create_table(
        "ion_structure",
        sa.Column("ion_id", sa.BigInteger(), nullable=False),
        sa.Column("mol", types.Mol(), nullable=False),
        sa.Column("mfp2", types.Bfp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ion_id"], ["ildb.ion.id"], name=op.f("fk_ion_structure_ion_id_ion"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ion_id", name=op.f("pk_ion_structure")),
        schema="ildb",
    )
    op.create_index(
        "ix_ion_structure_mfp2", "ion_structure", ["mfp2"], unique=False, schema="ildb", postgresql_using="gist"
    )
    op.create_index(
        "ix_ion_structure_mol", "ion_structure", ["mol"], unique=False, schema="ildb", postgresql_using="gist"
    )
    op.create_table(
        "pairing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cation_id", sa.BigInteger(), nullable=False),
        sa.Column("anion_id", sa.BigInteger(), nullable=False),
        sa.Column("cation_charge", sa.SmallInteger(), nullable=False),
        sa.Column("anion_charge", sa.SmallInteger(), nullable=False),
        sa.Column("n_cation", sa.SmallInteger(), nullable=False),
        sa.Column("n_anion", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("cation_charge > 0 AND anion_charge < 0", name=op.f("ck_pairing_charges")),
        sa.CheckConstraint("n_cation * cation_charge + n_anion * anion_charge = 0", name=op.f("ck_pairing_neutral")),
        sa.CheckConstraint(
            "n_cation > 0 AND n_anion > 0 AND gcd(n_cation::int, n_anion::int) = 1",
            name=op.f("ck_pairing_lowest_terms"),
        ),
        sa.ForeignKeyConstraint(
            ["anion_id", "anion_charge"],
            ["ildb.ion.id", "ildb.ion.charge"],
            name=op.f("fk_pairing_anion_id_anion_charge_ion"),
        ),
        sa.ForeignKeyConstraint(
            ["cation_id", "cation_charge"],
            ["ildb.ion.id", "ildb.ion.charge"],
            name=op.f("fk_pairing_cation_id_cation_charge_ion"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
        sa.UniqueConstraint("cation_id", "anion_id", name=op.f("uq_pairing_cation_id_anion_id")),
        schema="ildb",
    )
    op.create_index("ix_pairing_anion_id", "pairing", ["anion_id"], unique=False, schema="ildb")
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("resolution", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('open', 'accepted', 'rejected')", name=op.f("ck_quarantine_status")),
        sa.CheckConstraint("cardinality(reasons) > 0", name=op.f("ck_quarantine_has_reason")),
        sa.ForeignKeyConstraint(["source_id"], ["ildb.source.id"], name=op.f("fk_quarantine_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("source_id", "record_sha256", name=op.f("uq_quarantine_source_id_record_sha256")),
        schema="ildb",
    )
    op.create_index("ix_quarantine_status", "quarantine", ["status", "source_id"], unique=False, schema="ildb")
    op.create_table(
        "stage_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uses", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("needs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("stage_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("reused_from_id", sa.BigInteger(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("git_commit", sa.Text(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'reused') = (reused_from_id IS NOT NULL)", name=op.f("ck_stage_run_reused")),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'succeeded', 'reused', 'failed', 'cancelled')",
            name=op.f("ck_stage_run_status"),
        ),
        sa.ForeignKeyConstraint(
            ["reused_from_id"], ["ildb.stage_run.id"], name=op.f("fk_stage_run_reused_from_id_stage_run")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_stage_run_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_run")),
        sa.UniqueConstraint("run_id", "name", name=op.f("uq_stage_run_run_id_name")),
        schema="ildb",
    )
    op.create_index("ix_stage_run_stage_key", "stage_run", ["stage_key"], unique=False, schema="ildb")
    op.create_table(
        "artifact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("stage_run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("n_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("n_bytes >= 0", name=op.f("ck_artifact_n_bytes_not_negative")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_artifact_run_id_run")),
        sa.ForeignKeyConstraint(
            ["stage_run_id"], ["ildb.stage_run.id"], name=op.f("fk_artifact_stage_run_id_stage_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact")),
        sa.UniqueConstraint("stage_run_id", "kind", "sha256", name=op.f("uq_artifact_stage_run_id_kind_sha256")),
        schema="ildb",
    )
    op.create_index(op.f("ix_artifact_run_id"), "artifact", ["run_id"], unique=False, schema="ildb")
    op.create_index("ix_artifact_sha256", "artifact", ["sha256"], unique=False, schema="ildb")
    op.create_table(
        "measurement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("qualifier", sa.Text(), server_default=sa.text("'='"), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=True),
        sa.Column("temperature_k", sa.Double(), nullable=True),
        sa.Column("pressure_kpa", sa.Double(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "property <> 'melting_point' OR (unit = 'K' AND value BETWEEN 1 AND 3000)",
            name=op.f("ck_measurement_melting_point"),
        ),
        sa.CheckConstraint("qualifier IN ('=', '<', '>', '~')", name=op.f("ck_measurement_qualifier")),
        sa.CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name=op.f("ck_measurement_finite")),
        sa.CheckConstraint("num_nonnulls(source_id, run_id) = 1", name=op.f("ck_measurement_one_origin")),
        sa.CheckConstraint("uncertainty >= 0", name=op.f("ck_measurement_uncertainty_not_negative")),
        sa.ForeignKeyConstraint(["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_measurement_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_measurement_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["ildb.source.id"], name=op.f("fk_measurement_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurement")),
        sa.UniqueConstraint(
            "pairing_id",
            "property",
            "qualifier",
            "value",
            "unit",
            "temperature_k",
            "pressure_kpa",
            "source_id",
            "run_id",
            "reference",
            "source_key",
            name="uq_measurement_claim",
            postgresql_nulls_not_distinct=True,
        ),
        schema="ildb",
    )
    op.create_index("ix_measurement_property", "measurement", ["property", "value"], unique=False, schema="ildb")
    op.create_index(op.f("ix_measurement_source_id"), "measurement", ["source_id"], unique=False, schema="ildb")
    op.create_table(
        "pairing_evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'known' AND source_id IS NOT NULL AND run_id IS NULL) OR (kind <> 'known' AND run_id IS NOT NULL AND source_id IS NULL)",
            name=op.f("ck_pairing_evidence_origin"),
        ),
        sa.CheckConstraint("kind IN ('known', 'predicted', 'generated')", name=op.f("ck_pairing_evidence_kind")),
        sa.ForeignKeyConstraint(
            ["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_pairing_evidence_pairing_id_pairing")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_pairing_evidence_run_id_run")),
        sa.ForeignKeyConstraint(["source_id"], ["ildb.source.id"], name=op.f("fk_pairing_evidence_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing_evidence")),
        sa.UniqueConstraint(
            "pairing_id",
            "kind",
            "source_id",
            "run_id",
            "reference",
            "source_key",
            name=op.f("uq_pairing_evidence_pairing_id_kind_source_id_run_id_reference_source_key"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="ildb",
    )
    op.create_index("ix_pairing_evidence_kind", "pairing_evidence", ["kind", "pairing_id"], unique=False, schema="ildb")
    op.create_index(op.f("ix_pairing_evidence_run_id"), "pairing_evidence", ["run_id"], unique=False, schema="ildb")
    op.create_index(
        op.f("ix_pairing_evidence_source_id"), "pairing_evidence", ["source_id"], unique=False, schema="ildb"
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("stage_run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status <> 'running' OR lease_expires_at IS NOT NULL", name=op.f("ck_task_leased")),
        sa.CheckConstraint("status IN ('waiting', 'running', 'succeeded', 'failed')", name=op.f("ck_task_status")),
        sa.ForeignKeyConstraint(["stage_run_id"], ["ildb.stage_run.id"], name=op.f("fk_task_stage_run_id_stage_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("stage_run_id", "position", name=op.f("uq_task_stage_run_id_position")),
        schema="ildb",
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["stage_run_id", "position"],
        unique=False,
        schema="ildb",
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("stage_run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("artifact_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('links', 'vae', 'melting')", name=op.f("ck_model_kind")),
        sa.ForeignKeyConstraint(["artifact_id"], ["ildb.artifact.id"], name=op.f("fk_model_artifact_id_artifact")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_model_run_id_run")),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["ildb.dataset_snapshot.id"], name=op.f("fk_model_snapshot_id_dataset_snapshot")
        ),
        sa.ForeignKeyConstraint(["stage_run_id"], ["ildb.stage_run.id"], name=op.f("fk_model_stage_run_id_stage_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        schema="ildb",
    )
    op.create_index(op.f("ix_model_run_id"), "model", ["run_id"], unique=False, schema="ildb")
    op.create_table(
        "snapshot_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.BigInteger(), nullable=True),
        sa.Column("measurement_id", sa.BigInteger(), nullable=True),
        sa.Column("split", sa.Text(), nullable=False),
        sa.CheckConstraint("num_nonnulls(evidence_id, measurement_id) = 1", name=op.f("ck_snapshot_row_one_member")),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["ildb.pairing_evidence.id"], name=op.f("fk_snapshot_row_evidence_id_pairing_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["measurement_id"], ["ildb.measurement.id"], name=op.f("fk_snapshot_row_measurement_id_measurement")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["ildb.dataset_snapshot.id"], name=op.f("fk_snapshot_row_snapshot_id_dataset_snapshot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_row")),
        sa.UniqueConstraint(
            "snapshot_id",
            "evidence_id",
            "measurement_id",
            name=op.f("uq_snapshot_row_snapshot_id_evidence_id_measurement_id"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="ildb",
    )
    op.create_index(op.f("ix_snapshot_row_evidence_id"), "snapshot_row", ["evidence_id"], unique=False, schema="ildb")
    op.create_index(
        op.f("ix_snapshot_row_measurement_id"), "snapshot_row", ["measurement_id"], unique=False, schema="ildb"
    )
    op.create_table(
        "link_score",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.REAL(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("probability BETWEEN 0 AND 1", name=op.f("ck_link_score_probability")),
        sa.ForeignKeyConstraint(["model_id"], ["ildb.model.id"], name=op.f("fk_link_score_model_id_model")),
        sa.ForeignKeyConstraint(["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_link_score_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_link_score_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "round", "pairing_id", name=op.f("pk_link_score")),
        schema="ildb",
    )
    op.create_index(op.f("ix_link_score_model_id"), "link_score", ["model_id"], unique=False, schema="ildb")
    op.create_index("ix_link_score_pairing_id", "link_score", ["pairing_id"], unique=False, schema="ildb")
    op.create_index(
        "ix_link_score_run_probability", "link_score", ["run_id", "round", "probability"], unique=False, schema="ildb"
    )
    op.create_table(
        "melting_score",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("p_below_373_k", sa.REAL(), nullable=True),
        sa.Column("tm_k", sa.REAL(), nullable=True),
        sa.Column("tm_low_k", sa.REAL(), nullable=True),
        sa.Column("tm_high_k", sa.REAL(), nullable=True),
        sa.Column("in_domain", sa.Boolean(), nullable=False),
        sa.Column("domain_reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("nearest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "num_nulls(p_below_373_k, tm_k, tm_low_k, tm_high_k) IN (0, 4)", name=op.f("ck_melting_score_all_or_none")
        ),
        sa.CheckConstraint("tm_k IS NOT NULL OR NOT in_domain", name=op.f("ck_melting_score_no_number_no_domain")),
        sa.CheckConstraint("p_below_373_k BETWEEN 0 AND 1", name=op.f("ck_melting_score_p_below_373_k")),
        sa.CheckConstraint("tm_low_k <= tm_k AND tm_k <= tm_high_k", name=op.f("ck_melting_score_interval")),
        sa.ForeignKeyConstraint(["model_id"], ["ildb.model.id"], name=op.f("fk_melting_score_model_id_model")),
        sa.ForeignKeyConstraint(["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_melting_score_pairing_id_pairing")),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_melting_score_run_id_run")),
        sa.PrimaryKeyConstraint("model_id", "pairing_id", name=op.f("pk_melting_score")),
        schema="ildb",
    )
    op.create_index("ix_melting_score_pairing_id", "melting_score", ["pairing_id"], unique=False, schema="ildb")
    op.create_index(op.f("ix_melting_score_run_id"), "melting_score", ["run_id"], unique=False, schema="ildb")
    op.create_index("ix_melting_score_tm_k", "melting_score", ["tm_k"], unique=False, schema="ildb")
    op.create_table(
        "screening_decision",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("pairing_id", sa.BigInteger(), nullable=False),
        sa.Column("link_run_id", sa.BigInteger(), nullable=True),
        sa.Column("melting_model_id", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("score", sa.REAL(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("(rank IS NOT NULL) = passed", name=op.f("ck_screening_decision_rank_of_passed")),
        sa.ForeignKeyConstraint(["link_run_id"], ["ildb.run.id"], name=op.f("fk_screening_decision_link_run_id_run")),
        sa.ForeignKeyConstraint(
            ["melting_model_id"], ["ildb.model.id"], name=op.f("fk_screening_decision_melting_model_id_model")
        ),
        sa.ForeignKeyConstraint(
            ["pairing_id"], ["ildb.pairing.id"], name=op.f("fk_screening_decision_pairing_id_pairing")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["ildb.run.id"], name=op.f("fk_screening_decision_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "pairing_id", name=op.f("pk_screening_decision")),
        schema="ildb",
    )
    op.create_index(
        "ix_screening_decision_pairing_id", "screening_decision", ["pairing_id"], unique=False, schema="ildb"
    )
    op.create_index("ix_screening_decision_rank", "screening_decision", ["run_id", "rank"], unique=False, schema="ildb")


def downgrade() -> None:
    op.drop_index("ix_screening_decision_rank", table_name="screening_decision", schema="ildb")
    op.drop_index("ix_screening_decision_pairing_id", table_name="screening_decision", schema="ildb")
    op.drop_table("screening_decision", schema="ildb")
    op.drop_index("ix_melting_score_tm_k", table_name="melting_score", schema="ildb")
    op.drop_index(op.f("ix_melting_score_run_id"), table_name="melting_score", schema="ildb")
    op.drop_index("ix_melting_score_pairing_id", table_name="melting_score", schema="ildb")
    op.drop_table("melting_score", schema="ildb")
    op.drop_index("ix_link_score_run_probability", table_name="link_score", schema="ildb")
    op.drop_index("ix_link_score_pairing_id", table_name="link_score", schema="ildb")
    op.drop_index(op.f("ix_link_score_model_id"), table_name="link_score", schema="ildb")
    op.drop_table("link_score", schema="ildb")
    op.drop_index(op.f("ix_snapshot_row_measurement_id"), table_name="snapshot_row", schema="ildb")
    op.drop_index(op.f("ix_snapshot_row_evidence_id"), table_name="snapshot_row", schema="ildb")
    op.drop_table("snapshot_row", schema="ildb")
    op.drop_index(op.f("ix_model_run_id"), table_name="model", schema="ildb")
    op.drop_table("model", schema="ildb")
    op.drop_index(
        "ix_task_open", table_name="task", schema="ildb", postgresql_where=sa.text("status IN ('waiting', 'running')")
    )
    op.drop_table("task", schema="ildb")
    op.drop_index(op.f("ix_pairing_evidence_source_id"), table_name="pairing_evidence", schema="ildb")
    op.drop_index(op.f("ix_pairing_evidence_run_id"), table_name="pairing_evidence", schema="ildb")
    op.drop_index("ix_pairing_evidence_kind", table_name="pairing_evidence", schema="ildb")
    op.drop_table("pairing_evidence", schema="ildb")
    op.drop_index(op.f("ix_measurement_source_id"), table_name="measurement", schema="ildb")
    op.drop_index("ix_measurement_property", table_name="measurement", schema="ildb")
    op.drop_table("measurement", schema="ildb")
    op.drop_index("ix_artifact_sha256", table_name="artifact", schema="ildb")
    op.drop_index(op.f("ix_artifact_run_id"), table_name="artifact", schema="ildb")
    op.drop_table("artifact", schema="ildb")
    op.drop_index("ix_stage_run_stage_key", table_name="stage_run", schema="ildb")
    op.drop_table("stage_run", schema="ildb")
    op.drop_index("ix_quarantine_status", table_name="quarantine", schema="ildb")
    op.drop_table("quarantine", schema="ildb")
    op.drop_index("ix_pairing_anion_id", table_name="pairing", schema="ildb")
    op.drop_table("pairing", schema="ildb")
    op.drop_index("ix_ion_structure_mol", table_name="ion_structure", schema="ildb", postgresql_using="gist")
    op.drop_index("ix_ion_structure_mfp2", table_name="ion_structure", schema="ildb", postgresql_using="gist")
    op.drop_table("ion_structure", schema="ildb")
    op.drop_index("ix_ion_alias_value", table_name="ion_alias", schema="ildb")
    op.drop_table("ion_alias", schema="ildb")
    op.drop_index(op.f("ix_ingest_source_id"), table_name="ingest", schema="ildb")
    op.drop_table("ingest", schema="ildb")
    op.drop_table("dataset_snapshot", schema="ildb")
    op.drop_table("source", schema="ildb")
    op.drop_index("ix_run_run_key", table_name="run", schema="ildb")
    op.drop_table("run", schema="ildb")
    op.drop_index("ix_ion_smiles", table_name="ion", schema="ildb")
    op.drop_table("ion", schema="ildb")
