"""From apparent to measured melting points: a robust line through ladders of ionic liquids whose melting point is
known."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ildb.errors import InputError

Floats = npt.NDArray[np.float64]

MIN_PAIRS = 5


@dataclass(frozen=True)
class Calibration:
    """measured = intercept + slope x apparent, with what is left unexplained.

    Attributes:
        slope, intercept_k: by the medians of all pairs (Theil and Sen), which one bad ladder does not move.
        residual_90_k: of nine in ten left-out liquids the measured value lies so near, K.
        mae_k: mean absolute error of liquids left out, K.
        mae_apparent_k: of the apparent values as they are, K.
        mae_mean_k: of the mean of the others' measured values: what knowing nothing gives, K.
        r2: squared correlation of apparent and measured.
        n: liquids.
    """

    slope: float
    intercept_k: float
    residual_90_k: float
    mae_k: float
    mae_apparent_k: float
    mae_mean_k: float
    r2: float
    n: int

    def measured_k(self, apparent_k: float) -> tuple[float, float, float]:
        """Estimate and 90 % interval of the measured melting point, K."""
        estimate = self.intercept_k + self.slope * apparent_k
        return estimate, estimate - self.residual_90_k, estimate + self.residual_90_k

    def metrics(self) -> dict[str, float]:
        """As figures of a model."""
        return asdict(self)


def calibrate(apparent_k: Floats, measured_k: Floats) -> Calibration:
    """Fit the line and judge it by leaving out one liquid at a time.

    Raises:
        InputError: fewer than five liquids, or all apparent values are the same.
    """
    n = len(apparent_k)
    if n < MIN_PAIRS or np.ptp(apparent_k) == 0:
        raise InputError(
            f"{n} liquids have both an apparent and a measured melting point; {MIN_PAIRS} different ones are needed.",
            "Run longer ladders, or more of them.",
        )
    left_out = np.empty(n)
    for i in range(n):
        others = np.arange(n) != i
        slope, intercept = _line(apparent_k[others], measured_k[others])
        left_out[i] = intercept + slope * apparent_k[i] - measured_k[i]
    slope, intercept = _line(apparent_k, measured_k)
    means = (measured_k.sum() - measured_k) / (n - 1)
    # The next liquid is one more: the conformal rank, at most the largest residual there is.
    rank = min(int(np.ceil(0.9 * (n + 1))), n) - 1
    return Calibration(
        slope=slope,
        intercept_k=intercept,
        residual_90_k=float(np.sort(np.abs(left_out))[rank]),
        mae_k=float(np.abs(left_out).mean()),
        mae_apparent_k=float(np.abs(apparent_k - measured_k).mean()),
        mae_mean_k=float(np.abs(means - measured_k).mean()),
        r2=float(np.corrcoef(apparent_k, measured_k)[0, 1] ** 2),
        n=n,
    )


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    if np.ptp(x) == 0:
        return 0.0, float(np.median(y))
    slope, intercept, _, _ = stats.theilslopes(y, x)
    return float(slope), float(intercept)
