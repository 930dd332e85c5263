"""The checkpointed parts of benchmarks/md.py: what is done is not done again, and the figures are what they say."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.support import md_coverage, md_density
from ildb.chem.standardize import split_salt

PROTOCOL = md_density.Protocol()


def test_the_liquids_are_twelve_neutral_pairings_with_references() -> None:
    names = {liquid.name for liquid in md_density.LIQUIDS}
    assert len(names) == len(md_density.LIQUIDS) == 12
    for liquid in md_density.LIQUIDS:
        salt = split_salt(f"{liquid.cation}.{liquid.anion}")
        assert (salt.n_cation, salt.n_anion) == (1, 1)
        assert 298 <= liquid.temperature_k <= 303.15
        assert len(liquid.reference) > 20


def test_densities_go_on_from_the_checkpoint(tmp_path: Path) -> None:
    first, second = md_density.LIQUIDS[:2]
    found = [
        md_density.Found(liquid.name, 20, "gaff2 resp A", "uff resp C", 1.0, 0.01, 1.0, deviation, 9.0, 9.0)
        for liquid, deviation in ((first, -3.0), (second, 1.0))
    ]
    rows = [{"protocol": asdict(PROTOCOL), "found": asdict(one)} for one in found]
    shorter = {
        "protocol": asdict(replace(PROTOCOL, produce_ps=1.0)),
        "found": asdict(replace(found[0], deviation_pct=50)),
    }
    checkpoint = tmp_path / "densities.jsonl"
    checkpoint.write_text("".join(json.dumps(row) + "\n" for row in (*rows, shorter)))
    again = md_density.run(checkpoint, protocol=PROTOCOL, liquids=(first, second))
    assert again == found
    assert md_density.figures(again) == {"density_mae_pct": 2.0, "density_max_pct": 3.0, "density_n": 2}


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
