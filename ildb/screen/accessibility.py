"""How hard an ion is to make, as far as a count of common fragments can tell."""

from __future__ import annotations

from typing import Final

from rdkit import Chem
from rdkit.Contrib.SA_Score import sascorer

MIN_HEAVY_ATOMS: Final = 6
"""Below, the score is an artefact: chloride gets 8.5, dicyanamide 6.1, and both stand in every laboratory."""


def sa_score(mol: Chem.Mol) -> float | None:
    """Synthetic accessibility, 1 (easy) to 10 (hard).

    Ertl and Schuffenhauer, J. Cheminform. 2009, 1, 8, in RDKit's implementation. It was made for drug-like molecules:
    of the ions of measured ILs the median is 2.9 for cations and 3.5 for anions, and 5.7 for PF6.

    Args:
        mol: an ion.

    Returns:
        None for ions of fewer than six heavy atoms.
    """
    if mol.GetNumHeavyAtoms() < MIN_HEAVY_ATOMS:
        return None
    return float(sascorer.calculateScore(mol))
