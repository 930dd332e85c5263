"""Confidence intervals of shares and of ratios of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_Z_95 = 1.959963984540054


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def share(hits: int, n: int) -> Interval:
    """A share with Wilson's interval (J. Am. Stat. Assoc. 1927, 22, 209); NaN of nothing."""
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    p, z = hits / n, _Z_95
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def ratio_of_hits(
    ours: Sequence[npt.NDArray[np.bool_]], theirs: Sequence[npt.NDArray[np.bool_]], *, draws: int = 2000, seed: int = 0
) -> Interval:
    """Mean hits of ours over mean hits of theirs, with a bootstrap over what can be hit and over the seeds.

    What can be hit is the same for both, so it is drawn together.

    Args:
        ours: for each seed, which of the targets were hit, each of shape (n_targets,).
        theirs: likewise.
        draws: of the bootstrap.
        seed: of the bootstrap.
    """
    a, b = np.stack(ours).astype(np.float64), np.stack(theirs).astype(np.float64)
    if not a.any() and not b.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    ratios = np.empty(draws)
    for i in range(draws):
        targets = rng.integers(a.shape[1], size=a.shape[1])
        mine = a[rng.integers(len(a), size=len(a))][:, targets].mean()
        other = b[rng.integers(len(b), size=len(b))][:, targets].mean()
        ratios[i] = mine / other if other else (np.inf if mine else np.nan)
    low, high = np.nanpercentile(ratios, [2.5, 97.5], method="nearest")
    value = a.mean() / b.mean() if b.mean() else float("inf") if a.mean() else float("nan")
    return Interval(float(value), float(low), float(high))
