"""The ranker: gradient boosting on pair planes, one score for likely pairs that does not lean on popularity alone.

The score is a sum of three logits:

- of a model trained against uniform negatives, which knows which pairs exist at all;
- a share of that of a model trained against degree-matched negatives, which cannot win by popularity and knows which
  anion suits this cation;
- a share of popularity: ln(1 + partners of the cation) x ln(1 + partners of the anion).

The shares depend on how much the collection lacks its obvious pairs (`ildb.links.gaps`): the more it does, the less
there is to learn from a pair that is not in it, and the more popularity counts. `docs/links.md` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost
from threadpoolctl import threadpool_limits

from ildb.links.basis import Basis
from ildb.links.dataset import IntArray
from ildb.links.examples import training_examples
from ildb.links.gaps import collection_gap
from ildb.links.params import RankerParams
from ildb.links.planes import PLANES, Planes

TILE = 256
"""Cations described at a time; tiles begin at multiples of it, so that a cation's numbers never depend on the block
in which it is asked for."""
POPULARITY: Final = (0.1, 0.5)
"""Share of popularity in the score where the collection has no gap, and where its gap is 1."""
_REMEMBERED = 16_000_000
_CATION_DEGREE, _ANION_DEGREE = PLANES.index("cation_degree"), PLANES.index("anion_degree")


@dataclass(frozen=True, eq=False)
class Ranker:
    """Two boosted models; None where the training pairs left nothing to tell apart.

    Attributes:
        uniform: trained against uniform negatives; it carries the gap of the training pairs as an attribute.
        matched: trained against degree-matched negatives.
        matched_share: weight of the second logit where the training pairs have no gap.
    """

    uniform: xgboost.Booster | None
    matched: xgboost.Booster | None
    matched_share: float

    @property
    def gap(self) -> float:
        """Gap of the training pairs, 0..1 (`ildb.links.gaps.collection_gap`)."""
        return float(self.uniform.attr("gap") or 0.0) if self.uniform is not None else 0.0

    def logits(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Scores of described pairs, shape (n,), from features of shape (n, len(PLANES))."""
        gap = self.gap
        popularity = x[:, _CATION_DEGREE].astype(np.float64) * x[:, _ANION_DEGREE]
        total: npt.NDArray[np.float64] = np.interp(gap, (0.0, 1.0), POPULARITY) * popularity
        for model, weight in ((self.uniform, 1.0), (self.matched, self.matched_share * (1.0 - gap))):
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
    gap = collection_gap(train_edges, basis.graph.n_cations, basis.graph.n_anions)
    with threadpool_limits(1):
        examples = training_examples(basis, train_edges, gap, params)
        uniform = _boost(examples.x, examples.truth, examples.uniform, params)
        if uniform is not None:
            uniform.set_attr(gap=repr(gap))
        needed = params.matched_share and gap < 1.0
        matched = _boost(examples.x, examples.truth, examples.matched, params) if needed else None
        return Ranker(uniform, matched, params.matched_share)


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
