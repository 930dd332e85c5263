"""Properties, their canonical units, and the way from a source's unit to the canonical one.

A measurement is stored in its property's canonical unit. A property here says what dimension a value must have, so a
kinematic viscosity never ends up among dynamic ones.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

import pint

from ildb.errors import InputError

__all__ = ["CONDITIONS", "PROPERTIES", "Affine", "Property", "UnitError", "affine", "convert", "get_property"]


class UnitError(InputError):
    """A property or unit is unknown, or the two do not go together."""


@dataclass(frozen=True, slots=True)
class Property:
    """A measurable property.

    Attributes:
        name: as stored in ``measurement.property``.
        unit: canonical unit, as stored in ``measurement.unit``.
        lowest: smallest value that can be true, in ``unit``; anything outside is refused, most often a wrong unit.
        highest: largest value that can be true, in ``unit``.
        units: units that sources use, for messages.
        is_transition: a temperature at which something happens, so that no temperature of measurement belongs to it.
    """

    name: str
    unit: str
    lowest: float
    highest: float
    units: tuple[str, ...]
    is_transition: bool = False


_TEMPERATURES: Final = ("K", "°C", "°F")


def _transition(name: str) -> Property:
    # The bounds are those of the table's CHECK constraint.
    return Property(name, "K", 1.0, 3000.0, _TEMPERATURES, is_transition=True)


def _by_name(*properties: Property) -> Mapping[str, Property]:
    return MappingProxyType({p.name: p for p in properties})


PROPERTIES: Final = _by_name(
    _transition("melting_point"),
    _transition("glass_transition"),
    _transition("crystallization_temperature"),
    _transition("solid_solid_transition"),
    _transition("clearing_point"),
    _transition("decomposition_temperature"),
    _transition("boiling_point"),
    _transition("flash_point"),
    _transition("apparent_melting_point"),
    Property("density", "kg/m3", 100.0, 10_000.0, ("kg/m3", "g/cm3", "g/mL")),
    Property("viscosity", "Pa.s", 1e-6, 1e15, ("Pa s", "mPa s", "cP", "P")),
    Property("kinematic_viscosity", "m2/s", 1e-9, 1e12, ("m2/s", "mm2/s", "cSt", "St")),
    Property("conductivity", "S/m", 0.0, 1e4, ("S/m", "mS/cm", "S/cm", "µS/cm")),
    Property("thermal_conductivity", "W/(m.K)", 1e-4, 1e3, ("W/(m K)", "mW/(m K)")),
    Property("heat_capacity", "J/(mol.K)", 1.0, 1e5, ("J/(mol K)", "kJ/(mol K)", "cal/(mol K)")),
    Property("specific_heat_capacity", "J/(kg.K)", 10.0, 1e5, ("J/(kg K)", "J/(g K)")),
    Property("enthalpy_of_fusion", "J/mol", 1.0, 1e6, ("J/mol", "kJ/mol", "kcal/mol")),
    Property("surface_tension", "N/m", 1e-4, 1.0, ("N/m", "mN/m", "dyn/cm")),
    Property("refractive_index", "1", 1.0, 4.0, ("1",)),
    Property("speed_of_sound", "m/s", 10.0, 1e4, ("m/s",)),
    Property("vapor_pressure", "Pa", 0.0, 1e8, ("Pa", "kPa", "mbar", "mmHg")),
    Property("self_diffusion", "m2/s", 1e-20, 1e-6, ("m2/s", "cm2/s")),
)
"""What a source may report, by name."""

CONDITIONS: Final = _by_name(
    Property("temperature", "K", 1.0, 3000.0, _TEMPERATURES),
    Property("pressure", "kPa", 0.0, 1e8, ("kPa", "Pa", "MPa", "bar", "atm")),
)
"""At what a property was measured; in the units of ``measurement.temperature_k`` and ``measurement.pressure_kpa``."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A unit conversion: ``canonical = offset + slope * value``; differences take the slope alone."""

    slope: float
    offset: float

    def __call__(self, value: float) -> float:
        """The value in the canonical unit, to 12 digits: -81 °C is 192.15 K, not 192.14999999999998 K."""
        return float(value) if self.is_identity else _to_12_digits(self.offset + self.slope * value)

    def difference(self, value: float) -> float:
        """A difference or an uncertainty in the canonical unit, never negative."""
        return _to_12_digits(abs(self.slope * value))

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self.slope == 1.0 and self.offset == 0.0


def _to_12_digits(value: float) -> float:
    return float(f"{value:.12g}")


def get_property(name: str) -> Property:
    """The property of a name.

    Raises:
        UnitError: there is none; the message lists those there are.
    """
    if found := PROPERTIES.get(name):
        return found
    close = difflib.get_close_matches(name, PROPERTIES, n=1)
    guess = f"Did you mean {close[0]}? " if close else ""
    raise UnitError(f"There is no property '{name}'.", f"{guess}Known: {', '.join(PROPERTIES)}.")


def convert(name: str, value: float, unit: str) -> float:
    """A value of a property in the property's canonical unit.

    Args:
        name: the property, for example ``density``.
        value: the number, in ``unit``.
        unit: the source's unit, for example ``g/cm3``.

    Raises:
        UnitError: unknown property or unit, or a unit of another dimension.
    """
    return affine(get_property(name), unit)(value)


# Spellings that mean something else, or nothing, to the units library.
_TEMPERATURE_UNITS: Final = {
    "k": "K", "kelvin": "K", "c": "degC", "oc": "degC", "°c": "degC", "ºc": "degC", "degc": "degC", "deg c": "degC",
    "° c": "degC", "celsius": "degC", "f": "degF", "°f": "degF", "degf": "degF", "deg f": "degF", "fahrenheit": "degF",
}  # fmt: skip
_SPELLINGS: Final = {"": "1", "-": "1", "none": "1", "dimensionless": "1", "unitless": "1"}
_PRODUCT: Final = re.compile(r"(?<=[\w)])\s*[·⋅•.*]\s*(?=[^\W\d])")
_POWER: Final = re.compile(r"(?<=[^\W\d])(?:\^|\*\*)?(-?[1-9])(?!\d)")
# What is left after those: names, powers of one digit, products, quotients. Nothing that could make a parser toil.
_FACTOR: Final = r"\(?[^\W\d_]+(?:\*\*-?[1-9])?\)?"
_UNIT: Final = re.compile(rf"1|(?:1\s*/\s*)?{_FACTOR}(?:\s*[/* ]\s*{_FACTOR})*")
_MAX_UNIT_LENGTH: Final = 40


@cache
def _registry() -> pint.UnitRegistry[float]:
    return pint.UnitRegistry(on_redefinition="ignore")


def _parse(unit: str, *, temperature: bool) -> pint.Unit | None:
    """A unit as sources spell it, or None when nobody knows it."""
    text = " ".join(unicodedata.normalize("NFKC", unit).replace("\N{MINUS SIGN}", "-").split())
    if len(text) > _MAX_UNIT_LENGTH:
        return None
    if temperature:
        text = _TEMPERATURE_UNITS.get(text.lower(), text)
    text = _SPELLINGS.get(text.lower(), text)
    text = _POWER.sub(r"**\1", _PRODUCT.sub("*", text.replace("°", "deg").replace("%", "percent")))
    if not _UNIT.fullmatch(text):
        return None
    try:
        return _registry().parse_units(text)
    except (pint.errors.PintError, ValueError, TypeError, AttributeError, ArithmeticError, SyntaxError):
        # The units library lets errors of its tokenizer through.
        return None


@lru_cache(maxsize=1024)
def affine(prop: Property, unit: str) -> Affine:
    """How values of a property in some unit become canonical; temperatures with their offset.

    Args:
        prop: the property.
        unit: the source's unit, as people write it: ``g cm-3``, ``mPa·s``, ``J/(mol K)``, ``°C``.

    Raises:
        UnitError: the unit is unknown, or is not one of this property; the message says what would fit.
    """
    fits = f"It takes {', '.join(prop.units)}."
    found = _parse(unit, temperature=prop.unit == "K")
    if found is None:
        raise UnitError(f"'{unit}' is not a unit that is known, for {prop.name}.", fits)
    registry = _registry()
    wanted = _parse(prop.unit, temperature=prop.unit == "K")
    if wanted is None:
        raise ValueError(f"the canonical unit of {prop.name} is not known: {prop.unit}")
    if found.dimensionality != wanted.dimensionality:
        others = [p.name for p in PROPERTIES.values() if _has_dimension(p, found)]
        owner = f" ('{unit}' is a unit of {', '.join(others)})" if others else ""
        raise UnitError(f"'{unit}' does not fit {prop.name}, whose unit is {prop.unit}.", f"{fits}{owner}")
    zero, one = (float(registry.Quantity(x, found).to(wanted).magnitude) for x in (0.0, 1.0))
    return Affine(one - zero, zero)


def _has_dimension(prop: Property, unit: pint.Unit) -> bool:
    canonical = _parse(prop.unit, temperature=prop.unit == "K")
    return canonical is not None and canonical.dimensionality == unit.dimensionality
