"""Who may do what (four roles), and who did what (audit_event).

Roles are for SET ROLE and for membership: they cannot log in, so that who connected stays known. The exception is
``ildb_reader`` on the embedded server: SQL of any origin runs as it, and SET ROLE could be undone by that very SQL.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from ildb.resources import sql_text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AUDITED = ("pairing_evidence", "quarantine", "source")


def upgrade() -> None:
    op.execute(sql_text("roles/create_v1"))
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("was", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("action IN ('UPDATE', 'DELETE', 'TRUNCATE')", name=op.f("ck_audit_event_action")),
        sa.CheckConstraint("(row_id IS NULL) = (action = 'TRUNCATE')", name=op.f("ck_audit_event_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        schema="ildb",
    )
    op.create_index("ix_audit_event_row", "audit_event", ["table_name", "row_id"], unique=False, schema="ildb")
    for function in ("audit_change", "refuse_change"):
        op.execute(sql_text(f"functions/{function}_v1"))
        op.execute(f"REVOKE ALL ON FUNCTION ildb.{function}() FROM PUBLIC")
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
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ildb.audit_event FOR EACH STATEMENT"
        " EXECUTE FUNCTION ildb.refuse_change()"
    )
    op.execute(sql_text("roles/grant_v1"))
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.execute(sql_text("roles/disown_v1"))
    op.execute(sql_text("roles/revoke_v1"))
    for table in AUDITED:
        for event in ("update", "delete", "truncate"):
            op.execute(f"DROP TRIGGER audit_{event} ON ildb.{table}")
    op.drop_table("audit_event", schema="ildb")
    for function in ("audit_change", "refuse_change"):
        op.execute(f"DROP FUNCTION ildb.{function}()")
