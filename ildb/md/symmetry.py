"""Which atoms of an ion are alike, and charges that say so and sum to the charge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rdkit import Chem


def skeleton(mol: Chem.Mol) -> Chem.Mol:
    """Elements and bonds only: no formal charges, bond orders, aromaticity or stereochemistry.

    Those depend on how a resonance form is drawn: on the skeleton the oxygens of nitrate and of acetate are alike, and
    both forms of thiocyanate are one.

    Args:
        mol: with explicit hydrogens.
    """
    bare = Chem.RWMol()
    for atom in mol.GetAtoms():
        plain = Chem.Atom(atom.GetAtomicNum())
        plain.SetNoImplicit(True)
        bare.AddAtom(plain)
    for bond in mol.GetBonds():
        bare.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    bare.UpdatePropertyCache(strict=False)
    return bare.GetMol()


def skeleton_key(mol: Chem.Mol) -> str:
    """Text that is equal for every way to draw an ion: its skeleton and its charge."""
    return f"{Chem.MolToSmiles(skeleton(mol))} {Chem.GetFormalCharge(mol):+d}"


def symmetry_classes(mol: Chem.Mol) -> npt.NDArray[np.int64]:
    """A class number for every atom; atoms that the bond graph does not tell apart share one.

    Args:
        mol: with explicit hydrogens.
    """
    ranks = Chem.CanonicalRankAtoms(skeleton(mol), breakTies=False, includeChirality=False)
    _, classes = np.unique(np.array(list(ranks)), return_inverse=True)
    return classes.astype(np.int64)


def exact_charges(
    charges_e: npt.NDArray[np.float64], classes: npt.NDArray[np.int64], charge: int
) -> npt.NDArray[np.float64]:
    """Charges averaged over atoms that are alike, moved by a constant so that they sum to the charge, six decimals.

    Args:
        charges_e: raw charges (n,), e.
        classes: symmetry class of each atom (n,).
        charge: charge number.

    Returns:
        Charges (n,), e; their sum differs from the charge by rounding errors of floats only.
    """
    count = np.bincount(classes)
    mean = np.bincount(classes, weights=charges_e) / count
    mean = np.round(mean + (charge - count @ mean) / count.sum(), 6)
    # What rounding left goes to the smallest class, where it is a few millionths of e for each atom.
    smallest = int(np.argmin(count))
    mean[smallest] += (charge - count @ mean) / count[smallest]
    return np.asarray(mean[classes], dtype=np.float64)
