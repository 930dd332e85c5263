"""The core of an ion: its charged centre with the ring system it sits in. What substituent swaps leave as it is."""

from __future__ import annotations

from typing import Final

from rdkit import Chem

from ildb.generate.sites import heart_atoms

_NO_CORE: Final = ""


def charged_core(mol: Chem.Mol) -> str:
    """What is left of an ion when every substituent is cut off its charged heart.

    The heart is the charged atoms, the ring systems they sit in, and the atoms that share their charge by resonance;
    of a dication, with the shortest way between the charges. Cut bonds are marked by ``*``, so trialkyl- and
    tetraalkylammonium differ and [C2mim] and [C8mim] do not. Positions of double bonds and charges count as drawn, so
    take the canonical SMILES of an ion.

    Args:
        mol: an ion.

    Returns:
        Canonical SMILES of the core; empty for a molecule without charge.
    """
    heart = heart_atoms(mol)
    if not heart:
        return _NO_CORE
    cut = [
        bond.GetIdx() for bond in mol.GetBonds() if (bond.GetBeginAtomIdx() in heart) != (bond.GetEndAtomIdx() in heart)
    ]
    if not cut:
        return str(Chem.MolToSmiles(mol, isomericSmiles=False))
    pieces = Chem.FragmentOnBonds(mol, cut, addDummies=True, dummyLabels=[(0, 0)] * len(cut))
    first = min(heart)
    atoms = next(fragment for fragment in Chem.GetMolFrags(pieces) if first in fragment)
    return str(Chem.MolFragmentToSmiles(pieces, atomsToUse=atoms, isomericSmiles=False))
