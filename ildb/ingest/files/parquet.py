"""Parquet tables, read in small batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
from pyarrow import parquet

from ildb.errors import InputError
from ildb.ingest.files.row import Cell, Row

_BATCH = 4096


class ParquetTable:
    """A Parquet file; rows count from 1.

    Args:
        path: the file.

    Raises:
        InputError: it is not a Parquet file, or a row cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is not a Parquet file: {error}.", "Check the file.") from error
        self._n_rows: int = max(self._file.metadata.num_rows, 1)
        self._header = tuple(str(name).strip() for name in self._file.schema_arrow.names)

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._header

    @property
    def header_place(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def decimal_comma(self) -> bool:
        """Never."""
        return False

    def rows(self) -> Iterator[Row]:
        """Every row; cells that are neither text nor number become text."""
        try:
            for batch in self._file.iter_batches(_BATCH, use_threads=False):
                columns = [column.to_pylist() for column in batch.columns]
                for i in range(batch.num_rows):
                    self._read += 1
                    yield Row(self._read, str(self._read), tuple(_cell(column[i]) for column in columns))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{self._path}, after row {self._read}: {error}.", "The file is damaged; make it again."
            ) from error

    def place(self, row: int, column: int | None = None) -> str:
        """File, row and column."""
        where = f"{self._path.name}, row {row}"
        return where if column is None else f"{where}, column {column + 1} ({self._header[column]})"

    def fraction(self) -> float | None:
        """From the number of rows."""
        return self._read / self._n_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _cell(value: object) -> Cell:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return value if value is None or isinstance(value, str | int) else str(value)
