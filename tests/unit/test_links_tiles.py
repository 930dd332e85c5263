"""Tiles: what is kept of very many pairs is what sorting all of them would keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.links import tiles
from ildb.links.dataset import stoichiometry
from ildb.links.tiles import Best, DotProducts, Forbidden, best_pairs, cut


def reference(scores, allowed, top, per_cation, floor):
    """Sort everything: by score, then cation, then anion."""
    listed = sorted(
        (-scores[c, a], c, a)
        for c in range(scores.shape[0])
        for a in range(scores.shape[1])
        if allowed[c, a] and scores[c, a] >= floor
    )
    kept, taken = [], {}
    for pair in listed:
        taken[pair[1]] = taken.get(pair[1], 0) + 1
        if per_cation is None or taken[pair[1]] <= per_cation:
            kept.append(pair)
    return kept[:top]


def listed(best: Best):
    return list(zip((-best.logits).tolist(), best.cations.tolist(), best.anions.tolist(), strict=True))


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "TILE_CATIONS", 4)
    monkeypatch.setattr(tiles, "TILE_ANIONS", 16)
    monkeypatch.setattr(tiles, "_PENDING", 2)
    monkeypatch.setattr(tiles, "_GROUP", 2)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_is_kept_is_what_sorting_would_keep(data):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("TILE_CATIONS", 4), ("TILE_ANIONS", 16), ("_PENDING", 2), ("_GROUP", 2)):
            patch.setattr(tiles, name, value)
        rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
        n, m = data.draw(st.integers(1, 13)), data.draw(st.integers(1, 70))
        # One column of few whole numbers: exact in any order of summation, and with ties.
        cations, anions = rng.integers(1, 4, (n, 1)).astype(np.float32), rng.integers(-9, 9, (m, 1)).astype(np.float32)
        known = np.argwhere(rng.random((n, m)) < data.draw(st.sampled_from([0.0, 0.2, 1.0])))
        charges, negative = rng.choice([1, 1, 2, 3], n), -rng.choice([1, 1, 2, 3], m)
        most = data.draw(st.integers(1, 3))
        top = data.draw(st.sampled_from([0, 1, 7, 10_000]))
        per_cation = data.draw(st.sampled_from([None, 1, 3, 32]))
        floor = data.draw(st.sampled_from([-np.inf, -3.0, 4.0]))
        allowed = np.array([[max(stoichiometry(int(c), int(a))) <= most for a in negative] for c in charges])
        allowed[known[:, 0], known[:, 1]] = False
        best = best_pairs(
            DotProducts(cations, anions, "cpu"),
            top=top,
            per_cation=per_cation,
            floor=floor,
            forbidden=Forbidden(known, charges, negative, most),
        )
        scores = cations @ anions.T
        assert listed(best) == reference(scores, allowed, top, per_cation, floor)


@pytest.mark.parametrize("per_cation", [None, 3])
def test_the_best_of_the_blocks_are_the_best_of_the_whole(small_tiles, per_cation):
    rng = np.random.default_rng(1)
    scores = DotProducts(*(rng.standard_normal((n, 5)).astype(np.float32) for n in (23, 50)), "cpu")
    whole = best_pairs(scores, top=20, per_cation=per_cation)
    blocks = [
        best_pairs(scores, cations=slice(*block), top=20, per_cation=per_cation)
        for block in ((0, 6), (6, 7), (7, 20), (20, 23))
    ]
    assert listed(cut(blocks, 20)) == listed(whole)


def test_more_candidates_than_are_kept_never_pile_up(small_tiles, monkeypatch):
    monkeypatch.setattr(tiles, "_AT_LEAST", 50)
    held = []
    select = tiles._select
    monkeypatch.setattr(tiles, "_select", lambda parts, top: held.append(sum(map(len, parts))) or select(parts, top))
    rng = np.random.default_rng(2)
    scores = DotProducts(*(rng.standard_normal((n, 3)).astype(np.float32) for n in (200, 100)), "cpu")
    assert len(best_pairs(scores, top=10)) == 10
    assert len(held) > 3
    assert max(held) <= 50 + 4 * 16  # what waits, and one tile
