"""Pictures of ladders say what they show, and why there is no melting point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from ildb.errors import InputError
from ildb.md.figure import ladder_figure

FIT = {"direction": "all", "shape": "kink", "tm_k": 330.0, "tm_low_k": 318.0, "tm_high_k": 347.0,
       "ea_hot_kj_mol": 25.0, "ea_cold_kj_mol": 67.0, "jump_ln_d": 0.0, "reason": ""}  # fmt: skip


def ladder(fit: dict[str, Any], *, bounds: tuple[float, ...] = (), cation: str = "CCn1cc[n+](C)c1") -> dict[str, Any]:
    points = [
        {
            "temperature_k": t, "direction": "cooling", "status": "done", "d_cation_m2_s": 2e-10 * t / 500,
            "d_anion_m2_s": 1e-10 * t / 500, "is_subdiffusive": t in bounds, "density_g_cm3": 1.5 - t / 1000,
            "density_error_g_cm3": 0.01,
        }
        for t in (500.0, 400.0, 300.0)
    ]  # fmt: skip
    return {"id": 1, "refusal": None, "preset": "cpu", "grade": "A", "cation_smiles": cation, "anion_smiles": "[Cl-]",
            "n_cation": 1, "n_anion": 2, "points": points, "fits": [fit]}  # fmt: skip


def drawn(simulation: dict[str, Any], path: Path) -> str:
    with mpl.rc_context({"svg.fonttype": "none"}):
        ladder_figure(simulation, path)
    return path.read_text(encoding="utf-8")


def test_the_fit_and_its_interval_are_named(tmp_path: Path) -> None:
    said = drawn(ladder(FIT), tmp_path / "kink.svg")
    for words in (
        "apparent Tm 330 K (318 to 347 K), a kink",
        "fit: a kink",
        "95 % interval of the break",
        "cooling",
        ".[Cl-].[Cl-]",
    ):
        assert words in said
    assert "upper bound" not in said
    assert "upper bound (sub-diffusive)" in drawn(ladder(FIT, bounds=(300.0,)), tmp_path / "bound.svg")


def test_no_melting_point_has_its_reason_and_long_names_fit(tmp_path: Path) -> None:
    none = {**FIT, "shape": "line", "tm_k": None, "reason": "ln D follows one line: no transition between the ends."}
    said = drawn(ladder(none, cation="C" * 200), tmp_path / "line.svg")
    assert "no apparent melting point: ln D follows one line: no transition" in said
    assert "fit: a line" in said
    assert "95 % interval" not in said
    assert "C" * 50 in said
    assert "C" * 60 not in said


def test_a_ladder_without_points_says_why(tmp_path: Path) -> None:
    refused = {**ladder(FIT), "points": [], "refusal": "no force field for [Ag+]"}
    with pytest.raises(InputError, match="no finished point") as error:
        ladder_figure(refused, tmp_path / "none.png")
    assert error.value.hint == "no force field for [Ag+]"
