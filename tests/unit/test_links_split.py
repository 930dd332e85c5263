"""Splits and negatives: nothing hidden leaks, nothing known is a negative."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.errors import InputError
from ildb.links.dataset import IonRow, LinkGraph, build_graph
from ildb.links.split import PARTS, PairSet, degree_matched_negatives, split_edges, uniform_negatives


def toy_graph(edges, n_cations=8, n_anions=5) -> LinkGraph:
    return build_graph(
        [IonRow(f"C{i:03}", "C[NH3+]", 1) for i in range(n_cations)],
        [IonRow(f"A{i:03}", "[Cl-]", -1) for i in range(n_anions)],
        [(f"C{c:03}", f"A{a:03}") for c, a in edges],
    )


edge_sets = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 4)), min_size=3, max_size=40)


@settings(deadline=None)
@given(edge_sets, st.integers(0, 5))
def test_split_is_a_partition_with_no_empty_part(edges, seed):
    graph = toy_graph(edges)
    split = split_edges(graph, seed=seed)
    parts = [{tuple(edge) for edge in split.edges(graph, part).tolist()} for part in PARTS]
    assert all(parts)
    assert set.union(*parts) == edges
    assert sum(map(len, parts)) == len(edges)


def test_split_shares_and_seed():
    graph = toy_graph([(c, a) for c in range(20) for a in range(10)], 20, 12)
    split = split_edges(graph, (0.85, 0.05, 0.10), seed=3)
    assert [split.names().count(part) for part in PARTS] == [170, 10, 20]
    assert np.array_equal(split.assignment, split_edges(graph, seed=3).assignment)
    assert not np.array_equal(split.assignment, split_edges(graph, seed=4).assignment)


@pytest.mark.parametrize("fractions", [(0.9, 0.2, 0.1), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(InputError, match="shares"):
        split_edges(toy_graph([(0, 0), (1, 1), (2, 2)]), fractions)


def test_one_edge_cannot_be_split():
    with pytest.raises(InputError, match="1 known pairing"):
        split_edges(toy_graph([(0, 0)]))


@settings(deadline=None)
@given(edge_sets, st.integers(0, 5))
def test_negatives_are_never_known(edges, seed):
    graph = toy_graph(edges)
    known = PairSet(graph.edges, graph.n_anions)
    rng = np.random.default_rng(seed)
    uniform = uniform_negatives(50, known, rng, np.arange(8), np.arange(5))
    assert len(uniform) == (0 if len(edges) == 40 else 50)
    assert not edges & {tuple(pair) for pair in uniform.tolist()}
    anion_degrees = np.bincount(graph.edges[:, 1], minlength=5)
    matched, rows = degree_matched_negatives(graph.edges, anion_degrees, known, rng)
    assert not edges & {tuple(pair) for pair in matched.tolist()}
    assert np.array_equal(matched[:, 0], graph.edges[rows, 0])
    # A positive goes without a negative only when its cation is known with every anion that has a degree.
    for row in set(range(len(graph.edges))) - set(rows.tolist()):
        cation = int(graph.edges[row, 0])
        assert set(np.flatnonzero(anion_degrees)) <= set(known.row(cation).tolist())


def test_uniform_negatives_find_the_last_free_pair():
    edges = [(c, a) for c in range(8) for a in range(5) if (c, a) != (6, 3)]
    known = PairSet(np.array(edges), 5)
    drawn = uniform_negatives(20, known, np.random.default_rng(0), np.arange(8), np.arange(5))
    assert drawn.tolist() == [[6, 3]] * 20


def test_degree_matched_anions_follow_the_degrees():
    known = PairSet(np.array([[0, 0]]), 4)
    positives = np.zeros((20_000, 2), dtype=np.int64)
    drawn, rows = degree_matched_negatives(positives, np.array([50, 6, 3, 0]), known, np.random.default_rng(0))
    share = np.bincount(drawn[:, 1], minlength=4) / len(drawn)
    assert len(rows) == len(positives)
    assert share == pytest.approx([0, 2 / 3, 1 / 3, 0], abs=0.015)


@given(edge_sets)
def test_pair_set_answers_like_a_set(edges):
    pairs = np.array([(c, a) for c in range(8) for a in range(5)])
    asked = PairSet(np.array(sorted(edges)), 5)
    assert asked.contains(pairs).tolist() == [tuple(pair) in edges for pair in pairs.tolist()]
    assert [asked.row(c).tolist() for c in range(8)] == [sorted(a for x, a in edges if x == c) for c in range(8)]
