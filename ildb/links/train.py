"""From a graph to a trained, calibrated and judged link model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from ildb.errors import InputError
from ildb.links.baselines import RowScorer, kernel_ridge, nearest_cations_vote, popularity
from ildb.links.basis import build_basis
from ildb.links.calibrate import Calibration, calibrate
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.evaluate import draw_questions, evaluate, evaluate_part, pair_scores
from ildb.links.features import graph_features
from ildb.links.fit import Epoch, Judge, edge_tensor, fit, reproducible
from ildb.links.paper import fit_paper
from ildb.links.params import LinkParams, RankerParams, SageParams
from ildb.links.ranker import Ranker, RankerRows, fit_ranker
from ildb.links.sage import Inputs, SageNet
from ildb.links.split import EdgeSplit, PairSet, Part, split_edges, uniform_negatives

_CALIBRATION_DRAWS = 400_000


class PairScorer(Protocol):
    """Scores the pairs of one graph from one set of known pairings."""

    def rows(self, cations: IntArray) -> npt.NDArray[np.float64]:
        """Logits of some cations with every anion, shape (n, n_anions)."""
        ...


@dataclass(frozen=True, eq=False)
class TrainedLinks:
    """A link model and everything needed to use and to judge it.

    Attributes:
        model: the ranker, or the network in evaluation mode.
        params: its settings.
        calibration: from logits to probabilities.
        split: the part of each known pairing at training time.
        metrics: test metrics, with ``core.`` and ``baselines.NAME.`` keys (`ildb.links.evaluate`).
        history: the validation checks made during training; the ranker makes none.
        graph_sha256: the graph it was trained on.
    """

    model: Ranker | SageNet
    params: LinkParams
    calibration: Calibration
    split: EdgeSplit
    metrics: dict[str, float]
    history: tuple[Epoch, ...]
    graph_sha256: str

    @property
    def assignment(self) -> list[Part]:
        """The part of each edge of the training graph: train, validation or test."""
        return self.split.names()


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector per ion; the logit of a pair is the dot product of its two vectors.

    Attributes:
        cations: float64, shape (n_cations, width).
        anions: float64, shape (n_anions, width).
    """

    cations: npt.NDArray[np.float64]
    anions: npt.NDArray[np.float64]

    def rows(self, cations: IntArray) -> npt.NDArray[np.float64]:
        """Logits of some cations with every anion, shape (n, n_anions)."""
        return self.cations[cations] @ self.anions.T


def train_links(
    graph: LinkGraph,
    params: LinkParams,
    *,
    fractions: tuple[float, float, float] = (0.85, 0.05, 0.10),
    paper_baseline: bool = False,
) -> TrainedLinks:
    """Split, train, calibrate on the validation part and judge on the test part.

    Only training edges are messages, labels or neighbours. The same graph, parameters and machine give the same model
    bit for bit.

    Args:
        graph: known pairings.
        params: settings, whose type chooses the method; ``params.seed`` seeds the split, the training and the
            negatives.
        fractions: shares of training, validation and test edges.
        paper_baseline: also train and judge the paper's own network (`ildb.links.paper`).

    Raises:
        InputError: too few pairings, impossible fractions, or nothing left to predict.
    """
    if graph.n_edges >= graph.n_pairs:
        raise InputError(
            f"All {graph.n_pairs} cation x anion pairs are already known, so there is no link to predict.",
            "Ingest more ionic liquids first.",
        )
    split = split_edges(graph, fractions, params.seed)
    train_edges = split.edges(graph, "train")
    model, history = _fit(graph, split, params)
    scorer = _scorer(graph, model, params, train_edges)
    metrics = evaluate_part(scorer.rows, graph, split, "test", params.seed)
    baselines = baseline_rankers(graph, train_edges)
    if paper_baseline:
        vectors = fit_paper(graph_features(graph), train_edges, params.seed, _judge(graph, split, params.seed))
        baselines["graphsage_paper"] = _embeddings(*vectors).rows
    for name, ranker in baselines.items():
        judged = evaluate_part(ranker, graph, split, "test", params.seed)
        metrics |= {f"baselines.{name}.{key}": value for key, value in judged.items()}
    return TrainedLinks(
        model=model,
        params=params,
        calibration=_calibrate(graph, split, scorer, params),
        split=split,
        metrics=metrics,
        history=tuple(history),
        graph_sha256=graph.sha256,
    )


def baseline_rankers(graph: LinkGraph, train_edges: IntArray) -> dict[str, RowScorer]:
    """The cheap rankers every model is judged beside, by name."""
    counts = graph_features(graph).cations.counts
    return {
        "popularity": popularity(train_edges, graph.n_cations, graph.n_anions),
        "knn": nearest_cations_vote(train_edges, counts, graph.n_anions),
        "kernel_ridge": kernel_ridge(train_edges, build_basis(graph)),
    }


def link_scorer(graph: LinkGraph, trained: TrainedLinks, known_edges: IntArray | None = None) -> PairScorer:
    """A trained model applied to a graph.

    Args:
        graph: its ions may be others than those the model was trained on.
        trained: a trained model.
        known_edges: pairings to describe ions and pairs by, shape (n, 2). By default all known ones, which suits the
            scoring of unmade pairs: those are never among them. To judge hidden edges, give the training edges.
    """
    return _scorer(graph, trained.model, trained.params, graph.edges if known_edges is None else known_edges)


def _fit(graph: LinkGraph, split: EdgeSplit, params: LinkParams) -> tuple[Ranker | SageNet, list[Epoch]]:
    train_edges = split.edges(graph, "train")
    if isinstance(params, RankerParams):
        return fit_ranker(build_basis(graph), train_edges, params), []
    inputs = Inputs(graph_features(graph), params.similar_neighbours)
    return fit(inputs, train_edges, params, _judge(graph, split, params.seed))


def _judge(graph: LinkGraph, split: EdgeSplit, seed: int) -> Judge:
    questions = draw_questions(graph, split, "validation", seed)

    def judge(cation: torch.Tensor, anion: torch.Tensor) -> float:
        metrics = evaluate(_embeddings(cation, anion).rows, questions)
        return sum(metrics[key] for key in ("auroc_uniform", "auroc_degree_matched", "mrr") if key in metrics)

    return judge


def _scorer(graph: LinkGraph, model: Ranker | SageNet, params: LinkParams, known_edges: IntArray) -> PairScorer:
    if isinstance(model, Ranker):
        return RankerRows(model, build_basis(graph), known_edges)
    assert isinstance(params, SageParams)  # noqa: S101 - a network is only ever made from these
    inputs = Inputs(graph_features(graph), params.similar_neighbours)
    with torch.no_grad(), reproducible(0):
        return _embeddings(*model(inputs, edge_tensor(known_edges)))


def _embeddings(cation: torch.Tensor, anion: torch.Tensor) -> Embeddings:
    return Embeddings(cation.numpy().astype(np.float64), anion.numpy().astype(np.float64))


def _calibrate(graph: LinkGraph, split: EdgeSplit, scorer: PairScorer, params: LinkParams) -> Calibration:
    """Calibrate on the validation edges against unrecorded pairs (`ildb.links.calibrate`)."""
    rng = np.random.default_rng([params.seed, 11])
    drawn = uniform_negatives(
        _CALIBRATION_DRAWS,
        PairSet(graph.edges, graph.n_anions),
        rng,
        np.arange(graph.n_cations),
        np.arange(graph.n_anions),
    )
    ratio = params.calibration_ratio or (graph.n_pairs - graph.n_edges) / graph.n_edges
    positive = pair_scores(scorer.rows, split.edges(graph, "validation"))
    return calibrate(positive, pair_scores(scorer.rows, drawn), ratio)
