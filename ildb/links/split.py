"""Leak-free splits of the known pairings, and the negatives they are judged against.

An edge belongs to one part whichever way it is walked: message passing takes undirected training edges and makes both
directions from them, so the reverse of a hidden edge cannot be a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.links.dataset import IntArray, LinkGraph, degrees

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class EdgeSplit:
    """The part each known pairing belongs to.

    Attributes:
        assignment: index into `PARTS` for each edge of the graph, int8, shape (n_edges,).
    """

    assignment: npt.NDArray[np.int8]

    def edges(self, graph: LinkGraph, part: Part) -> IntArray:
        """Edges of one part, shape (n, 2)."""
        chosen: IntArray = graph.edges[self.assignment == PARTS.index(part)]
        return chosen

    def names(self) -> list[Part]:
        """The part of each edge by name, in edge order."""
        return [PARTS[index] for index in self.assignment]


def split_edges(
    graph: LinkGraph, fractions: tuple[float, float, float] = (0.85, 0.05, 0.10), seed: int = 0
) -> EdgeSplit:
    """Split the known pairings at random into training, validation and test parts, none of them empty.

    Args:
        graph: the known pairings.
        fractions: shares of training, validation and test; they sum to 1.
        seed: of the random permutation.

    Raises:
        InputError: the fractions are not three positive shares of 1, or there are too few pairings to fill three parts.
    """
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError(
            f"Split fractions {fractions} are not three positive shares that sum to 1.", "Use 0.85, 0.05, 0.10."
        )
    if graph.n_edges < 3:
        raise InputError(
            f"{graph.n_edges} known pairing(s) cannot be split into training, validation and test.",
            "Ingest more ionic liquids before predicting links.",
        )
    n_validation = max(1, round(fractions[1] * graph.n_edges))
    n_test = max(1, round(fractions[2] * graph.n_edges))
    if n_validation + n_test >= graph.n_edges:
        n_validation = n_test = 1
    order = np.random.default_rng(seed).permutation(graph.n_edges)
    assignment = np.zeros(graph.n_edges, dtype=np.int8)
    assignment[order[:n_validation]] = 1
    assignment[order[n_validation : n_validation + n_test]] = 2
    return EdgeSplit(assignment)


class PairSet:
    """A set of pairs that answers membership for whole arrays.

    Args:
        edges: pairs, shape (n, 2).
        n_anions: anions in the graph; a pair is stored as cation x n_anions + anion.
    """

    def __init__(self, edges: IntArray, n_anions: int) -> None:
        self.n_anions = n_anions
        self.codes: IntArray = np.unique(edges[:, 0] * n_anions + edges[:, 1])

    def __len__(self) -> int:
        return len(self.codes)

    def contains(self, pairs: IntArray) -> npt.NDArray[np.bool_]:
        """Whether each pair, shape (n, 2), is in the set."""
        if not len(self.codes):
            return np.zeros(len(pairs), dtype=bool)
        wanted = pairs[:, 0] * self.n_anions + pairs[:, 1]
        place = np.minimum(np.searchsorted(self.codes, wanted), len(self.codes) - 1)
        found: npt.NDArray[np.bool_] = self.codes[place] == wanted
        return found

    def row(self, cation: int) -> IntArray:
        """Anions paired with a cation in the set."""
        low, high = np.searchsorted(self.codes, [cation * self.n_anions, (cation + 1) * self.n_anions])
        return self.codes[low:high] - cation * self.n_anions


def uniform_negatives(
    n: int, excluded: PairSet, rng: np.random.Generator, cations: IntArray, anions: IntArray
) -> IntArray:
    """Draw pairs uniformly, with replacement, from cations x anions less the excluded ones.

    Args:
        n: pairs to draw.
        excluded: pairs never to draw.
        rng: random stream.
        cations: cation indices to draw from.
        anions: anion indices to draw from.

    Returns:
        Pairs, shape (n, 2); shape (0, 2) when every pair is excluded.
    """
    if not len(cations) or not len(anions):
        return np.empty((0, 2), dtype=np.int64)
    drawn = np.stack([rng.choice(cations, n), rng.choice(anions, n)], axis=1)
    bad = np.flatnonzero(excluded.contains(drawn))
    for _ in range(_ROUNDS):
        if not len(bad):
            return drawn
        drawn[bad, 0] = rng.choice(cations, len(bad))
        drawn[bad, 1] = rng.choice(anions, len(bad))
        bad = bad[excluded.contains(drawn[bad])]
    # Nearly everything is excluded: list what is left rather than wait for luck.
    every = np.stack(np.meshgrid(cations, anions, indexing="ij"), axis=-1).reshape(-1, 2)
    free = every[~excluded.contains(every)]
    if not len(free):
        return np.empty((0, 2), dtype=np.int64)
    drawn[bad] = free[rng.integers(len(free), size=len(bad))]
    return drawn


def degree_matched_negatives(
    positives: IntArray, anion_degrees: IntArray, excluded: PairSet, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """For each positive, keep its cation and draw another anion with probability proportional to its degree.

    A ranker that only knows which anions are popular cannot tell these from the positives.

    Args:
        positives: pairs, shape (n, 2).
        anion_degrees: training degree of each anion; those of degree 0 are never drawn.
        excluded: pairs never to draw.
        rng: random stream.

    Returns:
        Pairs, shape (m, 2), and the row of ``positives`` each belongs to, shape (m,). m < n where a cation is already
        paired with every anion that has a degree.
    """
    weights = anion_degrees.astype(np.float64)
    rows = np.arange(len(positives))
    if weights.sum() <= 0 or not len(positives):
        return np.empty((0, 2), dtype=np.int64), rows[:0]
    cumulative = np.cumsum(weights / weights.sum())

    def draw(size: int) -> IntArray:
        places = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
        capped: IntArray = np.minimum(places, len(weights) - 1)
        return capped

    drawn = np.stack([positives[:, 0], draw(len(positives))], axis=1)
    bad = np.flatnonzero(excluded.contains(drawn))
    for _ in range(_ROUNDS):
        if not len(bad):
            return drawn, rows
        drawn[bad, 1] = draw(len(bad))
        bad = bad[excluded.contains(drawn[bad])]
    kept = np.ones(len(drawn), dtype=bool)
    for row in bad:  # a cation known with nearly every popular anion: draw exactly from what is left
        free = weights.copy()
        free[excluded.row(int(drawn[row, 0]))] = 0
        if free.sum() > 0:
            drawn[row, 1] = rng.choice(len(free), p=free / free.sum())
        else:
            kept[row] = False
    return drawn[kept], rows[kept]


def train_degrees(graph: LinkGraph, split: EdgeSplit) -> tuple[IntArray, IntArray]:
    """Training degree of each cation and each anion."""
    return degrees(split.edges(graph, "train"), graph.n_cations, graph.n_anions)
