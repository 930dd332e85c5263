"""XLSX sheets, read as a stream; of a formula the value that the spreadsheet program stored."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from itertools import count, zip_longest
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook

from ildb.errors import InputError
from ildb.ingest.files.row import Cell, Formula, Row
from ildb.ingest.mapping import TableMapping

_BROKEN: Final = (
    zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, IndexError, TypeError, OSError, EOFError
)  # fmt: skip
_BLOCK: Final = 2**20


class XlsxTable:
    """One sheet of an XLSX file; rows are numbered as the spreadsheet program numbers them.

    Args:
        path: the file.
        mapping: ``sheet`` names the sheet, by default the first one.

    Raises:
        InputError: not an XLSX file, no such sheet, or no header.
    """

    def __init__(self, path: Path, mapping: TableMapping) -> None:
        self._path = path
        self._books: list[Workbook] = []
        self._read = 0
        self._cells: Generator[Row, None, None] | None = None
        try:
            self._open(mapping.sheet)
        except BaseException:
            self._close()
            raise

    def _open(self, sheet: str | None) -> None:
        values = self._load(data_only=True)
        # Chart sheets have no cells.
        names = [worksheet.title for worksheet in values.worksheets]
        if not names:
            raise InputError(f"{self._path} has no sheet with cells.", "Check the file.")
        if sheet is not None and sheet not in names:
            raise InputError(f"{self._path} has no sheet '{sheet}'.", f"It has: {', '.join(names)}.")
        self._sheet = sheet or names[0]
        self._n_rows = values[self._sheet].max_row
        # Only a second reading tells a formula without a value from an empty cell; most files are spared it.
        formulas = self._load(data_only=False) if self._has_formulas() else None
        self._cells = self._pair(values, formulas)
        for row in self._cells:
            if any(cell not in {None, ""} for cell in row.cells):
                self._header_number = row.number
                self._header = tuple("" if cell is None else str(cell).strip() for cell in row.cells)
                return
        raise InputError(
            f"{self._path}, sheet {self._sheet}, has no header: it is empty.", "The first row must name the columns."
        )

    def _load(self, *, data_only: bool) -> Workbook:
        try:
            with warnings.catch_warnings():
                # openpyxl warns of parts of the file that it leaves out, none of which are cells.
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(self._path, read_only=True, data_only=data_only, keep_links=False)
        except _BROKEN as error:
            raise InputError(
                f"{self._path} is not an XLSX file: {error}.",
                "Save it as XLSX without a password, or as CSV.",
            ) from error
        self._books.append(book)
        return book

    def _has_formulas(self) -> bool:
        """Whether any sheet has formulas: a quick look at the bytes, cheaper than asking which sheet is which part."""
        with zipfile.ZipFile(self._path) as archive:
            for name in archive.namelist():
                if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                    continue
                with archive.open(name) as part:
                    tail = b""
                    while block := part.read(_BLOCK):
                        if b"<f>" in tail + block or b"<f " in tail + block or b"<f/" in tail + block:
                            return True
                        tail = block[-2:]
        return False

    def _pair(self, values: Workbook, formulas: Workbook | None) -> Generator[Row, None, None]:
        # Closed by hand: a stream left half read keeps the file open.
        with closing(self._stream(values)) as with_values:
            if formulas is None:
                for number, cells in enumerate(with_values, 1):
                    yield self._row(number, tuple(map(_cell, cells)))
                return
            with closing(self._stream(formulas)) as with_sources:
                both = zip_longest(with_values, with_sources, fillvalue=())
                for number, (cells, sources) in enumerate(both, 1):
                    pairs = zip_longest(map(_cell, cells), sources, fillvalue=None)
                    yield self._row(number, tuple(_with_formula(value, source) for value, source in pairs))

    def _row(self, number: int, cells: tuple[Cell, ...]) -> Row:
        return Row(number, f"{self._sheet}!{number}", cells)

    def _stream(self, book: Workbook) -> Generator[tuple[object, ...], None, None]:
        sheet = book[self._sheet]
        # The stated size of a sheet is often wrong and would cut it off.
        sheet.reset_dimensions()
        with closing(sheet.iter_rows(min_row=1, min_col=1, values_only=True)) as rows:
            for number in count():
                try:
                    with warnings.catch_warnings():
                        # A date no calendar has is one more cell that cannot be read.
                        warnings.simplefilter("ignore")
                        row = next(rows, None)
                except _BROKEN as error:
                    raise InputError(
                        f"{self._path}, sheet {self._sheet}, after row {number}: {error}.",
                        "The file is damaged; save it again.",
                    ) from error
                if row is None:
                    return
                yield row

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._header

    @property
    def header_place(self) -> str:
        """File, sheet and row."""
        return f"{self._path}, sheet {self._sheet}, row {self._header_number}"

    @property
    def decimal_comma(self) -> bool:
        """Numbers are stored as numbers; text is left to speak for itself."""
        return False

    def rows(self) -> Iterator[Row]:
        """The rows below the header, each as wide as the header or wider."""
        width = len(self._header)
        for row in self._cells or ():
            self._read = row.number
            missing = width - len(row.cells)
            yield Row(row.number, row.key, row.cells + (None,) * missing) if missing > 0 else row

    def place(self, row: int, column: int | None = None) -> str:
        """File, sheet and cell."""
        if column is None:
            return f"{self._path.name}, sheet {self._sheet}, row {row}"
        name = f" ({self._header[column]})" if column < len(self._header) and self._header[column] else ""
        return f"{self._path.name}, cell {self._sheet}!{get_column_letter(column + 1)}{row}{name}"

    def fraction(self) -> float | None:
        """From the size the sheet states, which may be missing."""
        return min(self._read / self._n_rows, 1.0) if self._n_rows else None

    def _close(self) -> None:
        if self._cells is not None:
            self._cells.close()
        for book in self._books:
            book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _cell(value: object) -> Cell:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _with_formula(value: Cell, source: object) -> Cell:
    """The stored value of a formula; the formula itself where nothing is stored."""
    if value is not None or source is None:
        return value
    text = getattr(source, "text", None) or source
    return Formula(str(text))
