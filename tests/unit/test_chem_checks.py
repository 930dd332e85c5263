from __future__ import annotations

import pytest
from rdkit import Chem

from ildb.chem.checks import CHECKS, check_ion
from ildb.chem.parse import parse_smiles


def codes(smiles: str) -> set[str]:
    mol = parse_smiles(smiles)
    findings = check_ion(mol)
    # Its text may save a look at the molecule, and changes nothing else.
    assert check_ion(mol, smiles) == findings
    return {finding.code for finding in findings}


def test_codes_are_distinct() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("smiles", ["CCn1cc[n+](C)c1", "F[B-](F)(F)F", "[O-]Cl(=O)(=O)=O", "[Cl-]", "C[N+](C)(C)CCO"])
def test_ordinary_ions_have_no_findings(smiles: str) -> None:
    assert codes(smiles) == set()


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CC*", {"dummy_atom", "charge_zero"}),
        ("C[N+](C)(C)*", {"dummy_atom"}),
        ("C~[NH3+]", {"dummy_atom", "radical"}),
        ("[300C-]#N", {"unknown_isotope", "isotope"}),
        ("[H+]", {"bare_hydrogen", "inorganic_cation"}),
        ("CCO", {"charge_zero"}),
        ("[NH3+]CC(=O)[O-]", {"charge_zero"}),
        ("CC[N+]", {"radical"}),
        ("[U+5]", {"charge_too_large", "metal", "inorganic_cation"}),
        ("CC[NH3+].[Cl-]", {"not_one_fragment", "charge_zero"}),
        ("[Li+]", {"metal", "inorganic_cation"}),
        ("[NH4+]", {"inorganic_cation"}),
        ("Cl[Al-](Cl)(Cl)Cl", {"metal"}),
        ("[2H]C([2H])([2H])[N+](C)(C)C", {"isotope"}),
        ("C" * 150 + "[NH3+]", {"too_large"}),
    ],
)
def test_findings(smiles: str, expected: set[str]) -> None:
    assert codes(smiles) == expected


def test_size_limit_is_exact() -> None:
    assert "too_large" not in codes("C" * 149 + "[NH3+]")


def test_transition_metal_ions_are_no_radicals() -> None:
    assert "radical" not in codes("[Cu+2]")
    assert "radical" not in codes("[Fe+3]")


@pytest.mark.parametrize(
    ("smiles", "suggestion"),
    [
        ("CC(O)C[N+]", "CC(O)C[NH3+]"),
        ("CC[N+](C)CC", "CC[NH+](C)CC"),
        ("CCCCN1C=C[N+]=C1", "CCCCn1cc[nH+]c1"),
        ("CC(=O)[C-]C(=O)C(F)(F)F", "CC(=O)[CH-]C(=O)C(F)(F)F"),
        ("CC1(C)CC(OS(=O)(=O)[O-])CC(C)(C)N1[O]", None),  # a nitroxide is a radical by nature
    ],
)
def test_a_radical_is_refused_with_its_evident_repair(smiles: str, suggestion: str | None) -> None:
    (finding,) = [f for f in check_ion(parse_smiles(smiles)) if f.severity == "refuse"]
    assert finding.code == "radical"
    if suggestion is None:
        assert finding.suggestion is None
        assert finding.advice == finding.hint != ""
    else:
        assert finding.suggestion is not None
        assert Chem.CanonSmiles(finding.suggestion) == Chem.CanonSmiles(suggestion)
        assert finding.suggestion in finding.advice
        assert [f for f in check_ion(parse_smiles(finding.suggestion)) if f.severity == "refuse"] == []


def test_flags_do_not_refuse() -> None:
    assert {f.severity for f in check_ion(parse_smiles("[Na+]"))} == {"flag"}
