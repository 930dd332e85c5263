"""Line, kink or jump: what is chosen on made-up ladders, and how sure it is. Rates over many: benchmarks/md.py."""

from __future__ import annotations

import numpy as np
import pytest

from ildb.md.bootstrap import interval
from ildb.md.ladder_fit import LadderPoint, fit_ladder, fit_points, hysteresis_k, shape_name
from ildb.md.melting_fit import GAS_CONSTANT_KJ_MOL_K, Design, Shape, curve_gain, fit, fit_shape, gain_needed
from ildb.md.presets import Pass

T_K = np.linspace(500, 200, 12)


def ladder(kind: str, tm_k: float = 340.0, noise: float = 0.1, seed: int = 0, jump: float = 2.0) -> np.ndarray:
    """ln D with activation energies of 25 above and 70 kJ/mol below a break."""
    x = 1 / (GAS_CONSTANT_KJ_MOL_K * T_K)
    at = 1 / (GAS_CONSTANT_KJ_MOL_K * tm_k)
    ln_d = -22 - 25 * (x - x[0])
    if kind != "line":
        ln_d -= np.where(x > at, 45 * (x - at) + (jump if kind == "jump" else 0), 0)
    return ln_d + noise * np.random.default_rng(seed).standard_normal(len(T_K))


@pytest.mark.parametrize(("kind", "within_k"), [("kink", 8), ("jump", 14)])
def test_finds_the_break_and_its_energies(kind: str, within_k: float) -> None:
    design = Design(T_K, np.ones(12))
    found = fit(design, ladder(kind, noise=0.05, seed=1))
    assert found.shape.value == kind
    assert found.tm_k == pytest.approx(340, abs=within_k)
    assert found.ea_hot_kj_mol == pytest.approx(25, abs=4)
    assert found.ea_cold_kj_mol == pytest.approx(70, abs=10)
    assert found.jump_ln_d == pytest.approx(2 if kind == "jump" else 0, abs=0.8)
    assert found.gain > found.gain_needed


def test_the_crossing_of_two_lines_would_be_far_off_where_d_jumps() -> None:
    """Why a jump is a model of its own: a kink fitted to it is tens of kelvins off."""
    design, ln_d = Design(T_K, np.ones(12)), ladder("jump", noise=0.02)
    bent = fit_shape(design, ln_d, Shape.KINK)
    assert bent.tm_k is not None
    assert abs(bent.tm_k - 340) > 20
    assert fit(design, ln_d).tm_k == pytest.approx(340, abs=14)


def test_one_line_is_no_transition() -> None:
    found = fit(Design(T_K, np.ones(12)), ladder("line"))
    assert (found.shape, found.tm_k, found.ea_cold_kj_mol) == (Shape.LINE, None, None)
    assert found.ea_hot_kj_mol == pytest.approx(25, abs=2)


def test_false_alarms_keep_to_the_rate_asked_for() -> None:
    """Lines of other seeds than those the threshold was simulated with; 1,000 of them, three standard errors."""
    design = Design(T_K, np.ones(12))
    noise = np.random.default_rng(99).standard_normal((1000, 12))
    for rate in (0.04, 0.2):
        alarms = (design.gain(noise) > gain_needed(design, rate)).mean()
        assert abs(alarms - rate) < 3 * np.sqrt(rate * (1 - rate) / 1000) + 0.01


def test_d_that_rises_on_cooling_is_no_transition() -> None:
    """D would rise as the liquid freezes: no jump of that sign is looked for."""
    found = fit(Design(T_K, np.ones(12)), ladder("jump", jump=-2.0, noise=0.05))
    assert found.shape is not Shape.JUMP


def test_interval_holds_the_break_and_shrinks_with_the_noise() -> None:
    design = Design(T_K, np.ones(12))
    widths = []
    for noise in (0.02, 0.3):
        ln_d = ladder("kink", noise=noise, seed=1)
        around = interval(design, ln_d, fit(design, ln_d), n=300)
        assert around.low_k <= 340 <= around.high_k
        widths.append(around.high_k - around.low_k)
    assert widths[0] < widths[1] / 2
    with pytest.raises(ValueError, match="no transition"):
        interval(design, ladder("line"), fit(design, ladder("line")))


def test_a_wild_point_with_a_large_error_moves_nothing() -> None:
    ln_d, sigma = ladder("kink", noise=0.05), np.full(12, 0.05)
    ln_d[3], sigma[3] = ln_d[3] - 4, 5.0
    assert fit(Design(T_K, sigma), ln_d).tm_k == pytest.approx(340, abs=10)


def test_a_curved_liquid_says_so() -> None:
    """Vogel-Fulcher-Tammann: a bend explains it, but a parabola better."""
    ln_d = -18 - 900 / (T_K - 120) + 0.03 * np.random.default_rng(1).standard_normal(12)
    design = Design(T_K, np.ones(12))
    assert curve_gain(design, ln_d) > fit(design, ln_d).gain


def test_too_few_temperatures_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        Design(np.array([300.0, 400, 500, 600]), np.ones(4))


# --- ladders of points ---


def points(ln_d: np.ndarray, way: Pass = Pass.COOLING, bounds: tuple[int, ...] = ()) -> list[LadderPoint]:
    d = np.exp(ln_d)
    return [
        LadderPoint(float(t), way, float(v), float(0.05 * v), float(v), float(0.05 * v), i in bounds)
        for i, (t, v) in enumerate(zip(T_K, d, strict=True))
    ]


def test_passes_are_fitted_apart_and_their_difference_is_the_hysteresis() -> None:
    both = points(ladder("jump", 320, 0.05)) + points(ladder("jump", 375, 0.05, seed=1), Pass.HEATING)
    fits = fit_ladder(both)
    assert set(fits) == {"all", "cooling", "heating"}
    assert hysteresis_k(fits) == pytest.approx(55, abs=30)
    assert set(fit_ladder(points(ladder("kink")))) == {"all"}
    assert hysteresis_k(fit_ladder(points(ladder("kink")))) is None


def test_ions_in_cages_give_no_melting_point_but_a_reason() -> None:
    caged = fit_points(points(ladder("kink"), bounds=tuple(range(12))))
    assert shape_name(caged) == "undetermined"
    assert "sub-diffusive" in caged.reason
    assert caged.n_bounds == 12


def test_bounds_count_only_where_they_lie_below_what_the_liquid_leads_to_expect() -> None:
    ln_d = ladder("kink", noise=0.05)
    low = fit_points(points(ln_d, bounds=(9, 10, 11)))
    assert low.n_points == 12
    assert low.fit is not None
    assert low.fit.tm_k == pytest.approx(340, abs=15)
    ln_d[9:] = ln_d[0]
    high = fit_points(points(ln_d, bounds=(9, 10, 11)))
    assert (high.n_points, high.n_bounds) == (9, 3)
