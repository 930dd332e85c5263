"""Features of cation-anion pairs from a set of known pairings: one plane of numbers, cation x anion, for each feature.

The pairings a plane is computed from must not hold the pairs it describes, be they positives or negatives, or the
planes would give the answer away.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ildb.links.basis import ANION_RIDGE, RIDGES, Basis, leave_out_ridge
from ildb.links.dataset import IntArray, degrees
from ildb.links.features import DESCRIPTORS
from ildb.links.kernels import KERNELS, FloatArray

Values: TypeAlias = npt.NDArray[np.floating]
"""Values of one feature, shape (n, n_anions) or one that broadcasts to it."""

VOTES: Final = ((5, 2), (15, 3), (50, 3), (200, 4))
"""(cations that vote, power of the similarity that weighs them)."""
EASE: Final = (3, 30)
"""Penalties of the linear item-item models."""
PLANES: Final = (
    "cation_degree",
    "anion_degree",
    *(f"vote_{k}_{form}_{kernel}" for kernel in KERNELS for k, _ in VOTES for form in ("raw", "shared")),
    "near_similarity",
    "near_degree",
    "vote_over_popularity",
    *(f"nearest_{form}_{kernel}" for kernel in KERNELS for form in ("max", "top3")),
    "nearest_through_anions",
    *(f"anion_{form}_{kernel}" for kernel in KERNELS for form in ("max", "mean")),
    "item_cosine",
    "item_walk",
    "vote_item_cosine",
    *(f"ease_{penalty}" for penalty in EASE),
    "ridge_ease",
    *(f"ridge_{index}{form}" for index in range(len(RIDGES)) for form in ("", "_smooth")),
    "anion_ridge",
    *(f"cation_{name}" for name in DESCRIPTORS),
    *(f"anion_{name}" for name in DESCRIPTORS),
)
"""Names of the features, in the order of the last axis of `Planes.tile`."""
_SIMILAR_ANIONS = 20


class Planes:
    """Pair features given some known pairings.

    Args:
        basis: structures of the graph.
        edges: the pairings that are known, shape (n, 2); cations without one are not used as neighbours.
    """

    def __init__(self, basis: Basis, edges: IntArray) -> None:
        self.basis = basis
        n, n_anions = len(basis), basis.graph.n_anions
        rows = basis.place[edges[:, 0]]
        self.known = sparse.csr_matrix(
            (np.ones(len(edges), dtype=np.float32), (rows, edges[:, 1])), shape=(n, n_anions)
        )
        self.degree, self.anion_degree = degrees(np.stack([rows, edges[:, 1]], axis=1), n, n_anions)
        self.present = self.degree > 0
        self.shared = sparse.diags((1.0 / np.maximum(self.degree, 1)).astype(np.float32)) @ self.known
        self.share = (self.anion_degree / max(1, self.present.sum())).astype(np.float32)
        by_anion = np.lexsort((rows, edges[:, 1]))
        self._edge_cations = rows[by_anion]
        self._linked = np.flatnonzero(self.anion_degree)
        self._starts = np.searchsorted(edges[by_anion, 1], self._linked)

    def tile(self, cations: IntArray) -> npt.NDArray[np.float32]:
        """All features of some cations with every anion, float32, shape (len(cations), n_anions, len(PLANES)).

        Args:
            cations: graph indices, in or outside the basis.
        """
        basis = self.basis
        places = basis.place[cations]
        nothing = sparse.csr_matrix((1, self.known.shape[1]), dtype=np.float32)
        rows = sparse.vstack([self.known, nothing]).tocsr()[places]  # place -1, outside, is the last
        similar = [basis.to_basis(cations, kernel) for kernel in range(len(KERNELS))]
        voters = [self._voters(places, similar[kernel], kernel) for kernel in range(len(KERNELS))]
        ballots = [self._ballots(*chosen) for chosen in voters]
        ridges = self._ridge_rows(places, similar)
        planes = chain(
            (np.log1p(np.asarray(rows.sum(1))), np.log1p(self.anion_degree)[None, :]),
            *(pair for votes in ballots for pair in votes),
            self._nearness(*voters[0]),
            (np.log((ballots[0][2][0] + 1e-3) / (self.share + 1e-3)),),
            self._linked_similarity(similar),
            *(self._partner_similarity(rows, kernel) for kernel in range(len(KERNELS))),
            self._items(rows, vote=ballots[0][1][0], ridge=ridges[0]),
            ridges,
            (self._anion_ridge_rows(places),),
        )
        out = np.empty((len(cations), basis.graph.n_anions, len(PLANES)), dtype=np.float32)
        width = len(DESCRIPTORS)
        for column, values in enumerate(planes):
            out[:, :, column] = values
        out[:, :, -2 * width : -width] = basis.cation_descriptors(cations)[:, None, :]
        out[:, :, -width:] = basis.anion_descriptors[None, :, :]
        return out

    def _ballots(self, voters: IntArray, weights: FloatArray) -> list[tuple[Values, Values]]:
        """For each of `VOTES`, the votes as they are, and with each voter's vote shared among its partners."""
        found = []
        for k, power in VOTES:
            weight = weights[:, :k] ** power
            weight /= np.maximum(weight.sum(1, keepdims=True), 1e-9)
            pointers = np.arange(len(weight) + 1) * weight.shape[1]
            ballots = sparse.csr_matrix(
                (weight.ravel(), voters[:, :k].ravel(), pointers), shape=(len(weight), len(self.basis))
            )
            found.append((np.asarray((ballots @ self.known).todense()), np.asarray((ballots @ self.shared).todense())))
        return found

    def _nearness(self, voters: IntArray, weights: FloatArray) -> tuple[Values, Values]:
        """Mean similarity and mean log degree of the five nearest voters, shapes (n, 1)."""
        nearest = np.log1p(self.degree[voters[:, :5]])
        return weights[:, :5].mean(1, keepdims=True), nearest.mean(1, keepdims=True)

    def _linked_similarity(self, similar: Sequence[FloatArray]) -> list[Values]:
        linked = [self._nearest_linked(rows) for rows in similar]
        return [*linked[0], *linked[1], self._through_anions(linked[0][0])]

    def _items(self, rows: sparse.csr_matrix, *, vote: Values, ridge: Values) -> list[Values]:
        """What a cation's known partners, or those expected of it, say of the other anions."""
        return [
            np.asarray(rows @ self._cosine),
            np.asarray(rows @ self._walk) / np.maximum(np.asarray(rows.sum(1)), 1),
            vote @ self._cosine,
            *(np.asarray(rows @ weights) for weights in self._ease),
            (np.asarray(rows.todense()) + ridge) @ self._ease[0],
        ]

    def _ridge_rows(self, places: IntArray, similar: Sequence[FloatArray]) -> list[Values]:
        """For each of `RIDGES`, the prediction and the prediction smoothed over similar anions."""
        outside = places < 0
        found: list[Values] = []
        for index, (kernel, _) in enumerate(RIDGES):
            predictions, smooth, coefficients = self._ridges[index]
            plain, smoothed = predictions[places], smooth[places]
            if outside.any():
                plain[outside] = similar[kernel][outside] @ coefficients
                smoothed[outside] = plain[outside] @ self.basis.smoothers[index]
            found += [plain, smoothed]
        return found

    def _anion_ridge_rows(self, places: IntArray) -> Values:
        values = self._anion_ridge[places]
        values[places < 0] = 0.0
        return values

    def _voters(self, places: IntArray, similar: FloatArray, kernel: int) -> tuple[IntArray, FloatArray]:
        """The most similar present cations of each, best first, and their similarity; absent places weigh nothing."""
        most = max(k for k, _ in VOTES)
        nearest = self.basis.nearest[kernel]
        width = min(most, nearest.shape[1])
        voters = np.zeros((len(places), max(width, 1)), dtype=np.int64)
        weights = np.zeros((len(places), max(width, 1)), dtype=np.float32)
        for row, place in enumerate(places):
            order = nearest[place] if place >= 0 else np.argsort(-similar[row], kind="stable")
            chosen = order[self.present[order]][:width]
            voters[row, : len(chosen)] = chosen
            weights[row, : len(chosen)] = similar[row, chosen]
        return voters, weights

    def _nearest_linked(self, similar: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Largest similarity to a cation known with each anion, and the mean of the three largest (zeros fill up)."""
        most = np.zeros((len(similar), len(self.anion_degree)), dtype=np.float32)
        top3 = np.zeros_like(most)
        if not len(self._linked):
            return most, top3
        for anion, start in zip(self._linked, self._starts, strict=True):
            stop = start + self.anion_degree[anion]
            linked = similar[:, self._edge_cations[start:stop]]
            if linked.shape[1] > 3:
                linked = np.partition(linked, linked.shape[1] - 3, axis=1)[:, -3:]
            most[:, anion] = linked.max(1)
            top3[:, anion] = linked.sum(1) / 3
        return most, top3

    def _through_anions(self, most: FloatArray) -> FloatArray:
        """Largest product of two similarities: of a known cation to this one, and of its anion to this other one."""
        neighbours, weights = self._similar_anions
        best = np.zeros_like(most)
        for step in range(neighbours.shape[1]):
            np.maximum(best, most[:, neighbours[:, step]] * weights[:, step], out=best)
        return best

    def _partner_similarity(self, rows: sparse.csr_matrix, kernel: int) -> tuple[FloatArray, FloatArray]:
        """Similarity of each anion to the cation's known partners: the largest and the mean; 0 without partners."""
        others = self._anion_others[kernel]
        most = np.zeros(rows.shape, dtype=np.float32)
        counts = np.diff(rows.indptr)
        some = np.flatnonzero(counts)
        if len(some):
            most[some] = np.maximum.reduceat(others[rows.indices], rows.indptr[some], axis=0)
        return most, np.asarray(rows @ others) / np.maximum(counts, 1)[:, None]

    @cached_property
    def _anion_others(self) -> tuple[FloatArray, ...]:
        copies = tuple(kernel.copy() for kernel in self.basis.anion_kernels)
        for copy in copies:
            np.fill_diagonal(copy, 0.0)
        return copies

    @cached_property
    def _similar_anions(self) -> tuple[IntArray, FloatArray]:
        others = self._anion_others[0]
        order = np.argsort(-others, axis=1, kind="stable")[:, : min(_SIMILAR_ANIONS, len(others) - 1)]
        return order, np.take_along_axis(others, order, axis=1)

    @cached_property
    def _cosine(self) -> FloatArray:
        """Cosine of the anions' known cations, 0 to itself (item-item collaborative filtering)."""
        norms = sparse.diags((1.0 / np.sqrt(np.maximum(self.anion_degree, 1))).astype(np.float32))
        cosine = np.asarray((norms @ (self.known.T @ self.known) @ norms).todense())
        np.fill_diagonal(cosine, 0.0)
        return cosine

    @cached_property
    def _walk(self) -> FloatArray:
        """Probability of a random walk anion -> cation -> another anion."""
        step = sparse.diags((1.0 / np.maximum(self.anion_degree, 1)).astype(np.float32)) @ self.known.T
        walk = np.asarray((step @ self.shared).todense())
        np.fill_diagonal(walk, 0.0)
        return walk

    @cached_property
    def _ease(self) -> tuple[FloatArray, ...]:
        """Item-item weights of EASE (Steck, WWW 2019), zero diagonal, for each of its penalties."""
        gram = np.asarray((self._labels.T @ self._labels).todense())
        found = []
        for penalty in EASE:
            precision = np.linalg.inv(gram + penalty * np.eye(len(gram)))
            weights = -precision / precision.diagonal()
            np.fill_diagonal(weights, 0.0)
            found.append(weights.astype(np.float32))
        return tuple(found)

    @cached_property
    def _labels(self) -> sparse.csr_matrix:
        return self.known.astype(np.float64)

    @cached_property
    def _ridges(self) -> tuple[tuple[FloatArray, FloatArray, FloatArray], ...]:
        found = []
        for (kernel, _), inverted, smoother in zip(RIDGES, self.basis.inverses, self.basis.smoothers, strict=True):
            predictions, coefficients = leave_out_ridge(
                self.basis.kernels[kernel], inverted, self._labels, ~self.present
            )
            single = predictions.astype(np.float32)
            found.append((single, single @ smoother, coefficients.astype(np.float32)))
        return tuple(found)

    @cached_property
    def _anion_ridge(self) -> FloatArray:
        predictions, _ = leave_out_ridge(
            self.basis.anion_kernels[ANION_RIDGE[0]],
            self.basis.anion_inverse,
            self._labels.T.tocsr(),
            self.anion_degree == 0,
        )
        return predictions.T.astype(np.float32)
