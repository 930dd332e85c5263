"""Shares of a prediction: exact for the ions, additive over the atoms, whatever the model."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from rdkit import Chem

from ildb.cli.explain import _told
from ildb.errors import InputError
from ildb.melting.atom_map import atom_map_svg
from ildb.melting.attribution import Explanation, IonShares, explain, ion_shares, outermost
from ildb.melting.fragments import branches

CATIONS = ["CCn1cc[n+](C)c1", "CCCCn1cc[n+](C)c1", "CCCC[n+]1ccccc1", "C[N+](C)(C)CCO"]
ANIONS = ["[Cl-]", "F[B-](F)(F)F", "CC(=O)[O-]", "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"]


def carbons(smiles: str) -> int:
    return sum(atom.GetSymbol() == "C" for atom in Chem.MolFromSmiles(smiles).GetAtoms())


def additive(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """10 K less for each carbon of the cation, 7 K more for each of the anion."""
    return np.array([400.0 - 10 * carbons(c) + 7 * carbons(a) for c, a in pairs])


def product(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.array([300.0 + carbons(c) * carbons(a) for c, a in pairs])


def test_shares_of_an_additive_model_are_its_terms() -> None:
    found = ion_shares(additive, CATIONS[1], ANIONS[3], CATIONS, ANIONS)
    mean_cation, mean_anion = np.mean([carbons(s) for s in CATIONS]), np.mean([carbons(s) for s in ANIONS])
    assert found.cation_k == pytest.approx(-10 * (8 - mean_cation))
    assert found.anion_k == pytest.approx(7 * (2 - mean_anion))
    assert found.baseline_k + found.cation_k + found.anion_k == pytest.approx(found.tm_k)


def test_an_interaction_is_shared_evenly() -> None:
    found = ion_shares(product, CATIONS[0], ANIONS[3], [CATIONS[0]], [ANIONS[0]])
    # Without an anion's carbons the cation alone does nothing: v(c) = v(a) = v() = 300 + 6 * {0, 2}.
    assert found.baseline_k == pytest.approx(300)
    assert (found.cation_k, found.anion_k) == pytest.approx((0, 12))


def test_swapping_ion_and_background_changes_the_sign() -> None:
    there = ion_shares(product, CATIONS[0], ANIONS[2], [CATIONS[1]], [ANIONS[3]])
    back = ion_shares(product, CATIONS[1], ANIONS[3], [CATIONS[0]], [ANIONS[2]])
    assert there.cation_k == pytest.approx(-back.cation_k)
    assert there.anion_k == pytest.approx(-back.anion_k)


@pytest.mark.parametrize("model", [additive, product])
@pytest.mark.parametrize("cation", [*CATIONS, "C[n+]1ccn(CCCCn2cc[n+](C)c2)c1", "[Na+]"])
@pytest.mark.parametrize("anion", ANIONS)
def test_atoms_add_up_to_their_ion(model: object, cation: str, anion: str) -> None:
    found = explain(model, cation, anion, CATIONS, ANIONS)  # type: ignore[arg-type]
    assert found.cation_atoms.sum() == pytest.approx(found.shares.cation_k)
    assert found.anion_atoms.sum() == pytest.approx(found.shares.anion_k)
    assert len(found.cation_atoms) == Chem.MolFromSmiles(cation).GetNumAtoms()


def test_each_chain_carbon_has_its_own_effect() -> None:
    found = explain(additive, CATIONS[1], ANIONS[0], CATIONS, ANIONS)
    # C C C C n ...: the chain's four carbons and the methyl.
    assert found.cation_atoms[[0, 1, 2, 3, 8]] == pytest.approx([-10] * 5)
    strongest = found.branches[0]
    assert (strongest.ion, strongest.fragment, strongest.effect_k) == ("cation", "CCCC", pytest.approx(-40))
    assert strongest.removed == "C[n+]1cc[nH]c1"


@pytest.mark.parametrize("smiles", [*CATIONS, *ANIONS, "CCCCOS(=O)(=O)[O-]", "O=[N+]([O-])c1ccc(C[n+]2ccccc2)cc1"])
def test_what_is_left_is_an_ion_of_the_same_charge(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    for branch in branches(mol):
        left = Chem.MolFromSmiles(branch.removed)
        assert Chem.GetFormalCharge(left) == Chem.GetFormalCharge(mol)
        assert left.GetNumAtoms() == mol.GetNumAtoms() - len(branch.atoms)
        assert sum(atom.GetNumRadicalElectrons() for atom in left.GetAtoms()) == 0


@pytest.mark.parametrize("smiles", ["F[B-](F)(F)F", "[Cl-]", "N#C[N-]C#N", "O=[N+]([O-])[O-]"])
def test_small_ions_are_all_core(smiles: str) -> None:
    assert branches(Chem.MolFromSmiles(smiles)) == []


def test_a_missing_prediction_is_said() -> None:
    def never(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        return np.full(len(pairs), np.nan)

    with pytest.raises(InputError, match="nothing to explain"):
        explain(never, CATIONS[0], ANIONS[0], CATIONS, ANIONS)
    with pytest.raises(InputError, match="background"):
        ion_shares(additive, CATIONS[0], ANIONS[0], [], ANIONS)

    def not_without_butyl(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        return np.where([c == "C[n+]1cc[nH]c1" for c, _ in pairs], np.nan, additive(pairs))

    found = explain(not_without_butyl, CATIONS[1], ANIONS[0], CATIONS, ANIONS)
    assert [np.isnan(b.effect_k) for b in found.branches if b.fragment == "CCCC"] == [True]
    assert np.isfinite(found.cation_atoms).all()


def test_the_drawing_shows_both_ions() -> None:
    found = explain(additive, CATIONS[1], ANIONS[3], CATIONS, ANIONS)
    svg = atom_map_svg(CATIONS[1], ANIONS[3], found)
    assert svg.lstrip().startswith("<?xml")
    assert "</svg>" in svg
    assert svg.count("ellipse") + svg.count("path") > 20


def test_the_outermost_substituents_are_each_told_once() -> None:
    found = explain(additive, "CCCCn1cc[n+](CCO)c1", ANIONS[3], CATIONS, ANIONS)
    whole = outermost(found.branches)
    assert sorted((b.ion, b.fragment) for b in whole) == [
        ("anion", "FC(F)F"), ("anion", "FC(F)F"), ("cation", "CCCC"), ("cation", "CCO"),
    ]  # fmt: skip
    assert len(found.branches) > len(whole)
    rows = _told(whole)
    assert [row["substituent"] for row in rows] == ["CCCC", "CCO", "FC(F)F (2 of them, each)"]
    assert [row["effect_K"] for row in rows] == ["-40.0", "-20.0", "+7.0"]
    assert rows[0]["ion_without_it"] == "OCC[n+]1cc[nH]c1"


@pytest.mark.parametrize(("sign", "colour"), [(1, "higher Tm"), (-1, "lower Tm")])
def test_the_legend_names_the_colours_of_the_drawing(sign: int, colour: str) -> None:
    shares = IonShares(300 + 3 * sign, 300, 2 * sign, sign)
    svg = atom_map_svg("C[NH3+]", "C[O-]", Explanation(shares, (), np.full(2, float(sign)), np.full(2, sign / 2)))
    legend = dict(re.findall(r"fill='#(\w{6})'/><text[^>]*>(\w+ Tm)</text>", svg))
    fills = [tuple(bytes.fromhex(code)) for code in re.findall(r"<path d='[^']*Z' style='fill:#(\w{6})", svg)]
    deepest = min(fills, key=sum)
    nearest = min(legend, key=lambda code: sum(abs(a - b) for a, b in zip(bytes.fromhex(code), deepest, strict=True)))
    assert legend[nearest] == colour
    assert "1.0 K of one atom" in svg
