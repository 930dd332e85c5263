"""Rankers that any model has to beat: popularity, a vote of the nearest cations, kernel ridge regression.

A scorer maps cation indices to rows of scores over all anions; larger is more likely. Scores of different scorers do
not compare.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ildb.links.basis import RIDGES, Basis, leave_out_ridge
from ildb.links.dataset import IntArray, degrees
from ildb.links.features import CountArray, tanimoto

RowScorer = Callable[[IntArray], npt.NDArray[np.float64]]
"""Cation indices, shape (n,), to scores, shape (n, n_anions)."""

_BLOCK = 512


def popularity(train_edges: IntArray, n_cations: int, n_anions: int) -> RowScorer:
    """ln(1 + degree) of the cation plus that of the anion, from the training edges."""
    cation_degrees, anion_degrees = degrees(train_edges, n_cations, n_anions)
    cation_scores, anion_scores = np.log1p(cation_degrees), np.log1p(anion_degrees)

    def score(cations: IntArray) -> npt.NDArray[np.float64]:
        return cation_scores[cations, None] + anion_scores[None, :]

    return score


def nearest_cations_vote(
    train_edges: IntArray, cation_counts: CountArray, n_anions: int, *, k: int = 30, prior: float = 0.1
) -> RowScorer:
    """Share of the k most similar cations known with an anion, weighted by similarity, plus an anion prior.

    Similarity is the Tanimoto of ECFP4 counts. Neighbours are other cations with a training edge; equal similarities
    are ordered by index.

    Args:
        train_edges: training pairs, shape (n, 2).
        cation_counts: ECFP4 counts of all cations.
        n_anions: number of anions.
        k: neighbours that vote.
        prior: weight of the anion's share of the training cations.
    """
    n_cations = len(cation_counts)
    cation_degrees, anion_degrees = degrees(train_edges, n_cations, n_anions)
    voters = np.flatnonzero(cation_degrees > 0)
    known = np.zeros((n_cations, n_anions), dtype=np.float64)
    known[train_edges[:, 0], train_edges[:, 1]] = 1.0
    share = anion_degrees / max(1, len(voters))

    def score(cations: IntArray) -> npt.NDArray[np.float64]:
        scores = np.empty((len(cations), n_anions), dtype=np.float64)
        for start in range(0, len(cations), _BLOCK):
            block = cations[start : start + _BLOCK]
            similarity = tanimoto(cation_counts[block], cation_counts[voters]).astype(np.float64)
            similarity[block[:, None] == voters[None, :]] = -1.0  # a cation is not its own neighbour
            nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
            weights = np.maximum(np.take_along_axis(similarity, nearest, axis=1), 0.0)
            pointers = np.arange(len(block) + 1) * nearest.shape[1]
            ballots = sparse.csr_matrix(
                (weights.ravel(), voters[nearest].ravel(), pointers), shape=(len(block), n_cations)
            )
            votes = np.asarray(ballots @ known)
            scores[start : start + _BLOCK] = votes / np.maximum(weights.sum(1, keepdims=True), 1e-12) + prior * share
        return scores

    return score


def kernel_ridge(train_edges: IntArray, basis: Basis) -> RowScorer:
    """Kernel ridge regression of the training pairings on the MinMax kernel of ECFP4 counts, own row left out.

    Leaving a cation's own pairings out of its prediction makes known and new cations comparable.

    Args:
        train_edges: training pairs, shape (n, 2).
        basis: structures of the graph.
    """
    kernel, _ = RIDGES[0]
    places = basis.place[train_edges[:, 0]]
    shape = (len(basis), basis.graph.n_anions)
    labels = sparse.csr_matrix((np.ones(len(train_edges)), (places, train_edges[:, 1])), shape=shape)
    absent = np.bincount(places, minlength=len(basis)) == 0
    predictions, coefficients = leave_out_ridge(basis.kernels[kernel], basis.inverses[0], labels, absent)

    def score(cations: IntArray) -> npt.NDArray[np.float64]:
        places = basis.place[cations]
        rows: npt.NDArray[np.float64] = predictions[places]
        outside = places < 0
        if outside.any():
            rows[outside] = basis.to_basis(cations[outside], kernel) @ coefficients
        return rows

    return score
