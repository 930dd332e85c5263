"""Run one query of a person's own, so that it can read ildb's data and do nothing else.

What holds a query back, from the strongest:

1. The login. It is ``ildb_reader`` (or ``ILDB_READER_URL``), a role without any right but SELECT. ``SET ROLE`` or
   ``SET SESSION AUTHORIZATION`` from a stronger login would not do, because ``set_config('role', ...)`` inside a SELECT
   takes them back.
2. The text becomes ``DECLARE ... CURSOR FOR <text>`` in the extended protocol. So the server itself refuses a second
   statement and everything that is not a query: COPY, DO, SET, COMMIT, CALL, DDL, SELECT INTO.
3. The transaction is READ ONLY, which cannot be taken back once a query runs, and it is always rolled back.
4. The statement timeout is set again before each part is fetched, so that a query cannot lift it for its own rest.

5. On the embedded server, and where an administrator has run the same, a reader cannot build structures but through
   ildb's functions, which check them (``sql/roles/close_cartridge_v1.sql``, ``ildb.search.sql_text``). Elsewhere a
   structure that the query computes can hold one backend for as long as the cartridge likes.

What remains: a query may raise its own ``work_mem``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors, sql
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from ildb.config import get_settings
from ildb.db import engine, query, schema
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError
from ildb.search.sql_text import check_sql
from ildb.search.watchdog import watching

READER = "ildb_reader"
CHUNK = 2_000
# After the statement timeout the server gets so long to say that it has given up.
GRACE_S = 5.0
LOCK_TIMEOUT_S = 5.0

_CURSOR = "ildb_search_sql"
_MANY = "multiple commands"


@dataclass(frozen=True)
class Session:
    """A read-only transaction for one query.

    Attributes:
        connection: the transaction.
        login: who connected.
        caution: what does not protect here, for the person to read; empty when everything does.
        timeout_s: time the server may spend on the query, seconds.
    """

    connection: psycopg.Connection[Any]
    login: str
    caution: str
    timeout_s: float


@dataclass(frozen=True)
class Column:
    """A column of the answer: its name, made unique, and the number of its type."""

    name: str
    type_oid: int


@contextmanager
def session(database: URL | None = None) -> Iterator[Session]:
    """Connect as a login that can only read.

    That is ``ILDB_READER_URL``; else ``ildb_reader`` at the server in use, without a password of ildb's; else, with a
    caution, the login in use, if it has no rights beyond the database.

    Args:
        database: the server; None for the one in use.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is not the one this code needs.
        InputError: there is only a login too powerful for SQL of any origin.
    """
    settings = get_settings()
    given = engine.reader_url(settings)
    with ExitStack() as stack:
        if given is not None:
            connection = stack.enter_context(_reading(given))
        else:
            own = database or engine.database_url(settings)
            try:
                connection = stack.enter_context(_reading(_as_reader(own)))
            except DatabaseUnreachableError as error:
                if "too many connections" in error.what:
                    raise
                # This login is not open here; whether the server answers at all, the next one tells.
                connection = stack.enter_context(_reading(own))
        login, caution = _judge(connection)
        driver = engine.raw(connection)
        driver.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(int(LOCK_TIMEOUT_S * 1000)))
        yield Session(driver, login, caution, settings.statement_timeout_s)


def _as_reader(url: URL) -> URL:
    # A password in the URL is another login's.
    return URL.create(url.drivername, READER, None, url.host, url.port, url.database, url.query)


@contextmanager
def _reading(url: URL) -> Iterator[Connection]:
    opened = engine.create(url, statement_timeout_s=get_settings().statement_timeout_s)
    try:
        with ExitStack() as stack:
            with engine.reaching(url):
                connection = stack.enter_context(
                    opened.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                )
                # Cut or not, this connection is never used again.
                stack.callback(connection.invalidate)
                _require_current(connection)
            yield connection
    finally:
        opened.dispose()


def _require_current(connection: Connection) -> None:
    try:
        schema.require_current(connection)
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            raise SchemaRevisionError(
                "This login may not read ildb's tables.",
                f"Run 'ildb db upgrade' as the owner, and GRANT {READER} TO the login.",
            ) from error
        raise


def _judge(connection: Connection) -> tuple[str, str]:
    found = query.one(connection, "search/sql_session")
    if found is None:
        raise TypeError("an aggregate without a row")
    login = str(found["login"])
    if found["is_privileged"]:
        raise InputError(
            f"The database login '{login}' may do more than read ildb's tables, and SQL run by it could too.",
            f"Open the login {READER} (ALTER ROLE {READER} LOGIN), or set ILDB_READER_URL to a login that only has"
            f" GRANT {READER}.",
        )
    if not found["may_write"]:
        return login, ""
    return login, (
        f"Connected as '{login}', which may write. The query is held back by a read-only transaction that is always"
        " rolled back and by taking one SELECT only; it could still cancel other sessions of the same login. Set"
        f" ILDB_READER_URL to a login that only has GRANT {READER}."
    )


class Answer:
    """The rows of one query, read in parts through a cursor on the server; memory does not grow with their number.

    Raises:
        InputError: the text is not one query, or fails.
        DatabaseUnreachableError: the server does not answer any more.
    """

    def __init__(self, session: Session, statement: str) -> None:
        check_sql(statement)
        self._session = session
        self._left_s = session.timeout_s
        # The line break keeps a comment at the end of the text from swallowing anything.
        self._run(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR\n{statement}\n")
        described = self._run(f"FETCH 0 FROM {_CURSOR}")
        self.columns = list(_columns(described))
        if not self.columns:
            raise InputError("The query has no columns.", "Select at least one.")

    def rows(self, limit: int | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows from the start, at most ``limit``; to be called once."""
        left = limit
        while left is None or left > 0:
            wanted = CHUNK if left is None else min(left, CHUNK)
            part = self._run(f"FETCH FORWARD {wanted} FROM {_CURSOR}").fetchall()
            yield from part
            if len(part) < wanted:
                return
            left = None if left is None else left - wanted

    def _run(self, statement: str) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute in the extended protocol, which takes one statement only, within what is left of the time."""
        connection = self._session.connection
        began = time.monotonic()
        limit_ms = max(1, int(self._left_s * 1000))
        with watching(connection, self._left_s + GRACE_S) as watchdog:
            try:
                connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(limit_ms))
                # "prepare" is what makes psycopg use that protocol when there are no parameters.
                cursor = connection.execute(statement.encode(), prepare=True)
            except psycopg.Error as error:
                if watchdog.bit:
                    raise DatabaseUnreachableError(
                        f"The server did not stop the query after {self._session.timeout_s:g} s and goes on with it:"
                        " it is inside one call of the RDKit cartridge, which nothing interrupts.",
                        "It ends with that call. A restart of the server would end it now: ildb db down, ildb db up.",
                    ) from error
                raise _explained(error, self._session.timeout_s) from error
        self._left_s -= time.monotonic() - began
        return cursor


def _explained(error: psycopg.Error, timeout_s: float) -> InputError | DatabaseUnreachableError:
    reason = (error.diag.message_primary or str(error)).strip()
    if isinstance(error, errors.QueryCanceled) and "timeout" in reason:
        return InputError(
            f"The query took longer than {timeout_s:g} s.", "Make it narrower, or raise ILDB_STATEMENT_TIMEOUT_S."
        )
    if isinstance(error, errors.ProtocolViolation):
        return InputError("The SQL has a parameter ($1).", "Write the value itself.")
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        return DatabaseUnreachableError(f"The connection to the database was lost: {reason}.", "Run the query again.")
    if isinstance(error, errors.SyntaxError):
        if _MANY in reason:
            return InputError("There is more than one statement.", "Give one SELECT.")
        return InputError(f"The SQL is not one query: {reason}.", "Give one SELECT, VALUES, TABLE or WITH ... SELECT.")
    hint = error.diag.message_hint or ""
    return InputError(f"The query failed: {reason}.", hint)


def _columns(cursor: psycopg.Cursor[Any]) -> Iterator[Column]:
    seen: set[str] = set()
    for found in cursor.description or ():
        name, n = found.name, 1
        while name in seen:
            n += 1
            name = f"{found.name}_{n}"
        seen.add(name)
        yield Column(name, found.type_code)
