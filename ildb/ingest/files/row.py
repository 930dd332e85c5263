"""What a table file yields, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class Formula:
    """A spreadsheet formula without the value its program computed."""

    text: str

    def __str__(self) -> str:
        return self.text


Cell = str | float | int | bool | Formula | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        number: line (text), row of the sheet (XLSX) or row of the table (Parquet), from 1; of a text record that spans
            lines, its first.
        key: identifies the row within its file.
        cells: as many as the row has, which need not be as many as the header's.
    """

    number: int
    key: str
    cells: tuple[Cell, ...]


class TableFile(Protocol):
    """An open table: a header, and rows that are read once."""

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns, stripped; ``''`` for one without a name."""
        ...

    @property
    def header_place(self) -> str:
        """Where the header stands, for messages."""
        ...

    @property
    def decimal_comma(self) -> bool:
        """Whether the file's form says that decimal commas are to be expected."""
        ...

    def rows(self) -> Iterator[Row]:
        """The rows below the header, blank ones included."""
        ...

    def place(self, row: int, column: int | None = None) -> str:
        """Where a row or a cell stands, for messages; ``column`` counts from 0."""
        ...

    def fraction(self) -> float | None:
        """How much of the file is read, from 0 to 1; None when that cannot be told."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
