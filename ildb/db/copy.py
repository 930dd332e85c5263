"""Bulk loading by binary COPY (text COPY would turn the SMILES ``\\n`` into a line feed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from ildb.db.engine import raw
from ildb.db.models import SCHEMA


def copy_rows(connection: Connection, table: str, types: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
    """Append rows to a table of schema ``ildb`` (or to a temporary table).

    Args:
        connection: an open transaction.
        table: its name; ``pg_temp.NAME`` for a temporary table.
        types: column name -> PostgreSQL type, in the order of the values; ``jsonb`` values may be plain Python.
        rows: one sequence of values per row, read once.

    Returns:
        How many rows were sent.
    """
    schema, _, name = table.rpartition(".")
    target = sql.Identifier(schema or SCHEMA, name)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        target, sql.SQL(", ").join(map(sql.Identifier, types))
    )
    json_at = [i for i, kind in enumerate(types.values()) if kind == "jsonb"]
    count = 0
    with raw(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(types.values()))
        for row in rows:
            copy.write_row(_wrap(row, json_at) if json_at else row)
            count += 1
    return count


def _wrap(row: Sequence[Any], json_at: Sequence[int]) -> list[Any]:
    wrapped = list(row)
    for i in json_at:
        if wrapped[i] is not None:
            wrapped[i] = Jsonb(wrapped[i])
    return wrapped


def stage_rows(connection: Connection, name: str, types: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
    """Fill the temporary table ``pg_temp.NAME`` (gone at commit) by COPY and analyse it; rows of before are gone."""
    table = sql.Identifier("pg_temp", name)
    driver: psycopg.Connection[Any] = raw(connection)
    if driver.execute("SELECT to_regclass(%s)", [f"pg_temp.{name}"]).fetchone() != (None,):
        # Not made anew: the locks of dropped tables pile up until the transaction ends.
        driver.execute(sql.SQL("TRUNCATE {}").format(table))
    else:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in types.items()
        )
        driver.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), columns))
    count = copy_rows(connection, f"pg_temp.{name}", types, rows)
    driver.execute(sql.SQL("ANALYZE {}").format(table))
    return count
