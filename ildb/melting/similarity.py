"""Similarity of ions by their fingerprints, and clusters of similar ions."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
from rdkit.ML.Cluster import Butina
from scipy.spatial.distance import cdist


def count_tanimoto(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Tanimoto similarity of count fingerprints: sum of minima over sum of maxima.

    Counts keep homologues apart (butyl and dodecyl share every binary feature). With m and M the two sums, the
    Bray-Curtis distance is (M - m) / (M + m), hence m / M = (1 - d) / (1 + d).

    Args:
        a: counts, shape (n, bins).
        b: counts, shape (m, bins).

    Returns:
        Similarities in [0, 1], shape (n, m).
    """
    used = (a > 0).any(axis=0) | (b > 0).any(axis=0)
    # Selecting columns gives column order in memory, which is ten times slower here.
    rows, others = (np.ascontiguousarray(x[:, used], dtype=np.float64) for x in (a, b))
    distance = cdist(rows, others, metric="braycurtis")
    return cast("npt.NDArray[np.float64]", (1 - distance) / (1 + distance))


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
