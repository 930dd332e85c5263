"""What is remembered of patterns: among some ions, among all, and no more than fits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ildb.search import looking
from ildb.search.answers import NOTHING, Answers, is_in
from ildb.search.ion_library import Ids

IDS = st.lists(st.integers(1, 60), max_size=40)


def array(ids: list[int] | set[int]) -> Ids:
    return np.array(ids if isinstance(ids, list) else sorted(ids), dtype=np.int64)


@given(IDS, IDS)
def test_membership(ids: list[int], others: list[int]) -> None:
    assert is_in(array(ids), array(set(others))).tolist() == [ion in others for ion in ids]


@given(st.lists(IDS, max_size=6))
def test_no_ion_is_asked_twice(windows: list[list[int]]) -> None:
    """Every third ion matches."""
    answers = Answers()
    seen: set[int] = set()
    for window in windows:
        known = answers.get("C", 1)
        unknown = known.unknown(array(window))
        assert unknown.tolist() == sorted(set(window) - seen)
        matched = unknown[unknown % 3 == 0]
        answers.add("C", 1, unknown, matched)
        # Somebody else may have asked the same meanwhile.
        answers.add("C", 1, unknown, matched)
        seen |= set(window)
        assert answers.get("C", 1).matched.tolist() == sorted(ion for ion in seen if ion % 3 == 0)
    answers.put("C", 1, array([3, 6, 9]))
    assert answers.get("C", 1).unknown(array([1, 3, 100])).size == 0
    answers.add("C", 1, array([100]), array([100]))
    assert answers.get("C", 1).matched.tolist() == [3, 6, 9]


def test_other_ions_make_it_forget() -> None:
    answers = Answers()
    answers.put("C", 1, array([1, 2]))
    answers.add("N", 1, array([1, 2]), array([2]))
    assert answers.get("C", 2) is NOTHING
    answers.add("O", 2, array([1]), array([]))
    assert answers.get("C", 1) is NOTHING
    assert answers.get("C", 2) is NOTHING
    assert answers.get("O", 2).unknown(array([1, 2])).tolist() == [2]


def test_the_least_recently_asked_go_first() -> None:
    answers = Answers(max_bytes=8 * 25)
    for pattern in "CNO":
        answers.put(pattern, 1, np.arange(10))
        answers.get("C", 1)
    assert answers.get("N", 1) is NOTHING
    assert answers.get("C", 1).matched.size == answers.get("O", 1).matched.size == 10


def test_looking_ends() -> None:
    """Rare ions at once; rare filters when enough were asked in vain; hits that promise too few, too."""
    sizes = [looking.next_look(0, 0, 0, 25, 0), looking.next_look(250, 0, 0, 25, 1)]
    assert sizes == [250, 1_000]
    assert looking.next_look(1_250, 0, 0, 25, 2) == 0
    assert looking.next_look(1_250, 20, 0, 25, 2) == 4_000
    assert looking.is_in_vain(50, 0)
    assert not looking.is_in_vain(49, 0)
    assert not looking.is_in_vain(500, 1)
    assert looking.next_look(1_250, 0, 5, 25, 2) == 4_000
    assert looking.next_look(1_250, 0, 1, 25, 2) == 0
    assert looking.next_look(21_250, 0, 24, 25, looking.N_LOOKS) == 0
