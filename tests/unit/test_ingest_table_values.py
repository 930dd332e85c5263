from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ildb.ingest.mapping import DecimalMark
from ildb.ingest.values import BadValueError, Reading, read_difference, read_plain, read_value
from ildb.units import CONDITIONS, PROPERTIES

TM = PROPERTIES["melting_point"]
DENSITY = PROPERTIES["density"]


def melting(cell: object, unit: str = "K", decimal: DecimalMark | None = None) -> Reading | None:
    return read_value(cell, TM, unit, decimal)


@pytest.mark.parametrize(
    ("cell", "qualifier", "value", "uncertainty"),
    [
        ("300", "=", 300.0, None),
        (" 300.5 ", "=", 300.5, None),
        (300, "=", 300.0, None),
        (300.5, "=", 300.5, None),
        ("< 250", "<", 250.0, None),
        ("≤250", "<", 250.0, None),
        ("below 250", "<", 250.0, None),
        (">573", ">", 573.0, None),
        ("~ 300", "~", 300.0, None),
        ("ca. 300", "~", 300.0, None),
        ("298.15 ± 0.5", "=", 298.15, 0.5),
        ("298.15 +/- 0.5 K", "=", 298.15, 0.5),
        ("300(2)", "=", 300.0, 2.0),
        ("298.15(5)", "=", 298.15, 0.05),
        ("-81 °C", "=", 192.15, None),
        ("−81 ℃", "=", 192.15, None),
        ("–81\u2009°C", "=", 192.15, None),
        ("-81 C", "=", 192.15, None),
        ("27 ± 2 °C", "=", 300.15, 2.0),
        ("250-255", "=", 252.5, 2.5),
        ("250–255 K", "=", 252.5, 2.5),
        ("-81 to -79 °C", "=", 193.15, 1.0),
        ("-81--79 °C", "=", 193.15, 1.0),
        ("200-300", "~", 250.0, 50.0),
        ("298,15", "=", 298.15, None),
        ("2.5×10^2", "=", 250.0, None),
        ("1.5e2", "=", 150.0, None),
        ("１２３", "=", 123.0, None),
    ],
)
def test_numbers_bounds_ranges_and_uncertainties(
    cell: object, qualifier: str, value: float, uncertainty: float | None
) -> None:
    reading = melting(cell)
    assert reading is not None
    assert (reading.property, reading.unit) == ("melting_point", "K")
    assert (reading.qualifier, reading.value) == (qualifier, value)
    assert reading.uncertainty == pytest.approx(uncertainty)


@pytest.mark.parametrize(
    ("cell", "name", "qualifier", "value"),
    [
        ("Tg = -81 °C", "glass_transition", "=", 192.15),
        ("-81 °C (glass transition)", "glass_transition", "=", 192.15),
        ("230 °C (dec.)", "decomposition_temperature", "=", 503.15),
        ("decomposes at 503", "decomposition_temperature", "=", 503.0),
        ("> 573 dec", "decomposition_temperature", ">", 573.0),
        ("m.p. 300", "melting_point", "=", 300.0),
        ("liquid at room temperature", "melting_point", "<", 298.15),
        ("Liquid at RT.", "melting_point", "<", 298.15),
        ("liquid at -20 °C", "melting_point", "<", 253.15),
        ("solid at 50 °C", "melting_point", ">", 323.15),
    ],
)
def test_the_kind_of_transition_is_kept(cell: str, name: str, qualifier: str, value: float) -> None:
    reading = melting(cell)
    assert reading is not None
    assert (reading.property, reading.qualifier, reading.value) == (name, qualifier, value)


def test_the_source_s_words_are_kept_beside_what_was_made_of_them() -> None:
    assert melting("liquid at room temperature") == Reading(
        "melting_point", 298.15, "K", "<", None, "given as 'liquid at room temperature'"
    )
    assert melting("250-255") == Reading("melting_point", 252.5, "K", "=", 2.5, "given as '250-255'")
    assert melting("300 K") == Reading("melting_point", 300.0, "K")


@pytest.mark.parametrize("cell", [None, "", "  ", "-", "–", "n/a", "NaN", "n.d.", "not reported", float("nan")])
def test_nothing_measured_is_no_value(cell: object) -> None:
    assert melting(cell) is None


@pytest.mark.parametrize(
    "cell",
    ["decomposes", "glass", "liquid", "liquid at", "high", "250, 260", "250; 260", "255-250", "250-5", "12/03/2020",
     "2020-03-12T00:00:00", "3-Mar", "#DIV/0!", "300 foo", "300 kg", "300 K 2", "300 K ± 2 °C", "298(2) ± 3", "1 234",
     "300 ()", "> 200-300", "9**9**9", "x" * 10_000, True, "1.2.3", "1,23,4", "298.15 ± 0.5 %", "=A1", "\x00"],
)  # fmt: skip
def test_what_is_not_a_value_is_refused_with_a_reason(cell: object) -> None:
    with pytest.raises(BadValueError) as refused:
        melting(cell)
    assert refused.value.code == "bad_value"
    assert len(refused.value.what) < 200


@pytest.mark.parametrize("cell", ["0", "-5", "5000", "1e400", float("inf"), -300, "300 ± 1e999"])
def test_what_cannot_be_true_is_refused_before_the_database_does(cell: object) -> None:
    with pytest.raises(BadValueError) as refused:
        melting(cell)
    assert refused.value.code == "value_out_of_range"


def test_a_density_in_the_wrong_unit_is_noticed() -> None:
    with pytest.raises(BadValueError, match="check the unit"):
        read_value("1.2", DENSITY, "kg/m3")


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1,2", None, 1200.0),
        ("0,998", None, 998.0),
        ("1,234", ",", 1234.0),
        ("1.234", None, 1234.0),
        ("1.234", ".", 1234.0),
        ("1.2", ",", 1200.0),
    ],
)
def test_decimal_marks(cell: str, decimal: DecimalMark | None, value: float) -> None:
    reading = read_value(cell, DENSITY, "g/cm3", decimal)
    assert reading is not None
    assert reading.value == value


@pytest.mark.parametrize(("cell", "decimal"), [("1,234", None), ("1,234", "."), ("1.234", ","), ("1,2", ".")])
def test_an_ambiguous_or_wrong_decimal_mark_is_refused(cell: str, decimal: DecimalMark | None) -> None:
    with pytest.raises(BadValueError):
        read_value(cell, DENSITY, "g/cm3", decimal)


@pytest.mark.parametrize(
    ("cell", "value"), [("1,234.5", 1.2345), ("1.234,5", 1.2345), ("1,234,567", 1234.567), ("1\u2009234 cP", 1.234)]
)
def test_thousands_separators(cell: str, value: float) -> None:
    reading = read_value(cell, PROPERTIES["viscosity"], "mPa s")
    assert reading is not None
    assert reading.value == value


def test_words_about_transitions_mean_nothing_to_other_properties() -> None:
    with pytest.raises(BadValueError):
        read_value("1200 dec", DENSITY, "kg/m3")


def test_conditions_are_exact_numbers() -> None:
    temperature = CONDITIONS["temperature"]
    assert read_plain("25 °C", temperature, "K") == 298.15
    assert read_plain("", temperature, "K") is None
    for cell in ("< 300", "200-300", "Tg 200"):
        with pytest.raises(BadValueError):
            read_plain(cell, temperature, "K")


def test_uncertainty_columns_are_differences() -> None:
    assert read_difference("± 0.5", TM, "°C") == 0.5
    assert read_difference("2", DENSITY, "g/cm3") == 2000
    assert read_difference(None, TM, "K") is None
    with pytest.raises(BadValueError):
        read_difference("small", TM, "K")


@given(value=st.floats(min_value=1.5, max_value=2999, allow_nan=False).map(lambda x: round(x, 6)))
def test_a_number_reads_the_same_as_text_and_as_number(value: float) -> None:
    as_number, as_text, with_unit = melting(value), melting(repr(value)), melting(f"{value!r} K")
    assert as_number is not None
    assert as_number == as_text == with_unit
    assert as_number.value == value


@given(
    cell=st.text(alphabet=string.digits + ".,-+±()<>~ KC°%/*^eExto\u2009" + string.ascii_letters, max_size=40),
    unit=st.sampled_from(["K", "°C"]),
    decimal=st.sampled_from([None, ".", ","]),
)
def test_any_text_is_a_value_nothing_or_a_refusal(cell: str, unit: str, decimal: DecimalMark | None) -> None:
    try:
        reading = melting(cell, unit, decimal)
    except BadValueError:
        return
    if reading is not None:
        assert math.isfinite(reading.value)
        assert 1 <= reading.value <= 3000
        assert reading.uncertainty is None or 0 <= reading.uncertainty < math.inf
