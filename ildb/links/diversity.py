"""How new pairings spread over the ions: degree distributions and concentration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Distribution = Sequence[tuple[int, int]]
"""(degree, ions that have it) for each degree that occurs: the paper's Fig. 3."""


def n_edges(distribution: Distribution) -> int:
    """Pairings that a distribution speaks of, seen from one side."""
    return sum(degree * n_ions for degree, n_ions in distribution)


def top_share(distribution: Distribution, n: int = 10) -> float:
    """Share of the pairings at the n ions that have most; 0 without pairings."""
    left, taken = n, 0
    for degree, n_ions in sorted(distribution, reverse=True):
        here = min(left, n_ions)
        taken, left = taken + degree * here, left - here
    total = n_edges(distribution)
    return taken / total if total else 0.0


def effective_number(distribution: Distribution) -> float:
    """Number of equally popular ions that would be as diverse: exp of the entropy of the pairings over the ions.

    Jost, Oikos 2006, 113, 363 (Hill number of order 1).
    """
    total = n_edges(distribution)
    if not total:
        return 0.0
    degree, n_ions = np.array([pair for pair in distribution if pair[0]], dtype=np.float64).T
    share = degree / total
    return float(np.exp(-(n_ions * share * np.log(share)).sum()))


def spread(distributions: Mapping[str, Mapping[str, Distribution]]) -> dict[str, float]:
    """Concentration of the known and of the new pairings.

    Args:
        distributions: side (``cation``, ``anion``) -> pairings (``known``, ``new``, ``all``) -> distribution.

    Returns:
        ``SIDE_top10_share_WHICH`` and ``effective_SIDEs_WHICH``.
    """
    figures: dict[str, float] = {}
    for side, by_pairings in distributions.items():
        for which, distribution in by_pairings.items():
            figures[f"{side}_top10_share_{which}"] = top_share(distribution)
            figures[f"effective_{side}s_{which}"] = effective_number(distribution)
    return figures
