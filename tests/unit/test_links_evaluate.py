"""Metrics against numbers worked out by hand, baselines on a graph small enough to read."""

import numpy as np
import pytest

from ildb.links.baselines import nearest_cations_vote, popularity
from ildb.links.evaluate import Questions, draw_questions, evaluate, evaluate_part, filtered_ranks
from ildb.links.split import EdgeSplit, PairSet
from tests.unit.test_links_split import toy_graph

SCORES = np.array([[0.9, 0.5, 0.1, 0.5], [0.2, 0.8, 0.4, 0.6]])


def scorer(cations):
    return SCORES[cations]


def questions(positives, uniform=(), matched=(), known=(), candidates=(True, True, True, True)):
    def pairs(rows):
        return np.array(rows, dtype=np.int64).reshape(-1, 2)

    known_pairs = PairSet(pairs([*positives, *known]), 4)
    return Questions(pairs(positives), pairs(uniform), pairs(matched), np.array(candidates), known_pairs)


def test_ranks_by_hand():
    # (0, 1): anion 0 is better, anion 3 ties -> 1 + 1 + 0.5; (1, 2): anions 1 and 3 are better -> 3.
    assert filtered_ranks(scorer, questions([(0, 1), (1, 2)])).tolist() == [2.5, 3.0]


def test_known_partners_and_non_candidates_are_no_rivals():
    assert filtered_ranks(scorer, questions([(0, 1)], known=[(0, 0)])).tolist() == [1.5]
    assert filtered_ranks(scorer, questions([(0, 1)], candidates=(False, True, True, False))).tolist() == [1.0]


def test_metrics_by_hand():
    asked = questions([(0, 0), (1, 2)], uniform=[(0, 1), (0, 2), (1, 3), (1, 0)], matched=[(0, 1), (1, 1)])
    metrics = evaluate(scorer, asked)
    # positives .9, .4 against .5, .1, .6, .2: six of eight comparisons are won.
    assert metrics["auroc_uniform"] == pytest.approx(6 / 8)
    # Classes weigh the same, so a negative counts 1/2 of a positive: precision is 1 at .9 and 2 / (2 + 2 x 1/2) at .4.
    assert metrics["ap_uniform"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics["auroc_degree_matched"] == pytest.approx(2 / 4)
    assert metrics["mrr"] == pytest.approx((1 + 1 / 3) / 2)
    assert metrics["hits_at_10"] == 1.0


def test_undefined_metrics_are_left_out():
    assert evaluate(scorer, questions([])) == {}
    assert set(evaluate(scorer, questions([(0, 0)]))) == {"mrr", "hits_at_10"}


def test_core_questions_keep_to_ions_with_a_training_edge():
    graph = toy_graph([(0, 0), (0, 1), (1, 0), (1, 2), (2, 1), (3, 0), (4, 3)])
    # Hidden: (1, 2), whose anion has no training edge; (3, 0), whose cation has none.
    assignment = np.array([0, 0, 0, 2, 0, 2, 1], dtype=np.int8)
    split = EdgeSplit(assignment)
    everything = draw_questions(graph, split, "test", 0)
    assert everything.positives.tolist() == [[1, 2], [3, 0]]
    core = draw_questions(graph, split, "test", 0, core=True)
    assert core.positives.tolist() == []
    assert core.candidates.tolist() == [True, True, False, False, False]
    metrics = evaluate_part(popularity(split.edges(graph, "train"), 8, 5), graph, split, "test", 0)
    assert "auroc_uniform" in metrics
    assert not any(key.startswith("core.") for key in metrics)


def test_questions_hold_no_known_pair_and_core_negatives_have_degrees():
    rng = np.random.default_rng(0)
    graph = toy_graph(
        {(int(c), int(a)) for c, a in zip(rng.integers(0, 30, 90), rng.integers(0, 12, 90), strict=True)}, 40, 15
    )
    split = EdgeSplit(rng.choice(3, graph.n_edges, p=[0.6, 0.1, 0.3]).astype(np.int8))
    train = split.edges(graph, "train")
    known = {tuple(edge) for edge in graph.edges.tolist()}
    for core in (False, True):
        asked = draw_questions(graph, split, "test", 5, core=core)
        negatives = np.concatenate([asked.uniform, asked.matched])
        assert len(asked.uniform) == 10 * len(asked.positives) > 0
        assert not known & {tuple(pair) for pair in negatives.tolist()}
        if core:
            assert set(negatives[:, 0]) | set(asked.positives[:, 0]) <= set(train[:, 0])
            assert set(negatives[:, 1]) | set(asked.positives[:, 1]) <= set(train[:, 1])


def test_popularity_is_the_sum_of_log_degrees():
    scores = popularity(np.array([[0, 0], [0, 1], [1, 1]]), 3, 3)(np.array([0, 2]))
    assert scores == pytest.approx(np.log([[6, 9, 3], [2, 3, 1]]))


def test_vote_follows_the_most_similar_cation_and_never_itself():
    counts = np.array([[4, 1, 0, 0], [4, 1, 0, 1], [0, 0, 5, 5], [0, 0, 5, 4]], dtype=np.uint8)
    counts = np.pad(counts, ((0, 0), (0, 1020)))
    train = np.array([[0, 0], [1, 1], [2, 2], [3, 2]])
    vote = nearest_cations_vote(train, counts, 3, k=1, prior=0.0)(np.arange(4))
    assert vote.argmax(1).tolist() == [1, 0, 2, 2]
    assert vote.sum(1) == pytest.approx(1)
    prior = nearest_cations_vote(train, counts, 3, k=1, prior=0.1)(np.arange(4)) - vote
    assert prior == pytest.approx(np.tile([0.025, 0.025, 0.05], (4, 1)))
