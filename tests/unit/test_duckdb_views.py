"""Analytics queries of the DuckDB file, on rows made for them."""

from __future__ import annotations

import duckdb
import pytest

from ildb.resources import sql_text


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("Cl-", "halide"),
        ("BF4-", "borate"),
        ("C2F6NO4S2-", "fluorinated sulfonylamide"),
        ("C6FeN6S6-3", "sulfur"),
        ("C2N3-", "cyano"),
        ("CHO2-", "carboxylate or alcoholate"),
        ("C2O4-2", "carboxylate or alcoholate"),
        ("C2H4NO2-", "carboxylate or alcoholate"),
        ("C2HCl2O2-", "carboxylate or alcoholate"),
        ("AlCl4-", "other"),
    ],
)
def test_families_of_anions_by_formula(formula: str, family: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE ion AS SELECT 1 AS id, -1 AS charge, ? AS formula", [formula])
        connection.execute(
            "CREATE TABLE known_il AS SELECT 1 AS anion_id, 300.0 AS tm_k, 1 AS n_tm, 0.0 AS tm_spread_k"
        )
        rows = connection.execute(sql_text("duckdb/measurement_coverage")).fetchall()
    assert [row[0] for row in rows] == [family]
