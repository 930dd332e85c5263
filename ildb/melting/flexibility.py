"""How many shapes an ion can take: effective torsions, rotors, Kier's index."""

from __future__ import annotations

from typing import Final

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

_CARBON: Final = 6
_CHAIN_SP3: Final = frozenset({7, 8, 16})
_ROTOR: Final = Chem.MolFromSmarts("[!$([D1]);!$(*#*)]-&!@[!$([D1]);!$(*#*)]")


def effective_torsions(mol: Chem.Mol) -> float:
    """Effective number of torsion angles tau = SP3 + SP2 / 2 + RING / 2 - 1, at least 0.

    Dannenfelser and Yalkowsky, Ind. Eng. Chem. Res. 1996, 35, 1483 (there with the entropy of melting
    50 J/(mol K) - R ln sigma + R tau ln 2.435). SP3 counts sp3 chain atoms other than CH3 (C, and N, O, S without
    a hydrogen or with one on N), SP2 sp2 chain atoms other than =CH2 (carbonyl groups once), RING independent systems
    of single or fused rings. The paper this project follows (Ren et al., d5dd00282f) uses it as its flexibility.

    Args:
        mol: an ion; hydrogens implicit.
    """
    sp3 = sum(_is_chain_sp3(atom) for atom in mol.GetAtoms())
    sp2 = sum(_is_chain_sp2(atom) for atom in mol.GetAtoms())
    return max(sp3 + 0.5 * sp2 + 0.5 * _n_ring_systems(mol) - 1, 0.0)


def n_rotors(mol: Chem.Mol) -> int:
    """Acyclic single bonds about which something other than hydrogen turns: both ends have further neighbours.

    CF3 and SO3 count, CH3 does not; neighbours of triple bonds do not, for nothing turns there.
    """
    return len(mol.GetSubstructMatches(_ROTOR, maxMatches=10_000))


def kier_flexibility(mol: Chem.Mol) -> float:
    """Kier's flexibility index Phi = kappa1 kappa2 / (heavy atoms) (Quant. Struct.-Act. Relat. 1989, 8, 221)."""
    return float(rdMolDescriptors.CalcPhi(mol))


def _is_chain_sp3(atom: Chem.Atom) -> bool:
    if atom.IsInRing():
        return False
    number, n_h, n_bonds = atom.GetAtomicNum(), atom.GetTotalNumHs(), atom.GetTotalDegree()
    if number == _CARBON:
        return n_bonds == 4 and n_h < 3
    if number in _CHAIN_SP3 and not _has_multiple_bond(atom):
        return (n_bonds == 3 and n_h < 2) if number == 7 else (n_bonds == 2 and n_h == 0)
    return False


def _is_chain_sp2(atom: Chem.Atom) -> bool:
    if atom.IsInRing():
        return False
    n_h, n_bonds = atom.GetTotalNumHs(), atom.GetTotalDegree()
    if atom.GetAtomicNum() == _CARBON:
        return n_bonds == 3 and n_h < 2
    return atom.GetAtomicNum() == 7 and n_bonds == 2 and n_h == 0 and _has_multiple_bond(atom)


def _has_multiple_bond(atom: Chem.Atom) -> bool:
    return any(bond.GetBondTypeAsDouble() > 1 for bond in atom.GetBonds())


def _n_ring_systems(mol: Chem.Mol) -> int:
    systems: list[set[int]] = []
    for ring in mol.GetRingInfo().AtomRings():
        joined = set(ring)
        apart = []
        for system in systems:
            if system & joined:
                joined |= system
            else:
                apart.append(system)
        systems = [*apart, joined]
    return len(systems)
