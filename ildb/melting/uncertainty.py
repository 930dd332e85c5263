"""How far off a prediction may be: a scale that grows with difficulty, and conformal intervals on top of it.

The scale s of a prediction's error is log-linear in what is known before the measurement: how far the experts and the
networks disagree, and the distances of cation and anion to the nearest one in the training data. It is fitted on
out-of-fold residuals of all the ways of splitting, so it has seen errors on new cations and on new anions. The interval
is tm ± q s with q the conformal quantile of |residual| / s (normalised split conformal prediction: Papadopoulos,
Gammerman and Vovk, 2008), one for each regime of novelty (Mondrian: Vovk, 2012), so that the coverage holds in each
whatever the quality of s.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ildb.melting.blend import REGIMES
from ildb.melting.experts import RawPrediction

_SOFTENING: Final = 0.04  # of the values' standard deviation: 3 K
_RIDGE: Final = 1e-3
_LOG_RANGE: Final = 8.0
_MIN_ROWS: Final = 30
SCALE_TERMS: Final = ("log_disagreement", "log_net_spread", "cation_distance", "anion_distance")


def difficulty(
    raw: RawPrediction, cation_distance: npt.NDArray[np.float64], anion_distance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The terms of the scale, shape (n, len(`SCALE_TERMS`)).

    Args:
        raw: predictions of n pairings.
        cation_distance: 1 - Tanimoto similarity to the nearest training cation, shape (n,).
        anion_distance: the same for the anion, shape (n,).
    """
    return np.stack(
        [
            np.log(raw.experts.std(axis=1) + _SOFTENING),
            np.log(raw.net_spread + _SOFTENING),
            cation_distance,
            anion_distance,
        ],
        axis=1,
    )


@dataclass(frozen=True)
class ErrorScale:
    """The fitted scale and the conformal quantiles.

    Args:
        intercept: of the logarithm of the scale.
        weights: one per term of `SCALE_TERMS`, none negative: more difficulty never narrows an interval.
        quantiles: half-width of the interval in units of the scale, for each of `REGIMES`.
    """

    intercept: float
    weights: tuple[float, ...]
    quantiles: tuple[float, ...]

    def scale(self, terms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Expected absolute error for terms of shape (n, len(`SCALE_TERMS`))."""
        return np.asarray(np.exp(self.intercept + terms @ np.array(self.weights)), dtype=np.float64)

    def half_width(self, terms: npt.NDArray[np.float64], regimes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Half the width of the interval, shape (n,)."""
        return np.asarray(self.scale(terms) * np.array(self.quantiles)[regimes], dtype=np.float64)


def fit_error_scale(
    terms: npt.NDArray[np.float64],
    residual: npt.NDArray[np.float64],
    regimes: npt.NDArray[np.int64],
    coverage: float,
) -> ErrorScale:
    """Fit scale and quantiles on out-of-fold residuals.

    The weights maximise the likelihood of a Laplace distribution: they minimise the mean of log s + |r| / s.

    Args:
        terms: `difficulty` of each residual, shape (n, k).
        residual: measured minus predicted, shape (n,).
        regimes: position in `REGIMES` of each residual.
        coverage: share of measurements the interval shall hold.
    """
    error = np.abs(residual)

    def loss(w: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        log_scale = w[0] + terms @ w[1:]
        ratio = error * np.exp(-log_scale)
        slope = 1 - ratio
        gradient = np.concatenate([[slope.mean()], (slope[:, None] * terms).mean(axis=0) + 2 * _RIDGE * w[1:]])
        return float((log_scale + ratio).mean() + _RIDGE * (w[1:] ** 2).sum()), gradient

    start = np.zeros(terms.shape[1] + 1)
    start[0] = np.log(max(float(error.mean()), 1e-6))
    bounds = [(start[0] - _LOG_RANGE, start[0] + _LOG_RANGE), *[(0.0, 5.0)] * terms.shape[1]]
    w = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    scale = ErrorScale(float(w[0]), tuple(w[1:].tolist()), (1.0,) * len(REGIMES))
    ratio = error / scale.scale(terms)
    everyone = conformal_quantile(ratio, coverage)
    quantiles = []
    for number in range(len(REGIMES)):
        own = ratio[regimes == number]
        quantiles.append(conformal_quantile(own, coverage) if len(own) >= _MIN_ROWS else everyone)
    return ErrorScale(scale.intercept, scale.weights, tuple(quantiles))


def conformal_quantile(scores: npt.NDArray[np.float64], coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest score, or the largest where there are too few."""
    n = len(scores)
    return float(np.sort(scores)[min(ceil((n + 1) * coverage), n) - 1])
