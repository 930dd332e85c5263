"""Find ``sql/``, ``pipelines/`` and ``migrations/`` in a checkout or in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from ildb.errors import IldbError

Kind = Literal["sql", "pipelines", "migrations"]

_PACKAGE = Path(__file__).resolve().parent


@cache
def resource_dir(kind: Kind) -> Path:
    """Folder of a kind of resource.

    The wheel carries the three folders as ``ildb/_resources/<kind>``; a checkout has them beside the package.

    Raises:
        IldbError: neither place has it (a broken installation).
    """
    for candidate in (_PACKAGE / "_resources" / kind, _PACKAGE.parent / kind):
        if candidate.is_dir():
            return candidate
    raise IldbError(f"The folder '{kind}' is neither in the package nor beside it.", "Reinstall ildb.")


@cache
def sql_text(name: str) -> str:
    """Text of a named SQL file, for example ``queries/ion/get``."""
    path = resource_dir("sql") / f"{name}.sql"
    if not path.is_file():
        raise IldbError(f"There is no SQL file '{name}.sql' in {resource_dir('sql')}.", "Reinstall ildb.")
    return path.read_text(encoding="utf-8")
