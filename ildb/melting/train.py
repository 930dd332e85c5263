"""Train, calibrate and judge a melting-point model in one call."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import rdkit
import sklearn
import skops

import ildb
from ildb.errors import InputError
from ildb.melting.data import MeltingData, ion_key
from ildb.melting.evaluate import OutOfFold, evaluate, fit_uncertainty, out_of_fold
from ildb.melting.features import FEATURE_VERSION, pair_features
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.params import MeltingParams
from ildb.melting.regressor import PairRegressor
from ildb.melting.similarity import count_tanimoto
from ildb.melting.splits import SPLITS, SplitName, fold_ids, split_groups

__all__ = ["MeltingData", "MeltingParams", "TrainedMelting", "train_melting"]

MIN_ROWS: Final = 30
_BROMIDE: Final = ion_key("CPELXLSAUQHCOX-UHFFFAOYSA-M")


@dataclass(frozen=True, eq=False)
class TrainedMelting:
    """A trained model, how good it is, and the folds that say so.

    Args:
        model: trained on all rows.
        metrics: flat, see `ildb.melting.evaluate.evaluate`.
        folds: fold number of each row of the data given, for each split that could be made.
    """

    model: MeltingModel
    metrics: dict[str, float]
    folds: dict[SplitName, npt.NDArray[np.int64]]

    @property
    def fold(self) -> npt.NDArray[np.int64]:
        """Fold number of each row in the ``random`` split."""
        return self.folds["random"]


def train_melting(data: MeltingData, params: MeltingParams) -> TrainedMelting:
    """Train a model on measured melting points.

    The result depends on the rows, not on their order.

    Args:
        data: one row per pairing.
        params: of the model.

    Raises:
        InputError: too few rows, all on one side of the threshold, or an ion that is not one.
    """
    order = np.array(sorted(range(len(data)), key=data.keys.__getitem__), dtype=np.int64)
    data = data.take(order)
    tm_k = data.tm_k
    _check_labels(tm_k, params.threshold_k)
    cations, cation_index = _distinct(data.cation_inchikey, data.cation_smiles)
    anions, anion_index = _distinct(data.anion_inchikey, data.anion_smiles)
    _check_ions(data, cations, cation_index, anions, anion_index)
    features = pair_features(cations.features[cation_index], anions.features[anion_index], data.n_cation, data.n_anion)
    similarity = (count_tanimoto(cations.counts, cations.counts), count_tanimoto(anions.counts, anions.counts))
    parts: dict[SplitName, OutOfFold] = {}
    for split in SPLITS:
        folds = fold_ids(split_groups(split, data, cations, cation_index, params), params.n_folds, params.seed)
        if folds is not None:
            part = out_of_fold(features, tm_k, folds, (cation_index, anion_index), similarity, params)
            if part is not None:
                parts[split] = part
    if "random" not in parts:
        raise InputError(
            f"The {len(data)} melting points cannot be split into {params.n_folds} folds to judge a model by.",
            "More distinct pairings are needed.",
        )
    bromide = np.array([ion_key(key) == _BROMIDE for key in data.anion_inchikey], dtype=np.bool_)
    scale, calibrator = fit_uncertainty(parts, tm_k, np.arange(len(data)), params)
    model = MeltingModel(
        params=params,
        data=data,
        cations=cations,
        anions=anions,
        cation_index=cation_index,
        anion_index=anion_index,
        regressor=PairRegressor.fit(features, tm_k, params),
        scale=scale,
        calibrator=calibrator,
        versions=current_versions(),
    )
    back = np.argsort(order)
    return TrainedMelting(
        model, evaluate(parts, tm_k, bromide, params), {split: part.folds[back] for split, part in parts.items()}
    )


def current_versions() -> dict[str, str]:
    """Versions of what computes features and trees."""
    return {
        "ildb": ildb.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "rdkit": rdkit.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
        "melting_features": str(FEATURE_VERSION),
    }


def _distinct(inchikey: npt.ArrayLike, smiles: npt.ArrayLike) -> tuple[IonTable, npt.NDArray[np.int64]]:
    """The distinct ions, sorted by InChIKey, and the position of each row's ion."""
    keys, first, index = np.unique(np.asarray(inchikey), return_index=True, return_inverse=True)
    return IonTable.build(np.asarray(smiles)[first].tolist(), keys.tolist()), index.astype(np.int64)


def _check_labels(tm_k: npt.NDArray[np.float64], threshold_k: float) -> None:
    if len(tm_k) < MIN_ROWS:
        raise InputError(
            f"{len(tm_k)} measured melting points are too few to train on; at least {MIN_ROWS} pairings are needed.",
            "Ingest more measurements.",
        )
    below = int((tm_k < threshold_k).sum())
    if below in {0, len(tm_k)}:
        side = "below" if below else "at or above"
        raise InputError(
            f"All {len(tm_k)} melting points lie {side} {threshold_k:g} K: nothing to tell apart.",
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
