"""Run SQL from named files in ``sql/``; parameters are ``:name``, so the same file runs in psql."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult, TextClause, text

from ildb.resources import sql_text


def statement(name: str) -> TextClause:
    """The statement of ``sql/queries/<name>.sql``."""
    return text(sql_text(f"queries/{name}"))


def execute(connection: Connection, name: str, /, **parameters: Any) -> CursorResult[Any]:
    """Execute ``sql/queries/<name>.sql``."""
    return connection.execute(statement(name), parameters)


def rows(connection: Connection, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """All rows of a named query, by column."""
    return [dict(row) for row in execute(connection, name, **parameters).mappings()]


def one(connection: Connection, name: str, /, **parameters: Any) -> dict[str, Any] | None:
    """The first row of a named query, or None."""
    row = execute(connection, name, **parameters).mappings().first()
    return None if row is None else dict(row)
