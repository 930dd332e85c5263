"""Volume of an ion in a crystal, from the elements in it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from rdkit import Chem

from ildb.errors import StructureError

HOFMANN_VOLUME_A3: Final = MappingProxyType(
    {
        "H": 5.08, "Li": 22.6, "Be": 36.0, "B": 13.24, "C": 13.87, "N": 11.8, "O": 11.39, "F": 11.17, "Na": 26.0,
        "Mg": 36.0, "Al": 39.6, "Si": 37.3, "P": 29.5, "S": 25.2, "Cl": 25.8, "K": 36.0, "Ca": 45.0, "Sc": 42.0,
        "Ti": 27.3, "V": 24.0, "Cr": 28.1, "Mn": 31.9, "Fe": 30.4, "Co": 29.4, "Ni": 26.0, "Cu": 26.9, "As": 36.4,
        "Se": 30.3, "Br": 32.7, "Zr": 27.0, "In": 55.0, "Sn": 52.8, "Sb": 48.0, "Te": 46.7, "I": 46.2, "Hg": 38.0,
    }
)  # fmt: skip
"""Mean volume that an atom takes up in organic crystals, Å³ (Hofmann, Acta Cryst. B 2002, 58, 489)."""


def crystal_volume_nm3(mol: Chem.Mol) -> float:
    """Volume that one ion takes up in its crystal: the sum of its atoms' average volumes (Hofmann 2002), nm³.

    A stand-in for the thermochemical volume of Jenkins, Roobottom, Passmore and Glasser (Inorg. Chem. 1999, 38, 3609),
    which is additive over the ions of a salt, too.

    Args:
        mol: an ion; hydrogens may be implicit.

    Raises:
        StructureError: an element has no volume.
    """
    total = 0.0
    for atom in mol.GetAtoms():
        if atom.GetSymbol() not in HOFMANN_VOLUME_A3:
            raise StructureError(f"No crystal volume is known for {atom.GetSymbol()}.")
        # GetTotalNumHs leaves out hydrogens that are atoms of their own, which the loop meets itself.
        total += HOFMANN_VOLUME_A3[atom.GetSymbol()] + atom.GetTotalNumHs() * HOFMANN_VOLUME_A3["H"]
    return total / 1000
