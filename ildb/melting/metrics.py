"""How good predictions are: errors, classes, probabilities, intervals; and how good they could be."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from ildb.melting.calibrate import expected_calibration_error
from ildb.melting.model import Prediction
from ildb.melting.target import Target

Floats = npt.NDArray[np.float64]

MIN_REPLICATES: Final = 10
_RANGE_TO_SD: Final = (1.414, 1.912, 2.239, 2.481, 2.672, 2.829, 2.963, 3.078, 3.180)
"""Root mean square of the range of 2, 3, ... 10 normal values in standard deviations, from the mean and the standard
deviation of the range (Tippett, Biometrika 1925, 17, 364)."""


def value_metrics(
    measured: Floats, predicted: Floats, threshold: float | None, target: Target, unit: str
) -> dict[str, float]:
    """``mae``, ``rmse``, ``r2``, ``auroc`` and ``accuracy`` of predicted values; undefined ones are left out.

    Args:
        measured: in the property's unit, shape (n,).
        predicted: the same.
        threshold: between the classes, or None.
        target: errors are taken on its scale.
        unit: appended to the names of errors.
    """
    truth = target.on_scale(measured)
    error = target.on_scale(predicted) - truth
    metrics = {
        f"mae{unit}": float(np.abs(error).mean()),
        f"rmse{unit}": float(np.sqrt((error**2).mean())),
    }
    variance = float(truth.var())
    if variance > 0:
        metrics["r2"] = 1 - float((error**2).mean()) / variance
    if threshold is not None:
        below = measured < threshold
        metrics["accuracy"] = float(((predicted < threshold) == below).mean())
        if below.any() and not below.all():
            metrics["auroc"] = float(roc_auc_score(below, -predicted))
    return metrics


def class_metrics(probability: Floats, below: npt.NDArray[np.bool_]) -> dict[str, float]:
    """``auroc``, ``accuracy``, ``brier`` and ``ece`` of probabilities; auroc is left out where there is one class."""
    metrics = {
        "accuracy": float(((probability > 0.5) == below).mean()),
        "brier": float(((probability - below) ** 2).mean()),
        "ece": expected_calibration_error(probability, below),
    }
    if below.any() and not below.all():
        metrics["auroc"] = float(roc_auc_score(below, probability))
    return metrics


def prediction_metrics(
    measured: Floats, prediction: Prediction, threshold: float | None, target: Target, unit: str
) -> dict[str, float]:
    """All metrics of calibrated predictions. ``width_90`` is the median width of the interval on the target's scale."""
    metrics = value_metrics(measured, prediction.tm_k, threshold, target, unit)
    if threshold is not None:
        metrics |= class_metrics(prediction.p_below_threshold, measured < threshold)
    inside = (measured >= prediction.tm_low_k) & (measured <= prediction.tm_high_k)
    metrics["coverage_90"] = float(inside.mean())
    width = target.on_scale(prediction.tm_high_k) - target.on_scale(prediction.tm_low_k)
    metrics[f"width_90{unit}"] = float(np.median(width))
    return metrics


def noise_ceiling(
    values: Floats, n_values: npt.NDArray[np.int64], spread: Floats, threshold: float | None, unit: str
) -> dict[str, float]:
    """What no model can beat, from repeated measurements: the error and the accuracy of a perfect model.

    The standard deviation is pooled from the ranges of the pairings measured more than once; a perfect prediction still
    differs from a measured value by it, and from the class of one that lies near the threshold.

    Args:
        values: measured, shape (n,).
        n_values: measurements behind each.
        spread: their range.
        threshold: between the classes, or None.
        unit: appended to the names of errors.

    Returns:
        ``noise_ceiling_sd``, ``noise_ceiling_mae`` and ``noise_ceiling_accuracy``; empty for too few replicates.
    """
    repeated = n_values > 1
    if int(repeated.sum()) < MIN_REPLICATES:
        return {}
    factor = np.array(_RANGE_TO_SD)[np.minimum(n_values[repeated] - 2, len(_RANGE_TO_SD) - 1)]
    sd = float(np.sqrt(((spread[repeated] / factor) ** 2).mean()))
    found = {f"noise_ceiling_sd{unit}": sd, f"noise_ceiling_mae{unit}": sd * float(np.sqrt(2 / np.pi))}
    if threshold is not None and sd > 0:
        found["noise_ceiling_accuracy"] = float(ndtr(np.abs(values - threshold) / sd).mean())
    return found
