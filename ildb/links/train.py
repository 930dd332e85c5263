"""From a graph to a trained, calibrated and judged link model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ildb.errors import InputError
from ildb.links.baselines import RowScorer, nearest_cations_vote, popularity
from ildb.links.calibrate import Calibration, calibrate
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.evaluate import draw_questions, evaluate, evaluate_part, pair_scores
from ildb.links.features import graph_features
from ildb.links.fit import Epoch, edge_tensor, fit, reproducible
from ildb.links.params import SageParams
from ildb.links.sage import Inputs, SageNet
from ildb.links.split import EdgeSplit, PairSet, Part, split_edges, uniform_negatives

_CALIBRATION_DRAWS = 400_000


@dataclass(frozen=True, eq=False)
class TrainedLinks:
    """A link model and everything needed to use and to judge it.

    Attributes:
        model: the network, in evaluation mode.
        params: its settings.
        calibration: from logits to probabilities.
        split: the part of each known pairing at training time.
        metrics: test metrics, with ``core.`` and ``baselines.NAME.`` keys (`ildb.links.evaluate`).
        history: the validation checks made during training.
        graph_sha256: the graph it was trained on.
    """

    model: SageNet
    params: SageParams
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
    graph: LinkGraph, params: SageParams, *, fractions: tuple[float, float, float] = (0.85, 0.05, 0.10)
) -> TrainedLinks:
    """Split, train, calibrate on the validation part and judge on the test part.

    Message edges are training edges throughout. The same graph, parameters and machine give the same model bit for bit.

    Args:
        graph: known pairings.
        params: settings; ``params.seed`` seeds the split, the training and the negatives.
        fractions: shares of training, validation and test edges.

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
    features = graph_features(graph)
    inputs = Inputs(features, params.similar_neighbours)
    questions = draw_questions(graph, split, "validation", params.seed)

    def judge(cation: torch.Tensor, anion: torch.Tensor) -> float:
        metrics = evaluate(_embeddings(cation, anion).rows, questions)
        return sum(metrics[key] for key in ("auroc_uniform", "auroc_degree_matched", "mrr") if key in metrics)

    model, history = fit(inputs, train_edges, params, judge)
    trained_vectors = _encode(model, inputs, train_edges)
    metrics = evaluate_part(trained_vectors.rows, graph, split, "test", params.seed)
    baselines: dict[str, RowScorer] = {
        "popularity": popularity(train_edges, graph.n_cations, graph.n_anions),
        "knn": nearest_cations_vote(train_edges, features.cations.counts, graph.n_anions),
    }
    for name, scorer in baselines.items():
        judged = evaluate_part(scorer, graph, split, "test", params.seed)
        metrics |= {f"baselines.{name}.{key}": value for key, value in judged.items()}
    return TrainedLinks(
        model=model,
        params=params,
        calibration=_calibrate(graph, split, trained_vectors, params),
        split=split,
        metrics=metrics,
        history=tuple(history),
        graph_sha256=graph.sha256,
    )


def encode_graph(graph: LinkGraph, trained: TrainedLinks, message_edges: IntArray | None = None) -> Embeddings:
    """Vectors of every ion.

    Args:
        graph: its ions may be others than those the model was trained on.
        trained: a trained model.
        message_edges: pairings to pass messages over, shape (n, 2). By default all known ones, which suits the scoring
            of unmade pairs: those are never among the messages. To judge hidden edges, give the training edges.
    """
    inputs = Inputs(graph_features(graph), trained.params.similar_neighbours)
    return _encode(trained.model, inputs, graph.edges if message_edges is None else message_edges)


def _encode(model: SageNet, inputs: Inputs, message_edges: IntArray) -> Embeddings:
    with torch.no_grad(), reproducible(0):
        return _embeddings(*model(inputs, edge_tensor(message_edges)))


def _embeddings(cation: torch.Tensor, anion: torch.Tensor) -> Embeddings:
    return Embeddings(cation.numpy().astype(np.float64), anion.numpy().astype(np.float64))


def _calibrate(graph: LinkGraph, split: EdgeSplit, vectors: Embeddings, params: SageParams) -> Calibration:
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
    positive = pair_scores(vectors.rows, split.edges(graph, "validation"))
    negative = np.einsum("ij,ij->i", vectors.cations[drawn[:, 0]], vectors.anions[drawn[:, 1]])
    return calibrate(positive, negative, ratio)
