"""What an export holds, and the check that it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ildb import __version__
from ildb.errors import DatabaseUnreachableError, IldbError

# (table, rows so far, rows in all)
Progress = Callable[[str, int, int], None]


@dataclass
class ExportResult:
    """An export that is complete.

    Attributes:
        path: its folder or file.
        revision: the schema's revision.
        created_at: when the server's state was taken.
        code_version: the ildb that made it.
        counts: rows of each table, equal to the server's at that moment.
        views: names of analytics views in it.
        totals: rows of each table on the server; more than ``counts`` in an export of what is new.
        deleted: rows of each table that are gone since the export this one continues.
        files: name of each file -> its rows, bytes and sha256.
        details: where it came from: sources, runs, the state of the database, the export it continues.
    """

    path: Path
    revision: str
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    code_version: str = __version__
    counts: dict[str, int] = field(default_factory=dict)
    views: list[str] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """The plain values that go with the export."""
        return {
            "format": "ildb-export",
            "revision": self.revision,
            "created_at": self.created_at.isoformat(),
            "code_version": self.code_version,
            "counts": self.counts,
            "views": self.views,
            "totals": self.totals,
            "deleted": self.deleted,
            "files": self.files,
            **self.details,
        }


class Counter:
    """Counts the rows that pass, reports them, and compares them with the server's in the end."""

    def __init__(self, table: str, expected: int, progress: Progress | None) -> None:
        self.table = table
        self.expected = expected
        self.seen = 0
        self.error: BaseException | None = None
        self._progress = progress or (lambda *_: None)
        self._progress(table, 0, expected)

    def passing(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """The reader's batches; an error is also kept, for consumers that would report it as one of their own.

        Raises:
            DatabaseUnreachableError: the server went away.
        """
        try:
            while (batch := _next(reader)) is not None:
                self.seen += batch.num_rows
                yield batch
                self._progress(self.table, self.seen, self.expected)
        except BaseException as error:
            self.error = error
            raise

    def verify(self, written: int) -> int:
        """The number of rows written.

        Raises:
            IldbError: it is not the server's.
        """
        if not self.seen == written == self.expected:
            raise IldbError(
                f"Table {self.table}: {self.expected} rows on the server, {self.seen} came, {written} were written.",
                "Nothing was kept. Please report it with the output of --debug.",
            )
        return written


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
    except (OSError, pa.ArrowException) as error:  # what the driver's stream raises when the connection is cut
        reason = " ".join(str(error).split()).rstrip(".")
        raise DatabaseUnreachableError(
            f"The database stopped sending: {reason}.", "Nothing was kept. Run the export again."
        ) from error
