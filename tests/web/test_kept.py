"""What is kept of one state of the database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ildb.web.kept import Kept


def test_a_value_is_made_once_for_all_who_ask_at_the_same_time() -> None:
    kept, begun, finish, made = Kept(5), threading.Event(), threading.Event(), []

    def work() -> str:
        made.append(1)
        begun.set()
        finish.wait(10)
        return "page"

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.get, "1:1:", "a", work)
        assert begun.wait(10)
        others = [pool.submit(kept.get, "1:1:", "a", work) for _ in range(3)]
        # Another question need not wait.
        assert kept.get("1:1:", "b", lambda: "other") == "other"
        finish.set()
        assert [future.result(10) for future in [first, *others]] == ["page"] * 4
    assert len(made) == 1
    assert not kept._making


def test_another_state_makes_it_anew() -> None:
    kept = Kept(5)
    assert [kept.get(snapshot, "a", partial(int, n)) for n, snapshot in enumerate(["1", "1", "2", "1"])] == [0, 0, 2, 3]


def test_only_so_many_are_kept() -> None:
    kept = Kept(2)
    for key in ("a", "b", "a", "c"):
        kept.get("1", key, partial(str, key))
    assert [kept.get("1", key, lambda: "new") for key in ("a", "c", "b")] == ["a", "c", "new"]


def test_who_fails_leaves_nothing_behind() -> None:
    kept = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("1", "a", lambda: 1 // 0)
    assert kept.get("1", "a", lambda: 1) == 1
    assert not kept._making
