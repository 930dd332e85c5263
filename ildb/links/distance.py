"""How different the structures of many pairs are."""

from __future__ import annotations

import numpy as np

from ildb.links.dataset import IntArray
from ildb.links.features import GraphFeatures, tanimoto

_BLOCK = 500


def mean_distance(features: GraphFeatures, pairs: IntArray, seed: int, n: int = 1000) -> float:
    """Mean Tanimoto distance (ECFP4 counts) of a sample of pairs, the mean of that of their cations and their anions.

    Args:
        features: features of the ions.
        pairs: (cation index, anion index), shape (m, 2).
        seed: of the sample.
        n: pairs drawn at most.

    Returns:
        0 (all alike) to 1; 0 for fewer than two pairs.
    """
    if len(pairs) < 2:
        return 0.0
    chosen = pairs
    if len(pairs) > n:
        chosen = pairs[np.random.default_rng([seed, 41]).choice(len(pairs), n, replace=False)]
    cations, anions = features.cations.counts[chosen[:, 0]], features.anions.counts[chosen[:, 1]]
    total = 0.0
    for begin in range(0, len(chosen), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        total += float((2.0 - tanimoto(cations[block], cations) - tanimoto(anions[block], anions)).sum()) / 2
    return total / (len(chosen) * (len(chosen) - 1))  # a pair's distance from itself is 0
