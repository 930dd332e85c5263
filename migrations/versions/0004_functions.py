"""Functions that people call from psql and notebooks: find_pairings, find_ions, similar_ions."""

from __future__ import annotations

from alembic import op

from ildb.resources import sql_text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# In order of dependence.
FUNCTIONS = {
    "checked_smarts": "text",
    "checked_smiles": "text",
    "sign_of_side": "text",
    "find_ions": "text, text",
    "similar_ions": "text, text, double precision, integer",
    "describe_pairings": "bigint[]",
    "find_pairings": "text, text, text, double precision, boolean, integer",
}
COMMENTS = {
    "find_ions": "Ions that contain a SMARTS pattern; side is cation, anion or either.",
    "similar_ions": "Ions most similar to a SMILES, spelled as ildb shows it; Tanimoto on Morgan fingerprints.",
    "find_pairings": "Pairings by SMARTS of either ion, evidence, melting point (K) and screen, best first;"
    " max_rows NULL for all.",
}


def upgrade() -> None:
    # They run with the rights of the caller, who needs USAGE on the schema to reach them.
    for function in FUNCTIONS:
        op.execute(sql_text(f"functions/{function}_v1"))
    for function, text in COMMENTS.items():
        op.execute(f"COMMENT ON FUNCTION ildb.{function}({FUNCTIONS[function]}) IS '{text}'")
    op.execute(sql_text("functions/cartridge_costs_v1"))
    op.execute(sql_text("roles/own_v1"))


def downgrade() -> None:
    # The costs stay: they belong to the extension, not to the schema.
    for function, arguments in reversed(FUNCTIONS.items()):
        op.execute(f"DROP FUNCTION ildb.{function}({arguments})")
