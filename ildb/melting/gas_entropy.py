"""Standard entropy of a gaseous ion by statistical mechanics on a force field.

Translation and rotation are exact for the geometry; vibrations are harmonic with Grimme's correction for slow ones
(Chem. Eur. J. 2012, 18, 9955), from a numerical Hessian of UFF. One geometry says nothing of the others, so each rotor
adds a constant that was fitted on alkanes.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdForceFieldHelpers
from rdkit.ForceField import rdForceField

from ildb.errors import StructureError
from ildb.melting.flexibility import n_rotors

PER_ROTOR_J_MOL_K: Final = 13.9
"""Least squares, through the origin, of what one conformer lacks of the gas entropies of butane to octane at 298.15 K
(310.1, 347.8, 388.7, 427.9, 466.7 J/(mol K); Scott, J. Chem. Phys. 1974, 60, 3144). No ion was looked at."""

_BOLTZMANN: Final = 1.380649e-23
_PLANCK: Final = 6.62607015e-34
_AVOGADRO: Final = 6.02214076e23
_LIGHT_CM_S: Final = 2.99792458e10
_R: Final = _BOLTZMANN * _AVOGADRO
_PRESSURE_PA: Final = 1e5
_SLOW_PER_CM: Final = 100.0  # Grimme's omega_0
_STEP_A: Final = 1e-3
_JITTER_A: Final = 1e-3
# Slower ones are torsions so flat that the free rotor describes them anyway.
_IMAGINARY_PER_CM: Final = -100.0
_MAX_ATOMS_ALL_PERMUTED: Final = 10
_MAX_PERMUTATIONS: Final = 2_000
_SAME_PLACE_A: Final = 0.15


class GasEntropy(NamedTuple):
    """Standard entropy (1 bar) and what it consists of, J/(mol K).

    Args:
        total: their sum, less R ln(symmetry number).
        translation: Sackur-Tetrode.
        rotation: of the rigid geometry; 0 for an atom.
        vibration: of the harmonic geometry.
        conformation: for the other conformers.
        symmetry_number: of the geometry.
        freedom: 3 for an atom, 5 for a linear ion, else 6.
    """

    total: float
    translation: float
    rotation: float
    vibration: float
    conformation: float
    symmetry_number: int
    freedom: int


def gas_entropy(mol: Chem.Mol, temperature_k: float = 298.15) -> GasEntropy:
    """Standard entropy of an ion at 1 bar.

    Args:
        mol: an ion with hydrogens and a geometry at a minimum of UFF (`ildb.melting.conformer.embed`).
        temperature_k: T.

    Raises:
        StructureError: the geometry is not at a minimum.
    """
    kg = np.array([atom.GetMass() for atom in mol.GetAtoms()]) * 1e-3 / _AVOGADRO
    translation = _translation(float(kg.sum()), temperature_k)
    if len(kg) == 1:
        return GasEntropy(translation, translation, 0.0, 0.0, 0.0, 1, 3)
    moments = _moments(kg, mol.GetConformer().GetPositions() * 1e-10)
    linear = bool(moments[0] < 1e-4 * moments[2])
    rotation = _rotation(moments, linear, temperature_k)
    wavenumbers = _wavenumbers(mol, kg, 5 if linear else 6)
    vibration = _vibration(wavenumbers, float(moments.mean()), temperature_k)
    conformation = PER_ROTOR_J_MOL_K * n_rotors(Chem.RemoveHs(mol))
    sigma = symmetry_number(mol)
    total = translation + rotation + vibration + conformation - _R * math.log(sigma)
    return GasEntropy(total, translation, rotation, vibration, conformation, sigma, 5 if linear else 6)


def symmetry_number(mol: Chem.Mol) -> int:
    """Number of rotations that bring an embedded molecule onto itself, atoms of a kind being alike.

    Counts permutations of the molecular graph that a proper rotation of the geometry achieves within 0.15 Å.
    Hydrogens are permuted in molecules of at most ten atoms only; larger ones rarely keep the symmetry of their graph.
    """
    seen = mol if mol.GetNumAtoms() <= _MAX_ATOMS_ALL_PERMUTED else Chem.RemoveHs(mol)
    if seen.GetNumAtoms() < 2:
        return 1
    points = seen.GetConformer().GetPositions()
    points = points - points.mean(axis=0)
    # Bond orders and charges of one resonance form would hide symmetry (nitrate has three equal oxygens).
    graph = Chem.RWMol(seen)
    for bond in graph.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
        bond.SetIsAromatic(False)
    for atom in graph.GetAtoms():
        atom.SetFormalCharge(0)
        atom.SetIsAromatic(False)
        atom.SetNoImplicit(True)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    permutations = graph.GetSubstructMatches(graph, uniquify=False, maxMatches=_MAX_PERMUTATIONS)
    found = 0
    for permutation in permutations:
        moved = points[list(permutation)]
        found += bool(np.linalg.norm(_turned(points, moved) - moved, axis=1).max() < _SAME_PLACE_A)
    return max(found, 1)


def _turned(points: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Centred points after the proper rotation that brings them nearest to others (Kabsch, Acta Cryst. A 1976)."""
    u, _, vt = np.linalg.svd(points.T @ target)
    flip = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    return cast("npt.NDArray[np.float64]", points @ u @ flip @ vt)


def _translation(kg: float, temperature_k: float) -> float:
    kt = _BOLTZMANN * temperature_k
    return _R * (math.log((2 * math.pi * kg * kt / _PLANCK**2) ** 1.5 * kt / _PRESSURE_PA) + 2.5)


def _moments(kg: npt.NDArray[np.float64], metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    at = metres - (kg @ metres) / kg.sum()
    inertia = np.eye(3) * (kg @ (at**2).sum(axis=1)) - (kg[:, None] * at).T @ at
    return cast("npt.NDArray[np.float64]", np.linalg.eigvalsh(inertia))


def _rotation(moments: npt.NDArray[np.float64], linear: bool, temperature_k: float) -> float:
    if linear:
        theta = _PLANCK**2 / (8 * math.pi**2 * _BOLTZMANN * moments[2])
        return _R * (math.log(temperature_k / theta) + 1)
    thetas = _PLANCK**2 / (8 * math.pi**2 * _BOLTZMANN * moments)
    return float(_R * (0.5 * math.log(math.pi * temperature_k**3 / float(np.prod(thetas))) + 1.5))


def _wavenumbers(mol: Chem.Mol, kg: npt.NDArray[np.float64], n_rigid: int) -> npt.NDArray[np.float64]:
    """Harmonic wavenumbers, 1/cm, without translations and rotations."""
    at = mol.GetConformer().GetPositions().ravel()
    # UFF's gradient is undefined where three atoms lie on a line, as they do in PF6; so nothing lies quite on one.
    at = at + np.random.default_rng(0).normal(scale=_JITTER_A, size=len(at))
    n = len(at)
    hessian = np.empty((n, n))
    with rdBase.BlockLogs():
        field = rdForceFieldHelpers.UFFGetMoleculeForceField(mol)
    for i in range(n):
        hessian[i] = (_gradient(field, at, i, _STEP_A) - _gradient(field, at, i, -_STEP_A)) / (2 * _STEP_A)
    joule_per_m2 = 4184 / _AVOGADRO * 1e20  # from kcal/(mol Å²)
    root = np.sqrt(np.repeat(kg, 3))
    squares = np.linalg.eigvalsh((hessian + hessian.T) / 2 * joule_per_m2 / np.outer(root, root))
    all_of_them = np.sign(squares) * np.sqrt(np.abs(squares)) / (2 * math.pi * _LIGHT_CM_S)
    # The rigid motions are those nearest to zero.
    inner = np.delete(all_of_them, np.argsort(np.abs(all_of_them))[:n_rigid])
    if inner.size and inner.min() < _IMAGINARY_PER_CM:
        raise StructureError(f"The UFF geometry is no minimum: {-inner.min():.0f} i/cm.")
    return cast("npt.NDArray[np.float64]", np.abs(inner))


def _gradient(
    field: rdForceField.ForceField, at: npt.NDArray[np.float64], i: int, step: float
) -> npt.NDArray[np.float64]:
    moved = at.copy()
    moved[i] += step
    # RDKit keeps the distances of the last gradient; without this the next one mixes two geometries.
    field.Initialize()
    return np.array(field.CalcGrad(moved.tolist()))


def _vibration(wavenumbers: npt.NDArray[np.float64], mean_moment: float, temperature_k: float) -> float:
    """Harmonic oscillators, below 100/cm blended into free rotors (Grimme 2012, equations 3 to 8)."""
    slow = np.maximum(wavenumbers, 1.0)
    x = _PLANCK * _LIGHT_CM_S * slow / (_BOLTZMANN * temperature_k)
    oscillator = _R * (x * np.exp(-x) / -np.expm1(-x) - np.log1p(-np.exp(-x)))
    moment = _PLANCK / (8 * math.pi**2 * _LIGHT_CM_S * slow)
    moment = moment * mean_moment / (moment + mean_moment)
    kt = _BOLTZMANN * temperature_k
    rotor = _R * (0.5 + 0.5 * np.log(8 * math.pi**3 * moment * kt / _PLANCK**2))
    weight = 1 / (1 + (_SLOW_PER_CM / slow) ** 4)
    return float((weight * oscillator + (1 - weight) * rotor).sum())
