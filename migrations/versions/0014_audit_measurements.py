"""Changes of measured values and of the spellings of ions are recorded too; see docs/dba.md."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

AUDITED = ("measurement", "ion_alias")
# Whoever makes a trigger must be allowed its function. A member of ildb_owner is from now on, so that it can make these
# anew; it cannot give itself the right, so a first upgrade by one is refused, and the database's owner has to do it.
ALLOW = """
DO $$
BEGIN
    IF pg_has_role(
        current_user, (SELECT proowner FROM pg_proc WHERE oid = 'ildb.audit_change()'::regprocedure), 'USAGE'
    ) THEN
        GRANT EXECUTE ON FUNCTION ildb.audit_change() TO ildb_owner;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute(ALLOW)
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
