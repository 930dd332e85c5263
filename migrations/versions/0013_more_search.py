"""Search by domain and measured property from SQL, and counting there; see docs/search.md."""

from __future__ import annotations

from alembic import op

from ildb.resources import sql_text

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CONDITIONS = ", ".join(["boolean"] * 13)
PATTERNS = "text, text, text, double precision, boolean"
LOGIC = "text[], text[], text[], text[], text, text, double precision, double precision, real, real, text, bigint"
FIND_BEFORE = f"{PATTERNS}, integer, {LOGIC}, text"
PROPERTY = "boolean, text, double precision, double precision"
FIND = f"{FIND_BEFORE}, {PROPERTY}"
COUNT = f"{PATTERNS}, {LOGIC}, {PROPERTY}, boolean"
FOUND_BY = "by SMARTS and similarity of either ion, evidence, source, run, melting point (K), scores, domain, measured property"


def upgrade() -> None:
    op.execute(f"DROP FUNCTION ildb.find_pairings({FIND_BEFORE})")
    op.execute(sql_text("functions/pairing_conditions_v1"))
    op.execute(sql_text("functions/find_pairings_v3"))
    op.execute(sql_text("functions/count_pairings_v1"))
    op.execute(
        f"COMMENT ON FUNCTION ildb.find_pairings({FIND}) IS 'Pairings {FOUND_BY} and screen, best first; max_rows NULL"
        " for all, after => place for the next page.'"
    )
    op.execute(
        f"COMMENT ON FUNCTION ildb.count_pairings({COUNT}) IS 'How many pairings there are {FOUND_BY} and screen;"
        " exact => false for the planner''s estimate.'"
    )
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    op.execute(f"DROP FUNCTION ildb.count_pairings({COUNT})")
    op.execute(f"DROP FUNCTION ildb.find_pairings({FIND})")
    op.execute(f"DROP FUNCTION ildb.pairing_conditions({CONDITIONS})")
    op.execute(sql_text("functions/find_pairings_v2"))
    op.execute(
        f"COMMENT ON FUNCTION ildb.find_pairings({FIND_BEFORE}) IS 'Pairings by SMARTS and similarity of either ion,"
        " evidence, source, run, melting point (K), scores and screen, best first; max_rows NULL for all, after => place"
        " for the next page.'"
    )
    op.execute(sql_text("roles/own_v1"))
