"""The short cut for alkylimidazoliums comes to what the general search finds, and keeps to its own."""

from __future__ import annotations

import pytest
from rdkit import Chem

from ildb.chem.identity import identify
from ildb.chem.imidazolium import other_form
from ildb.chem.normalize import resonance_forms

TAKEN = [
    "CCn1cc[n+](C)c1",
    "C[n+]1ccn(C)c1",
    "CCCCn1cc[n+](C)c1C",
    "CCOC(=O)Cn1cc[n+](Cc2ccccc2)c1",
    "C=CCn1c(C)c(CC)[n+](CC#N)c1",
    "CCCn1c[n+](C)c2cc(C)ccc21",
    "FC(F)(F)Cn1c[n+](CCS(C)(=O)=O)c2ccccc21",
]
LEFT = [
    "Cn1cc[nH+]c1",  # the proton may move, too
    "CC(=O)n1cc[n+](C)c1",  # drawn with the charge at the acyl group's nitrogen or not
    "C=Cn1cc[n+](C)c1",
    "Cn1cc[n+](C)c1N",  # the charge reaches the amine
    "Cn1cc[n+](-c2ccccc2)c1",
    "Cn1cc[n+](C)c1C(=O)O",
    "C[C@H](O)Cn1cc[n+](C)c1",
    "C[n+]1ccn(CCn2cc[n+](C)c2)c1",
    "C[n+]1ccn(CC(=O)[O-])c1",
    "C[n+]1ccccc1",
    "Cn1cn[n+](C)c1",
    "Cn1cc[n+](CC2=CC=CC=CC=C2)c1",  # double bonds move round the other ring
    "[2H]Cn1cc[n+](C)c1",
    "C[Si](C)(C)Cn1cc[n+](C)c1",
]


@pytest.mark.parametrize("smiles", TAKEN)
def test_the_other_form_is_the_one_the_search_finds(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    other = other_form(mol, Chem.MolToSmiles(mol))
    assert other is not None
    both = {Chem.MolToSmiles(mol), Chem.MolToSmiles(other)}
    assert {Chem.MolToSmiles(form) for form in resonance_forms(mol)} == both
    assert {identify(writing).smiles for writing in both} == {min(both)}
    # What is written can be read, and says the same.
    assert {Chem.MolToSmiles(Chem.MolFromSmiles(writing)) for writing in both} == both


@pytest.mark.parametrize("smiles", LEFT)
def test_any_other_ion_is_left_to_the_search(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    assert other_form(mol, Chem.MolToSmiles(mol)) is None
