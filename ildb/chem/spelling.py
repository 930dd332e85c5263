"""Which of several spellings of one ion to keep: resonance forms and proton positions, ranked as a chemist draws them.

The order has to be total and independent of the order of arrival, since every spelling of an ion must lead to one
representative; chemistry decides first, the canonical SMILES text decides what chemistry leaves open.
"""

from __future__ import annotations

from typing import NamedTuple

from rdkit import Chem

_CHARGED = Chem.MolFromSmarts("[!+0]")
_POLAR_BOND = Chem.MolFromSmarts("[$(O=[#6,S,P,#7]),$(N#C)]")
_DOUBLE, _TRIPLE = Chem.BondType.DOUBLE, Chem.BondType.TRIPLE


class Rank(NamedTuple):
    """Sort key of a spelling, smaller is better.

    Attributes:
        awkward: charges on atoms that do not carry them well (carbocations, oxonium, protonated amide nitrogen ...).
        charges: sum of the absolute formal charges.
        not_aromatic: minus the number of aromatic atoms.
        unsaturated: minus the number of C=O, S=O, P=O, N=O and C#N bonds.
        sites: how far the charges are from where acidity and basicity put them (sulfonate before carboxylate before
            phenolate; amine before azole).
        smiles: the canonical SMILES.
    """

    awkward: int
    charges: int
    not_aromatic: int
    unsaturated: int
    sites: int
    smiles: str


def _double_bonds(atom: Chem.Atom) -> int:
    return sum(b.GetBondType() in (_DOUBLE, _TRIPLE) for b in atom.GetBonds())


def _is_unsaturated(atom: Chem.Atom) -> bool:
    return bool(atom.GetIsAromatic() or _double_bonds(atom))


def _withdraws(atom: Chem.Atom) -> bool:
    """Whether an atom is a nitrile carbon, nitro nitrogen or sulfonyl sulfur, which stabilise a carbanion beside it."""
    symbol = atom.GetSymbol()
    if symbol == "C":
        return any(b.GetBondType() == _TRIPLE for b in atom.GetBonds())
    return (symbol == "N" and atom.GetFormalCharge() == 1) or (symbol == "S" and _double_bonds(atom) == 2)


def _is_awkward_cation(atom: Chem.Atom) -> bool:
    symbol = atom.GetSymbol()
    if symbol == "C":
        return True
    if symbol == "O":
        return not atom.GetIsAromatic()
    if symbol in {"S", "P", "Se"}:
        return not atom.GetIsAromatic() and _double_bonds(atom) > 0
    if symbol == "N":
        if any(n.GetFormalCharge() > 0 for n in atom.GetNeighbors()):
            return True
        if _double_bonds(atom) or atom.GetIsAromatic():
            # A nitrilium, or -N(-)-N(+)#N where -N=N(+)=N(-) can be drawn.
            return any(b.GetBondType() == _TRIPLE for b in atom.GetBonds())
        # Ammonium N-H next to an unsaturated atom: amide, amidine and enamine nitrogens are not the basic ones.
        return atom.GetTotalNumHs() > 0 and any(_is_unsaturated(n) for n in atom.GetNeighbors())
    return False


def _is_ester_enolate(oxygen: Chem.Atom, carbon: Chem.Atom) -> bool:
    others = [a for a in carbon.GetNeighbors() if a.GetIdx() != oxygen.GetIdx()]
    return any(a.GetSymbol() == "O" and a.GetDegree() == 2 for a in others) and all(
        a.GetSymbol() in "CO" for a in others
    )


def _is_awkward_anion(atom: Chem.Atom) -> bool:
    symbol = atom.GetSymbol()
    neighbors = atom.GetNeighbors()
    if symbol == "C":
        return atom.GetIsAromatic() or sum(map(_withdraws, neighbors)) < 2
    if symbol == "O" and len(neighbors) == 1 and neighbors[0].GetSymbol() == "C":
        # An alkoxide where another proton could have gone; the enolate of an ester that could keep its C=O.
        return not _is_unsaturated(neighbors[0]) or _is_ester_enolate(atom, neighbors[0])
    if symbol == "N":
        return not atom.GetIsAromatic() and not any(
            _is_unsaturated(n) or n.GetFormalCharge() > 0 or n.GetSymbol() in {"S", "P", "B"} for n in neighbors
        )
    return False


def _site(atom: Chem.Atom) -> int:
    """0 for the site that carries the charge most readily; larger for worse ones."""
    if atom.GetFormalCharge() > 0:
        if atom.GetSymbol() != "N":
            return 0
        if atom.GetIsAromatic():
            # An azolium with N-H is a weaker base than an amine, whichever of its nitrogens carries the sign.
            around = [far for n in atom.GetNeighbors() if n.GetIsAromatic() for far in n.GetNeighbors()]
            return int(
                any(a.GetSymbol() == "N" and a.GetIsAromatic() and a.GetTotalNumHs() > 0 for a in [atom, *around])
            )
        exocyclic = any(b.GetBondType() == _DOUBLE and b.GetOtherAtom(atom).GetIsAromatic() for b in atom.GetBonds())
        return 3 if exocyclic else 0
    neighbors = atom.GetNeighbors()
    if atom.GetSymbol() != "O" or len(neighbors) != 1:
        return 3
    neighbor = neighbors[0]
    if neighbor.GetSymbol() == "C":
        carbonyl = any(
            b.GetBondType() == _DOUBLE and b.GetOtherAtom(neighbor).GetSymbol() == "O" for b in neighbor.GetBonds()
        )
        return 2 if carbonyl else 3
    return 0 if neighbor.GetSymbol() == "S" else 1


def charged_atoms(mol: Chem.Mol) -> list[Chem.Atom]:
    """The atoms with a formal charge."""
    return [mol.GetAtomWithIdx(i) for (i,) in mol.GetSubstructMatches(_CHARGED)]


def _chemistry(mol: Chem.Mol) -> tuple[int, int, int, int, int]:
    awkward = charges = sites = 0
    for atom in charged_atoms(mol):
        charge = atom.GetFormalCharge()
        charges += abs(charge)
        awkward += _is_awkward_cation(atom) if charge > 0 else _is_awkward_anion(atom)
        sites += _site(atom)
    return awkward, charges, -len(mol.GetAromaticAtoms()), -len(mol.GetSubstructMatches(_POLAR_BOND)), sites


def rank_spelling(mol: Chem.Mol) -> Rank:
    """The sort key of a spelling.

    Args:
        mol: a sanitised molecule.
    """
    return Rank(*_chemistry(mol), str(Chem.MolToSmiles(mol)))


def plausible_spellings(forms: list[Chem.Mol]) -> list[Chem.Mol]:
    """The forms with the fewest awkward charges and, among those, the fewest charges."""
    ranks = [_chemistry(form)[:2] for form in forms]
    best = min(ranks)
    return [form for form, rank in zip(forms, ranks, strict=True) if rank == best]


def best_spelling(forms: list[Chem.Mol]) -> Chem.Mol:
    """The form that ranks first; canonical SMILES are only computed for those that chemistry leaves equal."""
    ranks = [_chemistry(form) for form in forms]
    best = min(ranks)
    tied = [form for form, rank in zip(forms, ranks, strict=True) if rank == best]
    return tied[0] if len(tied) == 1 else min(tied, key=Chem.MolToSmiles)
