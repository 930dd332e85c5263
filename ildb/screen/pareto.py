"""Pareto ranking: which candidates no other beats in every respect."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_END_GAP: Final = 2.0


def non_dominated_ranks(objectives: Floats) -> Ints:
    """Front of each row: 1 for those that no row dominates, 2 for those only rows of front 1 dominate, and so on.

    One row dominates another that is nowhere smaller and somewhere larger. Rows are taken in lexicographic order, so
    that each can be dominated by earlier ones only, and its front is found by bisection (ENS-BS; Zhang, Tian, Cheng and
    Jin, IEEE Trans. Evol. Comput. 2015, 19, 201).

    Args:
        objectives: to be minimised, shape (n, k), without NaN.
    """
    if len(objectives) == 0:
        return np.zeros(0, dtype=np.int64)
    # Equal rows share a front and are compared once. np.unique sorts lexicographically.
    rows, inverse = np.unique(objectives, axis=0, return_inverse=True)
    # The first column is sorted, so it need not be compared.
    rest = np.ascontiguousarray(rows[:, 1:].T)
    ranks = np.empty(len(rows), dtype=np.int64)
    fronts: list[_Front] = []
    for i in range(len(rows)):
        row = rest[:, i]
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if fronts[middle].dominates(row):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append(_Front(len(rest)))
        fronts[low].add(row)
        ranks[i] = low + 1
    return ranks[inverse.ravel()]


class _Front:
    """The rows of a front that are not dominated in the columns after the first; the others can be left out."""

    def __init__(self, k: int) -> None:
        self._rows = np.empty((k, 16))
        self._n = 0

    def dominates(self, row: Floats) -> bool:
        n = self._n
        beaten = np.ones(n, dtype=np.bool_)
        for column, value in zip(self._rows, row, strict=True):
            np.logical_and(beaten, column[:n] <= value, out=beaten)
        return bool(beaten.any())

    def add(self, row: Floats) -> None:
        # A row that is no better than the new one after the first column dominates nothing the new one does not, as
        # far as the rows still to come are concerned: their first column is not smaller.
        n = self._n
        kept = np.zeros(n, dtype=np.bool_)
        for column, value in zip(self._rows, row, strict=True):
            np.logical_or(kept, column[:n] < value, out=kept)
        n = int(kept.sum())
        self._rows[:, :n] = self._rows[:, : self._n][:, kept]
        if n == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        self._rows[:, n] = row
        self._n = n + 1


def crowding_distances(objectives: Floats, ranks: Ints) -> Floats:
    """Distance of each row to its neighbours in its front: large where a front is thin.

    Deb, Pratap, Agarwal and Meyarivan, IEEE Trans. Evol. Comput. 2002, 6, 182 (NSGA-II): the sum over objectives of the
    gap between the two neighbours, in units of the front's range. The ends of an objective get a gap of 2, more than
    any other and finite, where they have infinity.

    Args:
        objectives: shape (n, k).
        ranks: `non_dominated_ranks` of them.
    """
    distances = np.zeros(len(objectives))
    for front in (
        np.split(np.argsort(ranks, kind="stable"), np.cumsum(np.bincount(ranks)[1:])[:-1]) if len(ranks) else []
    ):
        for column in objectives[front].T:
            order = np.argsort(column, kind="stable")
            values = column[order]
            spread = values[-1] - values[0]
            gaps = np.full(len(front), _END_GAP)
            if len(front) > 2:
                gaps[1:-1] = (values[2:] - values[:-2]) / spread if spread > 0 else 0.0
            distances[front[order]] += gaps
    return distances
