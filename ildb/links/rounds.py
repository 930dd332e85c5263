"""The paper's rounds: train, accept what is predicted, train again with the predictions beside the known pairings.

Published rounds replaced the known pairings by the predictions, split anew and judged the model on its own output. Here
the known pairings are split once. Every round trains on the training pairings and on all predictions so far; the
validation pairings choose the epoch and calibrate, and the test pairings judge every round, untouched by any. A hidden
pairing is a prediction like any other where the network finds it, and how many it finds measures the cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ildb.errors import InputError
from ildb.links.calibrate import Calibration, calibrate
from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.evaluate import draw_questions, evaluate, evaluate_part, pair_scores
from ildb.links.features import GraphFeatures, graph_features
from ildb.links.fit import Epoch, Judge
from ildb.links.paper import PaperNet, encode, fit_net
from ildb.links.params import PaperParams
from ildb.links.split import EdgeSplit, PairSet, Part, split_edges, uniform_negatives
from ildb.links.tiles import Best, DotProducts, Forbidden, best_pairs
from ildb.links.train import Embeddings, baseline_rankers

_CALIBRATION_DRAWS = 400_000


@dataclass(frozen=True, eq=False)
class Round:
    """The network of one round and everything needed to use, to judge and to continue it.

    Attributes:
        number: 1 for the network trained on known pairings alone.
        model: the network.
        params: its settings.
        calibration: from logits to probabilities.
        split: the part of each known pairing, the same in all rounds.
        predicted: pairs accepted before this round, which it trained on, shape (n, 2).
        metrics: on the test part, with those of the simple rankers under ``baselines.NAME.``.
        history: the validation checks made during training.
        graph_sha256: the graph of known pairings.
    """

    number: int
    model: PaperNet
    params: PaperParams
    calibration: Calibration
    split: EdgeSplit
    predicted: IntArray
    metrics: dict[str, float]
    history: tuple[Epoch, ...]
    graph_sha256: str

    @property
    def assignment(self) -> list[Part]:
        """The part of each edge of the graph: train, validation or test."""
        return self.split.names()

    def train_edges(self, graph: LinkGraph) -> IntArray:
        """What the network learnt from and hears: training pairings, then predictions, shape (n, 2)."""
        return np.concatenate([self.split.edges(graph, "train"), self.predicted])

    def vectors(self, graph: LinkGraph, features: GraphFeatures | None = None) -> Embeddings:
        """Vectors of the ions, from what the network hears.

        Args:
            graph: the graph of the rounds.
            features: of its ions, to spare computing them again.
        """
        cation, anion = encode(self.model, features or graph_features(graph), self.train_edges(graph))
        return Embeddings(cation.numpy().astype(np.float64), anion.numpy().astype(np.float64))


def first_round(graph: LinkGraph, params: PaperParams, fractions: tuple[float, float, float]) -> Round:
    """Split the known pairings and train on them alone.

    Args:
        graph: known pairings.
        params: settings; the seed is that of the split, the training and the negatives.
        fractions: shares of training, validation and test pairings.

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
    baselines = {
        f"baselines.{name}.{key}": value
        for name, ranker in baseline_rankers(graph, train_edges).items()
        for key, value in evaluate_part(ranker, graph, split, "test", params.seed).items()
    }
    return _train(graph, params, split, np.empty((0, 2), dtype=np.int64), 1, baselines)


def next_round(graph: LinkGraph, before: Round, accepted: IntArray) -> Round:
    """Train on the known training pairings, the predictions of earlier rounds and those of the last.

    Args:
        graph: the graph of the rounds.
        before: the last round.
        accepted: what it predicted, shape (n, 2).

    Raises:
        InputError: the graph is another one.
    """
    if before.graph_sha256 != graph.sha256:
        raise InputError("The rounds were begun on other pairings.", "Run the recipe anew.")
    predicted = np.concatenate([before.predicted, accepted])
    baselines = {key: value for key, value in before.metrics.items() if key.startswith("baselines.")}
    return _train(graph, before.params, before.split, predicted, before.number + 1, baselines)


def predict(
    graph: LinkGraph, current: Round, *, top: int, min_probability: float, max_multiplicity: int, per_cation: int | None
) -> Best:
    """The best pairs that the network neither knows nor was trained on; hidden known pairings are among them.

    Args:
        graph: the graph of the rounds.
        current: the round.
        top: pairs to keep at most.
        min_probability: pairs below are not kept.
        max_multiplicity: largest stoichiometric coefficient allowed.
        per_cation: pairs of one cation to keep at most.
    """
    vectors = current.vectors(graph)
    known = current.train_edges(graph)
    return best_pairs(
        DotProducts(vectors.cations.astype(np.float32), vectors.anions.astype(np.float32)),
        top=top,
        per_cation=per_cation,
        floor=current.calibration.logit(min_probability),
        forbidden=Forbidden(
            known[np.lexsort((known[:, 1], known[:, 0]))],
            graph.cation_charges,
            graph.anion_charges,
            max_multiplicity,
        ),
    )


def round_seed(seed: int, number: int) -> int:
    """Seed of the weights and negatives of a round: the model's own in the first, unrelated ones afterwards."""
    return seed if number == 1 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _train(
    graph: LinkGraph,
    params: PaperParams,
    split: EdgeSplit,
    predicted: IntArray,
    number: int,
    baselines: Mapping[str, float],
) -> Round:
    features = graph_features(graph)
    edges = np.concatenate([split.edges(graph, "train"), predicted])
    seed = round_seed(params.seed, number)
    net, history = fit_net(features, edges, params, seed, _judge(graph, split, params.seed))
    cation, anion = encode(net, features, edges)
    vectors = Embeddings(cation.numpy().astype(np.float64), anion.numpy().astype(np.float64))
    return Round(
        number=number,
        model=net,
        params=params,
        calibration=_calibrate(graph, split, vectors, params),
        split=split,
        predicted=predicted,
        metrics=evaluate_part(vectors.rows, graph, split, "test", params.seed) | dict(baselines),
        history=tuple(history),
        graph_sha256=graph.sha256,
    )


def _judge(graph: LinkGraph, split: EdgeSplit, seed: int) -> Judge:
    questions = draw_questions(graph, split, "validation", seed)

    def judge(cation: Tensor, anion: Tensor) -> float:
        metrics = evaluate(Embeddings(cation.double().numpy(), anion.double().numpy()).rows, questions)
        return sum(metrics[key] for key in ("auroc_uniform", "auroc_degree_matched", "mrr") if key in metrics)

    return judge


def _calibrate(graph: LinkGraph, split: EdgeSplit, vectors: Embeddings, params: PaperParams) -> Calibration:
    """Calibrate on the validation part against unrecorded pairs (`ildb.links.calibrate`)."""
    drawn = uniform_negatives(
        _CALIBRATION_DRAWS,
        PairSet(graph.edges, graph.n_anions),
        np.random.default_rng([params.seed, 11]),
        np.arange(graph.n_cations),
        np.arange(graph.n_anions),
    )
    ratio = params.calibration_ratio or (graph.n_pairs - graph.n_edges) / graph.n_edges
    positive = pair_scores(vectors.rows, split.edges(graph, "validation"))
    return calibrate(positive, pair_scores(vectors.rows, drawn), ratio)
