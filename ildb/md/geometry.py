"""Geometry of one ion in vacuum: an extended conformer by RDKit, then GFN2-xTB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from scipy.constants import physical_constants
from scipy.optimize import minimize

from ildb.errors import InputError
from ildb.md.tools import need_package

BOHR_NM: Final = physical_constants["Bohr radius"][0] * 1e9
_N_CONFORMERS: Final = 8
_MAX_EMBEDDINGS: Final = 400
_GRADIENT_HARTREE_BOHR: Final = 1e-3
_MAX_STEPS: Final = 300
_RADON: Final = 86
# Groups 3 to 11 and the f block, but for silver and gold, whose common ions have a full d shell.
_OPEN_SHELLS: Final = frozenset((*range(21, 30), *range(39, 47), *range(57, 79)))


class GeometryError(InputError):
    """No geometry of an ion can be had."""


@dataclass(frozen=True)
class IonGeometry:
    """An ion with explicit hydrogens and its GFN2 geometry.

    Attributes:
        mol: RDKit molecule with hydrogens, atom i is row i of the arrays.
        charge: charge number.
        positions_nm: (n, 3), nm.
        charges_e: GFN2 Mulliken charges (n,), e.
        converged: whether the optimisation met its gradient limit.
    """

    mol: Chem.Mol
    charge: int
    positions_nm: npt.NDArray[np.float64]
    charges_e: npt.NDArray[np.float64]
    converged: bool

    @property
    def elements(self) -> list[str]:
        """Symbol of every atom."""
        return [atom.GetSymbol() for atom in self.mol.GetAtoms()]


def explicit_ion(smiles: str) -> Chem.Mol:
    """The ion with explicit hydrogens.

    Raises:
        GeometryError: it is no SMILES, has an unpaired electrons or may have, or is heavier than GFN2 knows.
    """
    with rdBase.BlockLogs():
        bare = Chem.MolFromSmiles(smiles)
    if bare is None or bare.GetNumAtoms() == 0:
        raise GeometryError(f"RDKit cannot read {smiles!r}.")
    mol = Chem.AddHs(bare)
    electrons = sum(atom.GetAtomicNum() for atom in mol.GetAtoms()) - Chem.GetFormalCharge(mol)
    if electrons % 2 or any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise GeometryError(f"{smiles} has unpaired electrons; only closed shells are simulated.")
    numbers = {atom.GetAtomicNum(): atom.GetSymbol() for atom in mol.GetAtoms()}
    if max(numbers) > _RADON:
        raise GeometryError(f"{smiles} has an element beyond radon, which GFN2 does not know.")
    open_shells = sorted(symbol for number, symbol in numbers.items() if number in _OPEN_SHELLS)
    if open_shells:
        raise GeometryError(f"{smiles} has a metal whose d or f electrons may be unpaired ({', '.join(open_shells)}).")
    return mol


def embed(mol: Chem.Mol, *, seed: int = 1) -> npt.NDArray[np.float64]:
    """The most extended of a few conformers, which neither folds on itself nor hides a charge; (n, 3), Å.

    Args:
        mol: with explicit hydrogens.
        seed: of the embedding.

    Raises:
        GeometryError: no conformer could be made.
    """
    if mol.GetNumAtoms() == 1:
        return np.zeros((1, 3))
    mol = Chem.Mol(mol)
    with rdBase.BlockLogs():
        for random_start in (False, True):
            params: Any = rdDistGeom.ETKDGv3()
            params.randomSeed = seed
            params.useRandomCoords = random_start
            params.maxIterations = _MAX_EMBEDDINGS
            found = list(rdDistGeom.EmbedMultipleConfs(mol, _N_CONFORMERS, params))
            if found:
                break
        else:
            raise GeometryError("RDKit could not place the atoms of the ion in space.")
        # Octahedral atoms confuse RDKit's own force fields; the embedding is the better start for them.
        if all(atom.GetDegree() <= 4 for atom in mol.GetAtoms()):
            if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
                rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol)
            elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
                rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol)
    shapes = [np.asarray(mol.GetConformer(number).GetPositions(), dtype=np.float64) for number in found]
    widest: npt.NDArray[np.float64] = max(shapes, key=lambda xyz: float(((xyz - xyz.mean(0)) ** 2).sum()))
    return widest


def gfn2(
    numbers: npt.NDArray[np.int64], charge: int
) -> Callable[[npt.NDArray[np.float64]], tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """GFN2-xTB (Bannwarth, Ehlert and Grimme, J. Chem. Theory Comput. 2019, 15, 1652) as a function of positions.

    Args:
        numbers: atomic numbers (n,).
        charge: charge number.

    Returns:
        A function from positions (n, 3) in bohr to the energy in hartree, its gradient (n, 3) in hartree/bohr and
        Mulliken charges (n,) in e; it raises ``GeometryError`` where the calculation does not converge.
    """
    interface = need_package("tblite.interface")
    made: list[object] = []

    def evaluate(
        positions_bohr: npt.NDArray[np.float64],
    ) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        try:
            if made:
                made[0].update(positions=positions_bohr)  # type: ignore[attr-defined]
            else:
                calculator = interface.Calculator("GFN2-xTB", numbers, positions_bohr, charge=charge)
                calculator.set("verbosity", 0)
                made.append(calculator)
            answer = made[0].singlepoint()  # type: ignore[attr-defined]
        except (RuntimeError, ValueError) as error:
            raise GeometryError(f"GFN2 did not converge ({str(error).strip() or 'no reason given'}).") from error
        return float(answer.get("energy")), answer.get("gradient"), answer.get("charges")

    return evaluate


def optimise(
    numbers: npt.NDArray[np.int64], charge: int, positions_a: npt.NDArray[np.float64], *, max_steps: int = _MAX_STEPS
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], bool]:
    """Relax a geometry with GFN2.

    Args:
        numbers: atomic numbers (n,).
        charge: charge number.
        positions_a: start, (n, 3), Å.
        max_steps: the most steps.

    Returns:
        Positions in nm (n, 3), Mulliken charges in e (n,), and whether the gradient limit was met.
    """
    evaluate = gfn2(numbers, charge)

    def energy(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        value, gradient, _ = evaluate(flat.reshape(-1, 3))
        return value, gradient.ravel()

    start = positions_a / (10 * BOHR_NM)
    if len(numbers) == 1:
        return start * BOHR_NM, np.array([float(charge)]), True
    done = minimize(
        energy, start.ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": max_steps, "gtol": _GRADIENT_HARTREE_BOHR, "ftol": 1e-9, "maxcor": 30},
    )  # fmt: skip
    positions = done.x.reshape(-1, 3)
    _, _, charges = evaluate(positions)
    return positions * BOHR_NM, charges, bool(done.success)


def ion_geometry(smiles: str, *, seed: int = 1, max_steps: int = _MAX_STEPS) -> IonGeometry:
    """Geometry and GFN2 charges of an ion.

    Args:
        smiles: the ion.
        seed: of the embedding.
        max_steps: the most steps of the GFN2 optimisation.

    Raises:
        GeometryError: unpaired electrons, no embedding, or GFN2 does not converge or changes which atoms are bonded.
        ToolMissingError: tblite is not installed.
    """
    mol = explicit_ion(smiles)
    charge = Chem.GetFormalCharge(mol)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=np.int64)
    positions_nm, charges, converged = optimise(numbers, charge, embed(mol, seed=seed), max_steps=max_steps)
    geometry = IonGeometry(mol, charge, positions_nm, charges, converged)
    _check_bonds(geometry)
    return geometry


def _check_bonds(geometry: IonGeometry) -> None:
    """A proton that moved or a ligand that left in vacuum would give parameters of something else."""
    table = Chem.GetPeriodicTable()
    for bond in geometry.mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        radii = sum(table.GetRcovalent(geometry.mol.GetAtomWithIdx(k).GetAtomicNum()) for k in (i, j)) / 10
        length = float(np.linalg.norm(geometry.positions_nm[i] - geometry.positions_nm[j]))
        if length > 1.45 * radii:
            names = "-".join(geometry.mol.GetAtomWithIdx(k).GetSymbol() for k in (i, j))
            raise GeometryError(f"Its GFN2 geometry breaks a bond ({names} {length:.3f} nm): it falls apart in vacuum.")
