"""Ions as the ion-level model sees them: without stereochemistry, one spelling each, and the ones held out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors, rdMolHash

from ildb.generate.tokens import Level, split_smiles

_MESOMER: Final = rdMolHash.HashFunction.Mesomer


class FlatIon(NamedTuple):
    """An ion without stereochemistry.

    Attributes:
        inchikey: of the flat structure; resonance forms share it.
        smiles: canonical.
        charge: in e.
    """

    inchikey: str
    smiles: str
    charge: int


def flat_ions(ions: Iterable[tuple[str, int]], level: Level, max_length: int) -> list[FlatIon]:
    """Distinct flat ions in the order of their keys, as far as a sequence model can learn them.

    Single atoms, ions with unpaired electrons or isotopes, and those with too many tokens are left out.

    Args:
        ions: SMILES and charge.
        level: what a token is.
        max_length: tokens of the longest.
    """
    found: dict[str, FlatIon] = {}
    with rdBase.BlockLogs():
        for smiles, charge in ions:
            mol = Chem.MolFromSmiles(smiles)
            if mol is None or mol.GetNumHeavyAtoms() < 2:
                continue
            if any(atom.GetNumRadicalElectrons() or atom.GetIsotope() for atom in mol.GetAtoms()):
                continue
            Chem.RemoveStereochemistry(mol)
            flat = str(Chem.MolToSmiles(mol))
            if len(split_smiles(flat, level)) > max_length:
                continue
            key = str(Chem.MolToInchiKey(mol))  # type: ignore[no-untyped-call]
            if key not in found or flat < found[key].smiles:
                found[key] = FlatIon(key, flat, charge)
    return [found[key] for key in sorted(found)]


def split_ions(ions: Sequence[FlatIon], heldout: float, seed: int) -> tuple[list[FlatIon], list[FlatIon]]:
    """Ions to learn from and ions held out, cations and anions in the same proportion.

    Args:
        ions: distinct ions.
        heldout: share to hold out.
        seed: of the draw.
    """
    train: list[FlatIon] = []
    test: list[FlatIon] = []
    for sign in (1, -1):
        side = [ion for ion in ions if ion.charge * sign > 0]
        order = np.random.default_rng([seed, sign + 1]).permutation(len(side))
        n_test = round(heldout * len(side))
        test += [side[i] for i in sorted(order[:n_test])]
        train += [side[i] for i in sorted(order[n_test:])]
    return train, test


class Known:
    """Tells whether a structure is one of a set of ions, in whatever resonance form.

    Args:
        ions: the set.
    """

    def __init__(self, ions: Iterable[FlatIon]) -> None:
        self._smiles: set[str] = set()
        self._formulas: set[str] = set()
        self._forms: set[str] = set()
        for ion in ions:
            mol = Chem.MolFromSmiles(ion.smiles)
            self._smiles.add(ion.smiles)
            self._formulas.add(rdMolDescriptors.CalcMolFormula(mol))
            self._forms.add(rdMolHash.MolHash(mol, _MESOMER))

    def has(self, mol: Chem.Mol, smiles: str) -> bool:
        """Whether the ion is in the set.

        Args:
            mol: without stereochemistry.
            smiles: its canonical SMILES.
        """
        if smiles in self._smiles:
            return True
        # The hash is dear, and few ions share a formula with a known one.
        if rdMolDescriptors.CalcMolFormula(mol) not in self._formulas:
            return False
        return rdMolHash.MolHash(mol, _MESOMER) in self._forms
