"""Search: functions with more filters and pages, patterns judged by their parts, readers kept from the cartridge.

A reader can no longer build a structure of any size (``sql/roles/close_cartridge_v1.sql``) where the migrating user is
a superuser of the server that 'ildb db up' made; elsewhere that is for the administrator (docs/dba.md).
"""

from __future__ import annotations

from alembic import op

from ildb.resources import sql_text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# In order of dependence. What depends on a dropped function is made anew.
FUNCTIONS = {
    "checked_smarts": "text",
    "checked_smiles": "text",
    "find_ions": "text, text",
    "similar_ions": "text, text, double precision, integer",
}
FIND_PAIRINGS = "text, text, text, double precision, boolean, integer"
MORE_FILTERS = (
    "text[], text[], text[], text[], text, text, double precision, double precision, real, real, text, bigint, text"
)
COMMENTS = {
    "find_ions(text, text)": "Ions that contain a SMARTS pattern; side is cation, anion or either.",
    "similar_ions(text, text, double precision, integer)": "Ions most similar to a SMILES, spelled as ildb shows it;"
    " Tanimoto on Morgan fingerprints. threshold 0 for the nearest.",
    f"find_pairings({FIND_PAIRINGS}, {MORE_FILTERS})": "Pairings by SMARTS and similarity of either ion, evidence,"
    " source, run, melting point (K), scores and screen, best first; max_rows NULL for all, after => place for the"
    " next page.",
}
OLD_COMMENTS = {
    "find_ions(text, text)": "Ions that contain a SMARTS pattern; side is cation, anion or either.",
    "similar_ions(text, text, double precision, integer)": "Ions most similar to a SMILES, spelled as ildb shows it;"
    " Tanimoto on Morgan fingerprints.",
    f"find_pairings({FIND_PAIRINGS})": "Pairings by SMARTS of either ion, evidence, melting point (K) and screen, best"
    " first; max_rows NULL for all.",
}
# Only here may the migrating user change what belongs to the server: schema public and functions of pg_catalog.
MAY_CLOSE = (
    "SELECT rolsuper AND current_setting('cluster_name') = 'ildb' AND current_setting('listen_addresses') = ''"
    " FROM pg_roles WHERE rolname = current_user"
)
IS_CLOSED = "SELECT to_regprocedure('ildb.refused_structure(text)') IS NOT NULL"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # Writers go on meanwhile. What an interrupted attempt left is invalid and goes first.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ildb.ix_screening_decision_passed")
        op.create_index(
            "ix_screening_decision_passed",
            "screening_decision",
            ["rank", "pairing_id"],
            schema="ildb",
            postgresql_where="passed",
            postgresql_concurrently=True,
        )
    _replace("v2")
    op.execute(f"DROP FUNCTION ildb.find_pairings({FIND_PAIRINGS})")
    op.execute(sql_text("functions/ions_of_side_v1"))
    op.execute(sql_text("functions/find_pairings_v2"))
    _comment(COMMENTS)
    if _asked(MAY_CLOSE):
        op.execute(sql_text("roles/close_cartridge_v1"))
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    if _asked(IS_CLOSED):
        op.execute(sql_text("roles/open_cartridge_v1"))
    op.execute(f"DROP FUNCTION ildb.find_pairings({FIND_PAIRINGS}, {MORE_FILTERS})")
    op.execute("DROP FUNCTION ildb.ions_of_side(text, text, text[], text, double precision)")
    _replace("v1")
    op.execute(sql_text("functions/find_pairings_v1"))
    _comment(OLD_COMMENTS)
    op.execute(sql_text("roles/own_v1"))
    op.drop_index("ix_screening_decision_passed", table_name="screening_decision", schema="ildb")


def _replace(version: str) -> None:
    for function, arguments in reversed(FUNCTIONS.items()):
        op.execute(f"DROP FUNCTION ildb.{function}({arguments})")
    for function in FUNCTIONS:
        op.execute(sql_text(f"functions/{function}_{version}"))


def _comment(comments: dict[str, str]) -> None:
    for function, text in comments.items():
        op.execute(f"COMMENT ON FUNCTION ildb.{function} IS '{text}'")


def _asked(question: str) -> bool:
    """The server's answer; no where there is none (``--sql``)."""
    return not op.get_context().as_sql and bool(op.get_bind().exec_driver_sql(question).scalar())
