"""Similarity of ions by their fingerprints, and clusters of similar ions."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
from rdkit.ML.Cluster import Butina
from scipy import sparse


def count_tanimoto(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Tanimoto similarity of count fingerprints: sum of minima over sum of maxima (MinMax kernel).

    Counts keep homologues apart (butyl and dodecyl share every binary feature). The sum of minima is a sum of sparse
    products, one per count: min(x, y) is how many t have x >= t and y >= t.

    Args:
        a: whole counts, shape (n, bins).
        b: whole counts, shape (m, bins).

    Returns:
        Similarities in [0, 1], shape (n, m); 1 where both are empty.
    """
    minima = np.zeros((len(a), len(b)))
    for level in range(1, int(min(a.max(initial=0), b.max(initial=0))) + 1):
        rows, others = (sparse.csr_matrix((x >= level).astype(np.float64)) for x in (a, b))
        minima += (rows @ others.T).toarray()
    maxima = a.sum(axis=1, dtype=np.float64)[:, None] + b.sum(axis=1, dtype=np.float64)[None, :] - minima
    return np.where(maxima > 0, minima / np.maximum(maxima, 1.0), 1.0)


def binary_tanimoto(counts: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Tanimoto similarity of every ion to every other by which features are there, shape (n, n)."""
    bits = (counts > 0).astype(np.float64)
    shared = bits @ bits.T
    total = bits.sum(axis=1)
    return cast("npt.NDArray[np.float64]", shared / (total[:, None] + total[None, :] - shared))


def butina_clusters(counts: npt.NDArray[np.float32], distance: float) -> npt.NDArray[np.int64]:
    """Cluster number of each ion (Butina, J. Chem. Inf. Comput. Sci. 1999, 39, 747), on 1 - binary Tanimoto.

    Args:
        counts: fingerprint counts, shape (n, bins).
        distance: ions closer than this are neighbours.
    """
    n = len(counts)
    lower = (1 - binary_tanimoto(counts))[np.tril_indices(n, -1)]
    clusters = Butina.ClusterData(  # type: ignore[no-untyped-call]
        lower, n, distance, isDistData=True, reordering=True
    )
    labels = np.empty(n, dtype=np.int64)
    for number, members in enumerate(clusters):
        labels[list(members)] = number
    return labels
