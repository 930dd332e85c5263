"""Dialkylimidazoliums: the two resonance forms of the commonest cations, told without listing forms.

The charge is at one nitrogen or the other; both drawings are equally good, so their SMILES alone decide. The general
search (``ildb.chem.normalize``) comes to the same for several times the work.
"""

from __future__ import annotations

import re
from typing import Final

from rdkit import Chem

from ildb.chem.normalize import RING_MULTIPLE_BOND

# Nothing but one charge, and atoms that no rule for labels, groups or metals is about.
_PLAIN: Final = re.compile(r"(?:[BCNOPSFIcn]|Cl|Br|\[n\+\]|[-=#()]|\d|%\d\d)+")
# A substituent with a double bond at the ring would draw the charge out of it.
_CARBON: Final = "[$([cH1]),$(c-[CX4])]"
_RINGS: Final = (
    Chem.MolFromSmarts(f"[n+;X3;H0]1(-[CX4]){_CARBON}[n;X3;+0;H0](-[CX4]){_CARBON}{_CARBON}1"),
    Chem.MolFromSmarts(f"[n+;X3;H0]1(-[CX4]){_CARBON}[n;X3;+0;H0](-[CX4])c2{_CARBON * 4}c12"),
)
# Where the patterns have the nitrogen without a charge.
_NEUTRAL: Final = 3
# As far as the general search lists forms.
_MAX_BONDS: Final = 64


def other_form(mol: Chem.Mol, smiles: str) -> Chem.Mol | None:
    """The other resonance form of an imidazolium or benzimidazolium whose ring carries alkyl groups only.

    Args:
        mol: a sanitised molecule.
        smiles: its canonical SMILES.

    Returns:
        The form with the charge at the other nitrogen; None for any other ion.
    """
    if smiles.count("[n+]") != 1 or smiles.count("n") != 2 or not _PLAIN.fullmatch(smiles):
        return None
    if mol.GetNumBonds() > _MAX_BONDS or mol.HasSubstructMatch(RING_MULTIPLE_BOND):
        return None
    ring = next((found for pattern in _RINGS if (found := mol.GetSubstructMatch(pattern))), None)
    if ring is None:
        return None
    other = Chem.Mol(mol)
    other.GetAtomWithIdx(ring[0]).SetFormalCharge(0)
    other.GetAtomWithIdx(ring[_NEUTRAL]).SetFormalCharge(1)
    other.UpdatePropertyCache()
    return other
