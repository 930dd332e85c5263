"""Checks of the rows: every file of ``sql/checks`` is a query that must find nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from ildb.resources import resource_dir, sql_text

SAMPLE = 5


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: its file without ``.sql``.
        n_rows: how many rows offend; 0 is well.
        sample: a few of them.
        about: the comment at the top of the file: what the rows mean and how to mend them.
    """

    name: str
    n_rows: int
    sample: list[dict[str, Any]] = field(default_factory=list)
    about: str = ""


def names() -> list[str]:
    """All checks, by name."""
    return sorted(path.stem for path in (resource_dir("sql") / "checks").glob("*.sql"))


def run_check(connection: Connection, name: str) -> CheckResult:
    """Run one check."""
    query = sql_text(f"checks/{name}")
    about = " ".join(line.removeprefix("--").strip() for line in query.splitlines() if line.startswith("--"))
    # One pass gives the number of offending rows and a sample of them.
    counted = f"SELECT to_jsonb(found) AS row, count(*) OVER () AS n_rows FROM (\n{query}\n) AS found LIMIT {SAMPLE}"  # noqa: S608
    rows = connection.execute(text(counted)).all()
    return CheckResult(name, rows[0].n_rows if rows else 0, [row.row for row in rows], about)


def run_checks(connection: Connection) -> list[CheckResult]:
    """Run every check of ``sql/checks``, in the order of their names."""
    return [run_check(connection, name) for name in names()]
