"""Migrations after 0005 keep to the patterns for big tables (docs/dba.md), as far as squawk can see.

What it finds must be in ``ALLOWED`` with the reason why it does no harm.
"""

from __future__ import annotations

import io
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from ildb.db import schema

# Rules that do not fit here, whatever the migration.
EXCLUDED = {
    "prefer-bigint-over-int": "counts and ranks that stay far below 2**31",
    "prefer-bigint-over-smallint": "charges, stoichiometry, versions: small by nature, and there are millions of them",
    "prefer-robust-stmts": "a revision is one transaction; what is outside says IF EXISTS itself",
    "require-lock-timeout": "the person who runs `ildb db upgrade` sets it (docs/dba.md)",
    "require-statement-timeout": "likewise; building an index has no limit that would be right",
    "ban-drop-function": "a function with other arguments is dropped and made anew in one transaction",
}
BOOKS = "on the books of runs, which nobody reads by the million: upgrade when no run is under way"
# (revision, rule) -> why it does no harm there.
ALLOWED = {
    ("0006", "constraint-missing-not-valid"): "on columns added just before, NULL in every row: one scan",
    ("0006", "require-concurrent-index-creation"): "partial, no row satisfies it yet: one scan, nothing to sort",
    ("0008", "constraint-missing-not-valid"): BOOKS,
    ("0008", "adding-foreign-key-constraint"): BOOKS,
    ("0008", "require-concurrent-index-creation"): BOOKS,
    ("0008", "require-concurrent-index-deletion"): BOOKS,
    ("0009", "constraint-missing-not-valid"): "the kinds of a model, which has a row for each training",
    ("0009", "ban-drop-constraint"): "the same check, widened in one transaction",
    ("0010", "constraint-missing-not-valid"): "the kinds of a model, which has a row for each training",
    ("0010", "ban-drop-constraint"): "the same check, widened in one transaction",
    ("0012", "constraint-missing-not-valid"): "the kinds of a model, which has a row for each training",
    ("0012", "ban-drop-constraint"): "the same check, widened in one transaction",
}
SQUAWK = Path(sysconfig.get_path("scripts")) / "squawk"
REVISIONS = [
    (script.down_revision, script.revision)
    for script in reversed(list(ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()))
    if script.revision > "0005"
]


def found(sql: str, folder: Path) -> set[str]:
    """The rules that squawk finds broken."""
    file = folder / "migration.sql"
    file.write_text(sql, encoding="utf-8")
    arguments = ["--pg-version=15.0", "--reporter=gcc", f"--exclude={','.join(EXCLUDED)}", str(file)]
    done = subprocess.run([SQUAWK, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return set(re.findall(r": (?:warning|error): ([a-z-]+) ", done.stdout))


def offline(before: object, revision: str) -> str:
    config = schema.alembic_config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{before}:{revision}", sql=True)
    return config.output_buffer.getvalue()


@pytest.mark.parametrize(("before", "revision"), REVISIONS)
def test_squawk(before: object, revision: str, tmp_path: Path) -> None:
    sql = offline(before, revision)
    assert f"version_num='{revision}'" in sql
    assert found(sql, tmp_path) <= {rule for known, rule in ALLOWED if known == revision}


def test_squawk_would_see_it(tmp_path: Path) -> None:
    bad = (
        "CREATE INDEX i ON ildb.pairing (n_cation);"
        " ALTER TABLE ildb.pairing ALTER COLUMN n_cation SET NOT NULL;"
        " ALTER TABLE ildb.pairing ADD CONSTRAINT c CHECK (n_cation > 0);"
    )
    assert {"require-concurrent-index-creation", "adding-not-nullable-field", "constraint-missing-not-valid"} <= found(
        bad, tmp_path
    )


def test_reasons_are_of_migrations_that_are_there() -> None:
    assert {revision for revision, _ in ALLOWED} <= {revision for _, revision in REVISIONS}
