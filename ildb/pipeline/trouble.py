"""What a database error says: that the server is in trouble, that it will pass, or that the work is wrong."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError

_SERVER_CLASSES = ("08", "53", "57P", "58", "25P03", "25006")
"""SQLSTATE classes: connection, resources (disk, memory, connections), operator's shutdown, system error, a session
ended for idling in a transaction, a standby that only reads."""

_LOCK_TIMEOUT = "55P03"
_PASSING_CLASSES = ("40", _LOCK_TIMEOUT)
"""Deadlock, serialization failure, lock timeout: the same work succeeds when repeated."""


def of_server(error: BaseException) -> str | None:
    """The server's reason in one line when it is gone, shutting down or out of room; None for anything else."""
    cause = _driver_error(error)
    if cause is None:
        return None
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    # libpq gives no SQLSTATE when it cannot connect or the line is cut.
    cut = isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
    if not (lost or cut or (cause.sqlstate or "").startswith(_SERVER_CLASSES)):
        return None
    return first_line(cause)


def passing(error: BaseException) -> bool:
    """Whether two transactions merely stood in each other's way."""
    cause = _driver_error(error)
    return cause is not None and (cause.sqlstate or "").startswith(_PASSING_CLASSES)


def waited_for_lock(error: BaseException) -> bool:
    """Whether somebody else holds what was wanted."""
    cause = _driver_error(error)
    return cause is not None and cause.sqlstate == _LOCK_TIMEOUT


def first_line(error: BaseException) -> str:
    """What a database error says, in one line."""
    return (str(_driver_error(error) or error).strip().splitlines() or ["no reason given"])[0]


def _driver_error(error: BaseException) -> psycopg.Error | None:
    # COPY works on the driver's own connection, so its errors arrive unwrapped.
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause if isinstance(cause, psycopg.Error) else None
