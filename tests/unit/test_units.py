from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ildb.errors import InputError
from ildb.units import CONDITIONS, PROPERTIES, UnitError, affine, convert, get_property


@pytest.mark.parametrize(
    ("name", "value", "unit", "canonical"),
    [
        ("melting_point", 300, "K", 300.0),
        ("melting_point", -81, "°C", 192.15),
        ("melting_point", -81, "degC", 192.15),
        ("melting_point", 25, "C", 298.15),
        ("melting_point", 212, "°F", 373.15),
        ("density", 1.2, "g/cm3", 1200.0),
        ("density", 1.2, "g cm-3", 1200.0),
        ("density", 1.2, "g·cm⁻³", 1200.0),
        ("density", 1.2, "kg*m**-3", 1.2),
        ("viscosity", 45, "mPa s", 0.045),
        ("viscosity", 45, "mPa.s", 0.045),
        ("viscosity", 45, "mPa·s", 0.045),
        ("viscosity", 45, "cP", 0.045),
        ("kinematic_viscosity", 30, "cSt", 3e-5),
        ("kinematic_viscosity", 30, "mm2/s", 3e-5),
        ("conductivity", 8.5, "mS/cm", 0.85),
        ("conductivity", 8.5, "S m^-1", 8.5),
        ("heat_capacity", 400, "J K−1 mol−1", 400.0),
        ("heat_capacity", 0.4, "kJ/(mol K)", 400.0),
        ("specific_heat_capacity", 1.5, "J/(g.K)", 1500.0),
        ("surface_tension", 43, "mN m-1", 0.043),
        ("refractive_index", 1.42, "1", 1.42),
        ("enthalpy_of_fusion", 10, "kJ/mol", 10_000.0),
    ],
)  # fmt: skip
def test_units_as_people_write_them_become_canonical(name: str, value: float, unit: str, canonical: float) -> None:
    assert convert(name, value, unit) == canonical


def test_every_unit_that_messages_offer_is_accepted() -> None:
    for prop in (*PROPERTIES.values(), *CONDITIONS.values()):
        assert affine(prop, prop.unit).is_identity
        for unit in prop.units:
            affine(prop, unit)


def test_a_difference_takes_no_offset() -> None:
    assert affine(PROPERTIES["melting_point"], "°C").difference(2) == 2
    assert affine(PROPERTIES["density"], "g/cm3").difference(-0.001) == 1.0


@pytest.mark.parametrize(
    ("name", "unit", "says"),
    [
        ("viscosity", "mm2/s", ["mPa s", "kinematic_viscosity"]),
        ("kinematic_viscosity", "mPa s", ["mm2/s", "viscosity"]),
        ("density", "K", ["g/cm3", "melting_point"]),
        ("heat_capacity", "J/(g K)", ["J/(mol K)", "specific_heat_capacity"]),
        ("melting_point", "furlong per", ["°C"]),
        ("melting_point", "", ["°C"]),
    ],
)
def test_a_wrong_dimension_is_refused_with_what_would_fit(name: str, unit: str, says: list[str]) -> None:
    with pytest.raises(UnitError) as refused:
        convert(name, 1.0, unit)
    assert refused.value.exit_code == 3
    for word in says:
        assert word in str(refused.value)


def test_an_unknown_property_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match="Did you mean melting_point") as refused:
        get_property("melting_pt")
    assert all(name in str(refused.value) for name in PROPERTIES)


@pytest.mark.parametrize(
    "unit", ["9**9**9**9", "m**99", "K" * 500, "__import__('os')", "K if 1 else K", "(", "a b c d"]
)
def test_hostile_units_are_only_unknown(unit: str) -> None:
    with pytest.raises(UnitError):
        affine(PROPERTIES["melting_point"], unit)


@given(unit=st.text(max_size=30))
def test_any_text_is_a_unit_or_an_error(unit: str) -> None:
    try:
        conversion = affine(PROPERTIES["melting_point"], unit)
    except UnitError:
        return
    assert math.isfinite(conversion(300.0))
