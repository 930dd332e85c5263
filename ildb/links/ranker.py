"""The ranker: gradient boosting on pair planes, one score for likely pairs that does not lean on popularity alone.

The score is the logit of a model trained against uniform negatives plus a share of the logit of a model trained against
degree-matched negatives. The first knows which pairs exist at all; the second, which cannot win by popularity, which
anion suits this cation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ildb.links.basis import Basis
from ildb.links.dataset import IntArray
from ildb.links.examples import training_examples
from ildb.links.params import RankerParams
from ildb.links.planes import PLANES, Planes

TILE = 256
"""Cations described at a time; tiles begin at multiples of it, so that a cation's numbers never depend on the block
in which it is asked for."""
_REMEMBERED = 16_000_000


@dataclass(frozen=True, eq=False)
class Ranker:
    """Two boosted models; None where the training pairs left nothing to tell apart.

    Attributes:
        uniform: trained against uniform negatives.
        matched: trained against degree-matched negatives.
        matched_share: weight of the second logit.
    """

    uniform: xgboost.Booster | None
    matched: xgboost.Booster | None
    matched_share: float

    def logits(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Scores of described pairs, shape (n,), from features of shape (n, len(PLANES))."""
        total = np.zeros(len(x), dtype=np.float64)
        for model, weight in ((self.uniform, 1.0), (self.matched, self.matched_share)):
            if model is not None and weight:
                total += weight * model.inplace_predict(x, predict_type="margin").astype(np.float64)
        return total


def fit_ranker(basis: Basis, train_edges: IntArray, params: RankerParams) -> Ranker:
    """Train on the given pairings and nothing else.

    Args:
        basis: structures of the graph.
        train_edges: training pairs, shape (n, 2).
        params: settings.
    """
    with threadpool_limits(1):
        examples = training_examples(basis, train_edges, params)
        return Ranker(
            _boost(examples.x, examples.truth, examples.uniform, params),
            _boost(examples.x, examples.truth, examples.matched, params) if params.matched_share else None,
            params.matched_share,
        )


class RankerRows:
    """A ranker that scores the pairs of a graph, given the pairings that are known.

    Args:
        ranker: the models.
        basis: structures of the graph.
        known_edges: pairings to describe pairs by, shape (n, 2). Pairs among them get no fair score.
    """

    def __init__(self, ranker: Ranker, basis: Basis, known_edges: IntArray) -> None:
        self._ranker = ranker
        self._n_cations, self._n_anions = basis.graph.n_cations, basis.graph.n_anions
        self._planes = Planes(basis, known_edges)
        self._tiles: dict[int, npt.NDArray[np.float64]] = {}

    def rows(self, cations: IntArray) -> npt.NDArray[np.float64]:
        """Logits of some cations with every anion, shape (n, n_anions)."""
        scores = np.empty((len(cations), self._n_anions), dtype=np.float64)
        numbers = cations // TILE
        for number in np.unique(numbers):
            here = numbers == number
            scores[here] = self._tile(int(number))[cations[here] - number * TILE]
        return scores

    def _tile(self, number: int) -> npt.NDArray[np.float64]:
        if number not in self._tiles:
            cations = np.arange(number * TILE, min((number + 1) * TILE, self._n_cations))
            with threadpool_limits(1):
                x = self._planes.tile(cations)
                scores = self._ranker.logits(x.reshape(-1, len(PLANES))).reshape(len(cations), self._n_anions)
            if (len(self._tiles) + 1) * scores.size > _REMEMBERED:
                self._tiles.clear()
            self._tiles[number] = scores
        return self._tiles[number]


def _boost(
    x: npt.NDArray[np.float32], truth: npt.NDArray[np.int8], weights: npt.NDArray[np.float32], params: RankerParams
) -> xgboost.Booster | None:
    used = weights > 0
    if len(np.unique(truth[used])) < 2:
        return None
    data = xgboost.QuantileDMatrix(x[used], truth[used], weight=weights[used], nthread=1)
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": params.leaves,
        "eta": params.shrinkage,
        "min_child_weight": 8,
        "subsample": 0.7,
        "colsample_bynode": 0.3,
        "lambda": 5,
        "nthread": 1,  # sums in one order: the same seed gives the same bits
        "seed": params.seed,
        "verbosity": 0,
    }
    return xgboost.train(settings, data, num_boost_round=params.trees)
