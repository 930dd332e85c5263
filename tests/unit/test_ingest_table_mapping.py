from __future__ import annotations

from pathlib import Path

import pytest

from ildb.errors import InputError
from ildb.ingest.mapping import ColumnUnit, Measure, load_mapping, parse_column_unit, parse_measure


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("melting_point=IL-Tm (K):K", Measure(property="melting_point", column="IL-Tm (K)", unit="K")),
        ("density=rho = f(T): exp:g/cm3", Measure(property="density", column="rho = f(T): exp", unit="g/cm3")),
        ("refractive_index=nD:", Measure(property="refractive_index", column="nD", unit="")),
    ],
)
def test_a_measure_splits_at_the_first_equals_and_the_last_colon(text: str, measure: Measure) -> None:
    assert parse_measure(text) == measure


@pytest.mark.parametrize(
    "text", ["", "melting_point", "melting_point=", "melting_point=Tm", "=Tm:K", "melting_point=:K"]
)
def test_an_incomplete_measure_is_refused_with_the_form_it_takes(text: str) -> None:
    with pytest.raises(InputError, match="Write it as"):
        parse_measure(text)


def test_a_column_and_its_unit() -> None:
    assert parse_column_unit("T: bath:°C") == ColumnUnit(column="T: bath", unit="°C")


@pytest.mark.parametrize(
    "options",
    [{}, {"cation": "C"}, {"anion": "A"}, {"smiles": "S", "cation": "C", "anion": "A"}, {"smiles": "S", "anion": "A"}],
)
def test_the_structure_columns_are_said_once(options: dict[str, str]) -> None:
    with pytest.raises(InputError, match="--smiles COL, or both"):
        load_mapping(None, options)


MAPPING = """
cation = "Cation SMILES"
anion = "Anion SMILES"
source = "lab 2020"
doi = "10.1/abc"
temperature = "T / K:K"
measure = [
    "melting_point=Tm:°C",
    { property = "density", column = "rho", unit = "g/cm3", uncertainty = "u", method = "tube" },
]
"""


def test_a_mapping_file_has_the_same_keys_and_options_win(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    mapping = load_mapping(path, {"doi": "10.2/xyz", "name": "Name", "licence": None, "measure": ()})
    assert (mapping.cation, mapping.anion, mapping.source, mapping.doi) == (
        "Cation SMILES", "Anion SMILES", "lab 2020", "10.2/xyz"
    )  # fmt: skip
    assert [m.property for m in mapping.measure] == ["melting_point", "density"]
    assert mapping.columns == ("Cation SMILES", "Anion SMILES", "Name", "Tm", "rho", "u", "T / K")


def test_a_table_s_temperature_is_not_that_of_a_transition(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    mapping = load_mapping(path)
    melting, density = mapping.measure
    assert mapping.conditions_of(melting) == ()
    assert [(p.name, where.column) for p, where in mapping.conditions_of(density)] == [("temperature", "T / K")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smiles = 3", "key 'smiles'"),
        ("smilse = 'a'", "key 'smilse'.*Known keys"),
        ("smiles = 'a'\nmeasure = [{ property = 'density', column = 'x', units = 'K' }]", "key 'measure.0.units'"),
        ("smiles = 'a'\nmeasure = 'density'", "key 'measure'"),
        ("smiles = 'a'\ndecimal = 'x'", "key 'decimal'"),
        ("smiles = 'a'\nmeasure = ['density=x:K']", "does not fit density"),
        ("smiles = 'a'\nmeasure = ['beauty=x:K']", "no property 'beauty'"),
        ("smiles = 'a'\ntemperature = 'x:kg'", "does not fit temperature"),
        ("smiles = ", "not TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        load_mapping(path)


def test_a_missing_mapping_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")
