"""Melting points as training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ildb.errors import InputError
from ildb.melting.data import MeltingData, MeltingMeasurement, ion_key, reduce_measurements
from tests.unit.melting_sample import data, measurements


def one(tm_k: float, anion: str = "VEXZGXHMUGYJMC-UHFFFAOYSA-M") -> MeltingMeasurement:
    return MeltingMeasurement("IQQRAVYLUAZUGX-UHFFFAOYSA-N", anion, "CCCCn1cc[n+](C)c1", "[Cl-]", 1, 1, tm_k)


def test_repeated_measurements_become_their_median() -> None:
    reduced = reduce_measurements([one(340.0), one(300.0, "CPELXLSAUQHCOX-UHFFFAOYSA-M"), one(350.0), one(341.0)])
    assert len(reduced) == 2
    chloride = reduced.anion_inchikey.index("VEXZGXHMUGYJMC-UHFFFAOYSA-M")
    assert reduced.tm_k[chloride] == 341.0
    assert reduced.n_values[chloride] == 3
    assert reduced.spread_k[chloride] == 10.0
    assert reduced.spread_k[1 - chloride] == 0.0


def test_the_sample_has_repeats_and_each_pairing_once() -> None:
    assert len(measurements()) > len(data()) == len(set(data().keys))
    assert int(data().n_values.sum()) == len(measurements())


def test_the_hash_follows_the_rows_and_not_their_order() -> None:
    rows = data()
    assert rows.take(np.arange(len(rows))[::-1]).sha256 == rows.sha256
    warmer = rows.tm_k.copy()
    warmer[5] += 1e-9
    assert replace(rows, tm_k=warmer).sha256 != rows.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: replace(d, tm_k=np.where(np.arange(len(d)) == 4, np.nan, d.tm_k)), "row 4"),
        (lambda d: replace(d, tm_k=np.where(np.arange(len(d)) == 2, -5.0, d.tm_k)), "row 2"),
        (lambda d: replace(d, tm_k=d.tm_k[:-1]), "differ in length"),
        (lambda d: replace(d, spread_k=np.full(len(d), np.nan)), "spread_k"),
        (lambda d: replace(d, n_anion=np.zeros(len(d), dtype=np.int64)), "at least one"),
        (lambda d: d.take(np.array([0, 1, 0])), "Rows 0 and 2 are the same pairing"),
    ],
)
def test_unusable_rows_are_refused(change: Callable[[MeltingData], MeltingData], message: str) -> None:
    with pytest.raises(InputError, match=message):
        change(data())


def test_the_ion_key_ignores_stereochemistry_and_keeps_protonation() -> None:
    assert ion_key("QNAYBMKLOCPYGJ-REOHCLBHSA-M") == ion_key("QNAYBMKLOCPYGJ-UWTATZPHSA-M")
    assert ion_key("QAOWNCQODCNURD-UHFFFAOYSA-L") != ion_key("QAOWNCQODCNURD-UHFFFAOYSA-M")
