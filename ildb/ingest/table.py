"""Any table as records: one for each row, and one more for each measured value that cannot be read.

A row whose structure is good and whose value is not gives two records: the pairing comes in, with the values that can
be read, and the refused value waits in quarantine on its own, with the row it came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ildb.chem.findings import Finding
from ildb.errors import InputError
from ildb.hashing import sha256_file
from ildb.ingest.claims import MAX_REFERENCE_BYTES
from ildb.ingest.files import Cell, Formula, Row, TableFile, open_table
from ildb.ingest.mapping import Measure, TableMapping
from ildb.ingest.record import MeasurementRecord, PairRecord, RawValue
from ildb.ingest.source import SourceInfo
from ildb.ingest.values import BadValueError, read_difference, read_plain, read_value
from ildb.units import CONDITIONS, get_property

__all__ = ["read_table", "table_source"]

Progress = Callable[[float], None]
"""Called now and then with how much of the file is read, from 0 to 1."""


def table_source(path: Path, mapping: TableMapping) -> SourceInfo:
    """What is known about a table: its content's hash and what the mapping says.

    Raises:
        InputError: the mapping does not name the source, or there is no file.
    """
    if mapping.source is None:
        raise InputError("The source has no name.", "Give --source NAME, or the key 'source' of the mapping file.")
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    return SourceInfo(
        name=mapping.source,
        sha256=sha256_file(path),
        citation=mapping.citation,
        doi=mapping.doi,
        url=mapping.url,
        licence=mapping.licence,
    )


def read_table(path: Path, mapping: TableMapping, *, progress: Progress = lambda _: None) -> Iterator[PairRecord]:
    """The records of a table, read as they are asked for.

    Args:
        path: a CSV, TSV, XLSX or Parquet file.
        mapping: what its columns mean.
        progress: told how far the reading is.

    Yields:
        A record for each row that is not blank, its line number in ``source_key``; after it one for each value that
        cannot be read, its column too in ``source_key``. Refused records have ``problem`` and ``findings``.

    Raises:
        InputError: the file, or its header, cannot be used; names the line and the column.
    """
    with open_table(path, mapping) as table:
        reader = _RowReader(table, mapping)
        for i, row in enumerate(table.rows()):
            if i % 1000 == 0 and (fraction := table.fraction()) is not None:
                progress(fraction)
            yield from reader.records(row)
        progress(1.0)


@dataclass(frozen=True, slots=True)
class _MeasureColumns:
    measure: Measure
    value: int
    uncertainty: int | None
    conditions: tuple[tuple[str, int, str], ...]


class _RowReader:
    """Turns rows into records; where each column stands is looked up once."""

    def __init__(self, table: TableFile, mapping: TableMapping) -> None:
        self._table = table
        self._mapping = mapping
        if any("\0" in name for name in table.header):
            raise InputError(f"{table.header_place}: a column name has a NUL byte.", "Check the file's encoding.")
        self._keys = _unique_keys(table.header)
        self._decimal = mapping.decimal or ("," if table.decimal_comma else None)
        self._at = {name: _find_column(table, name) for name in mapping.columns}
        self._measures = tuple(self._columns_of(measure) for measure in mapping.measure)
        texts = (mapping.smiles, mapping.cation, mapping.anion, mapping.name, mapping.reference)
        self._text_columns = tuple(self._at[name] for name in texts if name is not None)
        self._reference = None if mapping.reference is None else self._at[mapping.reference]

    def _columns_of(self, measure: Measure) -> _MeasureColumns:
        return _MeasureColumns(
            measure,
            self._at[measure.column],
            None if measure.uncertainty is None else self._at[measure.uncertainty],
            tuple((prop.name, self._at[w.column], w.unit) for prop, w in self._mapping.conditions_of(measure)),
        )

    def records(self, row: Row) -> Iterator[PairRecord]:
        """The record of a row and those of its refused values; nothing for a blank row."""
        if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row.cells):
            return
        raw = self._raw(row)
        if finding := self._refusal(row):
            yield PairRecord(source_key=row.key, raw=raw, problem=finding.code, findings=(finding,))
            return
        measurements: list[MeasurementRecord] = []
        refused: list[tuple[str, Finding]] = []
        reference = self._text(row, self._mapping.reference)
        for columns in self._measures:
            try:
                measurement = self._read(row, columns, reference)
            except BadValueError as error:
                message = f"{self._table.place(row.number, columns.value)}: {error.what}"
                refused.append((columns.measure.column, Finding(error.code, message, hint=error.hint)))
            else:
                if measurement is not None:
                    measurements.append(measurement)
        record = PairRecord(
            source_key=row.key,
            cation_smiles=self._text(row, self._mapping.cation),
            anion_smiles=self._text(row, self._mapping.anion),
            salt_smiles=self._text(row, self._mapping.smiles),
            name=self._text(row, self._mapping.name),
            reference=reference,
            raw=raw,
            measurements=tuple(measurements),
            derive_stoichiometry=self._mapping.derive_stoichiometry,
        )
        yield record if record.structure is not None else self._without_structure(row, record)
        for column, finding in refused:
            yield replace(
                record,
                source_key=f"{row.key}:{column[:100]}",
                measurements=(),
                problem=finding.code,
                findings=(finding,),
            )

    def _without_structure(self, row: Row, record: PairRecord) -> PairRecord:
        mapping = self._mapping
        wanted = [mapping.smiles] if mapping.smiles is not None else [mapping.cation, mapping.anion]
        empty = [name for name in wanted if name is not None and self._text(row, name) is None]
        places = ", ".join(self._table.place(row.number, self._at[name]) for name in empty)
        finding = Finding("no_structure", f"{places}: no SMILES.", hint="Give the structure, or reject the record.")
        return replace(record, problem=finding.code, findings=(finding,))

    def _read(self, row: Row, columns: _MeasureColumns, reference: str | None) -> MeasurementRecord | None:
        measure = columns.measure
        prop = get_property(measure.property)
        self._refuse_formula(row, columns.value)
        reading = read_value(row.cells[columns.value], prop, measure.unit, self._decimal)
        if reading is None:
            return None
        conditions = {name: self._read_condition(row, name, at, unit) for name, at, unit in columns.conditions}
        uncertainty = reading.uncertainty
        if uncertainty is None and columns.uncertainty is not None:
            self._refuse_formula(row, columns.uncertainty)
            uncertainty = read_difference(row.cells[columns.uncertainty], prop, measure.unit, self._decimal)
        return MeasurementRecord(
            property=reading.property,
            value=reading.value,
            unit=reading.unit,
            qualifier=reading.qualifier,
            uncertainty=uncertainty,
            reference=reference,
            method="; ".join(part for part in (measure.method, reading.note) if part) or None,
            temperature_k=conditions.get("temperature"),
            pressure_kpa=conditions.get("pressure"),
        )

    def _read_condition(self, row: Row, name: str, column: int, unit: str) -> float | None:
        self._refuse_formula(row, column)
        return read_plain(row.cells[column], CONDITIONS[name], unit, self._decimal)

    def _refuse_formula(self, row: Row, column: int) -> None:
        cell = row.cells[column]
        if isinstance(cell, Formula):
            raise BadValueError(
                f"{self._table.place(row.number, column)} holds the formula {cell.text[:200]} and no stored value.",
                "Open the file in the spreadsheet program and save it, so that values are stored.",
                code="formula_without_value",
            )

    def _refusal(self, row: Row) -> Finding | None:
        """Why nothing of a row can be used."""
        width = len(self._table.header)
        if len(row.cells) < width or any(cell not in {None, ""} for cell in row.cells[width:]):
            last = self._table.place(row.number, min(len(row.cells), width))
            return Finding(
                "ragged_row",
                f"{last}: the row has {len(row.cells)} cells, the header has {width}.",
                hint="A cell with the delimiter in it must stand in quotes.",
            )
        for i, cell in enumerate(row.cells):
            if isinstance(cell, str) and "\0" in cell:
                place = self._table.place(row.number, i)
                return Finding("nul_byte", f"{place}: the cell has a NUL byte.", hint="Check the file's encoding.")
        for i in self._text_columns:
            try:
                self._refuse_formula(row, i)
            except BadValueError as error:
                return Finding(error.code, error.what, hint=error.hint)
        at = self._reference
        cell = None if at is None else row.cells[at]
        if isinstance(cell, str) and len(cell) * 4 > MAX_REFERENCE_BYTES and len(cell.encode()) > MAX_REFERENCE_BYTES:
            return Finding(
                "text_too_long",
                f"{self._table.place(row.number, at)}: {len(cell):,} characters; the limit of a reference is"
                f" {MAX_REFERENCE_BYTES:,} bytes.",
                hint="Shorten it; a reference is a citation or a DOI.",
            )
        return None

    def _text(self, row: Row, column: str | None) -> str | None:
        if column is None:
            return None
        cell = row.cells[self._at[column]]
        return None if cell is None else str(cell).strip() or None

    def _raw(self, row: Row) -> dict[str, RawValue]:
        keys = self._keys + tuple(f"column {i + 1}" for i in range(len(self._keys), len(row.cells)))
        return {key: _raw_value(cell) for key, cell in zip(keys, row.cells, strict=False)}


def _raw_value(cell: Cell) -> RawValue:
    if isinstance(cell, bool | Formula):
        return str(cell)
    # JSON has no infinity.
    return str(cell) if isinstance(cell, float) and cell in {float("inf"), float("-inf")} else cell


def _unique_keys(header: tuple[str, ...]) -> tuple[str, ...]:
    """Names under which a row's cells are kept, also where the header repeats a name or leaves it out."""
    seen: set[str] = set()
    keys: list[str] = []
    for i, name in enumerate(header, 1):
        key = name or f"column {i}"
        keys.append(f"{key} (column {i})" if key in seen else key)
        seen.add(keys[-1])
    return tuple(keys)


def _find_column(table: TableFile, name: str) -> int:
    at = [i for i, column in enumerate(table.header) if column == name.strip()]
    if len(at) == 1:
        return at[0]
    if at:
        columns = " and ".join(str(i + 1) for i in at)
        raise InputError(
            f"{table.header_place}: columns {columns} are both named '{name}'.", "Rename all but one of them."
        )
    named = [column for column in table.header if column]
    close = difflib.get_close_matches(name, named, n=1)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    shown = ", ".join(f"'{column[:60]}'" for column in named[:30])
    # One name where a column is asked for: most often a title above the header.
    title = " The names of the columns must be in the first row: delete what is above it." if len(named) == 1 else ""
    raise InputError(f"{table.header_place}: there is no column '{name}'.", f"{guess}It has: {shown}.{title}")
