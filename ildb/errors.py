"""Errors of ildb's own: each says what is wrong, where, and what to do.

The command line turns an error into one line and its exit status; nothing else in ildb calls ``sys.exit``.
"""

from __future__ import annotations

from typing import ClassVar


class IldbError(Exception):
    """Base of every error a user can act on.

    Args:
        what: what is wrong, and where (file, row, key).
        hint: what to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".rstrip()


class InputError(IldbError):
    """A file, structure, pattern or recipe from outside cannot be used."""

    exit_code = 3


class StructureError(InputError):
    """A SMILES or SMARTS is not acceptable chemistry."""


class RecipeError(InputError):
    """A recipe has an unknown key, a wrong type, a cycle or a missing file."""


class NotFoundError(InputError):
    """A row asked for by id or structure does not exist."""


class DatabaseUnreachableError(IldbError):
    """No PostgreSQL answers, or it cannot be set up."""

    exit_code = 4


class SchemaRevisionError(IldbError):
    """The schema is not at the revision this code needs; it is never changed on start-up."""

    exit_code = 5


class StageFailedError(IldbError):
    """A stage of a run failed; what finished before it is kept."""

    exit_code = 6


class RunPausedError(IldbError):
    """The time given to a run is up before its work is done; what finished is kept."""

    exit_code = 6


class ArtifactError(IldbError):
    """A stored file is missing or is not what was recorded."""

    exit_code = 6
