"""Back end 2: force constants and Lennard-Jones terms of UFF around the ion's own GFN2 geometry."""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations, product
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers

from ildb.md.geometry import IonGeometry
from ildb.md.parameters import Angle, Bond, Torsion
from ildb.md.terms import BackendRefusesError, Site, Terms

_KCAL: Final = 4.184
_MINIMUM_TO_SIGMA: Final = 2 ** (-1 / 6)
_LJ14, _COULOMB14 = 0.5, 1 / 1.2
_LINEAR_RAD: Final = math.radians(170)
_PLANAR_IMPROPER_KJ_MOL: Final = 25.0
_PLANE_RAD: Final = math.radians(8)
_SP2, _SP3 = Chem.HybridizationType.SP2, Chem.HybridizationType.SP3
# For a pair or triple that RDKit's UFF has no type for, as in SF5 groups: the middle of what UFF gives others.
_DEFAULT_BOND_KJ_MOL_NM2: Final = 250_000.0
_DEFAULT_ANGLE_KJ_MOL: Final = 400.0


def uff_terms(geometry: IonGeometry) -> Terms:
    """UFF (Rappé et al., J. Am. Chem. Soc. 1992, 114, 10024) constants with lengths and angles of the GFN2 geometry.

    Bonds and angles are harmonic about the geometry; UFF's cosine forms have the same curvature there. Its torsions
    keep their barriers; a planar atom with three neighbours is held by an improper. Charges three bonds apart are
    scaled as in GAFF: UFF, made without charges, leaves that open.

    Raises:
        BackendRefusesError: RDKit's UFF has no type for an atom.
    """
    mol, xyz = geometry.mol, geometry.positions_nm
    with rdBase.BlockLogs():
        sites = tuple(_site(mol, index) for index in range(mol.GetNumAtoms()))
        bonds = tuple(_bond(mol, xyz, bond) for bond in mol.GetBonds())
        angles = tuple(
            _angle(mol, xyz, i, atom.GetIdx(), k)
            for atom in mol.GetAtoms()
            for i, k in combinations([other.GetIdx() for other in atom.GetNeighbors()], 2)
        )
        torsions = _torsions(mol, xyz) + _impropers(mol, xyz)
    return Terms(
        sites, bonds, angles, torsions, _LJ14, _COULOMB14,
        provenance={"force_field": "UFF constants, GFN2 geometry", "rdkit": rdBase.rdkitVersion},
    )  # fmt: skip


def _site(mol: Chem.Mol, index: int) -> Site:
    atom = mol.GetAtomWithIdx(index)
    found = rdForceFieldHelpers.GetUFFVdWParams(mol, index, index) or _of_hydride(atom.GetSymbol())
    if found is None or atom.GetDegree() == 0:
        raise BackendRefusesError(f"UFF has no type for {atom.GetSymbol()} with {atom.GetDegree()} neighbours")
    minimum_a, depth_kcal = found
    sigma_nm = minimum_a / 10 * _MINIMUM_TO_SIGMA
    return Site(atom.GetMass(), sigma_nm, depth_kcal * _KCAL, f"{atom.GetSymbol()}_uff")


@cache
def _of_hydride(element: str) -> tuple[float, float] | None:
    """Lennard-Jones terms of an element in its hydride: UFF has the same ones for all types of an element."""
    hydride = Chem.AddHs(Chem.MolFromSmiles(element) or Chem.Mol())
    if hydride.GetNumAtoms() < 2:
        return None
    found: tuple[float, float] | None = rdForceFieldHelpers.GetUFFVdWParams(hydride, 0, 0)
    return found


def _bond(mol: Chem.Mol, xyz: npt.NDArray[np.float64], bond: Chem.Bond) -> Bond:
    i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    found = rdForceFieldHelpers.GetUFFBondStretchParams(mol, i, j)
    stiffness = _DEFAULT_BOND_KJ_MOL_NM2 if found is None else found[0] * _KCAL * 100
    return Bond(i, j, float(np.linalg.norm(xyz[i] - xyz[j])), stiffness)


def _angle(mol: Chem.Mol, xyz: npt.NDArray[np.float64], i: int, j: int, k: int) -> Angle:
    found = rdForceFieldHelpers.GetUFFAngleBendParams(mol, i, j, k)
    stiffness = _DEFAULT_ANGLE_KJ_MOL if found is None else found[0] * _KCAL
    return Angle(i, j, k, bend_rad(xyz, i, j, k), stiffness)


def bend_rad(xyz: npt.NDArray[np.float64], i: int, j: int, k: int) -> float:
    """The angle at j, radians."""
    a, b = xyz[i] - xyz[j], xyz[k] - xyz[j]
    return math.acos(float(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def _torsions(mol: Chem.Mol, xyz: npt.NDArray[np.float64]) -> tuple[Torsion, ...]:
    made = []
    for bond in mol.GetBonds():
        j, k = bond.GetBeginAtom(), bond.GetEndAtom()
        before = [atom.GetIdx() for atom in j.GetNeighbors() if atom.GetIdx() != k.GetIdx()]
        after = [atom.GetIdx() for atom in k.GetNeighbors() if atom.GetIdx() != j.GetIdx()]
        shape = _shape(j, k)
        paths = [(i, last) for i, last in product(before, after) if i != last]
        if shape is None or not paths:
            continue
        periodicity, phase_rad = shape
        for i, last in paths:
            bends = bend_rad(xyz, i, j.GetIdx(), k.GetIdx()), bend_rad(xyz, j.GetIdx(), k.GetIdx(), last)
            found = rdForceFieldHelpers.GetUFFTorsionParams(mol, i, j.GetIdx(), k.GetIdx(), last)
            # A torsion about a straight angle is not defined.
            if found is None or max(bends) > _LINEAR_RAD:
                continue
            height = found * _KCAL / 2 / len(paths)
            if height > 0:
                made.append(Torsion(i, j.GetIdx(), k.GetIdx(), last, periodicity, phase_rad, height))
    return tuple(made)


def _shape(j: Chem.Atom, k: Chem.Atom) -> tuple[int, float] | None:
    """Periodicity and phase of E = k (1 + cos(n phi - phase)) by hybridisation, as UFF chooses them."""
    kinds = (j.GetHybridization(), k.GetHybridization())
    if kinds == (_SP3, _SP3):
        return 3, 0.0
    if kinds == (_SP2, _SP2):
        return 2, math.pi
    if set(kinds) == {_SP2, _SP3}:
        return 6, math.pi
    return None


def _impropers(mol: Chem.Mol, xyz: npt.NDArray[np.float64]) -> tuple[Torsion, ...]:
    made = []
    for atom in mol.GetAtoms():
        centre, around = atom.GetIdx(), [other.GetIdx() for other in atom.GetNeighbors()]
        if len(around) != 3:
            continue
        normal = np.cross(xyz[around[1]] - xyz[around[0]], xyz[around[2]] - xyz[around[0]])
        away = xyz[centre] - xyz[around[0]]
        reach = float(np.linalg.norm(away) * np.linalg.norm(normal))
        if abs(float(away @ normal)) < reach * math.sin(_PLANE_RAD):
            made.append(
                Torsion(around[0], around[1], centre, around[2], 2, math.pi, _PLANAR_IMPROPER_KJ_MOL, improper=True)
            )
    return tuple(made)
