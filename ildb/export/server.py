"""One state of the server as streams of Arrow record batches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager.dbapi import Connection as AdbcConnection
from sqlalchemy import make_url

from ildb.db import schema
from ildb.db.models import SCHEMA, Base
from ildb.db.types import Bfp, Mol, QMol
from ildb.errors import DatabaseUnreachableError, IldbError, InputError, SchemaRevisionError

# Derived from the ions by the cartridge (and readable by nothing else), the runner's own bookkeeping, and who changed
# what: names of people, which an archive keeps but an export to be handed on does not.
LEFT_OUT = frozenset({"ion_structure", "task", "audit_event", "ingest_batch"})
# Small enough for bounded memory, large enough for quick columns.
BATCH_BYTES = 8 << 20

_UNITS = {
    "_k": "K", "_g_mol": "g/mol", "_kpa": "kPa", "_s": "s", "_g_cm3": "g/cm3",
}  # fmt: skip
_JSON = {"json", "jsonb"}


@dataclass(frozen=True)
class Column:
    """A column: its name, PostgreSQL type, comment and unit (from its name's ending)."""

    name: str
    type: str
    comment: str | None

    @property
    def is_json(self) -> bool:
        """Whether it is sent as JSON text."""
        return self.type in _JSON

    @property
    def unit(self) -> str | None:
        """Unit of its values, by the ending of its name."""
        if self.name == "n_bytes":
            return "byte"
        if self.name.startswith("p_"):
            return None  # a probability, such as p_below_373_k
        return next((unit for ending, unit in _UNITS.items() if self.name.endswith(ending)), None)


def exportable() -> list[str]:
    """Names of the tables an export holds, in order of dependence."""
    return [
        table.name
        for table in Base.metadata.sorted_tables
        if table.name not in LEFT_OUT and not any(isinstance(c.type, Mol | QMol | Bfp) for c in table.columns)
    ]


def choose(wanted: Sequence[str] | None, more: Sequence[str] = ()) -> list[str]:
    """The tables to export: those wanted, else all.

    Args:
        wanted: names; None for every table.
        more: other names that may be wanted (views).

    Raises:
        InputError: a name is not a table that can be exported.
    """
    possible = [*exportable(), *more]
    if wanted is None:
        return possible
    unknown = sorted(set(wanted) - set(possible))
    if unknown or not wanted:
        raise InputError(
            f"Cannot export {', '.join(map(repr, unknown)) or 'nothing'}.", f"Tables: {', '.join(possible)}."
        )
    return [name for name in possible if name in set(wanted)]


class Server:
    """A connection whose every statement sees the same state."""

    def __init__(self, connection: AdbcConnection) -> None:
        self._connection = connection

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or view, in order."""
        rows = self._rows(
            "SELECT attname::text, format_type(atttypid, atttypmod)::text, col_description(attrelid, attnum)"  # noqa: S608
            f" FROM pg_attribute WHERE attrelid = '{SCHEMA}.{_checked(relation)}'::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return [Column(*row) for row in rows]

    def count(self, relation: str) -> int:
        """How many rows a table or view has."""
        return int(self._rows(f"SELECT count(*) FROM {SCHEMA}.{_checked(relation)}")[0][0])  # noqa: S608

    def require_revision(self) -> str:
        """The schema's revision.

        Raises:
            SchemaRevisionError: it is not the one this code needs.
        """
        rows = []
        if self._rows(f"SELECT to_regclass('{SCHEMA}.alembic_version')::text")[0][0] is not None:
            rows = self._rows(f"SELECT version_num::text FROM {SCHEMA}.alembic_version")  # noqa: S608
        found = str(rows[0][0]) if rows else "none"
        if found != schema.head():
            raise SchemaRevisionError(
                f"The schema is at revision {found}, this ildb needs {schema.head()}.", "See: ildb db current"
            )
        return found

    @contextmanager
    def batches(self, relation: str, columns: Sequence[Column]) -> Iterator[pa.RecordBatchReader]:
        """All rows of a table or view, as they lie in the database; jsonb as JSON text."""
        # Text, because the driver's extension type for jsonb is unknown to many readers of Parquet.
        selected = ", ".join(f'"{c.name}"::text AS "{c.name}"' if c.is_json else f'"{c.name}"' for c in columns)
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(f"SELECT {selected} FROM {SCHEMA}.{_checked(relation)}")  # noqa: S608
            reader = cursor.fetch_record_batch()
            try:
                yield reader
            finally:
                reader.close()

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def _checked(name: str) -> str:
    """A name that is safe inside SQL; every caller's comes from the models or from this package already."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise InputError(f"{name!r} is not a table.")
    return name


@contextmanager
def connect(url: str) -> Iterator[Server]:
    """One repeatable-read, read-only transaction over ADBC (PostgreSQL's binary COPY to Arrow, no row objects).

    Args:
        url: libpq URL, also with a socket folder (``postgresql://user@/database?host=/folder&port=5432``).

    Raises:
        DatabaseUnreachableError: no server answers, or it went away on the way.
        IldbError: the server refused a statement.
    """
    try:
        with adbc.connect(_with_timeout(url)) as connection:
            with connection.cursor() as cursor:
                # First statement of the driver's transaction; all later ones see the state of the second.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Server(connection)
    except adbc_driver_manager.OperationalError as error:
        where = make_url(url).render_as_string(hide_password=True)
        reason = " ".join(str(error).split()).rstrip(".")
        raise DatabaseUnreachableError(
            f"The database at {where} does not answer: {reason}.", "Check it with: ildb doctor"
        ) from error
    except adbc_driver_manager.Error as error:
        raise IldbError(f"The export failed: {' '.join(str(error).split())}.", "See: ildb doctor") from error


def _with_timeout(url: str) -> str:
    parsed = make_url(url)
    if "connect_timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"connect_timeout": "5"})
    return parsed.set(drivername="postgresql").render_as_string(hide_password=False)
