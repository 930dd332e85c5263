"""Connections: which server, and is its schema the one this code needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from ildb.config import Settings, get_settings
from ildb.db import schema
from ildb.db.credentials import with_password
from ildb.db.models import SCHEMA
from ildb.db.refusals import refusal
from ildb.errors import DatabaseUnreachableError, InputError

CONNECT_TIMEOUT_S = 5


def database_url(settings: Settings | None = None) -> URL:
    """URL of the server in use: ``ILDB_DATABASE_URL``, else the embedded cluster of ``ILDB_HOME``.

    Raises:
        InputError: the URL is not a PostgreSQL URL, or the keyring lacks its password.
    """
    settings = settings or get_settings()
    if settings.database_url is None:
        from ildb.db import server

        return _driver_url(make_url(server.url(settings.home_dir)))
    return with_password(_parsed(settings.database_url, "ILDB_DATABASE_URL"), settings)


def reader_url(settings: Settings | None = None) -> URL | None:
    """``ILDB_READER_URL``: the same database, as a login that can only read; None when it is not set.

    Raises:
        InputError: it is not a PostgreSQL URL, or the keyring lacks its password.
    """
    settings = settings or get_settings()
    secret = settings.reader_url
    return None if secret is None else with_password(_parsed(secret, "ILDB_READER_URL"), settings)


def _parsed(secret: SecretStr, variable: str) -> URL:
    try:
        url = make_url(secret.get_secret_value())
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not repeated.
        raise InputError(
            f"{variable} is not a database URL.", "Expected postgresql://user@host:5432/database."
        ) from None
    return _driver_url(url, variable)


def _driver_url(url: URL, variable: str = "ILDB_DATABASE_URL") -> URL:
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise InputError(
            f"{variable} names '{url.drivername}', but ildb needs PostgreSQL with the RDKit cartridge.",
            "Expected postgresql://user@host:5432/database.",
        )
    return url.set(drivername="postgresql+psycopg")


def libpq_url(url: URL) -> str:
    """The same URL for psql, ADBC and other libpq clients, password included."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def create(url: URL | None = None, *, statement_timeout_s: float | None = None) -> Engine:
    """An engine with ildb's session settings; connects lazily.

    Args:
        url: server, by default the one in use.
        statement_timeout_s: limit for one statement in seconds; none for batch work.
    """
    url = url or database_url()
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_S)})
    engine = create_engine(
        url, pool_size=4, max_overflow=4, pool_pre_ping=True, connect_args={"application_name": "ildb"}
    )

    @event.listens_for(engine, "connect")
    def _session(dbapi_connection: psycopg.Connection[Any], _record: object) -> None:
        # Set here rather than in the URL, so that poolers which refuse start-up options still work.
        timeout_ms = int((statement_timeout_s or 0) * 1000)
        autocommit, dbapi_connection.autocommit = dbapi_connection.autocommit, True
        dbapi_connection.execute(f"SET search_path = {SCHEMA}, public; SET statement_timeout = {timeout_ms}")
        dbapi_connection.autocommit = autocommit

    return engine


@contextmanager
def reaching(url: URL) -> Iterator[None]:
    """Turn a failure to connect into ``DatabaseUnreachableError``, a refused login too; other database errors pass."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, OperationalError) or error.connection_invalidated:
            # libpq also takes the password as a query parameter.
            where = url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
            said = str(error.orig).strip() if error.orig else "no answer"
            if refused := refusal(said):
                why, hint = refused
                raise DatabaseUnreachableError(f"The server at {where} refuses the connection: {why}.", hint) from error
            reason = said.splitlines()[0]
            raise DatabaseUnreachableError(f"No database answers at {where}: {reason}.", _hint()) from error
        raise


def _hint() -> str:
    if get_settings().database_url is None:
        return "Start the embedded server with: ildb db up"
    return "Check ILDB_DATABASE_URL and that the server runs, or unset it to use the embedded server (ildb db up)."


def open_engine(*, statement_timeout_s: float | None = None) -> Engine:
    """The engine every command uses: reachable and at the right schema revision.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is missing, older or newer; it is never changed here.
    """
    url = database_url()
    engine = create(url, statement_timeout_s=statement_timeout_s)
    try:
        with reaching(url), engine.connect() as connection:
            schema.require_current(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def raw(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under a SQLAlchemy one, for COPY."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"expected a psycopg connection, got {type(driver)}")
    return driver
