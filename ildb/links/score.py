"""Score every unmade pair in tiles and keep the best; memory follows what is kept, not the number of pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.features import graph_features
from ildb.links.neighbours import Reasons, explain
from ildb.links.train import PairScorer, TrainedLinks, link_scorer

CATION_TILE = 512
_TILE_PAIRS = 20_000_000


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
    min_probability: float = 0.0,
    max_multiplicity: int = 2,
    cations: tuple[int, int] | None = None,
    scorer: PairScorer | None = None,
    n_reasons: int = 3,
) -> LinkScores:
    """The most probable pairs that are not known, described by all known pairings.

    Blocks of cations can be scored apart: the best of the whole are among the best of the blocks, with the same
    numbers.

    Args:
        graph: known pairings.
        trained: a trained model.
        top: pairs to keep at most.
        min_probability: pairs below are not kept.
        max_multiplicity: largest stoichiometric coefficient allowed, 1 for 1:1 salts only.
        cations: first cation and one past the last, to score a block only.
        scorer: `link_scorer` of the same graph and model, to spare making it again for each block.
        n_reasons: similar ions to name on each side of a pair.

    Raises:
        InputError: a limit makes no sense or the block is outside the graph.
    """
    first, last = cations if cations is not None else (0, graph.n_cations)
    if not 0 <= first <= last <= graph.n_cations:
        raise InputError(f"Cations {first}..{last} are not in a graph of {graph.n_cations}.", "Give a block inside it.")
    if top < 0 or max_multiplicity < 1 or not 0 <= min_probability <= 1:
        raise InputError(
            f"Cannot keep {top} pairs of multiplicity <= {max_multiplicity} with probability >= {min_probability}.",
            "Use top >= 0, max_multiplicity >= 1 and a probability in 0..1.",
        )
    scorer = scorer if scorer is not None else link_scorer(graph, trained)
    floor = trained.calibration.logit(min_probability)
    pairs = np.empty((0, 2), dtype=np.int64)
    logits = np.empty(0, dtype=np.float32)
    step = max(1, min(CATION_TILE, _TILE_PAIRS // graph.n_anions))
    for row in range(first // step * step, last, step):  # the tiles of the whole, in whatever block
        rows = slice(max(row, first), min(row + step, last))
        # Double precision rounded to single: the same pair gives the same number in whatever tile it falls.
        tile = scorer.rows(np.arange(rows.start, rows.stop)).astype(np.float32)
        allowed = graph.multiplicities(rows) <= max_multiplicity
        allowed[_known_in_tile(graph.edges, rows)] = False
        if floor > -np.inf:
            allowed &= tile >= floor
        if len(logits) >= top > 0:
            allowed &= tile >= logits[-1]
        found = np.argwhere(allowed)
        pairs = np.concatenate([pairs, found + np.array([rows.start, 0])])
        logits = np.concatenate([logits, tile[allowed]])
        best = np.lexsort((pairs[:, 1], pairs[:, 0], -logits))[:top]
        pairs, logits = pairs[best], logits[best]
    return LinkScores(
        cation_index=pairs[:, 0],
        anion_index=pairs[:, 1],
        logit=logits,
        probability=trained.calibration.probability(logits),
        reasons=explain(graph, graph_features(graph), pairs, n_reasons),
    )


def _known_in_tile(edges: IntArray, rows: slice) -> tuple[IntArray, IntArray]:
    low, high = np.searchsorted(edges[:, 0], [rows.start, rows.stop])
    return edges[low:high, 0] - rows.start, edges[low:high, 1]
