"""Pareto fronts against their definition, crowding, and the diverse pick."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.screen.diversity import diverse_pick
from ildb.screen.pareto import crowding_distances, non_dominated_ranks


def by_definition(rows: np.ndarray) -> list[int]:
    left, ranks, front = set(range(len(rows))), [0] * len(rows), 0
    while left:
        front += 1
        best = {i for i in left if not any((rows[j] <= rows[i]).all() and (rows[j] < rows[i]).any() for j in left)}
        for i in best:
            ranks[i] = front
        left -= best
    return ranks


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda k: st.lists(st.tuples(*[st.integers(0, 5).map(float)] * k), min_size=1, max_size=40)
    )
)
def test_fronts_are_those_of_the_definition(rows: list[tuple[float, ...]]) -> None:
    array = np.array(rows)
    assert non_dominated_ranks(array).tolist() == by_definition(array)


def test_fronts_of_many_continuous_rows() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 4))
    assert non_dominated_ranks(rows).tolist() == by_definition(rows)


def test_no_rows() -> None:
    assert non_dominated_ranks(np.zeros((0, 3))).tolist() == []
    assert crowding_distances(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)).tolist() == []


def test_crowding_is_the_gap_between_neighbours() -> None:
    rows = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0], [9.0, 9.0]])
    found = crowding_distances(rows, non_dominated_ranks(rows))
    assert found.tolist() == [4.0, 1.5, 1.5, 4.0, 4.0]


# --- diverse pick ---

# Ions 0 to 2 are homologues, 3 is another cation, 4 and 5 are anions.
FINGERPRINTS = np.array(
    [
        [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
    ],
    dtype=np.uint8,
)  # fmt: skip
CATION = np.array([0, 1, 2, 3, 0])
ANION = np.array([4, 4, 4, 4, 5])
CORE = np.array([0, 0, 0, 1, 0])


def pick(budget: int = 5, max_similarity: float = 0.6, **caps: int) -> list[int]:
    return diverse_pick(CATION, ANION, CORE, FINGERPRINTS, budget=budget, max_similarity=max_similarity, **caps)


def test_homologues_wait_until_the_others_are_picked() -> None:
    assert pick() == [0, 3, 4, 1, 2]
    assert pick(budget=3) == [0, 3, 4]
    assert pick(max_similarity=1.0) == [0, 1, 2, 3, 4]


def test_caps_hold_even_when_the_budget_stays_unspent() -> None:
    assert pick(per_core=2) == [0, 3, 4]
    assert pick(per_anion=1) == [0, 4]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 40), budget=st.integers(1, 20), per_core=st.integers(1, 5), per_anion=st.integers(1, 5),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_the_pick_keeps_its_promises(n: int, budget: int, per_core: int, per_anion: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cation, anion = rng.integers(0, 4, n), rng.integers(4, 6, n)
    core = cation // 2
    picked = diverse_pick(
        cation, anion, core, FINGERPRINTS, budget=budget, max_similarity=0.5, per_core=per_core, per_anion=per_anion
    )
    assert len(set(picked)) == len(picked) <= budget
    assert max(Counter(core[picked].tolist()).values(), default=0) <= per_core
    assert max(Counter(anion[picked].tolist()).values(), default=0) <= per_anion
    assert picked[:1] == ([0] if n else [])
    # Nothing that the caps allow is left while there is budget.
    if len(picked) < budget:
        cores, anions = Counter(core[picked].tolist()), Counter(anion[picked].tolist())
        rest = set(range(n)) - set(picked)
        assert all(cores[int(core[i])] >= per_core or anions[int(anion[i])] >= per_anion for i in rest)


def test_a_budget_is_spent_without_caps() -> None:
    assert sorted(pick()) == [0, 1, 2, 3, 4]
    assert pick(budget=1) == [0]
