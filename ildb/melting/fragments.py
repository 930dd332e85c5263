"""Substituents of an ion that can be taken off, leaving an ion of the same charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rdkit import Chem

_TERMINAL: Final = frozenset({"H", "F", "Cl", "Br", "I"})


@dataclass(frozen=True)
class Branch:
    """A part of an ion that hangs on the rest by one single bond.

    Args:
        atoms: positions of all its atoms, whatever hangs on it included.
        own: those of them that hang on it by no further bond that could be cut.
        parent: position of the branch it hangs on in the list; -1 for the core.
        removed: SMILES of the ion with a hydrogen in its place.
    """

    atoms: tuple[int, ...]
    own: tuple[int, ...]
    parent: int
    removed: str


def branches(mol: Chem.Mol) -> list[Branch]:
    """Every part without charge that hangs on the part with the charge by an acyclic single bond.

    Bonds to halogens and those of atoms with a negative charge are not cut: HBF3- in the place of BF4-, or hydroxide in
    that of acetate, would tell about other chemistry.

    Args:
        mol: an ion without explicit hydrogens, parsed from SMILES.

    Returns:
        Branches, each after the one it hangs on.
    """
    core_like = _blocks(mol)
    block_of = {atom: number for number, block in enumerate(core_like) for atom in block}
    links: dict[int, list[tuple[int, int, int]]] = {number: [] for number in range(len(core_like))}
    for bond in mol.GetBonds():
        a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if block_of[a] != block_of[b]:
            links[block_of[a]].append((block_of[b], a, b))
            links[block_of[b]].append((block_of[a], b, a))
    charged = {block_of[atom.GetIdx()] for atom in mol.GetAtoms() if _is_charged(atom)}
    root = min(charged) if charged else 0
    # Depth first; a block below which there is charge belongs to the core.
    order: list[int] = []
    above: dict[int, tuple[int, int, int]] = {}
    stack = [root]
    while stack:
        block = stack.pop()
        order.append(block)
        for other, inner, outer in links[block]:
            if other != root and other not in above and (block not in above or other != above[block][0]):
                above[other] = (block, inner, outer)
                stack.append(other)
    below: dict[int, set[int]] = {block: set(core_like[block]) for block in order}
    has_charge = {block: block in charged for block in order}
    for block in reversed(order[1:]):
        parent = above[block][0]
        below[parent] |= below[block]
        has_charge[parent] |= has_charge[block]
    found: list[Branch] = []
    position: dict[int, int] = {}
    for block in order[1:]:
        parent, inner, outer = above[block]
        if has_charge[block]:
            continue
        removed = _without(mol, below[block], inner)
        if removed is None:
            continue
        position[block] = len(found)
        found.append(
            Branch(tuple(sorted(below[block])), tuple(sorted(core_like[block])), position.get(parent, -1), removed)
        )
    return found


def _is_charged(atom: Chem.Atom) -> bool:
    """Charged, and not one half of a charge-separated group such as nitro."""
    charge = atom.GetFormalCharge()
    return charge != 0 and not any(n.GetFormalCharge() * charge < 0 for n in atom.GetNeighbors())


def _blocks(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Atoms joined by bonds that are not cut."""
    cut = [bond.GetIdx() for bond in mol.GetBonds() if _can_cut(bond)]
    if not cut:
        return [tuple(range(mol.GetNumAtoms()))]
    parts = Chem.FragmentOnBonds(mol, cut, addDummies=False)
    blocks: Sequence[tuple[int, ...]] = Chem.GetMolFrags(parts)
    return list(blocks)


def _can_cut(bond: Chem.Bond) -> bool:
    if bond.GetBondType() != Chem.BondType.SINGLE or bond.IsInRing():
        return False
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    if any(atom.GetSymbol() in _TERMINAL for atom in ends):
        return False
    return all(atom.GetFormalCharge() >= 0 for atom in ends)


def _without(mol: Chem.Mol, atoms: set[int], at: int) -> str | None:
    """SMILES of what is left with a hydrogen at this atom; None where that is no molecule of the same charge."""
    charge = Chem.GetFormalCharge(mol)
    edited = Chem.RWMol(mol)
    anchor = edited.GetAtomWithIdx(at)
    anchor.SetNumExplicitHs(anchor.GetNumExplicitHs() + int(anchor.GetNoImplicit() or anchor.GetIsAromatic()))
    for atom in sorted(atoms, reverse=True):
        edited.RemoveAtom(atom)
    try:
        left = edited.GetMol()
        Chem.SanitizeMol(left)
    except (Chem.AtomValenceException, Chem.KekulizeException):
        return None
    return str(Chem.MolToSmiles(left)) if Chem.GetFormalCharge(left) == charge else None
