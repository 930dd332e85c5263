"""The views people query: known_il, candidate, consensus_measurement, lineage.

A view's file is never edited once a migration names it: a change is a new file (``_v2``) and a new migration.
"""

from __future__ import annotations

from alembic import op

from ildb.resources import sql_text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# In order of dependence.
VIEWS = {
    "consensus_measurement": "consensus_measurement_v1",
    "known_il": "known_il_v1",
    "candidate": "candidate_v1",
    "lineage": "lineage_v1",
}


def upgrade() -> None:
    for view, file in VIEWS.items():
        op.execute(f"CREATE VIEW ildb.{view} AS\n{sql_text(f'views/{file}')}")


def downgrade() -> None:
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW ildb.{view}")
