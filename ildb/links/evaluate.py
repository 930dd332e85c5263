"""Metrics of a link ranker, one flat dictionary with the same keys for every ranker.

Every number is over the hidden edges of one part. Negatives exclude every known pairing, whatever its part. Area
metrics use several negatives per positive, weighted so that both classes weigh the same (average precision depends on
that ratio).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from ildb.links.baselines import RowScorer
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.split import EdgeSplit, PairSet, Part, degree_matched_negatives, train_degrees, uniform_negatives

NEGATIVES_PER_POSITIVE = 10
"""Negatives drawn per positive: more than one only lowers the noise, the classes stay balanced by weight."""
HITS_AT = 10


@dataclass(frozen=True, eq=False)
class Questions:
    """What a ranker is asked: drawn once, so that rankers compared answer the same questions.

    Attributes:
        positives: hidden pairs, shape (n, 2).
        uniform: uniform negatives, shape (m, 2).
        matched: degree-matched negatives, shape (l, 2).
        candidates: whether each anion may be ranked, shape (n_anions,).
        known: every known pairing.
        weights: what each positive counts, shape (n,); None: all the same.
    """

    positives: IntArray
    uniform: IntArray
    matched: IntArray
    candidates: npt.NDArray[np.bool_]
    known: PairSet
    weights: npt.NDArray[np.float64] | None = None


def draw_questions(graph: LinkGraph, split: EdgeSplit, part: Part, seed: int, *, core: bool = False) -> Questions:
    """Draw the negatives for the hidden edges of one part.

    Args:
        graph: all known pairings.
        split: the parts; training edges define the degrees.
        part: the part to judge.
        seed: of the draws.
        core: keep to ions with a training edge, for positives, negatives and candidates alike. An ion without one must
            own a hidden edge, which a ranker could use without knowing any chemistry.
    """
    rng = np.random.default_rng([seed, PARTS_SEED[part], int(core)])
    known = PairSet(graph.edges, graph.n_anions)
    cation_degrees, anion_degrees = train_degrees(graph, split)
    positives = split.edges(graph, part)
    candidates = np.ones(graph.n_anions, dtype=bool)
    cations = np.arange(graph.n_cations)
    if core:
        candidates = anion_degrees > 0
        cations = np.flatnonzero(cation_degrees > 0)
        positives = positives[(cation_degrees[positives[:, 0]] > 0) & candidates[positives[:, 1]]]
    uniform = uniform_negatives(
        NEGATIVES_PER_POSITIVE * len(positives), known, rng, cations, np.flatnonzero(candidates)
    )
    matched, _ = degree_matched_negatives(
        np.repeat(positives, NEGATIVES_PER_POSITIVE, axis=0), anion_degrees, known, rng
    )
    return Questions(positives, uniform, matched, candidates, known)


PARTS_SEED: dict[Part, int] = {"train": 0, "validation": 1, "test": 2}
"""Second word of the random seed, so that parts draw different negatives."""


def evaluate(score: RowScorer, questions: Questions) -> dict[str, float]:
    """Metrics of one ranker on one set of questions.

    Returns:
        ``auroc_uniform``, ``ap_uniform``, ``auroc_degree_matched``, ``mrr`` and ``hits_at_10`` (the true anion among
        the candidate anions, other known partners of the cation left out; ties count half). A metric without positives
        or negatives is left out.
    """
    if not len(questions.positives):
        return {}
    positive = pair_scores(score, questions.positives)
    metrics: dict[str, float] = {}
    if len(questions.uniform):
        truth, values, weights = _classes(positive, pair_scores(score, questions.uniform), questions.weights)
        metrics["auroc_uniform"] = float(roc_auc_score(truth, values, sample_weight=weights))
        metrics["ap_uniform"] = float(average_precision_score(truth, values, sample_weight=weights))
    if len(questions.matched):
        truth, values, weights = _classes(positive, pair_scores(score, questions.matched), questions.weights)
        metrics["auroc_degree_matched"] = float(roc_auc_score(truth, values, sample_weight=weights))
    ranks = filtered_ranks(score, questions)
    metrics["mrr"] = float(np.average(1.0 / ranks, weights=questions.weights))
    metrics["hits_at_10"] = float(np.average(ranks <= HITS_AT, weights=questions.weights))
    return metrics


def evaluate_part(score: RowScorer, graph: LinkGraph, split: EdgeSplit, part: Part, seed: int) -> dict[str, float]:
    """Metrics over all hidden edges of a part, and the same under ``core.``."""
    metrics = evaluate(score, draw_questions(graph, split, part, seed))
    core = evaluate(score, draw_questions(graph, split, part, seed, core=True))
    return metrics | {f"core.{key}": value for key, value in core.items()}


def filtered_ranks(score: RowScorer, questions: Questions) -> npt.NDArray[np.float64]:
    """Rank of the true anion of each positive, 1 is best; equal scores share the mean of their ranks."""
    cations, inverse = np.unique(questions.positives[:, 0], return_inverse=True)
    rows = score(cations)
    ranks = np.empty(len(questions.positives), dtype=np.float64)
    for index, (place, anion) in enumerate(zip(inverse, questions.positives[:, 1], strict=True)):
        rivals = questions.candidates.copy()
        rivals[questions.known.row(int(cations[place]))] = False
        others = rows[place, rivals]
        own = rows[place, anion]
        ranks[index] = 1.0 + np.count_nonzero(others > own) + 0.5 * np.count_nonzero(others == own)
    return ranks


def pair_scores(score: RowScorer, pairs: IntArray) -> npt.NDArray[np.float64]:
    """Scores of single pairs, shape (n,), from a scorer of rows."""
    cations, inverse = np.unique(pairs[:, 0], return_inverse=True)
    return score(cations)[inverse, pairs[:, 1]]


def _classes(
    positive: npt.NDArray[np.float64], negative: npt.NDArray[np.float64], counts: npt.NDArray[np.float64] | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    truth = np.concatenate([np.ones(len(positive), dtype=np.int64), np.zeros(len(negative), dtype=np.int64)])
    own = np.ones(len(positive)) if counts is None else counts
    weights = np.concatenate([own / own.sum(), np.full(len(negative), 1.0 / len(negative))])
    return truth, np.concatenate([positive, negative]), weights
