"""From a predicted temperature and its scale to a probability, and how good that probability is.

Every calibrator maps z = (threshold - tm) / scale to P(Tm < threshold), increases with z and gives exactly one half at
z = 0, so that class and temperature never contradict each other: P > 0.5 if and only if the predicted Tm lies below the
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from ildb.errors import ArtifactError

CalibrationMethod = Literal["sigmoid", "isotonic"]

N_BINS: Final = 10

_PRIOR_SLOPE: Final = 1.7
"""The slope if errors were normal: the logistic function of 1.7 z is within 0.01 of the normal one."""


_HAIR: Final = 1e-6


class Calibrator(Protocol):
    """A map from z to a probability."""

    def probability(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """P(Tm < threshold) for z = (threshold - tm) / scale, same shape."""
        ...

    def to_json(self) -> dict[str, object]:
        """What `calibrator_from_json` needs."""
        ...


@dataclass(frozen=True)
class SigmoidCalibrator:
    """Platt's logistic map without its intercept."""

    slope: float

    def probability(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """See `Calibrator`."""
        return cast("npt.NDArray[np.float64]", expit(self.slope * z))

    def to_json(self) -> dict[str, object]:
        """See `Calibrator`."""
        return {"method": "sigmoid", "slope": self.slope}


@dataclass(frozen=True)
class IsotonicCalibrator:
    """A monotone, point-symmetric step function, interpolated linearly."""

    z: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """See `Calibrator`."""
        return np.asarray(np.interp(z, self.z, self.probabilities), dtype=np.float64)

    def to_json(self) -> dict[str, object]:
        """See `Calibrator`."""
        return {"method": "isotonic", "z": list(self.z), "probabilities": list(self.probabilities)}


def fit_calibrator(method: CalibrationMethod, z: npt.NDArray[np.float64], below: npt.NDArray[np.bool_]) -> Calibrator:
    """Fit a calibrator.

    Args:
        method: ``sigmoid`` (one parameter; needs little data) or ``isotonic`` (hundreds of rows).
        z: out-of-fold z scores, shape (n,): never those of a model that saw the row.
        below: whether the measured Tm is below the threshold, shape (n,).
    """
    sign = np.where(below, 1.0, -1.0)
    if method == "sigmoid":
        # A unit normal prior keeps the slope finite where the classes separate perfectly.
        def loss(slope: float) -> float:
            return float(np.logaddexp(0.0, -sign * slope * z).sum() + 0.5 * (slope - _PRIOR_SLOPE) ** 2)

        return SigmoidCalibrator(float(minimize_scalar(loss, bounds=(0.05, 20.0), method="bounded").x))
    n = len(z)
    floor = 1 / (n + 2) + _HAIR  # no finite sample shows that something is certain
    # The mirrored sample makes the step function point-symmetric about (0, 1/2).
    fitted = IsotonicRegression(y_min=floor, y_max=1 - floor).fit(
        np.concatenate([z, -z]), np.concatenate([below, ~below]).astype(np.float64)
    )
    positive = fitted.X_thresholds_ > 0
    knots = fitted.X_thresholds_[positive] if positive.any() else np.ones(1)
    values = fitted.y_thresholds_[positive] if positive.any() else np.full(1, 0.5)
    # Increasing by a hair, so that the two sides of the threshold stay apart on a flat step.
    right = np.concatenate([[0.5], np.maximum(values, 0.5) + _HAIR * np.arange(1, len(values) + 1) / len(values)])
    at = np.concatenate([[0.0], knots])
    return IsotonicCalibrator(
        tuple(np.concatenate([-at[:0:-1], at]).tolist()), tuple(np.concatenate([1 - right[:0:-1], right]).tolist())
    )


def calibrator_from_json(value: dict[str, object]) -> Calibrator:
    """The calibrator that `Calibrator.to_json` described.

    Raises:
        ArtifactError: it describes none.
    """
    match value:
        case {"method": "sigmoid", "slope": float(slope)}:
            return SigmoidCalibrator(slope)
        case {"method": "isotonic", "z": list(z), "probabilities": list(probabilities)}:
            return IsotonicCalibrator(tuple(z), tuple(probabilities))
        case _:
            raise ArtifactError(
                f"Unknown calibration {value.get('method')!r} in a stored melting model.", "Train again."
            )


def expected_calibration_error(probability: npt.NDArray[np.float64], below: npt.NDArray[np.bool_]) -> float:
    """Mean distance between predicted and observed frequency over ten equally wide bins, weighted by their rows.

    Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    bins = np.minimum((probability * N_BINS).astype(np.int64), N_BINS - 1)
    rows = np.bincount(bins, minlength=N_BINS)
    gap = np.bincount(bins, weights=probability - below, minlength=N_BINS)
    return float(np.abs(gap).sum() / rows.sum())
