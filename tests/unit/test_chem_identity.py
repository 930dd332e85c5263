from __future__ import annotations

import contextlib
import csv
import os
import pickle
import random
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from ildb.chem.checks import check_ion
from ildb.chem.findings import RefusedError
from ildb.chem.identity import identify
from ildb.chem.normalize import resonance_forms
from ildb.chem.parse import parse_smiles
from ildb.chem.standardize import resolve_ion
from ildb.errors import StructureError
from ildb.ingest.ilthermo import read_catalogue

# Cations and anions of all kinds, among them those where charge or proton can be drawn in several places.
IONS = [
    "CCCCn1cc[n+](C)c1",
    "CCCCCCCCn1cc[nH+]c1",
    "CC[n+]1ccc(N(C)C)cc1",
    "CCCCCC[P+](CCCCCC)(CCCCCC)CCCCCCCCCCCCCC",
    "CN(C)C(N(C)CCOC)=[N+](C)C",
    "CN(C)c1c(N(C)CCCC)c1=[N+](C)C",
    "NCC[NH2+]CCO",
    "C1CCC2=[N+](CC1)CCCN2",
    "C[C@H](N)C(=O)[O-]",
    "C[C@@H](O)C(=O)[O-]",
    "O=C([O-])CC(O)(CC(=O)O)C(=O)O",
    "O=C([O-])/C=C/c1ccc(O)cc1",
    "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F",
    "N#C[N-]C#N",
    "N#C[C-](C#N)C#N",
    "O=[N+]([O-])[N-][N+](=O)[O-]",
    "[O-][Cl+3]([O-])([O-])[O-]",
    "F[P-](F)(F)(F)(F)F",
    "FC(F)(F)C(F)(F)[P-](F)(F)(F)(C(F)(F)C(F)(F)F)C(F)(F)C(F)(F)F",
    "O=C1O[B-]2(OC1=O)OC(=O)C(=O)O2",
    "CC(=O)C=C(C)[O-]",
    "[2H]C([2H])([2H])n1cc[n+](C)c1",
    "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)[c-]1cccc1",
    "Cc1[cH-]c(C)c(C)c1C",
    "CCN1C(=CC=CC2=[N+](CC)c3ccccc3S2)Sc2ccccc21",
    "CCNc1cc2oc3c/c(=[NH+]\\CC)c(C)cc-3c(-c3ccccc3C(=O)OCC)c2cc1C",
    "C[n+]1ccc(/C=C/c2ccc(C)cc2)cc1",
    "Cl[Fe-](Cl)(Cl)Cl",
]


@pytest.mark.parametrize(
    "spellings",
    [
        ("CCCCn1cc[n+](C)c1", "CCCC[n+]1ccn(C)c1", "CCCCN1C=C[N+](C)=C1"),
        ("CCN1C=C[N+](=C1)C", "CC[N+]1=CN(C)C=C1"),
        ("[O-]Cl(=O)(=O)=O", "[O-][Cl+3]([O-])([O-])[O-]"),
        ("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "O=S(=O)(N=S(=O)([O-])C(F)(F)F)C(F)(F)F"),
        ("O=S(=O)([O-])C(F)(F)F", "[O-][S+2]([O-])([O-])C(F)(F)F", "[O-][S+](=O)([O-])C(F)(F)F"),
        ("O=[N+]([O-])[O-]", "O=N(=O)[O-]"),
        ("[N-]=[N+]=[N-]", "[N-]=[N+]=[N-]"),
        ("N#C[S-]", "[N-]=C=S"),
        ("N#C[N-]C#N", "[N-]=C=NC#N"),
        ("N#C[C-](C#N)C#N", "[N-]=C=C(C#N)C#N"),
        ("CCSC(N)=[NH2+]", "CC[S+]=C(N)N"),
        ("CN(C)C(N(C)C)=[N+](C)C", "CN(C)[C+](N(C)C)N(C)C"),
        ("CN(C)[c+]1c(N(C)C)c1N(C)C", "CN(C)c1c(N(C)C)c1=[N+](C)C"),
        ("COP(=O)([O-])OC", "CO[P+]([O-])([O-])OC", "CO[P@](=O)([O-])OC"),
        ("CCCC[n+]1cc[nH]c1", "CCCCn1cc[nH+]c1", "CCCC[NH+]1C=CN=C1"),
        ("O=C([O-])CC(O)(CC(=O)O)C(=O)O", "O=C(O)CC(O)(CC(=O)O)C(=O)[O-]"),
        ("CCNCC[NH3+]", "CC[NH2+]CCN"),
        ("CN(C)C=[OH+]", "C[NH+](C)C=O", "C[N+](C)=CO"),
        ("CC(=O)[CH-]C(C)=O", "CC(=O)C=C(C)[O-]"),
        ("[CH3:7][N+:1](C)(C)C", "C[N+](C)(C)C"),
        ("Cc1[cH-]c(C)c(C)c1C", "Cc1c[c-](C)c(C)c1C", "Cc1cc(C)[c-](C)c1C"),
        ("CCCC[c-]1cccc1", "c1cc[cH-]c1CCCC", "c1c[cH-]cc1CCCC"),
        # The mark of an iminium bond that is single in another resonance form means nothing (rhodamine 6G).
        (
            "CCNc1cc2oc3c/c(=[NH+]\\CC)c(C)cc-3c(-c3ccccc3C(=O)OCC)c2cc1C",
            "CCNc1cc2oc3cc(=[NH+]CC)c(C)cc-3c(-c3ccccc3C(=O)OCC)c2cc1C",
        ),
    ],
)
def test_spellings_of_one_ion_meet(spellings: tuple[str, ...]) -> None:
    assert len({identify(s) for s in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C[C@H](N)C(=O)[O-]", "C[C@@H](N)C(=O)[O-]"),
        ("C[C@H](N)C(=O)[O-]", "CC(N)C(=O)[O-]"),
        ("O=C([O-])/C=C/C", "O=C([O-])/C=C\\C"),
        ("[2H]C([2H])([2H])[N+](C)(C)C", "C[N+](C)(C)C"),
        ("CCCn1cc[n+](C)c1", "CC(C)n1cc[n+](C)c1"),
        ("O=S(=O)([O-])[O-]", "O=S(=O)([O-])O"),
    ],
)
def test_different_ions_stay_apart(one: str, other: str) -> None:
    assert identify(one).inchikey != identify(other).inchikey


@pytest.mark.parametrize(
    ("drawn", "kept"),
    [
        ("[O-]C(=O)C=Cc1ccc(O)cc1", "O=C([O-])C=Cc1ccc(O)cc1"),  # the acid, not the phenol, gives the proton
        ("[O-]c1ccccc1", "[O-]c1ccccc1"),
        ("CCn1ccc(=[N+](C)C)cc1", "CC[n+]1ccc(N(C)C)cc1"),
        ("NCCCn1cc[nH+]c1", "[NH3+]CCCn1ccnc1"),
        ("O=C([O-])c1cccc(S(=O)(=O)O)c1", "O=C(O)c1cccc(S(=O)(=O)[O-])c1"),
        ("[O-]C1=NS(=O)(=O)c2ccccc21", "O=C1[N-]S(=O)(=O)c2ccccc21"),
    ],
)
def test_the_representative_is_what_a_chemist_draws(drawn: str, kept: str) -> None:
    assert identify(drawn).smiles == Chem.CanonSmiles(kept)


def test_five_valent_carbon_in_an_aromatic_ring_is_refused() -> None:
    # RDKit counts the bonds of c1#c short.
    with pytest.raises(RefusedError, match="five bonds") as refusal:
        resolve_ion("CCCCCc1#c(C)cc(C)c[n+]1CCCC")
    assert refusal.value.codes == ("valence",)


def test_an_ion_is_described() -> None:
    ion = identify("CCn1cc[n+](C)c1")
    assert ion.inchikey == "NJMWOUFKYKNWDW-UHFFFAOYSA-N"
    assert (ion.charge, ion.formula, ion.heavy_atoms) == (1, "C6H11N2+", 8)
    assert ion.mass_g_mol == pytest.approx(111.168, abs=0.01)
    assert pickle.loads(pickle.dumps(ion)) == ion


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for smiles in ("CC(F)(Cl)C[N+](C)(C)C", "Cl[Fe-](Cl)(Cl)Cl", "CC(N)C(=O)[O-]"):
        identify(smiles)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(IONS), st.integers(0, 2**31))
def test_any_writing_of_an_ion_gives_the_same_ion(smiles: str, seed: int) -> None:
    rng = random.Random(seed)
    mol = Chem.MolFromSmiles(smiles)
    forms = resonance_forms(mol)
    form = rng.choice(forms)
    order = list(range(form.GetNumAtoms()))
    rng.shuffle(order)
    renumbered = Chem.RenumberAtoms(form, order)
    written = Chem.MolToSmiles(renumbered, canonical=False, kekuleSmiles=False)
    expected = identify(smiles)
    assert identify(renumbered) == expected
    assert identify(written) == expected
    assert identify(expected.smiles) == expected
    assert expected.charge == Chem.GetFormalCharge(mol)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(IONS), st.data())
def test_a_mutated_ion_is_identified_or_refused_in_time(smiles: str, data: st.DataObject) -> None:
    text = list(smiles)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(text) - 1))
        kind = data.draw(st.sampled_from(["drop", "change", "insert", "double"]))
        letter = data.draw(st.sampled_from("CNOPSFcno[]()=#+-.@/\\12H*"))
        if kind == "drop" and len(text) > 1:
            del text[position]
        elif kind == "change":
            text[position] = letter
        elif kind == "insert":
            text.insert(position, letter)
        else:
            text[position:position] = text
    mutated = "".join(text)
    start = time.process_time()
    # Any other exception is a failure.
    with contextlib.suppress(StructureError):
        ion = resolve_ion(mutated).ion
        assert identify(ion.smiles) == ion
    assert time.process_time() - start < 4  # two identifications


@pytest.mark.parametrize(
    "smiles",
    [
        "[O-]c1cc2ccc3cc4ccc5cc6ccc7ccccc7c6cc5c4cc3c2cc1-c1ccc2ccc3ccc4ccc5ccc6ccccc6c5c4c3c2c1",
        "C[N+](C)=C" + "C=C" * 30 + "N(C)C",
        "[NH3+]" + "CCN" * 25,
        "N#C[C-](C#N)" + "C(C#N)=C(C#N)" * 15 + "C",
        "[N-]=[N+]=NC1=N[NH2+]C(N=[N+]=[N-])=N1",
    ],
)
def test_ions_with_endless_resonance_forms_take_bounded_time(smiles: str) -> None:
    start = time.process_time()
    ion = identify(smiles)
    assert time.process_time() - start < 2
    assert ion.charge == Chem.GetFormalCharge(Chem.MolFromSmiles(smiles))


def _assert_one_smiles_for_each_key(smiles: set[str]) -> int:
    by_key: dict[str, set[str]] = defaultdict(set)
    for text in smiles:
        try:
            mol = parse_smiles(text)
        except StructureError:
            continue
        if any(f.severity == "refuse" for f in check_ion(mol)):
            continue
        ion = identify(mol)
        assert ion.charge == Chem.GetFormalCharge(mol), text
        by_key[ion.inchikey].add(ion.smiles)
    assert {key: found for key, found in by_key.items() if len(found) > 1} == {}
    for key, (representative,) in by_key.items():
        again = identify(representative)
        assert (again.inchikey, again.smiles) == (key, representative)
        assert Chem.MolToInchiKey(Chem.MolFromSmiles(representative)) == key
    return len(by_key)


def test_each_inchikey_of_the_catalogue_has_one_smiles() -> None:
    fragments = {part for record in read_catalogue() for part in (record.salt_smiles or "").split(".")}
    assert _assert_one_smiles_for_each_key(fragments) > 1_300


@pytest.mark.skipif("ILDB_ILGEN_DIR" not in os.environ, reason="ILDB_ILGEN_DIR is not set")
def test_each_inchikey_of_the_published_ions_has_one_smiles() -> None:
    folder = Path(os.environ["ILDB_ILGEN_DIR"])
    smiles: set[str] = set()
    for name in ("IL-cations.csv", "IL-anions.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            smiles |= {row["smiles"] for row in csv.DictReader(stream)}
    assert _assert_one_smiles_for_each_key(smiles) > 3_000
