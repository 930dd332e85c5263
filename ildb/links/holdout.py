"""Judging link prediction where it matters: cations never seen, and the pairings of a source never read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ildb.links.baselines import RowScorer
from ildb.links.basis import build_basis
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.evaluate import NEGATIVES_PER_POSITIVE, Questions, evaluate
from ildb.links.params import RankerParams
from ildb.links.ranker import RankerRows, fit_ranker
from ildb.links.split import PairSet, degree_matched_negatives, uniform_negatives
from ildb.links.train import baseline_rankers

MIN_HIDDEN = 20
"""Fewer hidden pairings than this say nothing about a source."""


def cold_start(graph: LinkGraph, params: RankerParams, folds: int) -> dict[str, float]:
    """Hide the cations part by part, train on the rest, and rank the anions of the hidden ones from structure alone.

    Every cation with a known pairing is hidden once, and folds count the same. Negatives keep to the hidden cations.
    Half of all pairings belong to few cations with many partners, so the question is also asked with every cation of a
    fold counting the same however many partners it has.

    Args:
        graph: known pairings.
        params: settings of the ranker.
        folds: parts of the cations; 0 measures nothing.

    Returns:
        Metrics under ``cold_start.`` (pairings count the same) and ``cold_start.per_cation.``, those of the cheap
        rankers under ``baselines.NAME.``.
    """
    cations = np.unique(graph.edges[:, 0])
    folds = min(folds, len(cations))
    if folds < 2:
        return {}
    part = np.random.default_rng([params.seed, 31]).permutation(len(cations)) % folds
    found = []
    for fold in range(folds):
        chosen = cations[part == fold]
        hidden = np.isin(graph.edges[:, 0], chosen)
        partners = np.bincount(graph.edges[:, 0], minlength=graph.n_cations)
        questions = _questions(graph, ~hidden, graph.edges[hidden], chosen, [params.seed, 32, fold])
        per_cation = replace(questions, weights=1.0 / partners[questions.positives[:, 0]])
        rankers = _rankers(graph, graph.edges[~hidden], params)
        found.append(
            _metrics(rankers, questions, "cold_start") | _metrics(rankers, per_cation, "cold_start.per_cation")
        )
    return _mean(found)


def source_heldout(
    graph: LinkGraph, sources: Sequence[frozenset[str]], params: RankerParams, heldout: int
) -> dict[str, float]:
    """Train without one source's pairings, then rank them: does the model say what an outsider will report?

    Ranked are pairings between ions that the training pairings know (an ion they do not know is a matter of
    `cold_start`), against anions that they know. Two questions are asked of each source:

    - it was never read: all its pairings are hidden, also those that others report too. Under ``source_heldout.`` all
      of them, under ``source_heldout.shared.`` those that others report too, under ``source_heldout.unshared.`` the
      rest.
    - it comes on top: only the pairings that no other source has are hidden, and ranked under
      ``source_heldout.addition.``. These are few, and what makes them new is that nobody else has looked.

    Args:
        graph: known pairings.
        sources: names of the sources that vouch for each edge of the graph, in edge order.
        params: settings of the ranker.
        heldout: how many sources to hold out in turn, largest first; 0 measures nothing. A source is passed over when
            it holds more than half of the pairings (little is left to learn from) or says too little.

    Returns:
        Means over the sources, those of the cheap rankers under ``baselines.NAME.source_heldout.``. A part with fewer
        than `MIN_HIDDEN` pairings is left out. Empty when no source can be held out.
    """
    sizes: dict[str, int] = {}
    for names in sources:
        for name in names:
            sizes[name] = sizes.get(name, 0) + 1
    shared = np.array([len(names) > 1 for names in sources])
    found: list[dict[str, float]] = []
    for name in sorted(sizes, key=lambda source: (-sizes[source], source)):
        if len(found) >= heldout:
            break
        own = np.array([name in names for names in sources])
        if 2 * own.sum() > graph.n_edges:
            continue
        parts = {"source_heldout": own, "source_heldout.shared": own & shared, "source_heldout.unshared": own & ~shared}
        metrics = _without(graph, own, parts, params)
        if "source_heldout.mrr" in metrics:
            alone = {"source_heldout.addition": own & ~shared}
            found.append(metrics | _without(graph, own & ~shared, alone, params))
    return _mean(found)


def _without(
    graph: LinkGraph,
    hidden: npt.NDArray[np.bool_],
    parts: Mapping[str, npt.NDArray[np.bool_]],
    params: RankerParams,
) -> dict[str, float]:
    """Metrics of a model trained without the hidden pairings, for each part of them that is large enough."""
    train = graph.edges[~hidden]
    known_cations, known_anions = np.unique(train[:, 0]), np.unique(train[:, 1])
    judged: list[tuple[str, Questions]] = []
    for label, chosen in parts.items():
        asked = graph.edges[chosen]
        asked = asked[np.isin(asked[:, 0], known_cations) & np.isin(asked[:, 1], known_anions)]
        if len(asked) >= MIN_HIDDEN:
            judged.append((label, _questions(graph, ~hidden, asked, known_cations, [params.seed, 33])))
    if not judged:
        return {}
    rankers = _rankers(graph, train, params)
    return {key: value for label, asked in judged for key, value in _metrics(rankers, asked, label).items()}


def _questions(
    graph: LinkGraph,
    train: npt.NDArray[np.bool_],
    positives: IntArray,
    cations: IntArray,
    seed: list[int],
) -> Questions:
    """Negatives over some cations and the anions with a training edge; positives of other anions are left out."""
    rng = np.random.default_rng(seed)
    known = PairSet(graph.edges, graph.n_anions)
    anion_degrees = np.bincount(graph.edges[train, 1], minlength=graph.n_anions)
    candidates = anion_degrees > 0
    positives = positives[candidates[positives[:, 1]]]
    uniform = uniform_negatives(
        NEGATIVES_PER_POSITIVE * len(positives), known, rng, cations, np.flatnonzero(candidates)
    )
    repeated = np.repeat(positives, NEGATIVES_PER_POSITIVE, axis=0)
    matched, _ = degree_matched_negatives(repeated, anion_degrees, known, rng)
    return Questions(positives, uniform, matched, candidates, known)


def _rankers(graph: LinkGraph, train: IntArray, params: RankerParams) -> Mapping[str, RowScorer]:
    basis = build_basis(graph)
    return {"": RankerRows(fit_ranker(basis, train, params), basis, train).rows, **baseline_rankers(graph, train)}


def _metrics(rankers: Mapping[str, RowScorer], questions: Questions, label: str) -> dict[str, float]:
    return {
        f"baselines.{name}.{label}.{key}" if name else f"{label}.{key}": value
        for name, score in rankers.items()
        for key, value in evaluate(score, questions).items()
    }


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    keys = [key for metrics in found for key in metrics]
    return {key: float(np.mean([metrics[key] for metrics in found if key in metrics])) for key in dict.fromkeys(keys)}
