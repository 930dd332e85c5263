"""Partners for new ions: the best of all known and new counter-ions by a link model, for each new ion."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.tiles import Best
from ildb.links.train import PairScorer

_BLOCK = 256
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def best_partners(
    graph: LinkGraph,
    scorer: PairScorer,
    new_cations: Bools,
    new_anions: Bools,
    *,
    per_ion: int,
    floor: float,
    max_multiplicity: int,
) -> Best:
    """For each new ion the partners with the highest scores; a pair of two new ions is there if either chose it.

    Args:
        graph: known and new ions with the known pairings.
        scorer: of the pairs of the graph.
        new_cations: which cations are new, shape (n_cations,).
        new_anions: which anions are new, shape (n_anions,).
        per_ion: partners of each new ion.
        floor: logit below which no pair is kept.
        max_multiplicity: largest count of one ion in the formula.
    """
    chosen: list[tuple[int, int, float]] = []
    best_of_anion = np.full((graph.n_anions, per_ion), -np.inf, dtype=np.float32)
    cation_of_best = np.full((graph.n_anions, per_ion), -1, dtype=np.int64)
    anions = np.flatnonzero(new_anions)
    for cations, rows in _blocks(graph, scorer, max_multiplicity):
        for at, cation in enumerate(cations.tolist()):
            if new_cations[cation]:
                best = _top(rows[at], per_ion).tolist()
                chosen += [(cation, anion, float(rows[at, anion])) for anion in best]
        if len(anions):
            both = np.concatenate([best_of_anion[anions], rows[:, anions].T], axis=1)
            who = np.concatenate(
                [cation_of_best[anions], np.broadcast_to(cations, (len(anions), len(cations)))], axis=1
            )
            order = np.argsort(-both, axis=1, kind="stable")[:, :per_ion]
            best_of_anion[anions] = np.take_along_axis(both, order, axis=1)
            cation_of_best[anions] = np.take_along_axis(who, order, axis=1)
    for anion in anions.tolist():
        pairs = zip(cation_of_best[anion].tolist(), best_of_anion[anion].tolist(), strict=True)
        chosen += [(cation, anion, value) for cation, value in pairs if cation >= 0]
    kept = sorted({(c, a, value) for c, a, value in chosen if value >= floor and np.isfinite(value)})
    cations, chosen_anions = (np.array([pair[side] for pair in kept], dtype=np.int64) for side in (0, 1))
    return Best(cations, chosen_anions, np.array([value for _, _, value in kept], dtype=np.float32))


def _blocks(graph: LinkGraph, scorer: PairScorer, max_multiplicity: int) -> Iterator[tuple[IntArray, Floats]]:
    """Scores of blocks of cations with every anion; -inf where a pair may not be."""
    known = np.zeros((graph.n_cations, graph.n_anions), dtype=np.bool_)
    known[graph.edges[:, 0], graph.edges[:, 1]] = True
    for first in range(0, graph.n_cations, _BLOCK):
        cations = np.arange(first, min(first + _BLOCK, graph.n_cations))
        rows = scorer.rows(cations).astype(np.float32)
        part = slice(first, first + len(cations))
        rows[known[part] | (graph.multiplicities(part) > max_multiplicity)] = -np.inf
        yield cations, rows


def _top(row: Floats, n: int) -> IntArray:
    order = np.argsort(-row, kind="stable")[:n]
    return order[np.isfinite(row[order])]
