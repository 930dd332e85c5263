"""Judge the model by out-of-fold predictions of several splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.melting.blend import Blend, fit_blend, regime
from ildb.melting.calibrate import Calibrator, fit_calibrator
from ildb.melting.experts import EXPERTS, Experts, Pairs, RawPrediction, RoleInputs
from ildb.melting.logistic import fit_paper_logistic
from ildb.melting.metrics import class_metrics, prediction_metrics, value_metrics
from ildb.melting.model import Prediction, judge
from ildb.melting.params import MeltingParams
from ildb.melting.splits import SplitName
from ildb.melting.target import Target
from ildb.melting.uncertainty import ErrorScale, difficulty, fit_error_scale

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_TRAINING_ROWS: Final = 15
MIN_SUBSET_ROWS: Final = 10


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted and judged: rows of measured values with everything known of their ions.

    Args:
        inputs: of the known cations and of the known anions. They rest on the ions' structures, never on a value.
        pairs: cation and anion of each row as rows of the inputs.
        values: measured, in the property's unit, shape (n,).
        doubt: variance of each value that its measurements show, standardised.
        target: standardises values.
        clusters: cluster of each row's cation.
        measured: rows that calibrate and judge; the others, values from simulation, only train.
        paper: `ildb.melting.logistic.paper_features` of each row, where they are at hand, for the baseline.
    """

    inputs: tuple[RoleInputs, RoleInputs]
    pairs: Pairs
    values: Floats
    doubt: Floats
    target: Target
    clusters: Ints
    measured: npt.NDArray[np.bool_]
    paper: Floats | None = None

    @property
    def z(self) -> Floats:
        """Standardised values."""
        return self.target.standard(self.values)

    def fit(self, rows: Ints, params: MeltingParams) -> Experts:
        """Experts fitted on these rows."""
        return Experts.fit(
            self.inputs, self.pairs.take(rows), self.z[rows], self.doubt[rows], self.clusters[rows], params
        )


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for every row by experts that did not see its fold.

    Args:
        folds: fold number of each row.
        raw: what the experts say.
        terms: their difficulty, shape (n, k), measured against those experts' training ions.
        regimes: novelty of each row against the same ions.
        anion_mean: the baseline's prediction: mean value of the training rows with the same anion, else of all.
    """

    folds: Ints
    raw: RawPrediction
    terms: Floats
    regimes: Ints
    anion_mean: Floats


class Judgement(NamedTuple):
    """What turns raw predictions into calibrated ones."""

    blend: Blend
    scale: ErrorScale
    calibrator: Calibrator | None


def out_of_fold(problem: Problem, folds: Ints, params: MeltingParams) -> OutOfFold | None:
    """Fit and predict fold by fold.

    Returns:
        None where a fold leaves too few rows to train on.
    """
    n = len(problem.values)
    experts, net_spread = np.empty((n, len(EXPERTS))), np.empty(n)
    distances = np.empty((2, n))
    baseline = np.empty(n)
    index = (problem.pairs.cation, problem.pairs.anion)
    for fold in range(int(folds.max()) + 1):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(train) < MIN_TRAINING_ROWS:
            return None
        fitted = problem.fit(train, params)
        experts[test], net_spread[test] = fitted.predict(problem.inputs, problem.pairs.take(test))
        for role in (0, 1):
            seen = np.unique(index[role][train])
            similar = problem.inputs[role].kernels["fingerprint"]
            distances[role, test] = 1 - similar[np.ix_(index[role][test], seen)].max(axis=1)
        baseline[test] = _anion_mean(problem.values[train], index[1][train], index[1][test])
    raw = RawPrediction(experts, net_spread)
    terms = difficulty(raw, distances[0], distances[1])
    return OutOfFold(folds, raw, terms, regime(distances[0], distances[1]), baseline)


def paper_out_of_fold(problem: Problem, folds: Ints, threshold: float) -> Floats | None:
    """The published classifier's P(below the threshold) by fold, where its features are at hand; half for a fold whose
    training rows are all on one side."""
    if problem.paper is None:
        return None
    probability = np.full(len(problem.values), 0.5)
    below = problem.values < threshold
    for fold in range(int(folds.max()) + 1):
        train, test = folds != fold, folds == fold
        if below[train].any() and not below[train].all():
            probability[test] = fit_paper_logistic(problem.paper[train], below[train]).predict_proba(
                problem.paper[test]
            )
    return probability


def fit_judgement(
    parts: Mapping[SplitName, OutOfFold], problem: Problem, rows: Ints, params: MeltingParams
) -> Judgement:
    """Fit blend, error scale and calibration on the out-of-fold predictions of these rows, from all splits together.

    Of the rows, those that nobody measured are left out.
    """
    rows = rows[problem.measured[rows]]
    measured = problem.z[rows]
    every = list(parts.values())
    blend = fit_blend(
        [part.raw.experts[rows] for part in every], [part.regimes[rows] for part in every], [measured] * len(every)
    )
    predicted = np.concatenate([blend.predict(part.raw.experts[rows], part.regimes[rows]) for part in every])
    terms = np.concatenate([part.terms[rows] for part in every])
    regimes = np.concatenate([part.regimes[rows] for part in every])
    scale = fit_error_scale(terms, np.tile(measured, len(every)) - predicted, regimes, params.coverage)
    if params.threshold_k is None:
        return Judgement(blend, scale, None)
    threshold = float(problem.target.standard(np.array([params.threshold_k]))[0])
    margin = (threshold - predicted) / scale.half_width(terms, regimes)
    below = np.tile(problem.values[rows] < params.threshold_k, len(every))
    return Judgement(blend, scale, fit_calibrator(params.calibration, margin, below))


def cross_judged(
    split: SplitName, parts: Mapping[SplitName, OutOfFold], problem: Problem, params: MeltingParams
) -> Prediction:
    """Calibrated out-of-fold predictions: blend, scale and calibration of a fold never see a row of that fold."""
    part = parts[split]
    judged = np.empty((4, len(problem.values)))
    for fold in range(int(part.folds.max()) + 1):
        test = np.flatnonzero(part.folds == fold)
        judgement = fit_judgement(parts, problem, np.flatnonzero(part.folds != fold), params)
        judged[:, test] = judge(
            judgement.blend.predict(part.raw.experts[test], part.regimes[test]),
            judgement.scale.half_width(part.terms[test], part.regimes[test]),
            judgement.calibrator,
            problem.target,
            params.threshold_k,
        )
    return Prediction(*judged)


def evaluate(
    parts: Mapping[SplitName, OutOfFold],
    predictions: Mapping[SplitName, Prediction],
    problem: Problem,
    bromide: npt.NDArray[np.bool_],
    params: MeltingParams,
) -> dict[str, float]:
    """Metrics of every split, flat: ``<split>.<metric>`` and ``baselines.<name>.<split>.<metric>``.

    They count measured rows alone.

    Args:
        parts: out-of-fold predictions of each split to report.
        predictions: `cross_judged` of each.
        problem: the rows.
        bromide: rows whose anion is bromide, reported apart where whole anions were left out.
        params: of the model.
    """
    metrics: dict[str, float] = {}
    unit = metric_unit(params)
    judged, threshold = problem.measured, params.threshold_k
    measured = problem.values[judged]

    def add(prefix: str, values: Mapping[str, float]) -> None:
        metrics.update({f"{prefix}.{key}": value for key, value in values.items()})

    for split, part in parts.items():
        prediction = Prediction(*(values[judged] for values in predictions[split]))
        add(split, prediction_metrics(measured, prediction, threshold, problem.target, unit))
        add(
            f"baselines.anion_mean.{split}",
            value_metrics(measured, part.anion_mean[judged], threshold, problem.target, unit),
        )
        if threshold is not None:
            paper = paper_out_of_fold(problem, part.folds, threshold)
            if paper is not None:
                add(f"baselines.paper_logistic.{split}", class_metrics(paper[judged], measured < threshold))
        if split == "anion_group":
            for name, rows in (("bromide", bromide[judged]), ("other", ~bromide[judged])):
                if rows.sum() >= MIN_SUBSET_ROWS:
                    subset = Prediction(*(values[rows] for values in prediction))
                    add(
                        f"{split}.{name}",
                        prediction_metrics(measured[rows], subset, threshold, problem.target, unit),
                    )
                    error = problem.target.on_scale(subset.tm_k) - problem.target.on_scale(measured[rows])
                    metrics[f"{split}.{name}.bias{unit}"] = float(error.mean())
    return metrics


def metric_unit(params: MeltingParams) -> str:
    """What follows the names of errors: ``_k`` for melting points, nothing for a property in a unit of its own."""
    return "_k" if params.property == "melting_point" and params.scale == "linear" else ""


def _anion_mean(values: Floats, trained: Ints, asked: Ints) -> Floats:
    size = int(max(trained.max(), asked.max())) + 1
    rows = np.bincount(trained, minlength=size)
    totals = np.bincount(trained, weights=values, minlength=size)
    means = np.where(rows > 0, totals / np.maximum(rows, 1), values.mean())
    return np.asarray(means[asked], dtype=np.float64)
