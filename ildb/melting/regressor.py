"""The regressor: the mean of extremely randomised trees and gradient boosting on features of both ions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ildb.melting.params import MeltingParams

MIN_VARIED_SHARE = 0.004
"""A column is used when at least this share of rows (and at least two) differ from its commonest value."""


class RawPrediction(NamedTuple):
    """Predicted melting points before calibration, each of shape (n,).

    Args:
        tm_k: mean of the two ensembles, K.
        tree_spread_k: standard deviation over the trees, K.
        disagreement_k: absolute difference between the two ensembles, K.
    """

    tm_k: npt.NDArray[np.float64]
    tree_spread_k: npt.NDArray[np.float64]
    disagreement_k: npt.NDArray[np.float64]


class PairRegressor:
    """Fitted trees and the feature columns they read.

    Args:
        columns: positions in `PAIR_FEATURE_NAMES`, sorted.
        trees: extremely randomised trees.
        boosting: gradient boosting on histograms.
    """

    def __init__(
        self, columns: npt.NDArray[np.int64], trees: ExtraTreesRegressor, boosting: HistGradientBoostingRegressor
    ) -> None:
        self.columns = columns
        self.trees = trees
        self.boosting = boosting

    @classmethod
    def fit(
        cls, features: npt.NDArray[np.float32], tm_k: npt.NDArray[np.float64], params: MeltingParams
    ) -> PairRegressor:
        """Fit both ensembles.

        Args:
            features: all pair features, shape (n, len(`PAIR_FEATURE_NAMES`)).
            tm_k: melting points, shape (n,), K.
            params: numbers of trees and the seed.
        """
        columns = _varied_columns(features)
        x = np.ascontiguousarray(features[:, columns])
        # On 2,206 measured ILs, leaves of two and 64 bins cost no accuracy and halve the size and the time.
        trees = ExtraTreesRegressor(
            n_estimators=params.n_trees, max_features=0.2, min_samples_leaf=2, random_state=params.seed
        )
        boosting = HistGradientBoostingRegressor(
            max_iter=params.n_boosting,
            learning_rate=0.08,
            max_leaf_nodes=15,
            min_samples_leaf=10,
            l2_regularization=3.0,
            max_features=0.2,
            max_bins=64,
            early_stopping=False,
            random_state=params.seed,
        )
        # One thread: sums over gradients would otherwise depend on how many there are.
        with threadpool_limits(limits=1):
            trees.fit(x, tm_k)
            boosting.fit(x, tm_k)
        return cls(columns, trees, boosting)

    def predict(self, features: npt.NDArray[np.float32]) -> RawPrediction:
        """Predict from the feature columns named by `columns`, shape (n, len(columns))."""
        x = np.ascontiguousarray(features, dtype=np.float32)
        total = np.zeros(len(x))
        squares = np.zeros(len(x))
        centre = float(self.trees.estimators_[0].tree_.value[0, 0, 0])  # keeps the sum of squares small
        for tree in self.trees.estimators_:
            value = tree.tree_.predict(x).ravel() - centre
            total += value
            squares += value * value
        n = len(self.trees.estimators_)
        mean = total / n
        spread = np.sqrt(np.maximum(squares / n - mean * mean, 0.0))
        boosted = self.boosting.predict(x) - centre
        return RawPrediction((mean + boosted) / 2 + centre, spread, np.abs(mean - boosted))


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
