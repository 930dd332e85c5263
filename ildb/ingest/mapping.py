"""Which columns of a table mean what: from command-line options, from a TOML file, or from both."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ildb.errors import InputError
from ildb.units import CONDITIONS, Property, affine, get_property

DecimalMark = Literal[".", ","]
_HINT = "Keys and options are described in docs/ingest.md."


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class ColumnUnit(_Frozen):
    """A column of numbers and their unit."""

    column: str
    unit: str = Field(default="1", min_length=0)


def parse_column_unit(text: str) -> ColumnUnit:
    """``COLUMN NAME:UNIT``, split at the last colon, for column names may hold colons.

    Raises:
        InputError: there is no colon, or nothing on one side of it.
    """
    column, colon, unit = text.rpartition(":")
    if not colon or not column.strip():
        raise InputError(f"'{text}' does not say a column and its unit.", 'Write it as "COLUMN NAME:UNIT".')
    return ColumnUnit(column=column.strip(), unit=unit.strip())


def _column_unit_from_text(value: Any) -> Any:
    return parse_column_unit(value) if isinstance(value, str) else value


class Measure(_Frozen):
    """A column of measured values.

    Attributes:
        property: a name of ``ildb.units.PROPERTIES``.
        column: the column's name.
        unit: unit of its numbers, unless a cell says another.
        uncertainty: column with the standard uncertainty, in the same unit.
        method: how it was measured.
        temperature: temperature of measurement, when not that of the whole table.
        pressure: pressure of measurement, when not that of the whole table.
    """

    property: str
    column: str
    unit: str = Field(default="1", min_length=0)
    uncertainty: str | None = None
    method: str | None = None
    temperature: Annotated[ColumnUnit | None, BeforeValidator(_column_unit_from_text)] = None
    pressure: Annotated[ColumnUnit | None, BeforeValidator(_column_unit_from_text)] = None


def parse_measure(text: str) -> Measure:
    """``PROPERTY=COLUMN NAME:UNIT``, split at the first ``=`` and the last ``:``.

    Raises:
        InputError: a part is missing.
    """
    name, equals, rest = text.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"'{text}' does not say a property, a column and its unit.",
            'Write it as "PROPERTY=COLUMN NAME:UNIT", for example "melting_point=Tm (K):K".',
        )
    where = parse_column_unit(rest)
    return Measure(property=name.strip(), column=where.column, unit=where.unit)


def _measures_from_text(values: Any) -> Any:
    if not isinstance(values, list | tuple):
        return values
    return [parse_measure(v) if isinstance(v, str) else v for v in values]


class TableMapping(_Frozen):
    """What the columns of a table mean and how the file is written.

    Attributes:
        smiles: column with the SMILES of whole salts; or else
        cation: column with the cation's SMILES, and
        anion: column with the anion's SMILES.
        name: column with the salt's name.
        reference: column with the reference of a row's claims.
        measure: columns of measured values.
        temperature: column with the temperature of measurement of every property that needs one.
        pressure: column with the pressure of measurement of every property that needs one.
        derive_stoichiometry: salts that are not neutral as written may be balanced from their charges.
        sheet: sheet of an XLSX file; its first one by default.
        encoding: of a text file; from its byte-order mark, else UTF-8, by default.
        delimiter: of a text file; found from the header by default.
        decimal: the decimal mark; by default a comma where the delimiter is a semicolon, and else whatever is clear.
        source: name of the source.
        doi: its DOI.
        licence: its licence.
        citation: how to cite it.
        url: where it is.
    """

    smiles: str | None = None
    cation: str | None = None
    anion: str | None = None
    name: str | None = None
    reference: str | None = None
    measure: Annotated[tuple[Measure, ...], BeforeValidator(_measures_from_text)] = ()
    temperature: Annotated[ColumnUnit | None, BeforeValidator(_column_unit_from_text)] = None
    pressure: Annotated[ColumnUnit | None, BeforeValidator(_column_unit_from_text)] = None
    derive_stoichiometry: bool = False
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = Field(default=None, max_length=3)
    decimal: DecimalMark | None = None
    source: str | None = None
    doi: str | None = None
    licence: str | None = None
    citation: str | None = None
    url: str | None = None

    @property
    def without_temperature(self) -> list[str]:
        """Measured properties that depend on a temperature which no column says."""
        return [
            m.property
            for m in self.measure
            if not get_property(m.property).is_transition and self.temperature is None and m.temperature is None
        ]

    @model_validator(mode="after")
    def _has_structure_and_units(self) -> TableMapping:
        by_salt = self.smiles is not None
        by_ions = (self.cation is not None, self.anion is not None)
        if by_salt == any(by_ions) or any(by_ions) != all(by_ions):
            raise InputError(
                "Which column has the structures is not said, or said twice.",
                "Give either --smiles COL, or both --cation COL and --anion COL (or those keys of the mapping file).",
            )
        for measure in self.measure:
            affine(get_property(measure.property), measure.unit)
            self._check_condition("temperature", measure.temperature)
            self._check_condition("pressure", measure.pressure)
        self._check_condition("temperature", self.temperature)
        self._check_condition("pressure", self.pressure)
        return self

    @staticmethod
    def _check_condition(name: str, where: ColumnUnit | None) -> None:
        if where is not None:
            affine(CONDITIONS[name], where.unit)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is needed, once each."""
        wanted = [self.smiles, self.cation, self.anion, self.name, self.reference]
        conditions = [self.temperature, self.pressure]
        for measure in self.measure:
            wanted += [measure.column, measure.uncertainty]
            conditions += [measure.temperature, measure.pressure]
        wanted += [where.column for where in conditions if where is not None]
        return tuple(dict.fromkeys(column for column in wanted if column is not None))

    def conditions_of(self, measure: Measure) -> tuple[tuple[Property, ColumnUnit], ...]:
        """The conditions a measure's values were taken at, and where they stand."""
        own = get_property(measure.property)
        table = (None, None) if own.is_transition else (self.temperature, self.pressure)
        found = zip(("temperature", "pressure"), (measure.temperature, measure.pressure), table, strict=True)
        return tuple((CONDITIONS[name], where) for name, mine, all_ in found if (where := mine or all_) is not None)


def load_mapping(path: Path | None = None, options: Mapping[str, Any] | None = None) -> TableMapping:
    """The mapping of a TOML file and of options; an option wins over the same key of the file.

    Args:
        path: the mapping file, whose keys are those of ``TableMapping``.
        options: keys of ``TableMapping``; those that are None or empty are taken as not given.

    Raises:
        InputError: file or key, and what is wrong with it.
    """
    keys: dict[str, Any] = _read_toml(path) if path is not None else {}
    keys |= {key: value for key, value in (options or {}).items() if value is not None and value != ()}
    where = f"{path}: " if path is not None else ""
    try:
        return TableMapping.model_validate(keys)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "mapping"
        known = f" Known keys: {', '.join(TableMapping.model_fields)}." if first["type"] == "extra_forbidden" else ""
        raise InputError(f"{where}key '{key}': {first['msg']}.{known}", _HINT) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise InputError(f"The mapping file {path} cannot be read: {error.strerror}.", "Check --mapping.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The mapping file {path} is not TOML: {error}.", _HINT) from error
