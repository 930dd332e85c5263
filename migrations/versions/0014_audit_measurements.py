"""Changes of measured values and of the spellings of ions are recorded too; see docs/dba.md."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

AUDITED = ("measurement", "ion_alias")


def upgrade() -> None:
    for table in AUDITED:
        op.execute(
            f"CREATE TRIGGER audit_update AFTER UPDATE ON ildb.{table} FOR EACH ROW"
            " WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION ildb.audit_change()"
        )
        op.execute(
            f"CREATE TRIGGER audit_delete AFTER DELETE ON ildb.{table} FOR EACH ROW"
            " EXECUTE FUNCTION ildb.audit_change()"
        )
        op.execute(
            f"CREATE TRIGGER audit_truncate AFTER TRUNCATE ON ildb.{table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION ildb.audit_change()"
        )


def downgrade() -> None:
    for table in AUDITED:
        for event in ("update", "delete", "truncate"):
            op.execute(f"DROP TRIGGER audit_{event} ON ildb.{table}")
