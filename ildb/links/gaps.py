"""What the numbers of partners alone lead to expect, and whether a collection falls short of it.

Collections are read from sources, and a source not read leaves no random holes: it takes the pairings of well-studied
cations with common anions away together. A model trained on what is left learns those as pairs that do not exist. The
degrees show it: where a cation and an anion have so many partners that chance alone would have joined them, most
pairings of a complete collection are known.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.links.dataset import IntArray, degrees

COMPLETE: Final = 0.57
"""Share of the obvious pairs known from which on a collection has no gap; .63 in 85 % of the paper's at random."""
GAPPED: Final = 0.45
"""Share at and below which its gap is 1; .44 without the pairs of the paper's melting points."""
_FEW = 50


def expected_pairings(edges: IntArray, pairs: IntArray, n_cations: int, n_anions: int) -> npt.NDArray[np.float64]:
    """Pairings to expect of each pair by chance: degree of the cation x degree of the anion / number of pairings.

    The configuration model of random graphs (Newman, Networks, 2nd edition, 2018, section 12.1), which joins the ions
    at random but keeps the number of partners of each.

    Args:
        edges: known pairings, shape (n, 2).
        pairs: shape (m, 2).
        n_cations: cations of the graph.
        n_anions: anions of the graph.

    Returns:
        Shape (m,).
    """
    of_cation, of_anion = degrees(edges, n_cations, n_anions)
    return of_cation[pairs[:, 0]] * of_anion[pairs[:, 1]] / max(1, len(edges))


def collection_gap(edges: IntArray, n_cations: int, n_anions: int) -> float:
    """How much the obvious pairs are missing from a collection: 0 not at all, 1 as if a large source had not been read.

    Obvious are the pairs of which chance alone would make one pairing or more.

    Args:
        edges: known pairings, shape (n, 2).
        n_cations: cations of the graph.
        n_anions: anions of the graph.

    Returns:
        0 too where fewer than 50 pairs are obvious: they say nothing.
    """
    of_cation, of_anion = degrees(edges, n_cations, n_anions)
    ascending = np.sort(of_cation)
    needed = len(edges) / of_anion[of_anion > 0]
    obvious = int((n_cations - np.searchsorted(ascending, needed, side="left")).sum())
    if obvious < _FEW:
        return 0.0
    known = int((of_cation[edges[:, 0]] >= len(edges) / of_anion[edges[:, 1]]).sum())
    return float(np.clip((COMPLETE - known / obvious) / (COMPLETE - GAPPED), 0.0, 1.0))
