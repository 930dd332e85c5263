"""How far off a prediction may be: a scale that grows with difficulty, and conformal intervals on top of it.

The scale s of a prediction's error is log-linear in what is known before the measurement: the spread over the trees,
the disagreement of the two ensembles, and the distance of cation and anion to the nearest one in the training data. It
is fitted on out-of-fold residuals of all the ways of splitting, so it has seen errors on new cations and on new anions.
The interval is tm ± q s with q the conformal quantile of |residual| / s (normalised split conformal prediction:
Papadopoulos, Gammerman and Vovk, 2008), which makes the coverage hold whatever the quality of s.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ildb.melting.regressor import RawPrediction

_SOFTENING_K: Final = 3.0
_RIDGE: Final = 1e-3
SCALE_TERMS: Final = ("log_tree_spread", "log_disagreement", "cation_distance", "anion_distance")


def difficulty(
    raw: RawPrediction, cation_distance: npt.NDArray[np.float64], anion_distance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The terms of the scale, shape (n, len(`SCALE_TERMS`)).

    Args:
        raw: predictions of shape (n,).
        cation_distance: 1 - Tanimoto similarity to the nearest training cation, shape (n,).
        anion_distance: the same for the anion, shape (n,).
    """
    return np.stack(
        [
            np.log(raw.tree_spread_k + _SOFTENING_K),
            np.log(raw.disagreement_k + _SOFTENING_K),
            cation_distance,
            anion_distance,
        ],
        axis=1,
    )


@dataclass(frozen=True)
class ErrorScale:
    """The fitted scale and the conformal quantile.

    Args:
        intercept: log of kelvin.
        weights: one per term of `SCALE_TERMS`, none negative: more difficulty never narrows an interval.
        quantile: half-width of the interval in units of the scale.
    """

    intercept: float
    weights: tuple[float, ...]
    quantile: float

    def scale_k(self, terms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Expected absolute error, K, for terms of shape (n, len(`SCALE_TERMS`))."""
        return np.asarray(np.exp(self.intercept + terms @ np.array(self.weights)), dtype=np.float64)


def fit_error_scale(terms: npt.NDArray[np.float64], residual_k: npt.NDArray[np.float64], coverage: float) -> ErrorScale:
    """Fit scale and quantile on out-of-fold residuals.

    The weights maximise the likelihood of a Laplace distribution: they minimise the mean of log s + |r| / s.

    Args:
        terms: `difficulty` of each residual, shape (n, k).
        residual_k: measured minus predicted, K, shape (n,).
        coverage: share of measurements the interval shall hold.
    """
    error = np.abs(residual_k)

    def loss(w: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        log_scale = w[0] + terms @ w[1:]
        ratio = error * np.exp(-log_scale)
        slope = 1 - ratio
        gradient = np.concatenate([[slope.mean()], (slope[:, None] * terms).mean(axis=0) + 2 * _RIDGE * w[1:]])
        return float((log_scale + ratio).mean() + _RIDGE * (w[1:] ** 2).sum()), gradient

    start = np.zeros(terms.shape[1] + 1)
    start[0] = np.log(max(float(error.mean()), 1e-3))
    bounds = [(np.log(0.1), np.log(1000.0)), *[(0.0, 5.0)] * terms.shape[1]]
    w = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    scale = ErrorScale(float(w[0]), tuple(w[1:].tolist()), 1.0)
    return ErrorScale(scale.intercept, scale.weights, conformal_quantile(error / scale.scale_k(terms), coverage))


def conformal_quantile(scores: npt.NDArray[np.float64], coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest score, or the largest where there are too few."""
    n = len(scores)
    return float(np.sort(scores)[min(ceil((n + 1) * coverage), n) - 1])
