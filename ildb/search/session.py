"""A connection that can only read, sees one state of the database and gives up in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection

from ildb.config import get_settings
from ildb.db import engine, schema


@contextmanager
def reading() -> Iterator[Connection]:
    """A read-only, repeatable-read transaction with the interactive statement timeout.

    Raises:
        DatabaseUnreachableError: no server answers.
        SchemaRevisionError: the schema is not the one this code needs.
    """
    url = engine.database_url()
    opened = engine.create(url, statement_timeout_s=get_settings().statement_timeout_s)
    try:
        with ExitStack() as stack:
            with engine.reaching(url):
                connection = stack.enter_context(
                    opened.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                )
                schema.require_current(connection)
            yield connection
    finally:
        opened.dispose()
