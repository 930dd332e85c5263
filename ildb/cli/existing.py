"""Names in options that must mean something: a mistyped one would look like an answer without hits."""

from __future__ import annotations

from sqlalchemy import Connection

from ildb.chem.parse import shorten
from ildb.db import query
from ildb.errors import NotFoundError
from ildb.pipeline import opening

_SHOWN = 12


def require(connection: Connection, *, source: str | None = None, run_id: int | None = None) -> None:
    """Refuse a source or a run that is not there.

    Raises:
        NotFoundError: naming what there is.
    """
    if run_id is not None:
        opening.get_run(connection, run_id)
    if source is None:
        return
    names = [row["name"] for row in query.rows(connection, "source/names")]
    if source not in names:
        there_are = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise NotFoundError(f"There is no source {shorten(source)}.", f"Sources: {there_are or 'none yet'}.")
