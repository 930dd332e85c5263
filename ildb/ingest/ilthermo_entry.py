"""An entry of ILThermo as records: its salt, and one measurement for each data point.

An entry is one property of one compound in one paper: columns with name, unit and phase, rows of cells that hold a
value, or a value and its error. What an entry is filed under is not always what its column says (78 "viscosities" are
kinematic ones), so the column decides.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from ildb.chem.findings import Finding
from ildb.ingest.record import MeasurementRecord, PairRecord, RawValue
from ildb.units import CONDITIONS, PROPERTIES, Property, UnitError, affine

__all__ = ["Structures", "read_entry", "unavailable"]

# A column's name, as ILThermo writes it, to the property it is here. Every other name becomes a property of its own, so
# that nothing is taken for what it is not (a heat capacity at saturation pressure, an equilibrium temperature).
_PROPERTIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "normal melting temperature": "melting_point",
        "glass transition temperature": "glass_transition",
        "normal boiling temperature": "boiling_point",
        "density": "density",
        "specific density": "density",
        "mass density": "density",
        "viscosity": "viscosity",
        "kinematic viscosity": "kinematic_viscosity",
        "electrical conductivity": "conductivity",
        "thermal conductivity": "thermal_conductivity",
        "heat capacity at constant pressure": "heat_capacity",
        "surface tension liquid-gas": "surface_tension",
        "refractive index": "refractive_index",
        "refractive index (na d-line)": "refractive_index",
        "speed of sound": "speed_of_sound",
        "vapor or sublimation pressure": "vapor_pressure",
        "self-diffusion coefficient": "self_diffusion",
        "self diffusion coefficient": "self_diffusion",
    }
)
_STATES: Final = ("temperature", "pressure")
_TAG: Final = re.compile(r"</?[A-Za-z][^>]*>")
_NUMBER: Final = r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_CONSTRAINT: Final = re.compile(
    rf"(temperature|pressure)\b[\s,;]*(kPa|MPa|Pa|bar|K)?\s*(?:=|:|of|at)?\s*({_NUMBER})\s*(kPa|MPa|Pa|bar|K)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Structures:
    """SMILES of ILThermo's compounds, by id and by name."""

    by_id: Mapping[str, str]
    by_name: Mapping[str, str]

    def find(self, compound_id: str, name: str) -> str | None:
        """A compound's SMILES, if somebody has drawn it."""
        return self.by_id.get(compound_id) or self.by_name.get(name)


class _UnreadableError(Exception):
    """The entry as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    unit: str
    phase: str | None

    @property
    def definition(self) -> str:
        of = self.name if self.unit == "1" else f"{self.name}, {self.unit}"
        return f"{of} ({self.phase})" if self.phase else of


def unavailable(entry_id: str, reason: str) -> PairRecord:
    """The record of an entry that the site lists but does not send."""
    finding = Finding("entry_unavailable", f"Entry {entry_id}: {reason}", hint="Pull it again later.")
    return PairRecord(source_key=entry_id, raw={"entry": entry_id}, problem=finding.code, findings=(finding,))


def read_entry(entry_id: str, answer: Mapping[str, Any], structures: Structures) -> Iterator[PairRecord]:
    """The records of an entry.

    Args:
        entry_id: ILThermo's id of the data set.
        answer: what the site sends for it.
        structures: SMILES of compounds.

    Yields:
        The salt with every value that can be read; after it one record for each data point that cannot, which waits in
        quarantine on its own. An entry that is no pure compound with data gives one refused record with the answer.
    """
    try:
        record, columns = _record(entry_id, answer, structures)
        at = _property_column(columns)
        prop, unit = _property(columns, at)
        rows: Sequence[Any] = answer["data"]
        if not rows:
            raise _UnreadableError("it has no data")
        constant = _constants(answer.get("constr"))
    except (_UnreadableError, KeyError, TypeError, AttributeError, ValueError, IndexError, UnitError) as error:
        reason = str(error) if isinstance(error, _UnreadableError | UnitError) else f"{type(error).__name__}: {error}"
        yield _unreadable(entry_id, answer, reason)
        return
    measurements: list[MeasurementRecord] = []
    refused: list[PairRecord] = []
    method = "; ".join(part for part in (f"ILThermo: {columns[at].definition}", _text(answer.get("expmeth"))) if part)
    for n, row in enumerate(rows, 1):
        try:
            point = _point(row, columns, at, prop, unit, constant)
        except (_UnreadableError, TypeError, ValueError, IndexError) as error:
            code = "value_out_of_range" if isinstance(error, _UnreadableError) else "bad_value"
            finding = Finding(code, f"Entry {entry_id}, data point {n}: {error}.", hint="Give --value, or reject it.")
            refused.append(
                replace(
                    record,
                    source_key=f"{entry_id}#{n}",
                    raw=record.raw | {"data_point": str(row)},
                    problem=code,
                    findings=(finding,),
                )
            )
        else:
            note = "; ".join((method, *point.states))
            measurements.append(replace(point.measurement, method=note, reference=record.reference))
    if record.salt_smiles is None:
        name = f"{record.name} (compound {record.raw['compound']})"
        finding = Finding("no_structure", f"No structure is known for {name}.", hint="Give --smiles.")
        record = replace(record, problem=finding.code, findings=(finding,))
    yield replace(record, measurements=tuple(measurements))
    yield from refused


def _record(entry_id: str, answer: Mapping[str, Any], structures: Structures) -> tuple[PairRecord, tuple[_Column, ...]]:
    components = answer["components"]
    if len(components) != 1:
        raise _UnreadableError(f"it is of {len(components)} compounds")
    columns = tuple(_column(head) for head in answer["dhead"])
    (compound,) = components
    name, compound_id = _text(compound["name"]), str(compound["idout"])
    reference = answer.get("ref") or {}
    sample = "; ".join(" ".join(filter(None, map(_text, line))) for line in compound.get("sample") or ())
    raw: dict[str, RawValue] = {
        "entry": entry_id,
        "filed_under": _text(answer.get("title")),
        "columns": "; ".join(column.definition for column in columns),
        "phases": "; ".join(filter(None, map(_text, answer.get("phases") or ()))) or None,
        "method": _text(answer.get("expmeth")),
        "constraints": "; ".join(filter(None, map(_text, answer.get("constr") or ()))) or None,
        "footnotes": _text(answer.get("footer")),
        "compound": compound_id,
        "formula": _text(compound.get("formula")),
        "sample": sample or None,
        "title": _text(reference.get("title")),
    }
    record = PairRecord(
        source_key=entry_id,
        salt_smiles=structures.find(compound_id, name or ""),
        name=name,
        reference=_text(reference.get("full")) or f"NIST ILThermo, entry {entry_id}",
        raw=raw,
    )
    return record, columns


def _column(head: Sequence[Any]) -> _Column:
    """``["Specific density, kg/m<SUP>3</SUP>", "Liquid"]``; the phase may be missing or null."""
    name, comma, unit = (_text(head[0]) or "").rpartition(", ")
    phase = _text(head[1]) if len(head) > 1 else None
    return _Column(name, unit, phase) if comma else _Column(unit, "1", phase)


def _property_column(columns: Sequence[_Column]) -> int:
    """The property is the last column that is not plainly a state."""
    at = [i for i, column in enumerate(columns) if column.name.lower() not in _STATES]
    if not at:
        raise _UnreadableError("no column is a property")
    return at[-1]


def _property(columns: Sequence[_Column], at: int) -> tuple[Property, str]:
    """What a column's values are here, and the unit they come in."""
    column = columns[at]
    others = [c for i, c in enumerate(columns) if i != at and c.name.lower() not in _STATES]
    known = _PROPERTIES.get(column.name.lower())
    if known is not None and not others:
        affine(PROPERTIES[known], column.unit)  # refuses a unit of another dimension
        return PROPERTIES[known], column.unit
    # Values that depend on more than temperature and pressure (frequency, wavelength) are no values of the plain one.
    name = "_at_".join(_slug(word) for word in (known or column.name, *(c.name for c in others)))
    unit = column.unit.replace("•", ".").replace("·", ".")
    return Property(name, unit, -math.inf, math.inf, (unit,)), unit


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class _Point:
    measurement: MeasurementRecord
    states: tuple[str, ...]


def _point(
    row: Sequence[Sequence[Any]],
    columns: Sequence[_Column],
    at: int,
    prop: Property,
    unit: str,
    constant: Mapping[str, float],
) -> _Point:
    if len(row) != len(columns):
        raise ValueError(f"{len(row)} cells for {len(columns)} columns")
    cells = [_cell(cell) for cell in row]
    value, error = cells[at]
    if prop.name in PROPERTIES:
        conversion = affine(prop, unit)
        value, error = conversion(value), None if error is None else conversion.difference(error)
    if not prop.lowest <= value <= prop.highest:
        raise _UnreadableError(f"{value:g} {prop.unit} cannot be a {prop.name}")
    states = dict(constant)
    others: list[str] = []
    for i, (column, (number, _)) in enumerate(zip(columns, cells, strict=True)):
        if i == at:
            continue
        if (state := column.name.lower()) in _STATES:
            states[state] = _condition(state, number, column.unit)
        else:
            others.append(f"{column.name} = {number:g} {column.unit}")
    return _Point(
        MeasurementRecord(
            property=prop.name,
            value=value,
            unit=prop.unit,
            uncertainty=error,
            temperature_k=None if prop.is_transition else states.get("temperature"),
            pressure_kpa=states.get("pressure"),
        ),
        tuple(others),
    )


def _cell(cell: Sequence[Any]) -> tuple[float, float | None]:
    """``["298.15"]`` or ``["1210.5", "0.5"]``: a value, and its error when there is one."""
    if not 1 <= len(cell) <= 2:
        raise ValueError(f"a cell of {len(cell)} numbers")
    numbers = [float(part) for part in cell]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{cell} is not a number")
    return numbers[0], abs(numbers[1]) if len(numbers) > 1 else None


def _condition(name: str, value: float, unit: str) -> float:
    condition = CONDITIONS[name]
    converted = affine(condition, unit)(value)
    if not condition.lowest <= converted <= condition.highest:
        raise _UnreadableError(f"{value:g} {unit} cannot be a {name}")
    return converted


def _constants(constraints: object) -> dict[str, float]:
    """States that hold for the whole entry, such as ``Pressure of 101 kPa``."""
    states: dict[str, float] = {}
    for line in constraints if isinstance(constraints, list) else [constraints]:
        if (found := _CONSTRAINT.search(_text(line) or "")) and (unit := found[4] or found[2]):
            states[found[1].lower()] = _condition(found[1].lower(), float(found[3]), unit)
    return states


def _unreadable(entry_id: str, answer: Mapping[str, Any], reason: str) -> PairRecord:
    finding = Finding("entry_unreadable", f"Entry {entry_id}: {reason}.", hint="Look at it on the site, or reject it.")
    raw: dict[str, RawValue] = {"entry": entry_id, "answer": repr(dict(answer))[:100_000]}
    return PairRecord(source_key=entry_id, raw=raw, problem=finding.code, findings=(finding,))


def _text(value: object) -> str | None:
    """Plain text of ILThermo's HTML: ``m<SUP>3</SUP>`` is m3, ``Pa&#8226;s`` is Pa•s."""
    if value is None:
        return None
    return " ".join(html.unescape(_TAG.sub("", str(value))).split()) or None
