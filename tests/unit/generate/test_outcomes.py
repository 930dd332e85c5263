"""Every string gets one outcome with reasons; implausible ions are rejected by name, known kinds are not."""

from __future__ import annotations

import pytest
from rdkit import Chem

from ildb.chem.identity import identify
from ildb.generate.filters import Filters, unsound_groups, unsound_rings
from ildb.generate.outcomes import OUTCOMES, Judge

KNOWN = {identify(s).inchikey: identify(s).smiles for s in ("CCn1cc[n+](C)c1", "C[C@H](O)C(=O)[O-]", "[Br-]", "[Cl-]")}
EMIM, BROMIDE = identify("CCn1cc[n+](C)c1").inchikey, identify("[Br-]").inchikey
JUDGE = Judge(KNOWN, frozenset({(EMIM, BROMIDE)}))


@pytest.mark.parametrize(
    ("raw", "charge", "outcome"),
    [
        ("CCCn1cc[n+](C)c1", 1, "novel"),
        ("C[n+]1ccn(CC)c1", 1, "known"),
        ("CC[n+]1ccn(C)c1", 1, "known"),  # its resonance twin
        ("CC(O)C(=O)[O-]", -1, "known"),  # without its stereochemistry
        ("", 1, "empty"),
        ("C(", 1, "unparsable"),
        ("c1cccc1", 1, "unparsable"),
        ("C[N](C)(C)(C)C", 1, "unparsable"),
        ("C[NH3+].C", 1, "too_many_parts"),
        ("C[N+]C", 1, "radical"),
        ("CCO", 1, "wrong_charge"),
        ("CC(=O)[O-]", 1, "wrong_charge"),
        ("C[n+]1ccn(CCn2cc[n+](C)c2)c1", 1, "wrong_charge"),
        ("C" * 160 + "[NH3+]", 1, "too_large"),
        ("CC(=O)CC(=O)[O-]", -1, "rejected"),
        ("CCC(F)(F)[O-]", -1, "rejected"),
        ("*[NH3+]", 1, "refused"),
        ("CCCn1cc[n+](C)c1.[Br-]", 0, "novel"),
        ("[Br-].CCn1cc[n+](C)c1", 0, "known"),
        ("CCn1cc[n+](C)c1.[Cl-]", 0, "novel"),
        ("CCn1cc[n+](C)c1", 0, "too_few_parts"),
        ("CCn1cc[n+](C)c1.[Br-].[Cl-]", 0, "too_many_parts"),
        ("C[n+]1ccn(CCn2cc[n+](C)c2)c1.[Br-]", 0, "wrong_charge"),
        ("[Cl-].[Br-]", 0, "wrong_charge"),
        ("CCn1cc[n+](C)c1.C(", 0, "unparsable"),
        (".", 0, "empty"),
    ],
)
def test_outcomes(raw: str, charge: int, outcome: str) -> None:
    found = JUDGE.judge(raw, charge)
    assert found.outcome == outcome
    assert outcome in OUTCOMES
    assert bool(found.reasons) == (outcome not in ("novel", "known"))
    assert bool(found.key) == (outcome in ("novel", "known", "rejected"))
    assert JUDGE.judge(raw, charge) is found


def test_a_known_ion_is_named_by_the_key_it_is_stored_with() -> None:
    assert JUDGE.judge("CC(O)C(=O)[O-]", -1).key == (identify("C[C@H](O)C(=O)[O-]").inchikey,)


def test_a_cut_string_is_unfinished_whatever_it_says() -> None:
    assert JUDGE.judge("CCCn1cc[n+](C)c1", 1, finished=False).outcome == "unfinished"


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CC([O-])(F)F", "alpha_halo_alkoxide"), ("CC(=O)CC(=O)[O-]", "beta_keto_acid"),
        ("CN1CC1(O)[N+](C)(C)C", "hemiaminal"), ("CC(=O)OC(=O)CC[NH3+]", "anhydride"),
        ("O=C(Cl)CC[N+](C)(C)C", "acyl_halide"), ("CCOOCC[NH3+]", "peroxide"), ("C[N+](C)(C)CC[O-]", "alkoxide"),
        ("C=C=CC[N+](C)(C)C", "allene"), ("CSC(=O)[O-]", "thiocarbonate_ion"), ("C[N+](C)(C)C(C)=O", "acyl_onium"),
        ("C[CH-]C", "carbanion"), ("C[N+](C)(C)CC(C(=O)[O-])S(=O)(=O)[O-]", "inner_salt"),
    ],
)  # fmt: skip
def test_implausible_groups_are_named(smiles: str, reason: str) -> None:
    assert reason in unsound_groups(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(
    "smiles",
    [
        "CCCC[n+]1ccn(C)c1", "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "F[B-](F)(F)F", "N#C[N-]C#N", "C[N+](C)(C)CCO",
        "O=C([O-])C(F)(F)F", "CC(O)C(=O)[O-]", "O=S(=O)(F)[N-]S(=O)(=O)F", "N#C[C-](C#N)C#N", "CC[P+](CC)(CC)CC",
        "O=[N+]([O-])[O-]", "O=C([O-])CC(O)(CC(=O)O)C(=O)O", "[O-][Cl+3]([O-])([O-])[O-]", "CCOS(=O)(=O)[O-]",
        "N#C[B-](C#N)(C#N)C#N", "O=P([O-])(OCC)OCC", "CCOP(=S)([S-])OCC", "Cc1ccc(S(=O)(=O)[O-])cc1",
    ],
)  # fmt: skip
def test_common_ions_of_ionic_liquids_pass(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    assert unsound_groups(mol) + unsound_rings(mol) == []


def test_rings() -> None:
    assert "macrocycle" in unsound_rings(Chem.MolFromSmiles("C1CCCCCCCCC[NH2+]1"))
    assert "unsaturated_bridgehead" in unsound_rings(Chem.MolFromSmiles("C1CC2=CC1CC2"))
    assert "fused_small_rings" in unsound_rings(Chem.MolFromSmiles("C12CC1C2"))
    assert unsound_rings(Chem.MolFromSmiles("C12CC3CC(C1)CC(C3)C2")) == []


def test_limits_can_be_lifted_and_tightened() -> None:
    lax = Judge(KNOWN, filters=Filters(groups=False, min_similarity=None, max_sa_score=None))
    assert lax.judge("CC(=O)CC(=O)[O-]", -1).outcome == "novel"
    strict = Judge(KNOWN, filters=Filters(min_similarity=0.9, max_heavy_atoms=5, max_sa_score=1.0))
    found = strict.judge("CCCn1cc[n+](C)c1", 1)
    assert [reason.split(":")[0] for reason in found.reasons] == ["heavy_atoms", "sa_score", "unlike_known"]
