"""Gradient boosting on descriptors and fingerprints of both ions."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from ildb.melting.params import MeltingParams

MIN_VARIED_SHARE: Final = 0.004
"""A column is used when at least this share of rows (and at least two) differ from its commonest value."""

_HUBER: Final = 0.25  # of the values' standard deviation, about 20 K


class PairRegressor:
    """Fitted trees and the feature columns they read.

    Args:
        columns: positions in `PAIR_FEATURE_NAMES`, sorted.
        booster: of XGBoost.
    """

    def __init__(self, columns: npt.NDArray[np.int64], booster: xgb.Booster) -> None:
        self.columns = columns
        self.booster = booster

    @classmethod
    def fit(cls, features: npt.NDArray[np.float32], z: npt.NDArray[np.float64], params: MeltingParams) -> PairRegressor:
        """Fit the trees.

        Args:
            features: all pair features, shape (n, len(`PAIR_FEATURE_NAMES`)).
            z: standardised values, shape (n,).
            params: number of trees and the seed.
        """
        columns = _varied_columns(features)
        rows = xgb.QuantileDMatrix(features[:, columns], label=z, max_bin=64, nthread=1)
        # One thread: sums over gradients would otherwise depend on how many there are.
        settings = {
            "objective": "reg:pseudohubererror",
            "huber_slope": _HUBER,
            "base_score": float(np.median(z)),
            "learning_rate": 0.05,
            "max_depth": 6,
            "min_child_weight": 5,
            "subsample": 0.7,
            "colsample_bynode": 0.15,
            "reg_lambda": 3.0,
            "max_bin": 64,
            "tree_method": "hist",
            "seed": params.seed,
            "nthread": 1,
        }
        return cls(columns, xgb.train(settings, rows, num_boost_round=params.n_trees))

    def predict(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Standardised predictions from the feature columns named by `columns`, shape (n, len(columns))."""
        return np.asarray(self.booster.inplace_predict(np.ascontiguousarray(features)), dtype=np.float64)


def _varied_columns(features: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Columns in which enough rows differ from the commonest value."""
    ordered = np.sort(features, axis=0)
    needed = max(2, int(np.ceil(MIN_VARIED_SHARE * len(features))))
    keep = []
    for j in range(ordered.shape[1]):
        edges = np.flatnonzero(np.diff(ordered[:, j], prepend=np.nan, append=np.nan) != 0)
        if len(features) - int(np.diff(edges).max()) >= needed:
            keep.append(j)
    return np.array(keep, dtype=np.int64)
