"""Whether P(Tm < 373.15 K) means what it says: observed share over predicted probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import beta

from ildb.melting.calibrate import N_BINS, expected_calibration_error
from ildb.report import style
from ildb.report.figures.predictions import SPLITS, OutOfFold
from ildb.report.section import Section, Table

TITLE: Final = "Does P(Tm < 373 K) mean what it says?"
_THRESHOLD_K: Final = 373.15
_TAIL: Final = 0.025


class Bin(NamedTuple):
    """Pairings with similar probability: how many, what was predicted and what was found with its 95 % interval."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float
    observed_low: float
    observed_high: float


def bins(part: OutOfFold) -> list[Bin]:
    """The occupied ones of ten equally wide bins; intervals by Clopper and Pearson (Biometrika 1934, 26, 404)."""
    below = part.measured < _THRESHOLD_K
    place = np.minimum((part.p_below * N_BINS).astype(np.int64), N_BINS - 1)
    found = []
    for number in np.unique(place):
        here = place == number
        n, hits = int(here.sum()), int(below[here].sum())
        low = float(beta.ppf(_TAIL, hits, n - hits + 1)) if hits else 0.0
        high = float(beta.ppf(1 - _TAIL, hits + 1, n - hits)) if hits < n else 1.0
        found.append(
            Bin(number / N_BINS, (number + 1) / N_BINS, n, float(part.p_below[here].mean()), hits / n, low, high)
        )
    return found


def section(parts: Mapping[str, OutOfFold]) -> Section:
    """Section of the reliability diagrams, a panel for each way of splitting.

    Args:
        parts: out-of-fold predictions by split.
    """
    n = len(parts)
    columns = min(n, 3)
    drawing, axes = style.panels(n, width=8.4 if n > 1 else 5.0, height=3.4 * -(-n // columns), columns=columns)
    rows: list[list[str | int | float]] = []
    said = []
    for axis, (split, part) in zip(axes, parts.items(), strict=True):
        found = bins(part)
        predicted, observed = (np.array([getattr(one, name) for one in found]) for name in ("predicted", "observed"))
        ends = np.array([[b.observed - b.observed_low for b in found], [b.observed_high - b.observed for b in found]])
        axis.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.8)
        axis.errorbar(predicted, observed, ends, fmt="o", color=style.KNOWN, markersize=5, elinewidth=1, zorder=3)
        axis.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xlabel="predicted P", aspect="equal")
        axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        error = expected_calibration_error(part.p_below, part.measured < _THRESHOLD_K)
        axis.set_title(f"{SPLITS[split]}\ncalibration error {error:.3f}", fontsize=9)
        said.append(f"{SPLITS[split]} {error:.3f}")
        rows += [
            [SPLITS[split], f"{one.low:.1f}\u2013{one.high:.1f}", one.n, *(round(value, 3) for value in one[3:])]
            for one in found
        ]
    axes[0].set_ylabel("observed share below 373.15 K")
    share = float((next(iter(parts.values())).measured < _THRESHOLD_K).mean())
    message = (
        f"{share:.0%} of the measured pairings melt below 373.15 K. Mean distance between predicted probability and"
        f" observed share: {', '.join(said)}."
    )
    return Section(
        "reliability",
        TITLE,
        message,
        drawing,
        f"Reliability diagram, {n} panels: observed share over predicted probability, ideally the diagonal. {message}",
        Table(
            ("split", "P from-to", "pairings", "mean P", "observed", "95 % from", "95 % to"),
            rows,
        ),
        notes=("Bars are 95 % intervals of the observed share; few pairings make them long.",),
    )
