"""Values as a curator types them."""

from __future__ import annotations

import pytest

from ildb.errors import InputError
from ildb.ingest.quarantine import parse_value


def test_units_are_converted_and_states_kept() -> None:
    value = parse_value("density = 1.21 g/cm3 @ 25 °C, 0.1 MPa")
    assert (value.property, value.value, value.unit) == ("density", 1210.0, "kg/m3")
    assert (value.temperature_k, value.pressure_kpa) == (298.15, 100.0)


def test_bounds_and_canonical_unit_by_default() -> None:
    value = parse_value("melting_point=<250")
    assert (value.qualifier, value.value, value.unit) == ("<", 250.0, "K")
    assert value.temperature_k is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("350 K", "is not a value"),
        ("melting_point=", "has no number"),
        ("meltingpoint=350 K", "Did you mean melting_point"),
        ("density=350 K", "does not fit density"),
        ("melting_point=9000 K", "melting_point"),
        ("density=1.2 g/cm3 @ warm", "temperature"),
    ],
)
def test_what_is_no_value(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_value(text)
