"""What a cell of measured values says: number, bound, range, uncertainty, unit, or another property altogether.

Nothing is forced into a number. What cannot be read raises ``BadValueError``, and the reader sends it to quarantine.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from ildb.ingest.mapping import DecimalMark
from ildb.ingest.numbers import NUMBER, BadValueError, last_digits, read_number, shown
from ildb.ingest.record import Qualifier
from ildb.units import PROPERTIES, Affine, Property, UnitError, affine

__all__ = ["BadValueError", "Reading", "read_plain", "read_value"]

MAX_LENGTH: Final = 100
WIDE_RANGE: Final = 0.03
"""A range whose half-width is above this share of its midpoint is an estimate (``~``): 9 K at 300 K."""
ROOM_TEMPERATURE_K: Final = 298.15


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell says, in the canonical unit of ``property``.

    Attributes:
        property: the property it is about, which the cell may override (``Tg = -81 °C`` among melting points).
        value: the number; of a range, the midpoint.
        unit: canonical unit.
        qualifier: ``=``, a bound ``<`` or ``>``, or ``~``.
        uncertainty: as stated; of a range, half its width.
        note: the cell's own words where they say more than a number; None for a plain number.
    """

    property: str
    value: float
    unit: str
    qualifier: Qualifier = "="
    uncertainty: float | None = None
    note: str | None = None


_MISSING: Final = frozenset(
    {"", "-", "--", "---", "/", "?", "n/a", "na", "n.a.", "nan", "none", "null", "nd", "n.d.", "nr", "n.r.",
     "not reported", "not determined", "not available", "not measured", "not observed", "#n/a"}
)  # fmt: skip
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣－", "-"))
# Between digits a thin or protected space, or an apostrophe, groups thousands; a plain space may separate two values.
_GROUPING: Final = re.compile(r"(?<=[0-9])[\u2009\u202f\u00a0'’](?=[0-9]{3}(?![0-9]))")

_QUALIFIER_WORDS: Final[dict[Qualifier, str]] = {
    "<": r"<=?|≤|≦|⩽|(?:below|under|less than|lower than|at most)\b",
    ">": r">=?|≥|≧|⩾|(?:above|over|greater than|higher than|more than|at least)\b",
    "~": r"~|≈|∼|≃|ca\b\.?|c\.|approx\b\.?|approximately\b|about\b|around\b|circa\b",
}
_QUALIFIERS: Final = tuple(
    (re.compile(rf"(?:{words})\s*", re.IGNORECASE), qualifier) for qualifier, words in _QUALIFIER_WORDS.items()
)
# Words that say which transition it was; they win over the column's property.
_KINDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(rf"\(?(?<![a-z])(?:{words})(?![a-z])\.?(?:\s*(?:at|=|:))?\s*\)?", re.IGNORECASE), name)
    for words, name in (
        (r"dec|decomp|decomposes?|decomposed|decomposing|decomposition|td|tdec", "decomposition_temperature"),
        (r"tg|glass(?: transition)?|vitrifies", "glass_transition"),
        (r"tcc|tcryst|crystalli[sz]es|crystalli[sz]ation", "crystallization_temperature"),
        (r"tm|mp|m\.p|melts|melting(?: point)?", "melting_point"),
    )
)
_STATE: Final = re.compile(r"(?:is )?(?:an? )?(liquid|solid|oil) (?:at|@) (.+)", re.IGNORECASE)
_ROOM: Final = re.compile(r"(?:r\.?t\.?|room temp(?:erature|\.)?|ambient(?: temp(?:erature|\.)?)?)", re.IGNORECASE)

_PLAIN: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_UNIT_WORD: Final = r"[^\W\d_°%]+|°\s?[^\W\d_]+|%"
_UNIT: Final = (
    rf"(?:{_UNIT_WORD})(?:\^?-?[1-9](?![0-9.,]))?(?:[ /·*.(]{{1,4}}(?:{_UNIT_WORD})(?:\^?-?[1-9](?![0-9.,]))?\)?)*"
)
_SINGLE: Final = re.compile(
    rf"(?P<a>[+-]?(?:{NUMBER}))(?:\((?P<digits>[0-9]+)\))?(?:\s*(?P<unit>{_UNIT}))?"
    rf"(?:\s*(?:±|\+/-|\+-)\s*(?P<pm>{NUMBER})(?:\s*(?P<unit_2>{_UNIT}))?)?",
    re.IGNORECASE,
)
_SIMPLE_UNIT: Final = r"[^\W\d_]+|°\s?[^\W\d_]+"
_RANGE: Final = re.compile(
    rf"(?P<a>[+-]?(?:{NUMBER}))(?:\s*(?P<unit>{_SIMPLE_UNIT}))??\s*(?:-|to|\.\.+)\s*(?P<b>[+-]?(?:{NUMBER}))(?:\s*(?P<unit_2>{_UNIT}))?",
    re.IGNORECASE,
)


def read_value(cell: object, prop: Property, unit: str, decimal: DecimalMark | None = None) -> Reading | None:
    """What a cell says about a property.

    Args:
        cell: text or a number; None, not-a-number and ``n/a`` and the like mean that nothing was measured.
        prop: the column's property.
        unit: the column's unit, which a unit in the cell overrides.
        decimal: the decimal mark; None for what can be told from the number itself.

    Returns:
        The reading, or None when nothing was measured.

    Raises:
        BadValueError: the cell says something that is not a value.
    """
    if cell is None:
        return None
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if isinstance(cell, float) and math.isnan(cell):
            return None
        return _checked(Reading(prop.name, affine(prop, unit)(float(cell)), prop.unit), prop, str(cell))
    if isinstance(cell, str) and decimal != "," and _PLAIN.fullmatch(cell):
        # What nearly every cell is; the rest of the grammar would say the same, ten times slower.
        return _checked(Reading(prop.name, affine(prop, unit)(float(cell)), prop.unit), prop, cell)
    if not isinstance(cell, str):
        raise BadValueError(f"{shown(cell)} is a {type(cell).__name__}, not a number.")
    text = _normalise(cell)
    if text.lower() in _MISSING:
        return None
    if len(text) > MAX_LENGTH:
        raise BadValueError(f"{shown(cell)} is too long for a value ({len(cell):,} characters).")
    reading = _read_text(text, prop, unit, decimal)
    return _checked(reading, PROPERTIES.get(reading.property, prop), cell)


def read_plain(cell: object, prop: Property, unit: str, decimal: DecimalMark | None = None) -> float | None:
    """A cell that must hold an exact number, such as a temperature of measurement; in the canonical unit.

    Raises:
        BadValueError: it holds something else.
    """
    reading = read_value(cell, prop, unit, decimal)
    if reading is not None and (reading.qualifier != "=" or reading.property != prop.name):
        raise BadValueError(f"{shown(cell)} is not an exact {prop.name}.")
    return None if reading is None else reading.value


def read_difference(cell: object, prop: Property, unit: str, decimal: DecimalMark | None = None) -> float | None:
    """A cell with an uncertainty: a difference, which takes no offset (1 °C is 1 K).

    Raises:
        BadValueError: it holds something else.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = _normalise(str(cell)).removeprefix("±").removeprefix("+/-").strip()
    if text.lower() in _MISSING:
        return None
    if not re.fullmatch(NUMBER, text, re.IGNORECASE):
        raise BadValueError(f"{shown(cell)} is not an uncertainty.", "Give a number in the unit of the values.")
    return affine(prop, unit).difference(read_number(text, decimal))


def _normalise(text: str) -> str:
    grouped = _GROUPING.sub("", text)
    return " ".join(unicodedata.normalize("NFKC", grouped).translate(_DASHES).split())


def _read_text(text: str, prop: Property, unit: str, decimal: DecimalMark | None) -> Reading:
    if prop.is_transition:
        if state := _STATE.fullmatch(text.rstrip(".")):
            return _read_state(text, state, unit, decimal)
        rest, kind = _take_kind(text)
    else:
        rest, kind = text, None
    target = PROPERTIES[kind] if kind else prop
    rest, qualifier = _take_qualifier(rest)
    if single := _SINGLE.fullmatch(rest):
        reading = _read_single(single, target, unit, decimal, qualifier)
    elif qualifier == "=" and (bounds := _RANGE.fullmatch(rest)):
        reading = _read_range(bounds, target, unit, decimal)
    else:
        raise BadValueError(
            f"{shown(text)} is not a {prop.name}.",
            "Give one number, a bound such as < 250, a range such as 250-255, or 298.2 ± 0.5.",
        )
    is_plain = single is not None and reading.qualifier == "=" and target is prop
    note = None if is_plain else f"given as '{text}'"
    return Reading(target.name, reading.value, target.unit, reading.qualifier, reading.uncertainty, note)


def _read_state(text: str, state: re.Match[str], unit: str, decimal: DecimalMark | None) -> Reading:
    """``liquid at room temperature``: the melting point lies below."""
    melting = PROPERTIES["melting_point"]
    words = state[2].strip(" ()")
    value: float | None = ROOM_TEMPERATURE_K
    if not _ROOM.fullmatch(words):
        value = read_plain(words, melting, unit, decimal)
    if value is None:
        raise BadValueError(f"{shown(text)} does not say at which temperature.", "Give the temperature.")
    return Reading(
        melting.name, value, melting.unit, ">" if state[1].lower() == "solid" else "<", None, f"given as '{text}'"
    )


def _take_kind(text: str) -> tuple[str, str | None]:
    for pattern, name in _KINDS:
        if found := pattern.search(text):
            rest = f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip()}".strip(" ,;:")
            if not any(char.isdigit() for char in rest):
                raise BadValueError(
                    f"{shown(text)} says that there is a {name} but not where.", "Give the temperature, or reject it."
                )
            return rest, name
    return text, None


def _take_qualifier(text: str) -> tuple[str, Qualifier]:
    for pattern, qualifier in _QUALIFIERS:
        if found := pattern.match(text):
            return text[found.end() :], qualifier
    return text.removeprefix("=").lstrip(), "="


def _read_single(
    match: re.Match[str], prop: Property, unit: str, decimal: DecimalMark | None, qualifier: Qualifier
) -> Reading:
    to_canonical = _conversion(prop, unit, match["unit"], match["unit_2"])
    uncertainty: float | None = None
    if match["pm"]:
        uncertainty = to_canonical.difference(read_number(match["pm"], decimal))
    if match["digits"]:
        if uncertainty is not None:
            raise BadValueError(f"{shown(match[0])} states two uncertainties.", "Give one.")
        uncertainty = to_canonical.difference(last_digits(match["a"], match["digits"], decimal))
    return Reading(prop.name, to_canonical(read_number(match["a"], decimal)), prop.unit, qualifier, uncertainty)


def _read_range(match: re.Match[str], prop: Property, unit: str, decimal: DecimalMark | None) -> Reading:
    to_canonical = _conversion(prop, unit, match["unit"], match["unit_2"])
    low, high = (to_canonical(read_number(match[end], decimal)) for end in "ab")
    if low >= high:
        raise BadValueError(f"{shown(match[0])} is a range that does not rise.", "Write out both ends, lower first.")
    middle, half = (low + high) / 2, (high - low) / 2
    qualifier: Qualifier = "~" if half > WIDE_RANGE * abs(middle) else "="
    return Reading(prop.name, float(f"{middle:.12g}"), prop.unit, qualifier, float(f"{half:.12g}"))


def _conversion(prop: Property, column_unit: str, *cell_units: str | None) -> Affine:
    stated = {" ".join(unit.split()) for unit in cell_units if unit}
    if len(stated) > 1:
        raise BadValueError(f"The units {' and '.join(sorted(stated))} are mixed in one cell.", "Use one unit.")
    try:
        return affine(prop, next(iter(stated), column_unit))
    except UnitError as error:
        raise BadValueError(error.what, error.hint) from error


def _checked(reading: Reading, prop: Property, cell: object) -> Reading:
    if reading.uncertainty is not None and not math.isfinite(reading.uncertainty):
        raise BadValueError(f"{shown(cell)} has an uncertainty that is not a number.", code="value_out_of_range")
    if not math.isfinite(reading.value) or not prop.lowest <= reading.value <= prop.highest:
        raise BadValueError(
            f"{shown(cell)} would be a {prop.name} of {reading.value:.6g} {prop.unit}, which cannot be.",
            f"It lies between {prop.lowest:g} and {prop.highest:g} {prop.unit}; check the unit.",
            code="value_out_of_range",
        )
    return reading
