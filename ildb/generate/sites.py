"""Where an ion can be cut into a charged part and a neutral substituent, and what both ends of the bond look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rdkit import Chem

_SINGLE = Chem.BondType.SINGLE
_SHARES_CHARGE: Final = Chem.MolFromSmarts("[!+0]-,:[#6,#7,#16,#15]=,:,#[#6,#7,#8,#16]")
_HYBRIDISATION: Final = {Chem.HybridizationType.SP: "1", Chem.HybridizationType.SP2: "2"}


@dataclass(frozen=True, slots=True)
class Site:
    """A bond that can be cut.

    Attributes:
        bond: its index.
        core_atom: its end in the part that carries the charge.
        atom: its end in the substituent.
        substituent: all atoms of the substituent.
        core_class: surroundings of the core's end, without the bond.
        atom_class: surroundings of the substituent's end.
    """

    bond: int
    core_atom: int
    atom: int
    substituent: frozenset[int]
    core_class: str
    atom_class: str


def atom_class(mol: Chem.Mol, index: int, without: int) -> str:
    """An atom's element, charge, hybridisation, ring membership and neighbours, one of them left out.

    Args:
        mol: the whole ion.
        index: the atom.
        without: the neighbour beyond the bond that is cut.
    """
    atom = mol.GetAtomWithIdx(index)
    kind = "a" if atom.GetIsAromatic() else _HYBRIDISATION.get(atom.GetHybridization(), "3")
    around = sorted(
        f"{_ORDER.get(bond.GetBondType(), '')}{other.GetSymbol()}{other.GetFormalCharge() or ''}"
        for bond in atom.GetBonds()
        if (other := bond.GetOtherAtom(atom)).GetIdx() != without
    )
    ring = "r" if atom.IsInRing() else ""
    return f"{atom.GetSymbol()}{atom.GetFormalCharge() or ''}{kind}{ring}({','.join(around)})"


_ORDER: Final = {Chem.BondType.DOUBLE: "=", Chem.BondType.TRIPLE: "#", Chem.BondType.AROMATIC: ":"}


def heart_atoms(mol: Chem.Mol) -> set[int]:
    """Charged atoms, their ring systems, atoms that share the charge, and the ways between charges.

    Charges that cancel within a group (nitro, azide) do not count.
    """
    charged = [a.GetIdx() for a in mol.GetAtoms() if a.GetFormalCharge() and not _is_cancelled(a)]
    heart = set(charged)
    for other in charged[1:]:
        heart.update(Chem.GetShortestPath(mol, charged[0], other))
    wanted = set(charged)
    for match in mol.GetSubstructMatches(_SHARES_CHARGE):
        if match[0] in wanted:
            heart.update(match)
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings()]
    grown = True
    while grown:
        grown = False
        for ring in rings:
            if len(ring & heart) and not ring <= heart:
                heart |= ring
                grown = True
    # Multiple bonds to the heart (C=O, S=O, C=N) belong to it.
    for bond in mol.GetBonds():
        if bond.GetBondType() in _ORDER:
            ends = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
            if ends & heart:
                heart |= ends
    return heart


def _is_cancelled(atom: Chem.Atom) -> bool:
    return any(n.GetFormalCharge() * atom.GetFormalCharge() < 0 for n in atom.GetNeighbors())


def cut_sites(mol: Chem.Mol, max_substituent: int) -> list[Site]:
    """The single bonds outside rings with all charge on one side.

    Args:
        mol: an ion.
        max_substituent: heavy atoms a substituent may have.
    """
    found: list[Site] = []
    for bond in mol.GetBonds():
        if bond.IsInRing() or bond.GetBondType() != _SINGLE:
            continue
        begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        behind = _side(mol, end, begin)
        for core, atom, atoms in ((begin, end, behind), (end, begin, None)):
            side = atoms if atoms is not None else frozenset(range(mol.GetNumAtoms())) - behind
            if len(side) <= max_substituent and not any(mol.GetAtomWithIdx(i).GetFormalCharge() for i in side):
                found.append(
                    Site(bond.GetIdx(), core, atom, side, atom_class(mol, core, atom), atom_class(mol, atom, core))
                )
    return found


def _side(mol: Chem.Mol, start: int, without: int) -> frozenset[int]:
    """Atoms reached from one without passing another."""
    seen, waiting = {start, without}, [start]
    while waiting:
        for neighbour in mol.GetAtomWithIdx(waiting.pop()).GetNeighbors():
            if neighbour.GetIdx() not in seen:
                seen.add(neighbour.GetIdx())
                waiting.append(neighbour.GetIdx())
    return frozenset(seen - {without})
