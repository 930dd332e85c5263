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
LEFT_OUT = frozenset({"ion_structure", "task", "task_attempt", "worker", "audit_event", "ingest_batch"})
# Small enough for bounded memory, large enough for quick columns.
BATCH_BYTES = 8 << 20

_UNITS = {
    "_j_mol_k": "J/(mol K)", "_k": "K", "_g_mol": "g/mol", "_kpa": "kPa", "_m2_s": "m2/s", "_s": "s", "_g_cm3": "g/cm3",
    "_nm3": "nm3", "_nm": "nm", "_a2": "angstrom2", "_kj_mol": "kJ/mol", "_ps": "ps", "_fs": "fs", "_bar": "bar",
    "_deg": "degree",
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


@dataclass(frozen=True)
class Moment:
    """A state of a database.

    Attributes:
        system: identifier of the server's data directory.
        database: number of the database in it.
        oldest: transactions from this one on may have been running, so their rows may not have been seen.
        next: the next transaction.
    """

    system: str
    database: int
    oldest: int
    next: int

    def newer(self, now: Moment) -> str:
        """The condition for rows that this state may not have had: inserted or changed since.

        A row says which transaction wrote it in 32 bits; the state now says which 2**32 those are of. Rows of
        transactions that ran at this moment may be told twice, never not at all.

        Raises:
            InputError: the states are not of one database, or too far apart to tell.
        """
        if (self.system, self.database) != (now.system, now.database):
            raise InputError("That export is of another database.", "Make a full export.")
        if not self.oldest <= now.next < self.oldest + 2**31:
            raise InputError("That export is too old to tell what is new.", "Make a full export.")
        epoch, low = divmod(now.next, 2**32)
        written = "xmin::text::bigint"
        return (
            f"CASE WHEN {written} < 3 THEN false"
            f" WHEN {written} <= {low} THEN {written} + {epoch * 2**32} >= {self.oldest}"
            f" ELSE {written} + {(epoch - 1) * 2**32} >= {self.oldest} END"
        )


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

    def count(self, relation: str, where: str = "true") -> int:
        """How many rows a table or view has.

        Args:
            relation: its name.
            where: a condition made by ildb.
        """
        return int(self._rows(f"SELECT count(*) FROM {SCHEMA}.{_checked(relation)} WHERE {where}")[0][0])  # noqa: S608

    def distinct(self, relation: str, column: str) -> list[Any]:
        """The values of a column, ascending."""
        name = _checked(column)
        return [
            row[0]
            for row in self._rows(f"SELECT DISTINCT {name} FROM {SCHEMA}.{_checked(relation)} ORDER BY 1")  # noqa: S608
        ]

    def moment(self) -> Moment:
        """What is needed to tell, later, which rows are newer than what this connection sees."""
        row = self._rows(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()),"
            " (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )[0]
        return Moment(*row)

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
    def batches(
        self, relation: str, columns: Sequence[Column], *, where: str = "true", order: str = ""
    ) -> Iterator[pa.RecordBatchReader]:
        """Rows of a table or view, as they lie in the database unless ordered; jsonb as JSON text.

        Args:
            relation: its name.
            columns: which columns.
            where: a condition made by ildb, never by a person.
            order: what to order by and how many to take, likewise.
        """
        # Text, because the driver's extension type for jsonb is unknown to many readers of Parquet.
        selected = ", ".join(f'"{c.name}"::text AS "{c.name}"' if c.is_json else f'"{c.name}"' for c in columns)
        statement = f"SELECT {selected} FROM {SCHEMA}.{_checked(relation)} WHERE {where} {order}"  # noqa: S608
        with self.stream(statement) as reader:
            yield reader

    @contextmanager
    def stream(self, statement: str) -> Iterator[pa.RecordBatchReader]:
        """The rows of a statement made by ildb, as they come."""
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(statement)
            reader = cursor.fetch_record_batch()
            try:
                yield reader
            finally:
                reader.close()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """A few rows of a statement made by ildb, by column."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetch_arrow_table().to_pylist())

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
