"""Judge the model by out-of-fold predictions of several splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from ildb.melting.calibrate import Calibrator, expected_calibration_error, fit_calibrator
from ildb.melting.model import Prediction, judge
from ildb.melting.params import MeltingParams
from ildb.melting.regressor import PairRegressor, RawPrediction
from ildb.melting.splits import SplitName
from ildb.melting.uncertainty import ErrorScale, difficulty, fit_error_scale

MIN_TRAINING_ROWS: Final = 15
MIN_SUBSET_ROWS: Final = 10


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for every row by a model that did not see its fold.

    Args:
        folds: fold number of each row.
        raw: predictions before calibration.
        terms: their difficulty, shape (n, k), measured against that model's training ions.
        anion_mean_k: the baseline's prediction: mean Tm of the training rows with the same anion, else of all.
    """

    folds: npt.NDArray[np.int64]
    raw: RawPrediction
    terms: npt.NDArray[np.float64]
    anion_mean_k: npt.NDArray[np.float64]


def out_of_fold(
    features: npt.NDArray[np.float32],
    tm_k: npt.NDArray[np.float64],
    folds: npt.NDArray[np.int64],
    index: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    similarity: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    params: MeltingParams,
) -> OutOfFold | None:
    """Fit and predict fold by fold.

    Args:
        features: pair features, shape (n, d).
        tm_k: measured melting points, K.
        folds: fold number of each row.
        index: cation and anion number of each row.
        similarity: among the cations, shape (n_cations, n_cations), and among the anions.
        params: of the model.

    Returns:
        None where a fold leaves too few rows to train on.
    """
    n = len(tm_k)
    numbers = np.empty((3, n))
    distances = np.empty((2, n))
    baseline = np.empty(n)
    for fold in range(int(folds.max()) + 1):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(train) < MIN_TRAINING_ROWS:
            return None
        model = PairRegressor.fit(features[train], tm_k[train], params)
        numbers[:, test] = model.predict(features[np.ix_(test, model.columns)])
        for role in (0, 1):
            seen = np.unique(index[role][train])
            distances[role, test] = 1 - similarity[role][np.ix_(index[role][test], seen)].max(axis=1)
        baseline[test] = _anion_mean(tm_k[train], index[1][train], index[1][test])
    raw = RawPrediction(*numbers)
    return OutOfFold(folds, raw, difficulty(raw, distances[0], distances[1]), baseline)


def fit_uncertainty(
    parts: Mapping[SplitName, OutOfFold],
    tm_k: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    params: MeltingParams,
) -> tuple[ErrorScale, Calibrator]:
    """Fit error scale and calibration on the out-of-fold predictions of these rows, from all splits together."""
    measured = np.tile(tm_k[rows], len(parts))
    predicted = np.concatenate([part.raw.tm_k[rows] for part in parts.values()])
    terms = np.concatenate([part.terms[rows] for part in parts.values()])
    scale = fit_error_scale(terms, measured - predicted, params.coverage)
    z = (params.threshold_k - predicted) / scale.scale_k(terms)
    return scale, fit_calibrator(params.calibration, z, measured < params.threshold_k)


def cross_calibrated(
    split: SplitName, parts: Mapping[SplitName, OutOfFold], tm_k: npt.NDArray[np.float64], params: MeltingParams
) -> Prediction:
    """Calibrated out-of-fold predictions: the scale and calibration of a fold never see a row of that fold."""
    part = parts[split]
    judged = np.empty((4, len(tm_k)))
    for fold in range(int(part.folds.max()) + 1):
        test = np.flatnonzero(part.folds == fold)
        scale, calibrator = fit_uncertainty(parts, tm_k, np.flatnonzero(part.folds != fold), params)
        judged[:, test] = judge(part.raw.tm_k[test], part.terms[test], scale, calibrator, params.threshold_k)
    return Prediction(*judged)


def temperature_metrics(
    tm_k: npt.NDArray[np.float64], predicted_k: npt.NDArray[np.float64], threshold_k: float
) -> dict[str, float]:
    """``mae_k``, ``rmse_k``, ``r2``, ``auroc`` and ``accuracy`` of temperatures; undefined ones are left out."""
    error = predicted_k - tm_k
    below = tm_k < threshold_k
    metrics = {
        "accuracy": float(((predicted_k < threshold_k) == below).mean()),
        "mae_k": float(np.abs(error).mean()),
        "rmse_k": float(np.sqrt((error**2).mean())),
    }
    variance = float(((tm_k - tm_k.mean()) ** 2).mean())
    if variance > 0:
        metrics["r2"] = 1 - float((error**2).mean()) / variance
    if below.any() and not below.all():
        metrics["auroc"] = float(roc_auc_score(below, -predicted_k))
    return metrics


def prediction_metrics(tm_k: npt.NDArray[np.float64], prediction: Prediction, threshold_k: float) -> dict[str, float]:
    """All metrics of calibrated predictions. ``width_90_k`` is the median width of the interval, K."""
    below = tm_k < threshold_k
    p = prediction.p_below_threshold
    metrics = temperature_metrics(tm_k, prediction.tm_k, threshold_k)
    metrics["accuracy"] = float(((p > 0.5) == below).mean())
    metrics["brier"] = float(((p - below) ** 2).mean())
    metrics["ece"] = expected_calibration_error(p, below)
    metrics["coverage_90"] = float(((tm_k >= prediction.tm_low_k) & (tm_k <= prediction.tm_high_k)).mean())
    metrics["width_90_k"] = float(np.median(prediction.tm_high_k - prediction.tm_low_k))
    if "auroc" in metrics:
        metrics["auroc"] = float(roc_auc_score(below, p))
    return metrics


def evaluate(
    parts: Mapping[SplitName, OutOfFold],
    tm_k: npt.NDArray[np.float64],
    bromide: npt.NDArray[np.bool_],
    params: MeltingParams,
) -> dict[str, float]:
    """Metrics of every split, flat: ``<split>.<metric>`` and ``baselines.anion_mean.<split>.<metric>``.

    Args:
        parts: out-of-fold predictions of each split.
        tm_k: measured melting points, K.
        bromide: rows whose anion is bromide, reported apart where whole anions were left out.
        params: of the model.
    """
    metrics: dict[str, float] = {}

    def add(prefix: str, values: dict[str, float]) -> None:
        metrics.update({f"{prefix}.{key}": value for key, value in values.items()})

    for split, part in parts.items():
        prediction = cross_calibrated(split, parts, tm_k, params)
        add(split, prediction_metrics(tm_k, prediction, params.threshold_k))
        add(f"baselines.anion_mean.{split}", temperature_metrics(tm_k, part.anion_mean_k, params.threshold_k))
        if split == "anion_group":
            for name, rows in (("bromide", bromide), ("other", ~bromide)):
                if rows.sum() >= MIN_SUBSET_ROWS:
                    subset = Prediction(*(values[rows] for values in prediction))
                    add(f"{split}.{name}", prediction_metrics(tm_k[rows], subset, params.threshold_k))
                    metrics[f"{split}.{name}.bias_k"] = float((subset.tm_k - tm_k[rows]).mean())
    return metrics


def _anion_mean(
    tm_k: npt.NDArray[np.float64], trained: npt.NDArray[np.int64], asked: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    size = int(max(trained.max(), asked.max())) + 1
    rows = np.bincount(trained, minlength=size)
    totals = np.bincount(trained, weights=tm_k, minlength=size)
    means = np.where(rows > 0, totals / np.maximum(rows, 1), tm_k.mean())
    return np.asarray(means[asked], dtype=np.float64)
