"""What an archive says about itself: its first line of defence against damage and foreign files."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ildb.errors import InputError

FORMAT: Final = "ildb-archive"
VERSION: Final = 1
MEMBER: Final = "manifest.json"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Names end up in SQL and in paths, so they are never more than names.
Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """A column and its PostgreSQL type."""

    name: Name
    type: str


class Table(_Part):
    """A table's rows.

    Attributes:
        name: the table.
        columns: those stored, in order.
        n_rows: how many rows.
        content_sha256: of PostgreSQL's text COPY of the rows in order of the primary key, see ``ildb.archive.content``.
        file_sha256: of the Parquet file in the archive.
    """

    name: Name
    columns: tuple[Column, ...]
    n_rows: Count
    content_sha256: Sha256
    file_sha256: Sha256

    @property
    def member(self) -> str:
        """Name of its file in the archive."""
        return f"tables/{self.name}.parquet"


class Sequence(_Part):
    """State of an identity column's sequence."""

    table: Name
    column: Name
    last_value: int
    is_called: bool


class File(_Part):
    """A file that a run made."""

    sha256: Sha256
    n_bytes: Count

    @property
    def member(self) -> str:
        """Name of its file in the archive."""
        return f"artifacts/{self.sha256}"


class Manifest(_Part):
    """The whole archive; ``tables`` are in an order in which they can be loaded."""

    format: Literal["ildb-archive"] = FORMAT
    version: Literal[1] = VERSION
    created_at: datetime
    code_version: str
    revision: str
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...]
    artifacts: tuple[File, ...]
    missing_artifacts: tuple[Sha256, ...] = ()

    @property
    def members(self) -> dict[str, str]:
        """Every other file of the archive and its SHA-256."""
        return {t.member: t.file_sha256 for t in self.tables} | {f.member: f.sha256 for f in self.artifacts}

    @property
    def n_rows(self) -> int:
        """Rows of all tables."""
        return sum(table.n_rows for table in self.tables)


def read_manifest(text: bytes, where: str) -> Manifest:
    """The manifest of an archive.

    Args:
        text: content of ``manifest.json``.
        where: the archive, for messages.

    Raises:
        InputError: it is not a manifest, or one of a later format.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: its manifest is not JSON.", "The file is damaged; use another copy.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{where} is not an archive of ildb.", "Make one with: ildb archive create FILE")
    if isinstance(version := found.get("version"), int) and version > VERSION:
        raise InputError(f"{where} has the archive format {version}; this ildb reads {VERSION}.", "Upgrade ildb.")
    try:
        manifest = Manifest.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{where}: its manifest is wrong at {place}: {first['msg']}.", "The file is damaged; use another copy."
        ) from None
    if len({table.name for table in manifest.tables}) != len(manifest.tables):
        raise InputError(f"{where}: its manifest names a table twice.", "The file is damaged; use another copy.")
    return manifest
