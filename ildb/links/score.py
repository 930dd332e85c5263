"""Score every unmade pair in tiles and keep the best; memory follows what is kept, not the number of pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ildb.errors import InputError
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.features import graph_features
from ildb.links.neighbours import Reasons, explain
from ildb.links.tiles import DotProducts, Forbidden, TileScores, best_pairs
from ildb.links.train import Embeddings, PairScorer, TrainedLinks, link_scorer


@dataclass(frozen=True, eq=False)
class LinkScores:
    """Retained unmade pairs, most probable first.

    Attributes:
        cation_index: cation of each pair in the graph, shape (n,).
        anion_index: anion of each pair, shape (n,).
        logit: score before calibration, float32, shape (n,).
        probability: calibrated (`ildb.links.calibrate`), shape (n,).
        reasons: similar ions known with the partner; ``reasons[i]`` is a `PairReasons`.
    """

    cation_index: IntArray
    anion_index: IntArray
    logit: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float64]
    reasons: Reasons

    def __len__(self) -> int:
        return len(self.cation_index)


def score_unmade(
    graph: LinkGraph,
    trained: TrainedLinks,
    *,
    top: int,
    per_cation: int | None = None,
    min_probability: float = 0.0,
    max_multiplicity: int = 2,
    cations: tuple[int, int] | None = None,
    scorer: PairScorer | None = None,
) -> LinkScores:
    """The most probable pairs that are not known, described by all known pairings.

    Blocks of cations can be scored apart: the best of the whole are among the best of the blocks, with the same
    numbers.

    Args:
        graph: known pairings.
        trained: a trained model.
        top: pairs to keep at most.
        per_cation: pairs of one cation to keep at most; no limit by default.
        min_probability: pairs below are not kept.
        max_multiplicity: largest stoichiometric coefficient allowed, 1 for 1:1 salts only.
        cations: first cation and one past the last, to score a block only.
        scorer: `link_scorer` of the same graph and model, to spare making it again for each block.

    Raises:
        InputError: a limit makes no sense or the block is outside the graph.
    """
    first, last = cations if cations is not None else (0, graph.n_cations)
    if not 0 <= first <= last <= graph.n_cations:
        raise InputError(f"Cations {first}..{last} are not in a graph of {graph.n_cations}.", "Give a block inside it.")
    if top < 0 or max_multiplicity < 1 or (per_cation or 1) < 1 or not 0 <= min_probability <= 1:
        raise InputError(
            f"Cannot keep {top} pairs, {per_cation} of a cation, of multiplicity <= {max_multiplicity} "
            f"with probability >= {min_probability}.",
            "Use top >= 0, per_cation >= 1, max_multiplicity >= 1 and a probability in 0..1.",
        )
    best = best_pairs(
        tile_scores(graph, scorer if scorer is not None else link_scorer(graph, trained)),
        cations=slice(first, last),
        top=top,
        per_cation=per_cation,
        floor=trained.calibration.logit(min_probability),
        forbidden=Forbidden(graph.edges, graph.cation_charges, graph.anion_charges, max_multiplicity),
    )
    return LinkScores(
        cation_index=best.cations,
        anion_index=best.anions,
        logit=best.logits,
        probability=trained.calibration.probability(best.logits),
        reasons=explain(graph, graph_features(graph), np.stack([best.cations, best.anions], axis=1)),
    )


def tile_scores(graph: LinkGraph, scorer: PairScorer) -> TileScores:
    """Scores of a graph's pairs by the tile: matrix products for a model that has vectors, else rows of the scorer."""
    if isinstance(scorer, Embeddings):
        return DotProducts(scorer.cations.astype(np.float32), scorer.anions.astype(np.float32))
    return RowScores(scorer, graph.n_cations, graph.n_anions)


class RowScores:
    """Tiles of a scorer of whole rows; those of the last cations are remembered while their tiles are asked for.

    Args:
        scorer: scores cations against all anions, in double precision. Rounded to single, the same pair gives the same
            number in whatever tile it falls.
        n_cations: cations it knows.
        n_anions: anions it knows.
    """

    def __init__(self, scorer: PairScorer, n_cations: int, n_anions: int) -> None:
        self._scorer, self.n_cations, self.n_anions = scorer, n_cations, n_anions
        self._cations, self._rows = slice(0, 0), np.empty((0, n_anions), dtype=np.float32)

    def tile(self, cations: slice, anions: slice) -> Tensor:
        """See `ildb.links.tiles.TileScores`."""
        if cations != self._cations:
            self._rows = self._scorer.rows(np.arange(cations.start, cations.stop)).astype(np.float32)
            self._cations = cations
        return torch.from_numpy(self._rows[:, anions].copy())
