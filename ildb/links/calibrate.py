"""Turn logits into probabilities with a stated meaning.

There is no recorded failure to pair, so "the probability that this salt can be made" cannot be estimated. What can be
is the precision of a draw: put hidden recorded pairs and unrecorded pairs, drawn uniformly, in the proportion 1 :
``ratio`` into one bag; the probability of a logit is the share of recorded pairs among the pairs of the bag that have
this logit. With the default ratio, unrecorded pairs per recorded pair of the graph, it is the chance that a pair drawn
from the whole cation x anion table is a recorded one. Unrecorded pairs count as misses although many could be made, so
it errs on the low side as a chance of being makeable.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize
from scipy.special import expit

FloatArray = npt.NDArray[np.float64]


class Calibration(BaseModel):
    """Platt scaling: probability = 1 / (1 + exp(-(slope x logit + intercept))).

    Platt, Advances in Large Margin Classifiers, 1999. The slope is positive, so the order of the logits is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = Field(gt=0)
    intercept: float
    ratio: float = Field(gt=0, description="unrecorded pairs per recorded pair in the bag the probability refers to")
    n_positive: int = Field(ge=0, description="validation pairs it was fitted on")

    def probability(self, logits: npt.ArrayLike) -> FloatArray:
        """Probabilities in 0..1 of logits, same shape."""
        return np.asarray(expit(self.slope * np.asarray(logits, dtype=np.float64) + self.intercept))

    def logit(self, probability: float) -> float:
        """The logit at which a probability is reached; minus infinity for 0."""
        if probability <= 0:
            return -math.inf
        if probability >= 1:
            return math.inf
        return (math.log(probability / (1 - probability)) - self.intercept) / self.slope


def calibrate(positive: FloatArray, negative: FloatArray, ratio: float) -> Calibration:
    """Fit slope and intercept by maximum likelihood, the negatives weighted to `ratio` per positive.

    A standard normal prior on ln(slope) keeps a handful of positives from giving a certain answer.

    Args:
        positive: logits of hidden recorded pairs, shape (n,), n >= 1.
        negative: logits of uniformly drawn unrecorded pairs, shape (m,), m >= 1.
        ratio: unrecorded pairs per recorded pair.
    """
    weight = ratio * len(positive) / len(negative)
    centre = float(np.mean(positive))
    high, low = positive - centre, negative - centre

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        slope, shift = math.exp(theta[0]), theta[1]
        missed, wrong = expit(-(slope * high + shift)), expit(slope * low + shift)
        value = np.logaddexp(0, -(slope * high + shift)).sum() + weight * np.logaddexp(0, slope * low + shift).sum()
        by_slope = slope * (-(missed * high).sum() + weight * (wrong * low).sum()) + theta[0]
        by_shift = -missed.sum() + weight * wrong.sum()
        return float(value + 0.5 * theta[0] ** 2), np.array([by_slope, by_shift])

    fit = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-6, 6), (-60, 60)])
    slope = math.exp(float(fit.x[0]))
    return Calibration(slope=slope, intercept=float(fit.x[1]) - slope * centre, ratio=ratio, n_positive=len(positive))
