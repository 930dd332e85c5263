"""Train, calibrate and judge a property model in one call."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import rdkit
import scipy
import sklearn
import skops
import torch
import xgboost

import ildb
from ildb.errors import InputError
from ildb.melting.data import MeltingData, ion_key
from ildb.melting.evaluate import (
    Judgement,
    OutOfFold,
    Problem,
    cross_judged,
    evaluate,
    fit_judgement,
    metric_unit,
    out_of_fold,
)
from ildb.melting.experts import Pairs, RoleSpace
from ildb.melting.features import FEATURE_VERSION
from ildb.melting.ions import IonTable
from ildb.melting.metrics import noise_ceiling
from ildb.melting.model import MeltingModel, Prediction
from ildb.melting.params import MeltingParams
from ildb.melting.similarity import butina_clusters
from ildb.melting.splits import SPLITS, SplitName, fold_ids, split_groups
from ildb.melting.target import Target

__all__ = ["MeltingData", "MeltingParams", "TrainedMelting", "train_melting"]

MIN_ROWS: Final = 30
_BROMIDE: Final = ion_key("CPELXLSAUQHCOX-UHFFFAOYSA-M")
_RANGE_TO_SD: Final = 0.5  # of a few values


@dataclass(frozen=True, eq=False)
class TrainedMelting:
    """A trained model, how good it is, and the folds that say so.

    Args:
        model: trained on all rows.
        metrics: flat, see `ildb.melting.evaluate.evaluate`.
        folds: fold number of each row of the data given, for each split that could be made.
        predictions: of each row by a model that did not see its fold, for each of these splits.
    """

    model: MeltingModel
    metrics: dict[str, float]
    folds: dict[SplitName, npt.NDArray[np.int64]]
    predictions: dict[SplitName, Prediction]

    @property
    def fold(self) -> npt.NDArray[np.int64]:
        """Fold number of each row in the ``random`` split."""
        return self.folds["random"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows in the order of their keys, with their ions described once.

    Args:
        order: position in the data given of each row.
        data: the rows.
        cations: their distinct cations.
        anions: their distinct anions.
        spaces: of the cations and of the anions.
        problem: what is fitted and judged.
        bromide: rows whose anion is bromide.
    """

    order: npt.NDArray[np.int64]
    data: MeltingData
    cations: IonTable
    anions: IonTable
    spaces: tuple[RoleSpace, RoleSpace]
    problem: Problem
    bromide: npt.NDArray[np.bool_]

    def part(self, split: SplitName, params: MeltingParams) -> OutOfFold | None:
        """Out-of-fold predictions of a split; None where the rows do not allow it."""
        groups = split_groups(split, self.data, self.cations, self.problem.pairs.cation, params)
        n_folds = len(np.unique(groups)) if split == "anion_family" else params.n_folds
        folds = fold_ids(groups, n_folds, params.seed)
        return None if folds is None else out_of_fold(self.problem, folds, params)


def prepare(
    data: MeltingData, params: MeltingParams, paper_features: npt.NDArray[np.float64] | None = None
) -> Prepared:
    """Check the rows and describe their ions; arguments and errors as for `train_melting`."""
    order = np.array(sorted(range(len(data)), key=data.keys.__getitem__), dtype=np.int64)
    data = data.take(order)
    _check_labels(data.tm_k[~data.simulated], params)
    cations, cation_index = _distinct(data.cation_inchikey, data.cation_smiles)
    anions, anion_index = _distinct(data.anion_inchikey, data.anion_smiles)
    _check_ions(data, cations, cation_index, anions, anion_index)
    spaces = (RoleSpace.of("cation", cations), RoleSpace.of("anion", anions))
    target = Target.of(data.tm_k, params.scale)
    problem = Problem(
        inputs=(spaces[0].inputs(cations), spaces[1].inputs(anions)),
        pairs=Pairs(cation_index, anion_index, data.n_cation, data.n_anion),
        values=data.tm_k,
        doubt=(_RANGE_TO_SD * target.spread_of(data.tm_k, data.spread_k)) ** 2,
        target=target,
        clusters=butina_clusters(cations.counts, params.cluster_distance)[cation_index],
        measured=~data.simulated,
        paper=None if paper_features is None else paper_features[order],
    )
    bromide = np.array([ion_key(key) == _BROMIDE for key in data.anion_inchikey], dtype=np.bool_)
    return Prepared(order, data, cations, anions, spaces, problem, bromide)


def train_melting(
    data: MeltingData, params: MeltingParams, paper_features: npt.NDArray[np.float64] | None = None
) -> TrainedMelting:
    """Train a model on measured melting points, or on the values of another property.

    The result depends on the rows, not on their order. Values from simulation train only: calibration and metrics are
    those of measured rows.

    Args:
        data: one row per pairing.
        params: of the model.
        paper_features: `ildb.melting.logistic.paper_features` of the rows, to judge the published classifier beside it.

    Raises:
        InputError: too few rows, all on one side of the threshold, or an ion that is not one.
    """
    prepared = prepare(data, params, paper_features)
    found = {split: prepared.part(split, params) for split in (*SPLITS, *params.extra_splits)}
    parts = {split: part for split, part in found.items() if part is not None}
    if "random" not in parts:
        raise InputError(
            f"The {len(data)} pairings cannot be split into {params.n_folds} folds to judge a model by.",
            "More distinct pairings are needed.",
        )
    model, metrics, predictions = finish(prepared, parts, params)
    back = np.argsort(prepared.order)
    return TrainedMelting(
        model,
        metrics,
        {split: part.folds[back] for split, part in parts.items()},
        {split: Prediction(*(values[back] for values in found)) for split, found in predictions.items()},
    )


def judge_parts(
    prepared: Prepared, parts: Mapping[SplitName, OutOfFold], params: MeltingParams
) -> tuple[Judgement, dict[str, float], dict[SplitName, Prediction]]:
    """Blend, error scale and calibration from out-of-fold predictions; metrics and predictions of every split."""
    problem, rows = prepared.problem, prepared.data.take(np.flatnonzero(prepared.problem.measured))
    calibrating = {split: part for split, part in parts.items() if split in SPLITS}
    judgement = fit_judgement(calibrating, problem, np.arange(len(prepared.data)), params)
    predictions = {
        split: cross_judged(split, {**calibrating, split: part}, problem, params) for split, part in parts.items()
    }
    metrics = evaluate(parts, predictions, problem, prepared.bromide, params)
    if params.scale == "linear":
        metrics |= noise_ceiling(rows.tm_k, rows.n_values, rows.spread_k, params.threshold_k, metric_unit(params))
    return judgement, metrics, predictions


def finish(
    prepared: Prepared, parts: Mapping[SplitName, OutOfFold], params: MeltingParams
) -> tuple[MeltingModel, dict[str, float], dict[SplitName, Prediction]]:
    """The model trained on all rows and calibrated on out-of-fold predictions; its metrics and these predictions."""
    judgement, metrics, predictions = judge_parts(prepared, parts, params)
    problem = prepared.problem
    model = MeltingModel(
        params=params,
        data=prepared.data,
        cations=prepared.cations,
        anions=prepared.anions,
        cation_index=problem.pairs.cation,
        anion_index=problem.pairs.anion,
        spaces=prepared.spaces,
        experts=problem.fit(np.arange(len(prepared.data)), params),
        blend=judgement.blend,
        scale=judgement.scale,
        calibrator=judgement.calibrator,
        target=problem.target,
        versions=current_versions(),
    )
    return model, metrics, predictions


def current_versions() -> dict[str, str]:
    """Versions of what computes features and fits the experts."""
    return {
        "ildb": ildb.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "rdkit": rdkit.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
        "torch": torch.__version__,
        "xgboost": xgboost.__version__,
        "melting_features": str(FEATURE_VERSION),
    }


def _distinct(inchikey: npt.ArrayLike, smiles: npt.ArrayLike) -> tuple[IonTable, npt.NDArray[np.int64]]:
    """The distinct ions, sorted by InChIKey, and the position of each row's ion."""
    keys, first, index = np.unique(np.asarray(inchikey), return_index=True, return_inverse=True)
    return IonTable.build(np.asarray(smiles)[first].tolist(), keys.tolist()), index.astype(np.int64)


def _check_labels(values: npt.NDArray[np.float64], params: MeltingParams) -> None:
    if len(values) < MIN_ROWS:
        raise InputError(
            f"{len(values)} measured pairings are too few to train on; at least {MIN_ROWS} are needed.",
            "Ingest more measurements.",
        )
    threshold = params.threshold_k
    if threshold is None:
        return
    below = int((values < threshold).sum())
    if below in {0, len(values)}:
        side = "below" if below else "at or above"
        unit = " K" if params.property == "melting_point" else ""
        raise InputError(
            f"All {len(values)} measured values lie {side} {threshold:g}{unit}: nothing to tell apart.",
            "Ingest measurements on the other side of the threshold, or move threshold_k.",
        )


def _check_ions(
    data: MeltingData,
    cations: IonTable,
    cation_index: npt.NDArray[np.int64],
    anions: IonTable,
    anion_index: npt.NDArray[np.int64],
) -> None:
    for role, table, sign in (("cation", cations, 1), ("anion", anions, -1)):
        for i in range(len(table)):
            if table.problem[i]:
                raise InputError(f"Training {role} {table.inchikey[i]}: {table.problem[i]}", "Leave its rows out.")
            if table.charge[i] * sign <= 0:
                raise InputError(
                    f"{table.smiles[i]!r} has charge {table.charge[i]:+d} and cannot be a {role}.",
                    "Check the order of the two ions.",
                )
    net = data.n_cation * cations.charge[cation_index] + data.n_anion * anions.charge[anion_index]
    if net.any():
        i = int(np.flatnonzero(net)[0])
        raise InputError(
            f"{int((net != 0).sum())} training pairings are not neutral, for example {data.n_cation[i]} x "
            f"{data.cation_smiles[i]} with {data.n_anion[i]} x {data.anion_smiles[i]} (net charge {net[i]:+d}).",
            "Correct their stoichiometry.",
        )
