"""Probabilities, error scales and conformal intervals, on simulated residuals whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ildb.errors import ArtifactError
from ildb.melting.calibrate import (
    CalibrationMethod,
    SigmoidCalibrator,
    calibrator_from_json,
    expected_calibration_error,
    fit_calibrator,
)
from ildb.melting.experts import RawPrediction
from ildb.melting.uncertainty import conformal_quantile, difficulty, fit_error_scale

METHODS: list[CalibrationMethod] = ["sigmoid", "isotonic"]


def simulated(n: int, slope: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, n)
    return z, rng.random(n) < expit(slope * z)


@pytest.mark.parametrize("method", METHODS)
def test_calibrated_probabilities_match_frequencies(method: CalibrationMethod) -> None:
    calibrator = fit_calibrator(method, *simulated(4000, 0.8, 0))
    z, below = simulated(4000, 0.8, 1)
    assert expected_calibration_error(calibrator.probability(z), below) < 0.03
    # The same scores read as if errors were normal are far too sure.
    assert expected_calibration_error(SigmoidCalibrator(3.0).probability(z), below) > 0.06


def test_the_sigmoid_finds_the_slope() -> None:
    calibrator = fit_calibrator("sigmoid", *simulated(20000, 1.3, 2))
    assert isinstance(calibrator, SigmoidCalibrator)
    assert calibrator.slope == pytest.approx(1.3, rel=0.06)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(-20, 20), st.booleans()), min_size=2, max_size=60),
    asked=st.lists(st.floats(-50, 50), min_size=2, max_size=20),
)
def test_class_and_temperature_agree(
    method: CalibrationMethod, rows: list[tuple[float, bool]], asked: list[float]
) -> None:
    calibrator = fit_calibrator(method, np.array([r[0] for r in rows]), np.array([r[1] for r in rows]))
    z = np.sort(np.array(asked))
    p = calibrator.probability(z)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) >= 0).all()
    assert calibrator.probability(np.zeros(1))[0] == 0.5
    assert (p[z > 1e-6] > 0.5).all()
    assert (p[z < -1e-6] < 0.5).all()
    assert np.allclose(p + calibrator.probability(-z), 1)
    assert np.array_equal(calibrator_from_json(calibrator.to_json()).probability(z), p)


def test_separable_classes_keep_the_slope_finite() -> None:
    z = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    p = fit_calibrator("sigmoid", z, z > 0).probability(z)
    assert 0.001 < p.min() < 0.1


def test_an_unknown_calibration_is_refused() -> None:
    with pytest.raises(ArtifactError, match="magic"):
        calibrator_from_json({"method": "magic"})


def test_calibration_error_of_a_known_case() -> None:
    p = np.array([0.05, 0.05, 0.95, 0.95])
    assert expected_calibration_error(p, np.array([False, False, True, True])) == pytest.approx(0.05)
    assert expected_calibration_error(p, np.array([True, True, False, False])) == pytest.approx(0.95)


def test_the_conformal_quantile_is_the_next_higher_score() -> None:
    scores = np.arange(1.0, 20.0)
    assert conformal_quantile(scores, 0.9) == 18.0  # the ceil(20 * .9)th of 19
    assert conformal_quantile(scores[:5], 0.9) == 5.0  # too few: the largest


def heteroscedastic(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms, residuals and true scales; only the anion's distance and the experts' disagreement matter."""
    rng = np.random.default_rng(seed)
    raw = RawPrediction(rng.normal(0, 1, (n, 1)) + rng.normal(0, rng.uniform(0.1, 1, (n, 1)), (n, 4)), rng.random(n))
    anion = rng.random(n)
    terms = difficulty(raw, rng.random(n), anion)
    scale = np.exp(-1.0 + 0.5 * terms[:, 0] + 0.8 * anion)
    return terms, rng.laplace(0, scale), scale


def test_the_error_scale_is_found_and_covers_unseen_rows_of_every_difficulty() -> None:
    terms, residual, _ = heteroscedastic(6000, 0)
    fitted = fit_error_scale(terms, residual, np.zeros(6000, dtype=np.int64), 0.9)
    assert np.allclose(fitted.weights, [0.5, 0.0, 0.0, 0.8], atol=0.12)
    terms, residual, scale = heteroscedastic(6000, 1)
    assert np.allclose(fitted.scale(terms) / scale, 1, atol=0.2)
    covered = np.abs(residual) <= fitted.half_width(terms, np.zeros(6000, dtype=np.int64))
    hard = scale > np.median(scale)
    assert covered[hard].mean() == pytest.approx(0.9, abs=0.02)
    assert covered[~hard].mean() == pytest.approx(0.9, abs=0.02)


def test_each_regime_of_novelty_is_covered_by_its_own_quantile() -> None:
    terms, residual, _ = heteroscedastic(4000, 4)
    regimes = np.arange(4000) % 2  # every second row is three times as far off, which the terms do not show
    residual = residual * np.where(regimes == 1, 3.0, 1.0)
    fitted = fit_error_scale(terms, residual, regimes, 0.9)
    covered = np.abs(residual) <= fitted.half_width(terms, regimes)
    assert covered[regimes == 0].mean() == pytest.approx(0.9, abs=0.01)
    assert covered[regimes == 1].mean() == pytest.approx(0.9, abs=0.01)
    assert fitted.quantiles[1] == pytest.approx(3 * fitted.quantiles[0], rel=0.15)
    assert fitted.quantiles[0] < fitted.quantiles[2] < fitted.quantiles[1]  # no row of its own: that of all rows


def test_more_difficulty_never_narrows() -> None:
    one = np.zeros(500, dtype=np.int64)
    terms, residual, scale = heteroscedastic(500, 2)
    misleading = np.random.default_rng(3).laplace(0, 1 / scale)
    assert min(fit_error_scale(terms, misleading, one, 0.9).weights) >= 0
    assert min(fit_error_scale(terms, residual, one, 0.9).weights) >= 0
