"""Figures of draws, on draws small enough to count by hand; and the baselines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ildb.generate.contest import identified
from ildb.generate.distributions import distances, is_degenerate
from ildb.generate.intervals import ratio_of_hits, share
from ildb.generate.ngram import NGram
from ildb.generate.outcomes import Judge
from ildb.generate.quick import examine_quickly
from ildb.generate.shuffle import Shuffle
from ildb.generate.strict import (
    DrawnSet,
    cores_of,
    novel_cores,
    pair_shares,
    rediscovered,
    rediscovery_ratio,
    set_figures,
    unseen_core,
)
from tests.unit.generate.small import IONS

TRAIN = [ion for ion in IONS if ion[0] != "CCCCn1cc[n+](C)c1"]
HELDOUT = [("CCCCn1cc[n+](C)c1", 1), ("CC[S+](CC)CC", 1)]
JUDGE = Judge(identified(TRAIN), examine=examine_quickly)
TARGETS = identified(HELDOUT)
CORES = cores_of([smiles for smiles, _ in TRAIN])


def drawn(*raw: str) -> DrawnSet:
    return DrawnSet.of(raw, [-1 if "-]" in text else 1 for text in raw], JUDGE)


def test_rediscovery_counts_an_ion_once_in_any_form() -> None:
    made = drawn("C[n+]1ccn(CCCC)c1", "CCCC[n+]1ccn(C)c1", "CCCCCCCn1cc[n+](C)c1", "C(")
    assert rediscovered(made, list(TARGETS)).tolist() == [True, False]
    none = drawn("C(", "C(", "C(", "C(")
    ratio = rediscovery_ratio([made, made], [none, made], list(TARGETS))
    assert (ratio.value, ratio.low) == (2.0, 1.0)
    assert ratio.high >= 2.0
    with pytest.raises(ValueError, match="equal numbers"):
        rediscovery_ratio([made], [drawn("C(")], list(TARGETS))


def test_cores_nobody_has() -> None:
    assert unseen_core(TARGETS, [smiles for smiles, _ in TRAIN]) == [
        key for key, smiles in TARGETS.items() if "S" in smiles
    ]
    assert len(novel_cores(drawn("CC[S+](C)C", "CC[S+](CC)CCO", "CCCCCn1cc[n+](C)c1"), CORES)) == 1


def test_shuffled_known_ions_get_nothing_where_it_matters() -> None:
    shuffle = Shuffle(TRAIN)
    charges = [1, -1] * 40
    made = DrawnSet.of(shuffle.draw(charges, 1), charges, JUDGE)
    assert shuffle.draw(charges, 1) == list(made.raw)
    figures = set_figures(made, CORES, list(TARGETS.values()))
    assert figures["validity"] == 1.0
    assert figures["pair_novel_ion_share"] == figures["pair_both_novel_share"] == figures["novel_core_per_10k"] == 0


def test_pairs_are_counted_once() -> None:
    made = drawn(
        "CCCCCCCn1cc[n+](C)c1", "CCCC(=O)[O-]",  # both new
        "CCCCCCCn1cc[n+](C)c1", "CCCC(=O)[O-]",  # again
        "CCCCCCCn1cc[n+](C)c1", "CC(=O)[O-]",  # one new
        "CCn1cc[n+](C)c1", "CC(=O)CC(=O)[O-]",  # new but not sane
        "C(", "CC(C)C(=O)[O-]",
    )  # fmt: skip
    shares = pair_shares(made)
    assert shares["pair_efficiency"].value == 3 / 5
    assert shares["pair_novel_ion_share"].value == 2 / 5
    assert shares["pair_both_novel_share"].value == 1 / 5


def test_intervals() -> None:
    found = share(8, 10)
    assert found.value == 0.8
    assert (round(found.low, 3), round(found.high, 3)) == (0.49, 0.943)  # Wilson
    assert math.isnan(share(0, 0).value)
    hits = np.array([True, False] * 50)
    same = ratio_of_hits([hits], [hits])
    assert same == (1.0, 1.0, 1.0)
    assert math.isnan(ratio_of_hits([~hits & hits], [~hits & hits]).value)
    assert math.isinf(ratio_of_hits([hits], [~hits & hits]).value)


def test_distances_and_degenerate_strings() -> None:
    ions = [smiles for smiles, _ in IONS if len(smiles) > 8]
    assert set(distances(ions, ions).values()) == {0.0}
    assert distances(["CCCCCCCCCCCCCCCC[N+](C)(C)C"] * 3, ions)["heavy_atoms"] > 0.5
    assert is_degenerate("CCCC" * 5 + "[NH3+]")
    assert not is_degenerate("CCCCCCCC[N+](CCCCCCCC)(CCCCCCCC)CCCCCCCC")


def test_an_ngram_writes_what_it_read() -> None:
    model = NGram(TRAIN)
    texts = model.draw([1, -1] * 20, 2)
    assert model.draw([1, -1] * 20, 2) == texts
    seen = {smiles for smiles, _ in TRAIN}
    assert len(seen & set(texts)) > 3
    known, strange = model.log_likelihood([("CC(=O)[O-]", -1), ("[O-]C(C)=O", -1)])
    assert strange < known < 0
