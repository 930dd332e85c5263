"""A table's content: its checksum, and its rows as text and back.

The checksum of a table is the SHA-256 of what ``COPY (SELECT columns FROM table ORDER BY primary key) TO STDOUT``
sends, in the session settings below. So it depends on the values alone, not on how they lie on disk or how they
travelled, and psql with sha256sum gives the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from sqlalchemy import Connection

from ildb.archive.manifest import Column
from ildb.db import query
from ildb.db.engine import raw
from ildb.db.models import SCHEMA

ROWS_PER_BATCH = 50_000
CHARS_PER_BATCH = 16 << 20

_SETTINGS = {
    "client_encoding": "UTF8", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "TimeZone": "UTC",
    "extra_float_digits": "1", "bytea_output": "hex", "statement_timeout": "0",
}  # fmt: skip
# Every other type is kept as PostgreSQL's own text, which is exact for all of them.
_ARROW = {
    "bigint": pa.int64(), "integer": pa.int32(), "smallint": pa.int16(),
    "double precision": pa.float64(), "real": pa.float32(), "boolean": pa.bool_(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The tables of a server.

    Attributes:
        archived: those an archive holds, each after those it refers to.
        derived: those whose rows the cartridge makes anew on restore.
    """

    archived: tuple[str, ...]
    derived: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Both."""
        return (*self.archived, *self.derived)


def find_tables(connection: Connection) -> Found:
    """The tables that the server has, whatever its revision; none when it has no schema."""
    rows = query.rows(connection, "archive/tables")
    order = TopologicalSorter({row["name"]: row["refers_to"] for row in rows}).static_order()
    derived = {row["name"] for row in rows if row["is_derived"]}
    return Found(tuple(name for name in order if name not in derived), tuple(sorted(derived)))


def fix_settings(connection: Connection) -> None:
    """Fix, for this transaction, every setting that a value's text depends on."""
    for name, value in _SETTINGS.items():
        raw(connection).execute("SELECT set_config(%s, %s, true)", [name, value])


def columns(connection: Connection, table: str) -> tuple[Column, ...]:
    """Columns of a table as the server has it; none when there is no such table."""
    return tuple(Column(**row) for row in query.rows(connection, "archive/columns", table_name=table))


def _rows_in_order(connection: Connection, table: str, shown: Sequence[Column]) -> sql.Composed:
    key = [row["name"] for row in query.rows(connection, "archive/primary_key", table_name=table)]
    if not key:
        raise ValueError(f"table {table} has no primary key")
    return sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(sql.Identifier(c.name) for c in shown),
        sql.Identifier(SCHEMA, table),
        sql.SQL(", ").join(map(sql.Identifier, key)),
    )


def checksum(connection: Connection, table: str, shown: Sequence[Column]) -> str:
    """SHA-256 of a table's content; ``fix_settings`` comes first."""
    digest = hashlib.sha256()
    with raw(connection).cursor() as cursor, cursor.copy(_rows_in_order(connection, table, shown)) as copy:
        for block in copy:
            digest.update(block)
    return digest.hexdigest()


def count(connection: Connection, table: str) -> int:
    """How many rows a table has."""
    row = raw(connection).execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(SCHEMA, table))).fetchone()
    return int(row[0]) if row else 0


def has_rows(connection: Connection, table: str) -> bool:
    """Whether a table has any row."""
    found = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(SCHEMA, table))
    row = raw(connection).execute(found).fetchone()
    return bool(row and row[0])


def arrow_schema(shown: Sequence[Column]) -> pa.Schema:
    """Schema of a table's Parquet file; a field's metadata names its PostgreSQL type."""
    return pa.schema([pa.field(c.name, _ARROW.get(c.type, pa.string()), metadata={"type": c.type}) for c in shown])


def read_batches(connection: Connection, table: str, shown: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """All rows in order of the primary key, in batches bounded by number and by length of text."""
    schema = arrow_schema(shown)
    with raw(connection).cursor() as cursor, cursor.copy(_rows_in_order(connection, table, shown)) as copy:
        rows: list[tuple[str | None, ...]] = []
        chars = 0
        for row in copy.rows():
            rows.append(row)
            chars += sum(len(value) for value in row if value is not None)
            if len(rows) == ROWS_PER_BATCH or chars > CHARS_PER_BATCH:
                yield _batch(rows, schema)
                rows, chars = [], 0
        if rows:
            yield _batch(rows, schema)


def _batch(rows: list[tuple[str | None, ...]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [_array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    text = pa.array(values, pa.string())
    if pa.types.is_boolean(kind):
        return pc.equal(text, "t")
    return text if pa.types.is_string(kind) else pc.cast(text, kind)


def write_batches(
    connection: Connection, table: str, shown: Sequence[Column], batches: Iterator[pa.RecordBatch]
) -> Iterator[int]:
    """Append rows to a table in one COPY; yields the number of rows after each batch.

    One statement, because a row may refer to a later one of its own table.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(SCHEMA, table), sql.SQL(", ").join(sql.Identifier(c.name) for c in shown)
    )
    driver: psycopg.Connection[Any] = raw(connection)
    done = 0
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches:
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row(row)
            done += batch.num_rows
            yield done
