"""The checkpointed parts of benchmarks/md.py: what is done is not done again, and the figures are what they say."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks.support import md_coverage, md_density
from ildb.chem.standardize import split_salt
from ildb.md.presets import PRESETS
from ildb.pipeline import recipe as recipes


def test_the_liquids_are_twelve_neutral_pairings_measured_at_both_temperatures() -> None:
    recipe = recipes.load("md_density")
    parameters, ladder = recipe.stage
    assert parameters.params["smiles"] == ladder.params["smiles"]
    with md_density.MEASURED.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    measured = {split_salt(f"{row['cation']}.{row['anion']}") for row in rows}
    assert {split_salt(text) for text in ladder.params["smiles"]} == measured
    assert len(measured) == 12
    assert all((salt.n_cation, salt.n_anion) == (1, 1) for salt in measured)
    assert sorted(float(row["t_k"]) for row in rows) == [298.15] * 12 + [303.15] * 12
    assert PRESETS["density"].temperatures_k[-2:] == (303.15, 298.15)


def test_a_liquid_counts_once_however_many_points_it_has() -> None:
    points = ((1, 4, 9.0), (1, 6, -3.0), (1, 6, -1.0), (2, 5, 1.0))  # of the first liquid two ladders: the newer counts
    rows = [
        {"pairing_id": pairing, "simulation_id": ladder, "deviation_pct": value} for pairing, ladder, value in points
    ]
    assert md_density.figures(rows) == {
        "density_mae_pct": 1.5, "density_bias_pct": -0.5, "density_max_pct": 2.0, "density_n": 2,
    }  # fmt: skip


def test_coverage_counts_a_liquid_by_its_worse_ion(tmp_path: Path) -> None:
    table, checkpoint = tmp_path / "collected.csv", tmp_path / "ions.jsonl"
    table.write_text("smiles\n[Na+].[Cl-]\n[Na+].[Br-]\n[Ag+].[Br-]\nCCO\n")
    figures = md_coverage.run(table, checkpoint, 4)
    assert figures["coverage_pct"] == 50.0
    assert (figures["worst_published_pct"], figures["worst_refused_pct"], figures["worst_unreadable_pct"]) == (
        50,
        25,
        25,
    )
    assert figures["coverage_ions"] == 4
    before = checkpoint.read_text()
    assert md_coverage.run(table, checkpoint, 4) == figures
    assert checkpoint.read_text() == before


def test_wilson() -> None:
    # Newcombe, Stat. Med. 1998, 17, 857, table I.
    assert md_coverage.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert md_coverage.wilson(20, 20)[1] == pytest.approx(1)
