"""Expected pairings by hand, and the gap of collections that lack their obvious pairs or do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ildb.links.gaps import COMPLETE, GAPPED, collection_gap, expected_pairings


def test_expected_pairings_by_hand():
    edges = np.array([[0, 0], [0, 1], [1, 0], [2, 0]])
    pairs = np.array([[0, 0], [1, 1], [3, 0]])
    assert expected_pairings(edges, pairs, 4, 2).tolist() == [2 * 3 / 4, 1 * 1 / 4, 0]
    assert expected_pairings(edges[:0], pairs, 4, 2).tolist() == [0, 0, 0]


def test_a_gap_opens_where_a_source_of_obvious_pairs_is_not_read_and_not_by_random_holes():
    """The more common two ions are, the likelier their pairing is known, until most of the likeliest are taken away."""
    rng = np.random.default_rng(0)
    chance = np.minimum(0.95, 100 / np.outer(np.arange(1, 2001), np.arange(1, 201)))
    edges = np.argwhere(rng.random(chance.shape) < chance)
    assert collection_gap(edges, *chance.shape) == 0
    assert collection_gap(edges[rng.random(len(edges)) < 0.85], *chance.shape) == 0
    unread = (chance[edges[:, 0], edges[:, 1]] > 0.5) & (rng.random(len(edges)) < 0.8)
    assert collection_gap(edges[~unread], *chance.shape) == 1


def test_too_few_obvious_pairs_say_nothing():
    rows = np.array([(c, a) for c in range(3) for a in range(3 - c)])
    assert collection_gap(rows, 3, 3) == 0
    assert collection_gap(rows[:0], 5, 5) == 0


@given(st.integers(0, 1000), st.floats(0.05, 0.9))
def test_the_gap_is_that_of_counting_pair_by_pair(seed, density):
    known = np.random.default_rng(seed).random((40, 15)) < density
    edges = np.argwhere(known)
    pairs = np.argwhere(np.ones_like(known))
    obvious = expected_pairings(edges, pairs, 40, 15).reshape(40, 15) >= 1 - 1e-12
    share = known[obvious].mean() if obvious.sum() >= 50 else 1.0
    expected = min(1.0, max(0.0, (COMPLETE - share) / (COMPLETE - GAPPED)))
    assert collection_gap(edges, 40, 15) == pytest.approx(expected, abs=1e-9)
