"""Figures of simulated predictions whose truth is known, and the scales they are taken on."""

from __future__ import annotations

import numpy as np
import pytest

from ildb.melting.calibrate import SigmoidCalibrator
from ildb.melting.metrics import noise_ceiling, value_metrics
from ildb.melting.model import judge
from ildb.melting.target import Target


def test_the_noise_ceiling_is_found_from_replicates() -> None:
    rng = np.random.default_rng(0)
    truth, n_values = rng.normal(360, 70, 4000), rng.integers(1, 5, 4000)
    draws = [truth[i] + 8 * rng.normal(size=n) for i, n in enumerate(n_values)]
    spread = np.array([np.ptp(values) for values in draws])
    found = noise_ceiling(truth, n_values, spread, 373.15, "_k")
    assert found["noise_ceiling_sd_k"] == pytest.approx(8, rel=0.04)
    assert found["noise_ceiling_mae_k"] == pytest.approx(8 * np.sqrt(2 / np.pi), rel=0.04)
    single = np.array([values[0] for values in draws])
    agree = ((single < 373.15) == (truth < 373.15)).mean()
    assert found["noise_ceiling_accuracy"] == pytest.approx(agree, abs=0.01)


def test_too_few_replicates_give_no_ceiling() -> None:
    one = np.ones(50, dtype=np.int64)
    assert noise_ceiling(np.full(50, 300.0), one, np.zeros(50), 373.15, "_k") == {}


@pytest.mark.parametrize("scale", ["linear", "log10"])
def test_values_come_back_from_the_standard_scale(scale: str) -> None:
    values = np.array([0.01, 0.1, 2.0, 30.0])
    target = Target.of(values, scale)  # type: ignore[arg-type]
    z = target.standard(values)
    assert np.allclose(target.value(z), values)
    assert z.std() == pytest.approx(1)
    assert target.spread_of(values, np.zeros(4)).tolist() == [0.0] * 4


def test_errors_of_viscosities_are_in_decades() -> None:
    measured = np.array([0.01, 0.1, 1.0, 10.0])
    metrics = value_metrics(measured, measured * 10, None, Target.of(measured, "log10"), "")
    assert metrics["mae"] == pytest.approx(1.0)
    assert set(metrics) == {"mae", "rmse", "r2"}


def test_probability_grows_as_the_estimate_falls_where_the_spread_is_equal() -> None:
    target = Target("linear", 360.0, 70.0)
    z = np.linspace(-3, 3, 61)
    found = judge(z, np.full(61, 0.8), SigmoidCalibrator(3.0), target, 373.15)
    assert (np.diff(found.p_below_threshold) < 0).all()
    assert np.array_equal(found.p_below_threshold > 0.5, found.tm_k < 373.15)
    assert np.allclose(found.tm_high_k - found.tm_low_k, 2 * 0.8 * 70)
    wider = judge(z, np.full(61, 1.6), SigmoidCalibrator(3.0), target, 373.15)
    assert (np.abs(wider.p_below_threshold - 0.5) < np.abs(found.p_below_threshold - 0.5)).all()


def test_without_a_threshold_there_is_no_probability() -> None:
    found = judge(np.zeros(3), np.ones(3), None, Target("log10", 0.0, 1.0), None)
    assert np.isnan(found.p_below_threshold).all()
    assert found.tm_k.tolist() == [1.0] * 3
    assert found.tm_low_k[0] == pytest.approx(0.1)
    assert found.tm_high_k[0] == pytest.approx(10.0)
