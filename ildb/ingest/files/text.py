"""Delimited text: CSV, TSV and their relatives, in any encoding, with the line of every record."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from ildb.errors import InputError
from ildb.ingest.files.row import Row
from ildb.ingest.mapping import TableMapping

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS: Final = {b"PK\x03\x04": ".xlsx", b"PAR1": ".parquet", b"\xd0\xcf\x11\xe0": ".xls", b"\x1f\x8b": ".gz"}
_DELIMITERS: Final = (",", ";", "\t", "|")
_NAMED_DELIMITERS: Final = {"tab": "\t", "\\t": "\t"}
_SEP_LINE: Final = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_MAX_LINE: Final = 4 * 2**20
_PEEK: Final = 4096


class TextTable:
    """A delimited text file.

    Args:
        path: the file.
        mapping: encoding, delimiter and the columns the header must have.
        default_delimiter: that of the file name's ending; None to find it from the header.

    Raises:
        InputError: naming the line and the column, when the file cannot be read.
    """

    def __init__(self, path: Path, mapping: TableMapping, *, default_delimiter: str | None) -> None:
        self._path = path
        self._line = 0
        self._delimiter = default_delimiter or ","
        self._size = max(path.stat().st_size, 1)
        self._file = path.open("rb")
        try:
            self._text = self._open_text(mapping.encoding)
            self._start(mapping, default_delimiter)
        except BaseException:
            self._file.close()
            raise

    def _open_text(self, encoding: str | None) -> io.TextIOWrapper:
        start = self._file.read(_PEEK)
        self._file.seek(0)
        for magic, suffix in _OTHER_FORMATS.items():
            if start.startswith(magic):
                raise InputError(
                    f"{self._path} is not text; it looks like a {suffix} file.", f"Rename it to end in {suffix}."
                )
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
        chosen = marked or encoding or "utf-8"
        if encoding is not None:
            try:
                codecs.lookup(encoding)
            except LookupError as error:
                raise InputError(
                    f"There is no encoding '{encoding}'.", "For example utf-8, cp1252, latin-1 or utf-16."
                ) from error
        elif marked is None and len(start) > 3 and start.count(0) * 3 > len(start):
            wide = "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
            raise InputError(
                f"{self._path}, line 1, column 1: every other byte is NUL, so this is not UTF-8.",
                f"Give --encoding {wide}.",
            )
        # Bytes that do not decode are let through as lone surrogates, so that the line and column can be named.
        handler = "strict" if chosen.lower().replace("_", "-").startswith(("utf-16", "utf-32")) else "surrogateescape"
        self._encoding = chosen
        return io.TextIOWrapper(self._file, encoding=chosen, errors=handler, newline="")

    def _start(self, mapping: TableMapping, default_delimiter: str | None) -> None:
        lines = self._lines()
        first = ""
        for first in lines:
            if sep := _SEP_LINE.fullmatch(first):
                default_delimiter = sep[1]
            elif first.strip(" \t\r\n,;|"):
                break
        else:
            raise InputError(f"{self._path} has no header: it is empty.", "The first line must name the columns.")
        self._delimiter = self._choose_delimiter(first, mapping, default_delimiter)
        self._before_header = self._line - 1
        try:
            self._reader = csv.reader(chain([first], lines), delimiter=self._delimiter, strict=True)
        except (csv.Error, TypeError, ValueError) as error:
            raise InputError(f"'{self._delimiter}' cannot be a delimiter: {error}.", "Give one character.") from error
        self._header_number = self._line
        self._header = tuple(cell.strip() for cell in self._record())

    def _choose_delimiter(self, line: str, mapping: TableMapping, default: str | None) -> str:
        if mapping.delimiter is not None:
            return _NAMED_DELIMITERS.get(mapping.delimiter.lower(), mapping.delimiter)
        if default is not None:
            return default
        wanted = set(mapping.columns)

        def rank(delimiter: str) -> tuple[int, int]:
            cells = _split(line, delimiter)
            return len(wanted & {cell.strip() for cell in cells}), len(cells)

        return max(_DELIMITERS, key=rank)

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._text.readline(_MAX_LINE)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{self._path}, after line {self._line}: not {self._encoding}: {error.reason}.",
                    "Save the file as UTF-8, or give its --encoding.",
                ) from error
            if not line:
                return
            self._line += 1
            if len(line) == _MAX_LINE and line[-1] not in "\r\n":
                raise InputError(
                    f"{self._path}, line {self._line}: longer than {_MAX_LINE:,} characters.",
                    "This is probably not a table.",
                )
            if not line.isascii() and (bad := _ESCAPED.search(line)):
                self._refuse_byte(line, bad.start())
            yield line

    def _refuse_byte(self, line: str, at: int) -> NoReturn:
        before = _split(line[:at], self._delimiter)
        raise InputError(
            f"{self._path}, line {self._line}, column {max(len(before), 1)} (character {at + 1}): the byte "
            f"0x{ord(line[at]) - 0xDC00:02x} is not {self._encoding}.",
            "Save the file as UTF-8, or give its --encoding, for example cp1252 (Windows) or latin-1.",
        )

    def _record(self) -> list[str]:
        start = self._before_header + self._reader.line_num + 1
        try:
            return next(self._reader)
        except csv.Error as error:
            raise InputError(
                f"{self._path}, line {start}: {error}.",
                "Look for a quote that is not closed in that record, or write quotes inside a quoted cell twice.",
            ) from error

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._header

    @property
    def header_place(self) -> str:
        """File and line."""
        return f"{self._path}, line {self._header_number}"

    @property
    def decimal_comma(self) -> bool:
        """Semicolons delimit where the comma is taken."""
        return self._delimiter == ";"

    def rows(self) -> Iterator[Row]:
        """The records after the header; a record's number is that of its first line."""
        while True:
            number = self._before_header + self._reader.line_num + 1
            try:
                cells = self._record()
            except StopIteration:
                return
            yield Row(number, str(number), tuple(cells))

    def place(self, row: int, column: int | None = None) -> str:
        """File, line and column."""
        where = f"{self._path.name}, line {row}"
        if column is None:
            return where
        name = f" ({self._header[column]})" if column < len(self._header) and self._header[column] else ""
        return f"{where}, column {column + 1}{name}"

    def fraction(self) -> float | None:
        """From the position in the file."""
        return min(self._file.tell() / self._size, 1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of one line, as well as can be told from it alone."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:
        return line.split(delimiter)
