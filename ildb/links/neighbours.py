"""Reasons for a candidate pair: the similar ions that are already known with its partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.features import CountArray, FloatArray, GraphFeatures, tanimoto

_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known ion that speaks for a candidate: its index among the ions of its side, and its similarity (ECFP4)."""

    index: int
    similarity: float


class PairReasons(NamedTuple):
    """Why a pair (c, a) was proposed, most similar first."""

    cations: tuple[Neighbour, ...]
    """Cations like c that are known with a."""
    anions: tuple[Neighbour, ...]
    """Anions like a that are known with c."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """Reasons of n pairs as arrays of shape (n, k), -1 where there are fewer than k neighbours."""

    cations: IntArray
    cation_similarity: FloatArray
    anions: IntArray
    anion_similarity: FloatArray

    def __len__(self) -> int:
        return len(self.cations)

    def __getitem__(self, pair: int) -> PairReasons:
        return PairReasons(
            _neighbours(self.cations[pair], self.cation_similarity[pair]),
            _neighbours(self.anions[pair], self.anion_similarity[pair]),
        )


def explain(graph: LinkGraph, features: GraphFeatures, pairs: IntArray, k: int = 3) -> Reasons:
    """The k most similar known neighbours on either side of each pair.

    The pair itself and its own ions are never among them; equal similarities are ordered by index.

    Args:
        graph: the known pairings.
        features: features of its ions.
        pairs: (cation index, anion index), shape (n, 2).
        k: neighbours on each side.
    """
    cations, cation_similarity = _nearest_partners(pairs[:, 0], pairs[:, 1], graph.edges, features.cations.counts, k)
    anions, anion_similarity = _nearest_partners(
        pairs[:, 1], pairs[:, 0], graph.edges[:, ::-1], features.anions.counts, k
    )
    return Reasons(cations, cation_similarity, anions, anion_similarity)


def _nearest_partners(
    ions: IntArray, partners: IntArray, edges: IntArray, counts: CountArray, k: int
) -> tuple[IntArray, FloatArray]:
    """For each (ion, partner), the k ions most similar to the ion among those that ``edges`` links to the partner."""
    nearest = np.full((len(ions), k), -1, dtype=np.int64)
    similarities = np.zeros((len(ions), k), dtype=np.float32)
    if not len(ions) or not k:
        return nearest, similarities
    edges = edges[np.lexsort((edges[:, 0], edges[:, 1]))]
    order = np.argsort(partners, kind="stable")
    distinct, starts = np.unique(partners[order], return_index=True)
    for partner, group in zip(distinct, np.split(order, starts[1:]), strict=True):
        low, high = np.searchsorted(edges[:, 1], [partner, partner + 1])
        linked = edges[low:high, 0]
        for begin in range(0, len(group), _BLOCK):
            rows = group[begin : begin + _BLOCK]
            similarity = tanimoto(counts[ions[rows]], counts[linked])
            similarity[ions[rows][:, None] == linked[None, :]] = -1.0
            best = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
            values = np.take_along_axis(similarity, best, axis=1)
            nearest[rows, : best.shape[1]] = np.where(values >= 0, linked[best], -1)
            similarities[rows, : best.shape[1]] = np.maximum(values, 0)
    return nearest, similarities


def _neighbours(indices: npt.NDArray[np.int64], similarity: FloatArray) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(int(index), float(value)) for index, value in zip(indices, similarity, strict=True) if index >= 0
    )
