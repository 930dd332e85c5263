"""Which patterns the server may run."""

from __future__ import annotations

import random
import time

import pytest
from rdkit import Chem

from ildb.chem.findings import RefusedError
from ildb.search.patterns import MAX_LENGTH, Part, is_cheap, parts, read_pattern

C60 = (
    "c12c3c4c5c1c6c7c8c2c9c1c3c2c3c4c4c%10c5c5c6c6c7c7c%11c8c9c8c9c1c2c1c2c3c4c3c4c%10c5c5c6c6c7c7c%11c8c8c9c1c1c2c3c2c4"
    "c5c6c3c7c8c1c23"
)


@pytest.mark.parametrize(
    ("smarts", "expected"),
    [
        ("CCO", [Part(3, 0, 0)]),
        ("ClCBr", [Part(3, 0, 0)]),
        ("[C,N;$(CO)]c1ccccc1", [Part(2, 0, 1), Part(7, 0, 0)]),
        ("[$([NX4+]),$([n+]1ccccc1)]", [Part(1, 0, 1), Part(6, 0, 1), Part(1, 0, 0)]),
        ("[C;$([N;$(O.S)])].[F-]", [Part(2, 1, 2), Part(1, 0, 1), Part(2, 1, 0)]),
        ("C(=O)(N)*~[!#1]", [Part(5, 0, 0)]),
        ("[13CH3:7]%12CC%12", [Part(3, 0, 0)]),
    ],
)
def test_parts(smarts: str, expected: list[Part]) -> None:
    assert parts(smarts) == expected


def test_atoms_are_counted_as_rdkit_counts_them() -> None:
    for smarts in (
        "c1cc[nH+]cc1",
        "[#6]~[#7;R]-,=[O,S]",
        "*(~*)(~*)~[U]",
        "C[Si](C)(C)C",
        "[NX3;H2,H1;!$(NC=O)]C",
        C60[:40],
    ):
        mol = Chem.MolFromSmarts(smarts)
        if mol is not None:
            assert parts(smarts)[-1].n_atoms == mol.GetNumAtoms(), smarts


@pytest.mark.parametrize(
    ("smarts", "cheap"),
    [
        ("c1c[n+]cn1", True),
        ("C" * 16, True),
        ("C" * 17, False),
        ("CCC.CCC", True),
        ("CCC.CCCC", False),
        ("C.C.C", False),
        ("[$(" + "C" * 16 + ")]", True),
        ("[$(" + "C" * 17 + ")]", False),
        ("[$(C.C.C)]", False),
        ("[$([$(C)])]", True),
        ("[$([$([$(C)])])]", False),
        ("[$(C),$(N),$(O),$(S),$(P),$(F)]", True),
        ("[$(C),$(N),$(O),$(S),$(P),$(F),$(B)]", False),
        (".".join("*" * 12), False),
        ("C" * 2_000, False),
        ("[C" + ",N" * 250 + "]", False),
    ],
)
def test_cheap(smarts: str, cheap: bool) -> None:
    assert read_pattern(smarts).cheap is cheap


@pytest.mark.parametrize("smarts", ["", " ", "C C", "C(", "[C", "C>>N", "Ω", "C" * (MAX_LENGTH + 1), "C\n" * 300])
def test_refused(smarts: str) -> None:
    with pytest.raises(RefusedError):
        read_pattern(smarts)


def test_one_match_of_a_cheap_pattern_is_short() -> None:
    """Random trees and paths of wildcards that miss only their last atom, where every way stays open."""
    chooser = random.Random(7)
    target = Chem.MolFromSmiles(C60)
    for _ in range(30):
        children: list[list[int]] = [[] for _ in range(16)]
        for i in range(1, 16):
            children[chooser.choice([j for j in range(i) if len(children[j]) < 2])].append(i)

        def write(i: int, children: list[list[int]] = children) -> str:
            atom = "[U]" if i == 15 else "*"
            return atom + "".join(f"(~{write(child)})" for child in children[i])

        smarts = write(0)
        assert is_cheap(smarts)
        began = time.process_time()
        assert not target.HasSubstructMatch(Chem.MolFromSmarts(smarts))
        assert time.process_time() - began < 2, smarts
