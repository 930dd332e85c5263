"""Figures of a report: their numbers on rows that look like real ones, and SVG that fits into a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ildb.md.fit_lines import fit_lines, mean_d
from ildb.melting.thermodynamics import R_J_MOL_K
from ildb.report import style
from ildb.report.build import _safe
from ildb.report.figures import cards, degrees, diffusion, funnel, generation, links, parity, reliability, space
from ildb.report.figures.predictions import OutOfFold, of_table
from ildb.report.page import cell, link
from ildb.report.section import Section
from ildb.report.structures import formula_unit, ion_svg

SALT = {"cation_smiles": "CCn1cc[n+](C)c1", "n_cation": 1, "anion_smiles": "F[B-](F)(F)F", "n_anion": 1}


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with style.applied():
        yield


def test_degrees_are_counted_in_ranges_that_double() -> None:
    assert degrees.bins(9) == [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16)]
    assert degrees.binned([(1, 7), (3, 2), (4, 1), (9, 5)], degrees.bins(9)) == [7, 0, 3, 0, 5]


def test_the_degree_section_says_how_the_graph_grew() -> None:
    rows = [
        {"side": side, "pairings": which, "degree": degree, "n_ions": n}
        for side, which, degree, n in (
            ("cation", "known", 1, 3), ("cation", "known", 2, 1), ("cation", "all", 2, 4), ("cation", "new", 1, 3),
            ("anion", "known", 5, 1), ("anion", "all", 8, 1), ("anion", "new", 3, 1),
        )
    ]  # fmt: skip
    made = degrees.section(rows)
    assert made.message == (
        "The expansion takes the graph from 5 known pairings to 8. Cations with a single partner: 75% before, 0% after;"
        " the ten most frequent anions hold 100% of the pairings before, 100% after."
    )
    assert made.table is not None
    assert ["cation", "1", 3, 0] in made.table.rows
    assert ["anion", "5\u20138", 1, 1] in made.table.rows
    assert degrees.section([]).is_empty


CHECKS = [
    {"code": "readable", "limit_value": None},
    {"code": "link_probability", "limit_value": "0.5"},
    {"code": "tm_k", "limit_value": None},
    {"code": "alerts", "limit_value": "PAINS"},
]


def test_a_candidate_leaves_the_funnel_at_its_first_failed_check() -> None:
    counts = [
        {"passed": False, "picked": False, "failed": ["link_probability", "alerts"], "n_pairings": 60},
        {"passed": False, "picked": False, "failed": ["alerts"], "n_pairings": 10},
        {"passed": True, "picked": False, "failed": [], "n_pairings": 25},
        {"passed": True, "picked": True, "failed": [], "n_pairings": 5},
    ]
    found = {step.code: step for step in funnel.steps(CHECKS, counts)}
    assert list(found) == ["readable", "link_probability", "alerts"]  # tm_k informs, it refuses nothing
    assert [step.n_left for step in found.values()] == [100, 40, 30]
    assert found["alerts"].n_refused == 10
    assert found["alerts"].n_against == 70
    message = funnel.section(CHECKS, counts).message
    assert message.startswith(
        "Of 100 candidates 30 (30.0%) pass every check. 5 of them, unlike each other, are picked."
    )
    assert message.endswith("The check that most candidates fail: no structural alert (70).")
    assert funnel.section(CHECKS, []).is_empty


def test_a_check_unknown_to_the_report_still_has_its_step() -> None:
    counts = [{"passed": False, "picked": False, "failed": ["smells_bad"], "n_pairings": 2}]
    assert [step.label for step in funnel.steps(CHECKS, counts) if step.n_refused] == ["smells bad"]


def predicted(measured: list[float], estimate: list[float], p_below: list[float], half: float = 10.0) -> OutOfFold:
    at = np.array(estimate)
    salts = ["[Na+].[Cl-]"] * len(measured)
    return OutOfFold(salts, np.array(measured), at, at - half, at + half, np.array(p_below))


def test_parity_figures_are_those_of_the_textbook() -> None:
    part = predicted([300, 320, 340, 400], [305, 315, 360, 400], [0.9] * 4)
    found = parity.figures(part)
    assert found["mae_k"] == pytest.approx(7.5)
    assert found["rmse_k"] == pytest.approx(np.sqrt(450 / 4))
    assert found["r2"] == pytest.approx(1 - 450 / 5600)
    assert found["coverage"] == pytest.approx(0.75)
    assert found["width_k"] == pytest.approx(20)
    assert "4 measured pairings" in parity.section({"random": part}).message


def test_reliability_counts_each_pairing_once_with_an_exact_interval() -> None:
    found = reliability.bins(predicted([300, 300, 400, 400, 300], [0] * 5, [0.95, 1.0, 0.97, 0.05, 0.12]))
    assert [(one.low, one.n, one.observed) for one in found] == [(0.0, 1, 0.0), (0.1, 1, 1.0), (0.9, 3, 2 / 3)]
    # Clopper and Pearson's 95 % interval of 2 in 3.
    assert found[-1].observed_low == pytest.approx(0.0943, abs=1e-4)
    assert found[-1].observed_high == pytest.approx(0.9916, abs=1e-4)
    assert (found[0].observed_low, found[1].observed_high) == (0.0, 1.0)


def test_predictions_come_by_split_in_a_fixed_order() -> None:
    columns = {"n_cation": [1, 2], "n_anion": [1, 1], "measured": [300.0, 310.0], "predicted": [301.0, 309.0],
               "low": [290.0, 300.0], "high": [310.0, 320.0], "p_below": [0.9, 0.8]}  # fmt: skip
    smiles = {"cation_smiles": ["[Na+]", "[K+]"], "anion_smiles": ["[Cl-]", "[O-]S(=O)(=O)[O-]"]}
    found = of_table(pa.table({"split": ["anion_group", "random"]} | smiles | columns))
    assert list(found) == ["random", "anion_group"]
    assert found["random"].salts == ["[K+].[K+].[O-]S(=O)(=O)[O-]"]
    assert found["anion_group"].measured.tolist() == [300.0]


def test_links_are_told_ahead_or_behind_as_they_are() -> None:
    metrics = {"mrr": 0.5, "auroc_degree_matched": 0.8, "baselines.knn.mrr": 0.6, "baselines.popularity.mrr": 0.4,
               "baselines.knn.auroc_degree_matched": 0.7, "core.mrr": 0.3, "core.hits_at_10": None}  # fmt: skip
    made = links.section(metrics)
    assert made.message == (
        "On hidden pairings the model reaches AUROC, popular anions 0.800, ahead of nearest neighbours (0.700); MRR"
        " 0.500, behind nearest neighbours (0.600)."
    )
    assert links.by_method(metrics, "core.") == {links.OWN: {"mrr": 0.3}}
    assert links.section({"auroc": 0.9}).is_empty


def test_table_1_has_the_papers_figures_beside_ours() -> None:
    metrics = {"validity": 0.87, "uniqueness": 0.995, "novelty": 0.9, "baselines.shuffle.validity": 1.0}
    made = generation.section(metrics)
    assert made.message == (
        "By the paper's own definitions: 87% valid (paper 84%), 100% unique (paper 99%), 90% novel (paper 78%)."
    )
    assert made.table is not None
    assert [row[0] for row in made.table.rows] == ["the paper", generation.OWN, "known ions shuffled"]
    assert made.table.rows[1][-1] is None  # nothing was reconstructed
    assert generation.section({"train_cpu_s": 3.0}).is_empty


def test_every_generated_string_is_counted() -> None:
    rows = [
        {"method": "prior", "outcome": "wrong_charge", "n_drawn": 30},
        {"method": "prior", "outcome": "novel", "n_drawn": 10},
    ]
    made = generation.outcomes(rows)
    assert made.message.startswith("Of 40 strings drawn, 10 (25.0%)")
    assert made.table is not None
    assert sum(row[2] for row in made.table.rows if isinstance(row[2], int)) == 40
    assert generation.outcomes([]).is_empty


def ladder(shape: str, tm_k: float | None, jump: float = 0.0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Points that lie exactly on 25 kJ/mol above the break and 60 below."""
    simulation = SALT | {
        "id": 1, "shape": shape, "tm_k": tm_k, "tm_low_k": tm_k and tm_k - 9, "tm_high_k": tm_k and tm_k + 9,
        "ea_hot_kj_mol": 25.0, "ea_cold_kj_mol": 60.0, "jump_ln_d": jump, "reason": "" if tm_k else "one line does.",
    }  # fmt: skip
    at = tm_k or 0.0
    points = []
    for t in range(260, 440, 20):
        slope, drop = (25_000, 0.0) if t > at else (60_000, jump)
        d = 1e-10 * float(np.exp(-slope / R_J_MOL_K * (1 / t - 1 / (at or 300)) - drop))
        points.append(
            {"simulation_id": 1, "temperature_k": float(t), "direction": "cooling", "seed": 0,
             "d_cation_m2_s": 2 * d, "d_cation_error_m2_s": d / 9, "d_anion_m2_s": d / 2, "d_anion_error_m2_s": d / 9,
             "is_subdiffusive": t < 290}
        )  # fmt: skip
    return simulation, points


@pytest.mark.parametrize(("shape", "jump"), [("kink", 0.0), ("jump", 1.5)])
def test_the_drawn_fit_meets_the_points(shape: str, jump: float) -> None:
    simulation, points = ladder(shape, 331.0, jump)
    lines = fit_lines(simulation, points)
    assert len(lines) == 2
    for (t, d), side in zip(lines, ("hot", "cold"), strict=True):
        on_line = [p for p in points if (p["temperature_k"] > 331) == (side == "hot")]
        slope, level = np.polyfit(1 / t, np.log(d), 1)
        for point in on_line:
            expected = np.exp(level + slope / point["temperature_k"])
            assert expected == pytest.approx(mean_d([point])[0], rel=1e-6)
    assert diffusion.section([simulation], points).message.endswith(f"apparent Tm 331 K (322 to 340 K), a {shape}.")


def test_a_ladder_without_a_break_has_one_line_and_says_so() -> None:
    simulation, points = ladder("line", None)
    ((t, d),) = fit_lines(simulation, points)
    assert -R_J_MOL_K * np.diff(np.log(d))[0] / np.diff(1 / t)[0] == pytest.approx(25_000, rel=1e-6)
    made = diffusion.section([simulation], points)
    assert made.message.endswith("no apparent melting point: one line does.")
    assert made.table is not None
    assert len(made.table.rows) == len(points)
    assert diffusion.section([], []).is_empty
    assert fit_lines(simulation | {"shape": "undetermined"}, points) == []


def space_rows(n: int) -> list[dict[str, Any]]:
    return [
        SALT | {
            "cation_smiles": f"{'C' * (2 + i % 9)}n1cc[n+](C)c1" if i % 2 else f"{'C' * (2 + i % 7)}[N+](C)(C)C",
            "kind": "known" if i % 3 else "predicted", "n_of_kind": 1000 + i % 3, "predicted_tm_k": 300.0 + 5 * i,
            "measured_tm_k": 400.0 if i == 1 else None,
        }
        for i in range(n)
    ]  # fmt: skip


def test_the_map_places_likes_together_and_is_the_same_every_time() -> None:
    rows = space_rows(36)
    apart = space.distances(rows)
    assert apart.shape == (36, 36)
    assert np.allclose(apart, apart.T)
    assert np.allclose(np.diag(apart), 0)
    places = space.embed(apart, seed=1)
    assert np.array_equal(places, space.embed(apart, seed=1))
    # Imidazolium and ammonium salts end up apart.
    ring = np.array([i % 2 == 1 for i in range(36)])
    across = np.linalg.norm(places[ring].mean(axis=0) - places[~ring].mean(axis=0))
    assert across > np.linalg.norm(places[ring] - places[ring].mean(axis=0), axis=1).mean()


def test_the_map_splits_by_measured_then_predicted_melting_point() -> None:
    rows = space_rows(20)
    made = space.section(rows, embedding=lambda apart, _: apart[:, :2])
    assert made.table is not None
    assert [row[2:4] for row in made.table.rows[:2]] == [[300, "no"], [400, "yes"]]
    assert space.best_tm_k(rows[1]) == 400.0
    assert "of 1,000 predicted" in made.message
    assert space.section(space_rows(5)).is_empty


def test_without_opentsne_the_report_says_how_to_get_it() -> None:
    def missing(_apart: space.Floats, _seed: int) -> space.Floats:
        raise ImportError

    assert "pip install 'ildb[report]'" in space.section(space_rows(20), embedding=missing).message


def test_a_figure_in_a_page_has_no_colours_or_ids_of_another() -> None:
    made = funnel.section(CHECKS, [{"passed": True, "picked": True, "failed": [], "n_pairings": 5}])
    assert made.figure is not None
    text = style.inline_svg(made.figure, "funnel", "five &lt;b&gt;")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert ids
    assert all(name.startswith("funnel-") for name in ids)
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
    assert used
    assert set(used) <= set(ids)
    assert not set(re.findall(r"#[0-9a-f]{6}\b", text)) & set(style.VARIABLES)
    assert "var(--ink)" in text
    assert text.startswith("<svg")
    # A narrow figure is not blown up to the width of the page.
    assert float(re.findall(r'style="max-width:(\d+)rem"', text)[0]) == round(6.9 * made.figure.get_figwidth())
    assert 'aria-label="five &lt;b&gt;"' in text
    assert style.inline_svg(made.figure, "funnel", "") == style.inline_svg(made.figure, "funnel", "")


def test_structures_follow_the_page_and_bad_ones_do_not_stop_it() -> None:
    text = ion_svg("C[n+]1ccn(C)c1", 'dimethyl "imidazolium" <i>')
    assert "currentColor" in text
    assert "#000000" not in text
    assert "&quot;imidazolium&quot; &lt;i&gt;" in text
    assert ion_svg("C(C", "<b>") == "<p>&lt;b&gt; (cannot be drawn)</p>"
    assert formula_unit(SALT | {"n_anion": 2}) == "CCn1cc[n+](C)c1.F[B-](F)(F)F.F[B-](F)(F)F"


def test_no_candidate_is_told_in_words() -> None:
    assert cards.section([], {}, {}, 0).message == "No candidate passed the screen, so there is none to show."


def test_cells_and_links_of_the_page() -> None:
    assert [cell(value) for value in (None, 12345, 0.123456, "=x", True)] == ["\u2013", "12,345", "0.1235", "=x", "yes"]
    assert link({"doi": "10.1000/x", "url": None}) == "https://doi.org/10.1000/x"
    assert link({"doi": None, "url": "javascript:alert(1)"}) == ""
    assert _safe(["=1+1", "[Na+]", 3]) == ["'=1+1", "[Na+]", 3]


def test_an_empty_section_has_neither_figure_nor_table() -> None:
    assert Section("x", "X", "nothing").is_empty


def test_no_candidate_is_certain() -> None:
    said = [cards._probability(value) for value in (None, 1.0, 0.998, 0.994, 0.5, 0.004, 0.0)]
    assert said == ["not scored", "1.00", "> 0.99", "0.99", "0.50", "< 0.01", "0.00"]
