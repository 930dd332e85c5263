"""How much each expert counts, by how far a pairing lies from the measured ones.

The weights minimise the loss of out-of-fold predictions (stacking: Wolpert, Neural Networks 1992, 5, 241; convex
weights: Breiman, Mach. Learn. 1996, 24, 49). One case is not left to them: for an anion unlike every measured one only
the expert counts that was fitted to predict ions it has not seen. Trees and networks cannot go beyond the anions they
know, and so few unlike anions are measured that weights fitted on them would be chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ildb.melting.experts import EXPERTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REGIMES: Final = ("familiar", "far_cation", "near_anion", "far_anion")
FAR_CATION: Final = 0.5
"""A cation is far from here on, in 1 - count Tanimoto similarity to the nearest training cation."""

FAR_ANION: Final = 0.6
"""An anion that was not measured is far from here on, near before."""

_SAME_ANION: Final = 1e-6
_MIN_ROWS: Final = 20
_HUBER: Final = 0.1
_RIDGE: Final = 2e-3


def regime(cation_distance: Floats, anion_distance: Floats) -> Ints:
    """Position in `REGIMES` of pairings, shape (n,), from the distances of their ions to the nearest training ions."""
    seen = np.where(cation_distance > FAR_CATION, 1, 0)
    unseen = np.where(anion_distance > FAR_ANION, 3, 2)
    return np.where(anion_distance > _SAME_ANION, unseen, seen).astype(np.int64)


@dataclass(frozen=True)
class Blend:
    """Weights of the experts.

    Args:
        weights: for each of `REGIMES`, one per expert; none negative, their sum 1.
    """

    weights: tuple[tuple[float, ...], ...]

    def predict(self, experts: Floats, regimes: Ints) -> Floats:
        """Weighted mean of predictions of shape (n, n_experts)."""
        return np.asarray((experts * np.array(self.weights)[regimes]).sum(axis=1), dtype=np.float64)


def fit_blend(experts: Sequence[Floats], regimes: Sequence[Ints], z: Sequence[Floats]) -> Blend:
    """Fit on out-of-fold predictions of several splits.

    Args:
        experts: predictions of each split, shape (n, n_experts).
        regimes: of each split's rows, shape (n,).
        z: measured standardised values of those rows.
    """
    stacked, where, measured = np.concatenate(experts), np.concatenate(regimes), np.concatenate(z)
    fitted = [_weights(stacked[where == r], measured[where == r]) for r in range(len(REGIMES) - 1)]
    return Blend((*fitted, tuple(float(name == "transfer") for name in EXPERTS)))


def _weights(experts: Floats, z: Floats) -> tuple[float, ...]:
    n_experts = len(EXPERTS)
    even = np.full(n_experts, 1 / n_experts)
    if len(z) < _MIN_ROWS:
        return tuple(even.tolist())

    def loss(logits: Floats) -> tuple[float, Floats]:
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        error = experts @ weights - z
        root = np.sqrt(1 + (error / _HUBER) ** 2)
        value = _HUBER * (root - 1).mean() + _RIDGE * ((weights - even) ** 2).sum()
        slope = experts.T @ (error / (_HUBER * root)) / len(z) + 2 * _RIDGE * (weights - even)
        return float(value), weights * (slope - slope @ weights)

    logits = minimize(loss, np.zeros(n_experts), jac=True, method="L-BFGS-B", bounds=[(-8.0, 8.0)] * n_experts).x
    weights = np.exp(logits - logits.max())
    return tuple((weights / weights.sum()).tolist())
