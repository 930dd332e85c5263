"""Connections of the pages: a login that can only read, and, for decisions, one that acts as curator."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from ildb.config import get_settings
from ildb.db import engine as engines
from ildb.db import query, schema
from ildb.errors import DatabaseUnreachableError, IldbError
from ildb.search.matcher import ProcessMatcher
from ildb.search.sql import READER
from ildb.search.windows import Keep
from ildb.web.kept import Kept

CURATOR = "ildb_curator"
WAIT_S = 10.0
_COUNTS_LAST_S = 30.0
# A page of results is about 20 kB, a window of the order at most 0.5 MB.
_MAX_PAGES = 1_000
_MAX_PARTS = 64
_SNAPSHOT = "snapshot"
T = TypeVar("T")


class BusyError(IldbError):
    """Too many ask at once."""

    exit_code = 4


class Database:
    """What pages read from.

    Args:
        url: the server; None for the one in use.
        statement_timeout_s: time for one query, seconds.
        connections: queries at a time.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is of another revision.
    """

    def __init__(self, url: URL | None, *, statement_timeout_s: float, connections: int) -> None:
        self.url = url or engines.database_url()
        self._reader, self.login = _reader(self.url, statement_timeout_s)
        self._free = threading.BoundedSemaphore(connections)
        self._writer: Engine | None = None
        self._counts: tuple[float, dict[str, Any]] = (float("-inf"), {})
        self._pages, self._parts = Kept(_MAX_PAGES), Kept(_MAX_PARTS)
        # Patterns are matched in a process that is killed when one takes too long; the server never sees them.
        self.matcher = ProcessMatcher(resident=True)

    @property
    def may_write(self) -> bool:
        """Whether the login could write, were the transactions not read-only."""
        return self.login != READER

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the database.

        Raises:
            BusyError: all connections are taken for ``WAIT_S``.
            DatabaseUnreachableError: no server answers.
        """
        if not self._free.acquire(timeout=WAIT_S):
            raise BusyError("Too many questions are being answered at the moment.", "Try again in a few seconds.")
        try:
            with engines.reaching(self.url):
                connection = self._reader.connect().execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection:
                # What is seen all through this transaction.
                connection.info[_SNAPSHOT] = connection.exec_driver_sql(
                    "SELECT pg_current_snapshot()::text"
                ).scalar_one()
                yield connection
        finally:
            self._free.release()

    def writer(self) -> Engine:
        """The engine for decisions, as ``ildb_curator`` where the login may take that role."""
        if self._writer is None:
            made = engines.create(self.url, statement_timeout_s=get_settings().statement_timeout_s)
            event.listen(made, "connect", _as_curator)
            self._writer = made
        return self._writer

    def counts(self) -> dict[str, Any]:
        """``ildb stats``, at most half a minute old: counting millions of rows takes longer than a page may."""
        at, known = self._counts
        if time.monotonic() - at > _COUNTS_LAST_S:
            with self.reading() as connection:
                known = query.one(connection, "stats/counts") or {}
            self._counts = time.monotonic(), known
        return known

    def once(self, connection: Connection, key: Hashable, work: Callable[[], T]) -> T:
        """What a question's work gives; kept while every transaction sees the same rows, so it is never out of date.

        Args:
            connection: of ``reading``.
            key: tells the question from all others.
            work: answers it.
        """
        return self._pages.get(connection.info[_SNAPSHOT], key, work)

    def keeping(self, connection: Connection) -> Keep[Any]:
        """The same for what different questions have in common, such as a window of the order."""
        return partial(self._parts.get, connection.info[_SNAPSHOT])

    def close(self) -> None:
        """End the connections and the matching process."""
        self.matcher.close()
        self._reader.dispose()
        if self._writer is not None:
            self._writer.dispose()


def _reader(url: URL, timeout_s: float) -> tuple[Engine, str]:
    """``ILDB_READER_URL``, else ``ildb_reader`` without a password, else the login in use."""
    given = engines.reader_url()
    # A password in the URL is another login's.
    as_reader = URL.create(url.drivername, READER, None, url.host, url.port, url.database, url.query)
    for choice in [given] if given is not None else [as_reader, url]:
        opened = engines.create(choice, statement_timeout_s=timeout_s)
        try:
            with engines.reaching(choice), opened.connect() as connection:
                schema.require_current(connection)
        except DatabaseUnreachableError as error:
            opened.dispose()
            # This login may not be open here; whether the server answers at all, the next one tells.
            if choice is as_reader and "too many connections" not in error.what:
                continue
            raise
        except BaseException:
            opened.dispose()
            raise
        return opened, READER if choice is as_reader or given is not None else str(choice.username)
    raise DatabaseUnreachableError("No database answers.", "Start the embedded server with: ildb db up")


def _as_curator(dbapi_connection: psycopg.Connection[Any], _record: object) -> None:
    autocommit, dbapi_connection.autocommit = dbapi_connection.autocommit, True
    may = dbapi_connection.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [CURATOR]).fetchone()
    if may is not None and may[0]:
        dbapi_connection.execute(f"SET ROLE {CURATOR}")
    dbapi_connection.autocommit = autocommit


def was_cancelled(error: DBAPIError) -> bool:
    """Whether the server gave up at the statement timeout."""
    return isinstance(error.orig, psycopg.errors.QueryCanceled)
