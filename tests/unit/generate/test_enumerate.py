"""Cores, substituents and what is drawn from them."""

from __future__ import annotations

import pytest
from rdkit import Chem

from ildb.chem.standardize import ResolvedIon, examine_ion
from ildb.errors import InputError
from ildb.generate.cores import charged_core
from ildb.generate.enumerate import Enumerator
from ildb.generate.fragments import FragmentRules, learn_fragments, with_ring_digits
from tests.unit.generate.small import IONS

SMILES = [smiles for smiles, _ in IONS]


def core(smiles: str) -> str:
    return charged_core(Chem.MolFromSmiles(smiles))


def test_homologues_share_a_core() -> None:
    assert core("CCn1cc[n+](C)c1") == core("CCCCCCCCn1cc[n+](CCO)c1")
    assert core("CCn1cc[n+](C)c1") != core("CCn1cc[n+](C)c1C")
    assert core("CC(=O)[O-]") == core("O=C([O-])c1ccccc1")
    assert core("CCCC[N+](C)(C)C") != core("CCCC[P+](C)(C)C")
    assert core("CCCCCC") == ""


def test_rules_are_the_same_whatever_the_order_and_survive_storage() -> None:
    rules = learn_fragments(SMILES)
    assert learn_fragments(reversed(SMILES)) == rules
    assert FragmentRules.model_validate_json(rules.model_dump_json()) == rules
    assert rules.n_ions == len(SMILES)
    assert all(not core.smiles.startswith("[*") for core in rules.cores)


def test_every_draw_is_an_ion_of_the_charge_asked_for() -> None:
    enumerator = Enumerator(learn_fragments(SMILES), min_bonds=1)
    charges = [1, -1] * 150
    drawn = enumerator.draw(charges, 4)
    assert enumerator.draw(charges, 4) == drawn
    assert enumerator.draw(charges, 5) != drawn
    found = [examine_ion(smiles) for smiles in drawn]
    assert all(isinstance(one, ResolvedIon) for one in found)
    assert [one.ion.charge for one in found if isinstance(one, ResolvedIon)] == charges
    assert len({one.ion.inchikey for one in found if isinstance(one, ResolvedIon)}) > 60


def test_a_bond_must_have_been_seen_often_enough() -> None:
    rules = learn_fragments(SMILES)
    with pytest.raises(InputError, match="charge -1"):
        Enumerator(rules, min_bonds=60).draw([-1], 0)
    with pytest.raises(InputError, match=r"charge \+3.*"):
        Enumerator(rules, min_bonds=1).draw([3], 0)
    with pytest.raises(InputError, match="substituent to exchange"):
        learn_fragments(["[Cl-]", "[Br-]"])


def test_ring_digits_of_substituents_never_meet_those_of_cores() -> None:
    assert with_ring_digits("C1CC%12C1[13CH2]", 1) == "C%31CC%42C%31[13CH2]"
    ion = Enumerator(learn_fragments(["C1CCCCC1C[n+]1ccccc1", "C1CCC1CC[n+]1ccccc1"]), min_bonds=1)
    rings = {Chem.MolFromSmiles(smiles).GetRingInfo().NumRings() for smiles in ion.draw([1] * 20, 1)}
    assert rings == {2}
