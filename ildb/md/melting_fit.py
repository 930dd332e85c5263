"""The apparent melting point from diffusion against temperature: one line, a kink, a jump, or no answer.

On cooling, ln D against 1/T follows one line while the liquid stays a liquid. Where it stops flowing the line bends (a
kink) or D drops (a jump). Each break is tried; the models are compared by BIC. The textbook's penalty does not know
that the break was searched for, and finds transitions in every sixth straight line of twelve points. So the gain that
a break must bring is simulated for the temperatures and weights at hand, such that straight lines are taken for a
transition at a chosen rate. That a nanosecond's break is no thermodynamic melting point is why it is called apparent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

GAS_CONSTANT_KJ_MOL_K = 8.314462618e-3

Floats = npt.NDArray[np.float64]

_GRID = 120
_NULL_DRAWS = 2000
_SIDE_JUMP, _SIDE_KINK = 3, 2
"""Temperatures needed on each side: a line through two points leaves nothing that could speak against it."""
MIN_TEMPERATURES = 2 * _SIDE_KINK + 1


class Shape(StrEnum):
    """What ln D does over 1/T."""

    LINE = "line"
    KINK = "kink"
    JUMP = "jump"


PARAMETERS = {Shape.LINE: 2.0, Shape.KINK: 4.0, Shape.JUMP: 4.5}
"""Free numbers of each shape. The break of a jump is one of a few gaps between points, so it counts half."""


@dataclass(frozen=True)
class Fit:
    """What was chosen, and what was not.

    Attributes:
        shape: the chosen model; ``LINE`` says that there is no transition.
        tm_k: the apparent melting point, K; None without a transition.
        bic: of each model that could be fitted.
        gain: BIC of the line less that of the best break.
        gain_needed: what a line's noise alone reaches at the false rate asked for.
        ea_hot_kj_mol: activation energy above the break (or of the one line).
        ea_cold_kj_mol: below it; None without one.
        jump_ln_d: how far ln D falls at the break; 0 for a kink.
        scale: scatter of the points in units of their own standard errors.
        predicted: ln D at the points (n).
    """

    shape: Shape
    tm_k: float | None
    bic: dict[Shape, float]
    gain: float
    gain_needed: float
    ea_hot_kj_mol: float
    ea_cold_kj_mol: float | None
    jump_ln_d: float | None
    scale: float
    predicted: Floats


@dataclass(frozen=True)
class _Candidates:
    """Least squares for every break of one shape, as projections.

    Attributes:
        break_k: temperature of each break (b); the middle of its bracket for a jump.
        width_k: width of the bracket in which one break is as good as another: a step of the grid, or the gap between
            points for a jump (b).
        basis: orthonormal columns of each weighted design (b, n, k).
        fall: functional of the weighted ln D that is negative where the break is physical (b, n).
        coefficients: from weighted ln D to the coefficients (b, k, n).
    """

    break_k: Floats
    width_k: Floats
    basis: Floats
    fall: Floats
    coefficients: Floats

    def rss(self, y: Floats) -> Floats:
        """Weighted residual sums of squares (m, b) of m rows of weighted ln D (m, n); inf where D would rise."""
        m, b = len(y), len(self.break_k)
        flat = y @ self.basis.transpose(1, 0, 2).reshape(y.shape[1], -1)
        explained: Floats = (flat.reshape(m, b, -1) ** 2).sum(axis=2)
        rss = np.maximum((y**2).sum(axis=1)[:, None] - explained, 1e-12)
        return np.where(y @ self.fall.T < 0, rss, np.inf)


class Design:
    """Temperatures and weights of a ladder, with everything that does not depend on its values."""

    def __init__(self, temperature_k: Floats, sigma: Floats) -> None:
        """Prepare.

        Args:
            temperature_k: of the points (n), in any order, perhaps several at one temperature.
            sigma: standard errors of ln D (n), all positive; only their ratios matter.

        Raises:
            ValueError: shapes differ, or there are fewer than five temperatures.
        """
        self.temperature_k = np.asarray(temperature_k, dtype=np.float64)
        self.weight = 1 / np.asarray(sigma, dtype=np.float64)
        levels = np.unique(self.temperature_k)[::-1]
        if self.temperature_k.shape != self.weight.shape or len(levels) < MIN_TEMPERATURES:
            raise ValueError(f"needs at least {MIN_TEMPERATURES} temperatures")
        self.n = len(self.temperature_k)
        self.x = 1000 / self.temperature_k
        self.ranges: dict[Shape, _Candidates] = {}
        grid = np.linspace(levels[_SIDE_KINK - 1], levels[-_SIDE_KINK], _GRID)
        self.ranges[Shape.KINK] = self._candidates(grid, np.full(_GRID, grid[0] - grid[1]), kink=True)
        gaps = range(_SIDE_JUMP, len(levels) - _SIDE_JUMP + 1)
        if gaps:
            middle = np.array([(levels[i - 1] + levels[i]) / 2 for i in gaps])
            width = np.array([levels[i - 1] - levels[i] for i in gaps])
            self.ranges[Shape.JUMP] = self._candidates(middle, width, kink=False)
        self.line = self.columns(None)
        self.line_basis, self.line_r = np.linalg.qr(self.line)

    def columns(self, break_k: float | None, *, kink: bool = True) -> Floats:
        """Weighted design matrix (n, k): 1, 1000/T and what a break adds."""
        base = [np.ones(self.n), self.x]
        if break_k is not None:
            beyond = self.x - 1000 / break_k
            cold = beyond > 0
            base += [np.where(cold, beyond, 0.0)] if kink else [cold.astype(float), np.where(cold, beyond, 0.0)]
        return np.stack(base, axis=1) * self.weight[:, None]

    def _candidates(self, breaks_k: Floats, width_k: Floats, *, kink: bool) -> _Candidates:
        basis, coefficients = [], []
        for break_k in breaks_k:
            columns = self.columns(float(break_k), kink=kink)
            q, r = np.linalg.qr(columns)
            basis.append(q)
            coefficients.append(np.linalg.solve(r, q.T))
        solved = np.array(coefficients)
        # The third coefficient: the change of slope of a kink, the step of a jump.
        return _Candidates(breaks_k, width_k, np.array(basis), solved[:, 2, :], solved)

    def bic(self, y: Floats) -> tuple[dict[Shape, Floats], dict[Shape, npt.NDArray[np.intp]]]:
        """BIC of the best fit of each shape (m) and which break that is (m), for m rows of weighted ln D (m, n)."""
        rss = {Shape.LINE: np.maximum((y**2).sum(axis=1) - ((y @ self.line_basis) ** 2).sum(axis=1), 1e-12)}
        best = {Shape.LINE: np.zeros(len(y), dtype=np.intp)}
        for shape, candidates in self.ranges.items():
            of_breaks = candidates.rss(y)
            best[shape] = of_breaks.argmin(axis=1)
            rss[shape] = of_breaks.min(axis=1)
        return {s: self.n * np.log(r / self.n) + PARAMETERS[s] * np.log(self.n) for s, r in rss.items()}, best

    def gain(self, y: Floats) -> Floats:
        """BIC of the line less that of the best break (m)."""
        bic, _ = self.bic(y)
        gain: Floats = bic[Shape.LINE] - np.min([bic[s] for s in self.ranges], axis=0)
        return gain


def curve_gain(design: Design, ln_d: Floats) -> float:
    """BIC of the line less that of a parabola: how well a liquid that merely curves would explain the points."""
    y = np.asarray(ln_d, dtype=np.float64) * design.weight
    basis, _ = np.linalg.qr(np.column_stack([design.line, design.x**2 * design.weight]))
    curve = max(float((y**2).sum() - ((basis.T @ y) ** 2).sum()), 1e-12)
    bic = design.n * np.log(curve / design.n) + 3 * np.log(design.n)
    return float(design.bic(y[None])[0][Shape.LINE][0] - bic)


@lru_cache(maxsize=64)
def _null_gains(temperature_k: bytes, sigma: bytes, seed: int) -> Floats:
    """Gains on straight lines, ascending; neither the line nor the size of the noise changes their distribution."""
    design = Design(np.frombuffer(temperature_k), np.frombuffer(sigma))
    noise = np.random.default_rng(seed).standard_normal((_NULL_DRAWS, design.n))
    return np.sort(design.gain(noise))


def gain_needed(design: Design, false_rate: float) -> float:
    """The gain in BIC that straight lines reach at the given rate; never less than zero."""
    gains = _null_gains(design.temperature_k.tobytes(), (1 / design.weight).tobytes(), 0)
    return max(0.0, float(np.quantile(gains, 1 - false_rate)))


def fit(design: Design, ln_d: Floats, *, false_rate: float = 0.04) -> Fit:
    """Choose among line, kink and jump.

    Args:
        design: temperatures and weights.
        ln_d: ln of the diffusion coefficients (n).
        false_rate: at which a straight line may be taken for a transition.
    """
    y = np.asarray(ln_d, dtype=np.float64) * design.weight
    bic = {shape: float(values[0]) for shape, values in design.bic(y[None])[0].items()}
    broken = min(design.ranges, key=lambda shape: bic[shape])
    gain, needed = bic[Shape.LINE] - bic[broken], gain_needed(design, false_rate)
    return fit_shape(design, ln_d, broken if gain > needed else Shape.LINE, gain_needed=needed)


def fit_shape(design: Design, ln_d: Floats, shape: Shape, *, gain_needed: float = 0.0) -> Fit:
    """The best fit of one shape."""
    y = np.asarray(ln_d, dtype=np.float64) * design.weight
    bics, best = design.bic(y[None])
    bic = {name: float(values[0]) for name, values in bics.items()}
    gain = bic[Shape.LINE] - min(bic[name] for name in design.ranges)
    if shape is Shape.LINE:
        beta = np.linalg.solve(design.line_r, design.line_basis.T @ y)
        return _fit(design, y, shape, None, design.line, beta, bic, gain, gain_needed)
    candidates, i = design.ranges[shape], int(best[shape][0])
    tm_k = float(candidates.break_k[i])
    columns = design.columns(tm_k, kink=shape is Shape.KINK)
    return _fit(design, y, shape, tm_k, columns, candidates.coefficients[i] @ y, bic, gain, gain_needed)


def _fit(
    design: Design, y: Floats, shape: Shape, tm_k: float | None, columns: Floats, beta: Floats,
    bic: dict[Shape, float], gain: float, needed: float,
) -> Fit:  # fmt: skip
    fitted = columns @ beta
    free = max(1, design.n - PARAMETERS[shape])
    slope = -1000 * GAS_CONSTANT_KJ_MOL_K
    return Fit(
        shape=shape,
        tm_k=tm_k,
        bic=bic,
        gain=gain,
        gain_needed=needed,
        ea_hot_kj_mol=float(slope * beta[1]),
        ea_cold_kj_mol=None if tm_k is None else float(slope * (beta[1] + beta[-1])),
        jump_ln_d=None if tm_k is None else float(-beta[2]) if shape is Shape.JUMP else 0.0,
        scale=float(np.sqrt(((y - fitted) ** 2).sum() / free)),
        predicted=fitted / design.weight,
    )
