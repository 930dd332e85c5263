"""Tables in files: delimited text, XLSX and Parquet, read row by row with the place of every cell."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ildb.errors import InputError
from ildb.ingest.files.row import Cell, Formula, Row, TableFile
from ildb.ingest.mapping import TableMapping

__all__ = ["Cell", "Formula", "Row", "TableFile", "open_table"]

_TEXT: Final = {".csv": None, ".txt": None, ".tsv": "\t", ".tab": "\t"}
_XLSX: Final = frozenset({".xlsx", ".xlsm"})
_PARQUET: Final = frozenset({".parquet", ".pq"})


def open_table(path: Path, mapping: TableMapping) -> TableFile:
    """Open a table by its file name's ending; the kind of reader is imported when it is needed.

    Args:
        path: a ``.csv``, ``.txt``, ``.tsv``, ``.tab``, ``.xlsx``, ``.xlsm``, ``.parquet`` or ``.pq`` file.
        mapping: says encoding, delimiter and sheet, and which columns the header must have.

    Returns:
        The table, a context manager: header first, then rows as they are asked for.

    Raises:
        InputError: no such file, or not that kind of file.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    suffix = path.suffix.lower()
    if suffix in _TEXT:
        from ildb.ingest.files.text import TextTable

        return TextTable(path, mapping, default_delimiter=_TEXT[suffix])
    if suffix in _XLSX:
        from ildb.ingest.files.xlsx import XlsxTable

        return XlsxTable(path, mapping)
    if suffix in _PARQUET:
        from ildb.ingest.files.parquet import ParquetTable

        return ParquetTable(path)
    known = ", ".join([*_TEXT, *sorted(_XLSX), *sorted(_PARQUET)])
    raise InputError(f"{path} is not a kind of table that can be read.", f"Save it as one of {known}.")
