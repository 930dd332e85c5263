"""Draws around, between and towards: with a real model of a few ions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from ildb.chem.findings import RefusedError
from ildb.errors import InputError
from ildb.generate.contest import identified
from ildb.generate.filters import Filters
from ildb.generate.grammar import IonGrammar
from ildb.generate.outcomes import Judge
from ildb.generate.sampling import around, between, known_anchors, read_anchors
from ildb.generate.steer import steered_draws
from tests.unit.generate.small import IONS, ions, trained


def length(smiles: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.array([len(text) for text in smiles], dtype=np.float64)


def test_anchors_are_ions_of_salts_without_stereochemistry() -> None:
    assert read_anchors(["CCn1cc[n+](C)c1.[Br-]", "C[C@H](O)C(=O)[O-]"]) == [
        ("CC[n+]1ccn(C)c1", 1),
        ("[Br-]", -1),
        ("CC(O)C(=O)[O-]", -1),
    ]
    with pytest.raises(RefusedError):
        read_anchors(["CCO"])


def test_around_an_ion_without_straying_gives_the_ion() -> None:
    model = trained()
    anchors = read_anchors(["CC(=O)[O-]", "CCCC[N+](C)(C)C"])
    start = around(model, anchors, 6, 0.0, 1)
    assert start.charges == [-1, 1] * 3
    drawn = model.decode(start.z, start.charges, temperature=0.0)
    assert set(drawn) == {anchor.smiles for anchor in anchors}
    far = around(model, anchors, 6, 2.0, 1)
    assert np.abs(far.z - start.z).mean() > 1
    with pytest.raises(InputError, match="at least one"):
        around(model, [], 6, 0.1, 1)


def test_all_known_ions_are_begun_around_in_turn() -> None:
    model = trained()
    anchors = known_anchors(model, [*IONS, ("CC[Si+](C)C", 1)], 400, 0.25, 1)
    assert anchors == known_anchors(model, [*IONS, ("CC[Si+](C)C", 1)], 400, 0.25, 1)
    assert {anchor.charge for anchor in anchors} == {1, -1}
    assert 60 < sum(anchor.charge < 0 for anchor in anchors) < 140
    assert {smiles for smiles, _ in anchors} == {ion.smiles for ion in ions()}  # silicon is a token it does not know
    assert {charge for _, charge in known_anchors(model, IONS[:3], 5, 0.9, 1)} == {1}
    assert known_anchors(model, [], 5, 0.5, 1) == []


def test_between_two_ions_lies_between_them() -> None:
    model = trained()
    anchors = read_anchors(["CC(=O)[O-]", "CCC(=O)[O-]", "CCCC[N+](C)(C)C"])
    start = between(model, anchors, 50, 0.0, 1)
    assert set(start.charges) == {-1}
    ends, _ = model.encode([anchor.smiles for anchor in anchors[:2]], [-1, -1])
    direction = ends[1] - ends[0]
    along = (start.z - ends[0]) @ direction / (direction @ direction)
    assert 0 <= along.min() < along.max() <= 1
    with pytest.raises(InputError, match="same charge"):
        between(model, anchors[1:], 5, 0.0, 1)


def test_steering_finds_what_it_is_asked_for_and_repeats_itself() -> None:
    model = trained()
    judge = Judge(identified(IONS), filters=Filters(min_similarity=None))
    asked: list[int] = []

    def score(smiles: Sequence[str]) -> npt.NDArray[np.float64]:
        asked.append(len(smiles))
        return length(smiles)

    def search() -> list[tuple[str, int, bool, int]]:
        found = steered_draws(
            model, [1, -1] * 150, judge, score, rounds=3, spread=0.3, scale=1.5, temperature=0.8,
            mask=IonGrammar(model.vocabulary), seed=3,
        )  # fmt: skip
        return [(draw.raw, draw.charge, draw.finished, draw.round) for draw in found]

    draws = search()
    assert [sum(draw[3] == number for draw in draws) for number in range(3)] == [100, 100, 100]
    assert len(asked) == 2
    assert sum(asked) > 20
    assert search() == draws
    lengths = [[len(d[0]) for d in draws if d[3] == number] for number in (0, 2)]
    # The prior's few monsters move the mean.
    assert np.median(lengths[1]) > np.median(lengths[0]) + 5


def test_steering_begins_with_the_best_known_ions() -> None:
    model = trained()
    judge = Judge(identified(IONS), filters=Filters(min_similarity=None))
    known = known_anchors(model, IONS, 40, 0.5, 3)

    def first_round(begin: Sequence[tuple[str, int]]) -> list[str]:
        draws = steered_draws(
            model, [1, -1] * 100, judge, length, rounds=1, spread=0.1, scale=1.5, temperature=0.1,
            mask=IonGrammar(model.vocabulary), seed=2, begin=begin,
        )  # fmt: skip
        return [draw.raw for draw in draws]

    longest = {
        charge: sorted({ion.smiles for ion in known if ion.charge == charge}, key=len)[-2:] for charge in (1, -1)
    }
    drawn = first_round(known)
    assert np.mean([len(raw) for raw in drawn]) > np.mean([len(raw) for raw in first_round(())])
    assert any(raw in drawn for ions in longest.values() for raw in ions)
