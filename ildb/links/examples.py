"""Training examples of the ranker: positives and negatives described by the same graph, from which both are missing.

A pair described by a graph that holds it looks different from one that is not in it, so the known pairings are hidden
fold by fold, and the planes of a fold's positives and negatives come from the other folds. Two kinds of folds:

- edge folds hide single pairings. Only pairs of ions that keep a pairing are used: an ion whose every pairing is hidden
  must have one in the fold, and a model would learn that instead of chemistry (the degree-0 artefact).
- cation folds hide cations whole, as a cation never seen is. All cations of a fold look alike in that respect, whether
  in a positive or in a negative, so there is nothing to give away.

Negatives avoid the training pairings alone: avoiding the validation and test pairings too would give those away as the
pairs that are never negative.

A pair that is not recorded is not known to be impossible, and least of all where both ions are common (learning from
positive and unlabelled examples; Elkan and Noto, KDD 2008). So a negative of the uniform fit counts
1 / (1 + pairings to expect by chance / `DOUBT`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.links.basis import Basis
from ildb.links.dataset import IntArray
from ildb.links.gaps import expected_pairings
from ildb.links.params import RankerParams
from ildb.links.planes import PLANES, Planes
from ildb.links.split import PairSet, degree_matched_negatives, uniform_negatives

DOUBT: Final = (0.2, 0.05)
"""Expected pairings at which a negative counts half, where the collection has no gap, and where its gap is 1."""
_TILE = 256


@dataclass(frozen=True, eq=False)
class Examples:
    """Described pairs.

    Attributes:
        x: features (`PLANES`), float32, shape (n, len(PLANES)).
        truth: 1 for a known pairing, shape (n,).
        uniform: weight in the fit against uniform negatives, shape (n,); 0 leaves the pair out.
        matched: weight in the fit against degree-matched negatives, shape (n,).
    """

    x: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int8]
    uniform: npt.NDArray[np.float32]
    matched: npt.NDArray[np.float32]


def training_examples(basis: Basis, train_edges: IntArray, gap: float, params: RankerParams) -> Examples:
    """Positives and negatives from training pairings.

    Args:
        basis: structures of the graph.
        train_edges: the only pairings looked at, shape (n, 2).
        gap: of those pairings (`ildb.links.gaps.collection_gap`).
        params: folds and numbers of negatives.
    """
    rng = np.random.default_rng([params.seed, 21])
    known = PairSet(train_edges, basis.graph.n_anions)
    doubt = float(np.interp(gap, (0.0, 1.0), DOUBT))

    def trust(pairs: IntArray) -> npt.NDArray[np.float32]:
        expected = expected_pairings(train_edges, pairs, basis.graph.n_cations, basis.graph.n_anions)
        return (1.0 / (1.0 + expected / doubt)).astype(np.float32)

    parts = []
    edge_fold = rng.permutation(len(train_edges)) % max(1, min(params.edge_folds, len(train_edges)))
    for fold in range(edge_fold.max() + 1 if params.edge_folds else 0):
        hidden = edge_fold == fold
        parts.append(_fold(basis, train_edges[~hidden], train_edges[hidden], known, trust, params, rng, cold=False))
    cations = np.unique(train_edges[:, 0])
    cation_fold = rng.permutation(len(cations)) % max(1, min(params.cation_folds, len(cations)))
    for fold in range(cation_fold.max() + 1 if params.cation_folds else 0):
        hidden = np.isin(train_edges[:, 0], cations[cation_fold == fold])
        parts.append(_fold(basis, train_edges[~hidden], train_edges[hidden], known, trust, params, rng, cold=True))
    return Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in Examples.__annotations__))


def _fold(
    basis: Basis,
    seen: IntArray,
    hidden: IntArray,
    known: PairSet,
    trust: Callable[[IntArray], npt.NDArray[np.float32]],
    params: RankerParams,
    rng: np.random.Generator,
    *,
    cold: bool,
) -> Examples:
    planes = Planes(basis, seen)
    degree = np.zeros(basis.graph.n_cations, dtype=np.int64)
    degree[basis.cations] = planes.degree
    anions = np.flatnonzero(planes.anion_degree)
    cations = np.unique(hidden[:, 0]) if cold else np.flatnonzero(degree)
    positives = hidden[(planes.anion_degree[hidden[:, 1]] > 0) & (cold | (degree[hidden[:, 0]] > 0))]
    anywhere = uniform_negatives(params.uniform_negatives * len(positives), known, rng, cations, anions)
    same = np.repeat(positives, params.same_cation_negatives, axis=0)
    same[:, 1] = rng.choice(anions, len(same)) if len(anions) else 0
    same = same[~known.contains(same)]
    matched, _ = degree_matched_negatives(
        np.repeat(positives, params.matched_negatives, axis=0), planes.anion_degree, known, rng
    )
    pairs = np.concatenate([positives, anywhere, same, matched])
    kind = np.repeat([0, 1, 2, 3], [len(positives), len(anywhere), len(same), len(matched)])
    weights = np.array([[1.0, 1.0], [params.uniform_weight, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    uniform = weights[kind, 0] * np.where(kind == 0, np.float32(1), trust(pairs))
    return Examples(describe(planes, pairs), (kind == 0).astype(np.int8), uniform, weights[kind, 1])


def describe(planes: Planes, pairs: IntArray) -> npt.NDArray[np.float32]:
    """Features of single pairs, shape (n, len(PLANES))."""
    x = np.empty((len(pairs), len(PLANES)), dtype=np.float32)
    cations, inverse = np.unique(pairs[:, 0], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    for start in range(0, len(cations), _TILE):
        low, high = np.searchsorted(inverse[order], [start, start + _TILE])
        rows = order[low:high]
        x[rows] = planes.tile(cations[start : start + _TILE])[inverse[rows] - start, pairs[rows, 1]]
    return x
