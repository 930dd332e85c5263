"""Charges fitted to the electrostatic potential of HF/6-31G* with a hyperbolic restraint (RESP), in two stages."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.md.geometry import BOHR_NM, IonGeometry
from ildb.md.symmetry import exact_charges, symmetry_classes
from ildb.md.tools import need_package
from ildb.md.trouble import ToolFailedError

FloatArray = npt.NDArray[np.float64]

_LAYERS: Final = (1.4, 1.6, 1.8, 2.0)
_POINTS_PER_A2: Final = 1.0
_WEAK, _STRONG, _TIGHTNESS_E = 0.0005, 0.001, 0.1
_TOLERANCE_E: Final = 1e-6
_BLOCK_NUMBERS: Final = 8_000_000  # of the integrals held at once: 64 MB
_LAST_IN_POPLE_BASIS: Final = 18
_CYCLES: Final = 60

# Radii of Singh and Kollman (J. Comput. Chem. 1984, 5, 129) where they gave some, van der Waals radii of RDKit else.
_RADII_A: Final = {"H": 1.20, "C": 1.50, "N": 1.50, "O": 1.40, "F": 1.35, "P": 1.80, "S": 1.75, "Cl": 1.70}


@dataclass(frozen=True)
class RespFit:
    """Fitted charges.

    Attributes:
        charges_e: (n,), alike atoms equal, exact sum.
        relative_error: root mean square deviation from the potential, relative to the potential's own.
        n_basis: basis functions.
    """

    charges_e: FloatArray
    relative_error: float
    n_basis: int


def basis_of(mol: Chem.Mol) -> dict[str, str]:
    """Basis set of each element: 6-31G* as far as argon, def2-SVP (with its core potentials) beyond."""
    return {
        atom.GetSymbol(): "6-31g*" if atom.GetAtomicNum() <= _LAST_IN_POPLE_BASIS else "def2-svp"
        for atom in mol.GetAtoms()
    }


def count_basis(mol: Chem.Mol) -> int:
    """Basis functions of an ion, without PySCF: what decides how long a fit takes."""
    counts = {1: 2, 2: 2}
    return sum(
        counts.get(n, 14 if n <= 10 else 18 if n <= _LAST_IN_POPLE_BASIS else 32)
        for n in (atom.GetAtomicNum() for atom in mol.GetAtoms())
    )


def fit_resp(geometry: IonGeometry, *, time_limit_s: float) -> RespFit:
    """RESP charges of an ion in its GFN2 geometry (Bayly et al., J. Phys. Chem. 1993, 97, 10269).

    Density-fitted HF in PySCF; the potential on four Merz-Kollman shells. The first stage restrains every atom but
    hydrogens weakly and makes alike atoms equal except on sp3 CH, CH2 and CH3; the second stage fits those again, now
    equal, with the strong restraint.

    Args:
        geometry: the ion.
        time_limit_s: CPU time after which the fit is given up, s; looked at after each cycle of the SCF.

    Raises:
        ToolFailedError: the SCF does not converge, or not in time.
        ToolMissingError: PySCF is not installed.
    """
    grid = shell_points(geometry)
    potential, n_basis = _potential(geometry, grid, _alarm(time_limit_s))
    distances = np.linalg.norm(grid[:, None, :] - geometry.positions_nm[None] / BOHR_NM, axis=2)
    charges = two_stages(1 / distances, potential, geometry)
    left = potential - (1 / distances) @ charges
    error = float(np.sqrt((left**2).sum() / (potential**2).sum()))
    return RespFit(charges, error, n_basis)


def shell_points(geometry: IonGeometry) -> FloatArray:
    """Points on four shells of scaled van der Waals spheres, outside all others, (m, 3), bohr."""
    table = Chem.GetPeriodicTable()
    radii_nm = np.array([_RADII_A.get(e, float(table.GetRvdw(e))) / 10 for e in geometry.elements])
    kept: list[FloatArray] = []
    for scale in _LAYERS:
        scaled = radii_nm * scale
        for site, radius in enumerate(scaled):
            points = geometry.positions_nm[site] + radius * _sphere(radius)
            apart = np.linalg.norm(points[:, None, :] - geometry.positions_nm[None], axis=2)
            apart[:, site] = np.inf
            kept.append(points[(apart >= scaled).all(axis=1)])
    return np.asarray(np.concatenate(kept) / BOHR_NM, dtype=np.float64)


def _sphere(radius_nm: float) -> FloatArray:
    """Unit vectors spread evenly over a sphere by the golden angle, as many as its area needs."""
    number = max(12, round(4 * np.pi * (10 * radius_nm) ** 2 * _POINTS_PER_A2))
    steps = np.arange(number) + 0.5
    polar, turn = np.arccos(1 - 2 * steps / number), np.pi * (1 + 5**0.5) * steps
    return np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1)


def _alarm(time_limit_s: float) -> Callable[[object], None]:
    """Raises when it is called after so much CPU time; PySCF calls it with its variables."""
    until = time.process_time() + time_limit_s

    def ring(_: object) -> None:
        if time.process_time() > until:
            raise ToolFailedError(f"RESP was stopped after {time_limit_s:g} s.")

    return ring


def _potential(
    geometry: IonGeometry, points_bohr: FloatArray, alarm: Callable[[object], None]
) -> tuple[FloatArray, int]:
    need_package("pyscf")
    from pyscf import gto, lib, scf

    lib.num_threads(1)
    basis = basis_of(geometry.mol)
    cores = {element: name for element, name in basis.items() if name == "def2-svp"}
    atoms = list(zip(geometry.elements, (geometry.positions_nm / BOHR_NM).tolist(), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        molecule = gto.M(atom=atoms, basis=basis, ecp=cores, charge=geometry.charge, unit="Bohr", verbose=0)
        field = scf.RHF(molecule).density_fit()
        field.max_cycle = _CYCLES
        field.conv_tol = 1e-7
        field.callback = alarm
        field.kernel()
        if not field.converged:
            field = field.newton()
            field.kernel()
    if not field.converged:
        raise ToolFailedError("PySCF's SCF for the charges does not converge.")
    density = field.make_rdm1()
    places, cores_e = molecule.atom_coords(), molecule.atom_charges()
    parts = []
    block = max(1, _BLOCK_NUMBERS // int(molecule.nao) ** 2)
    for begin in range(0, len(points_bohr), block):
        alarm(None)
        points = points_bohr[begin : begin + block]
        electrons = np.einsum("pij,ij->p", molecule.intor("int1e_grids", grids=points), density)
        nuclei = (cores_e / np.linalg.norm(points[:, None] - places[None], axis=2)).sum(axis=1)
        parts.append(nuclei - electrons)
    return np.concatenate(parts), int(molecule.nao)


def two_stages(inverse_bohr: FloatArray, potential: FloatArray, geometry: IonGeometry) -> FloatArray:
    """Both stages of the fit.

    Args:
        inverse_bohr: 1/distance of each point and atom (m, n), 1/bohr.
        potential: potential at the points (m,), hartree/e.
        geometry: which atoms are hydrogens, alike or saturated carbons, and the charge.

    Returns:
        Charges (n,), e.
    """
    alike = symmetry_classes(geometry.mol)
    saturated = _on_saturated_carbon(geometry.mol)
    n_atoms = len(alike)
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in geometry.mol.GetAtoms()])
    # Stage one: an atom of a CHn group is a class of its own.
    first = np.where(saturated, n_atoms + np.arange(n_atoms), alike)
    charges = _restrained(inverse_bohr, potential, first, heavy, _WEAK, float(geometry.charge))
    if saturated.any():
        fixed = ~saturated
        rest = potential - inverse_bohr[:, fixed] @ charges[fixed]
        charges[saturated] = _restrained(
            inverse_bohr[:, saturated], rest, alike[saturated], heavy[saturated], _STRONG,
            float(geometry.charge - charges[fixed].sum()),
        )  # fmt: skip
    return exact_charges(charges, alike, geometry.charge)


def _on_saturated_carbon(mol: Chem.Mol) -> npt.NDArray[np.bool_]:
    """Carbons with four neighbours, a hydrogen among them, and those hydrogens."""
    marked = np.zeros(mol.GetNumAtoms(), dtype=np.bool_)
    for atom in mol.GetAtoms():
        hydrogens = [other.GetIdx() for other in atom.GetNeighbors() if other.GetAtomicNum() == 1]
        if atom.GetAtomicNum() == 6 and atom.GetDegree() == 4 and hydrogens:
            marked[[atom.GetIdx(), *hydrogens]] = True
    return marked


def _restrained(
    inverse: FloatArray,
    potential: FloatArray,
    classes: npt.NDArray[np.int64],
    heavy: npt.NDArray[np.bool_],
    weight: float,
    total: float,
) -> FloatArray:
    """Least squares with a hyperbolic restraint towards zero on heavy atoms and a Lagrange multiplier for the sum."""
    _, member = np.unique(classes, return_inverse=True)
    n_classes = int(member.max()) + 1
    folded = np.zeros((inverse.shape[0], n_classes))
    np.add.at(folded.T, member, inverse.T)
    count = np.bincount(member).astype(float)
    restrained = np.bincount(member, weights=heavy)
    matrix = np.zeros((n_classes + 1, n_classes + 1))
    matrix[:-1, -1] = matrix[-1, :-1] = count
    normal, right = folded.T @ folded, np.append(folded.T @ potential, total)
    charges = np.zeros(n_classes)
    for _ in range(200):
        matrix[:-1, :-1] = normal + np.diag(restrained * weight / np.sqrt(charges**2 + _TIGHTNESS_E**2))
        solved = np.linalg.solve(matrix, right)[:-1]
        if np.abs(solved - charges).max() < _TOLERANCE_E:
            break
        charges = solved
    return np.asarray(solved[member], dtype=np.float64)
