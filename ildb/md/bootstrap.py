"""How sure an apparent melting point is: the break fitted again to noise put onto the chosen model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.md.melting_fit import PARAMETERS, Design, Fit, Floats, Shape, fit_shape


@dataclass(frozen=True)
class Interval:
    """An interval of the apparent melting point.

    Attributes:
        low_k, high_k: its ends, K.
        kink_share: how often a kink was the better break; the rest were jumps.
        breaks_k: the break of each repetition (m).
    """

    low_k: float
    high_k: float
    kink_share: float
    breaks_k: Floats


def interval(
    design: Design, ln_d: Floats, chosen: Fit, *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile interval of a parametric bootstrap that chooses between kink and jump anew each time.

    Repetitions start from the kink and from the jump in proportion to exp(-BIC / 2), so that an interval stays honest
    where the data hardly tell one from the other. The noise has the points' relative errors; its size is drawn from
    what the residuals leave open (scaled inverse chi-squared), because a dozen points do not know it. Within the
    bracket of a jump every temperature is as good as any other, so each repetition draws one.

    Args:
        design: temperatures and weights.
        ln_d: ln of the diffusion coefficients (n points).
        chosen: the fit with its transition.
        n: repetitions.
        level: coverage.
        seed: of the noise.

    Raises:
        ValueError: the fit has no transition.
    """
    if chosen.tm_k is None:
        raise ValueError("no transition, no interval")
    rng = np.random.default_rng(seed)
    shapes = [shape for shape in design.ranges if np.isfinite(chosen.bic[shape])]
    odds = np.exp([(min(chosen.bic[s] for s in shapes) - chosen.bic[s]) / 2 for s in shapes])
    counts = rng.multinomial(n, odds / odds.sum())
    y = np.concatenate(
        [_repeat(design, fit_shape(design, ln_d, s), int(k), rng) for s, k in zip(shapes, counts, strict=True)]
    )
    bic, best = design.bic(y)
    kink = bic[Shape.KINK] <= bic.get(Shape.JUMP, np.full(n, np.inf))
    breaks = _drawn(design, Shape.KINK, best[Shape.KINK], rng)
    if Shape.JUMP in bic:
        breaks = np.where(kink, breaks, _drawn(design, Shape.JUMP, best[Shape.JUMP], rng))
    low, high = np.quantile(breaks, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), float(kink.mean()), breaks)


def _drawn(design: Design, shape: Shape, at: npt.NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Breaks anywhere in their brackets."""
    candidates = design.ranges[shape]
    drawn: Floats = candidates.break_k[at] + candidates.width_k[at] * rng.uniform(-0.5, 0.5, len(at))
    return drawn


def _repeat(design: Design, fit: Fit, n: int, rng: np.random.Generator) -> Floats:
    """Weighted ln D of repetitions of a fit (n, points)."""
    free = max(1, design.n - PARAMETERS[fit.shape])
    scale = fit.scale * np.sqrt(free / rng.chisquare(free, n))
    return fit.predicted * design.weight + scale[:, None] * rng.standard_normal((n, design.n))
