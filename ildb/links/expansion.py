"""What a cut through the ranked pairs is worth: an estimated precision, and the share of hidden pairings it would find.

No one records pairs that cannot be made, so the precision of new pairings cannot be known. Both estimates here count an
unrecorded pair as a miss and so err on the low side: the mean of the calibrated probabilities (`ildb.links.calibrate`),
and one from pairings hidden from the model. Were the known pairings all hidden like the test part, a cut that finds a
share ``recall`` of the R of them beside n others would hold recall x R / (recall x R + n) recorded ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.split import PairSet

FloatArray = npt.NDArray[np.float64]

_Z_90 = 1.6449  # of the 90 % interval of a normal distribution


@dataclass(frozen=True)
class HiddenFound:
    """How many hidden pairings a cut finds.

    Attributes:
        found: hidden pairings that it would have kept.
        n: hidden pairings asked for.
    """

    found: int
    n: int

    @property
    def recall(self) -> float:
        """Share found; 0 without any to find."""
        return self.found / self.n if self.n else 0.0

    def interval(self) -> tuple[float, float]:
        """90 % interval of the share (Wilson, J. Am. Stat. Assoc. 1927, 22, 209)."""
        if not self.n:
            return 0.0, 1.0
        square = _Z_90**2 / self.n
        centre = (self.recall + square / 2) / (1 + square)
        half = _Z_90 * math.sqrt(self.recall * (1 - self.recall) / self.n + square / (4 * self.n)) / (1 + square)
        return max(0.0, centre - half), min(1.0, centre + half)


def heldout_figures(hidden: HiddenFound, n_known: int, n_others: float) -> dict[str, float]:
    """Recall of hidden pairings at a cut, and the precision it implies, each with a 90 % interval.

    Args:
        hidden: what the cut finds of the hidden pairings.
        n_known: recorded pairings, R.
        n_others: unrecorded pairs that the cut keeps, n.
    """

    def precision(recall: float) -> float:
        kept = recall * n_known + n_others
        return recall * n_known / kept if kept else 0.0

    low, high = hidden.interval()
    return {
        "recall_heldout": hidden.recall,
        "recall_heldout_low": low,
        "recall_heldout_high": high,
        "precision_heldout": precision(hidden.recall),
        "precision_heldout_low": precision(low),
        "precision_heldout_high": precision(high),
        "n_heldout": float(hidden.n),
    }


def calibrated_precision(probabilities: npt.ArrayLike, ratio: float, true_ratio: float) -> float:
    """Mean probability of the kept pairs at another share of recorded pairings.

    Args:
        probabilities: calibrated, against ``ratio`` unrecorded pairs per recorded one; shape (n,), n >= 1.
        ratio: of the calibration.
        true_ratio: unrecorded pairs per recorded one to refer to (`unrecorded_ratio`).
    """
    p = np.asarray(probabilities, dtype=np.float64)
    odds = p / np.maximum(1 - p, 1e-12) * ratio / true_ratio
    return float((odds / (1 + odds)).mean())


def unrecorded_ratio(graph: LinkGraph) -> float:
    """Unrecorded pairs per recorded pairing of a graph."""
    return (graph.n_pairs - graph.n_edges) / graph.n_edges


@dataclass(frozen=True, eq=False)
class HeldoutSample:
    """Scores, from training pairings alone, of all pairs of some cations that are not training pairings.

    Attributes:
        logits: float32, shape (n,); minus infinity for a pair beyond the cut's limit of pairs per cation.
        hidden: whether the pair is of the test part, shape (n,).
    """

    logits: npt.NDArray[np.float32]
    hidden: npt.NDArray[np.bool_]

    def at(self, least: float, graph: LinkGraph) -> dict[str, float]:
        """`heldout_figures` of the cut at a least logit."""
        kept = self.logits >= least
        others = float(kept[~self.hidden].mean()) * (graph.n_pairs - graph.n_edges) if (~self.hidden).any() else 0.0
        found = HiddenFound(int((kept & self.hidden).sum()), int(self.hidden.sum()))
        return heldout_figures(found, graph.n_edges, others)


def heldout_sample(
    graph: LinkGraph,
    rows: npt.NDArray[np.floating],
    cations: IntArray,
    train_edges: IntArray,
    test_edges: IntArray,
    per_cation: int | None,
) -> HeldoutSample:
    """Pick from full rows of scores what a cut could keep.

    Args:
        graph: known pairings.
        rows: scores given the training pairings alone, shape (n, n_anions).
        cations: the cation of each row, shape (n,).
        train_edges: training pairings, which are left out.
        test_edges: the hidden ones. Validation pairings, on which the model was calibrated, are left out.
        per_cation: pairs of one cation that the cut keeps at most.
    """
    scores = rows.astype(np.float32)
    pairs = np.stack(np.meshgrid(cations, np.arange(graph.n_anions), indexing="ij"), axis=-1).reshape(-1, 2)
    hidden = PairSet(test_edges, graph.n_anions).contains(pairs).reshape(scores.shape)
    known = PairSet(graph.edges, graph.n_anions).contains(pairs).reshape(scores.shape)
    asked = hidden | ~known
    if per_cation is not None and per_cation < graph.n_anions:
        training = PairSet(train_edges, graph.n_anions).contains(pairs).reshape(scores.shape)
        rivals = np.where(training, -np.inf, scores)
        least = np.partition(rivals, -per_cation, axis=1)[:, -per_cation]
        scores = np.where(scores >= least[:, None], scores, -np.inf).astype(np.float32)
    return HeldoutSample(scores[asked], hidden[asked])
