"""How large ions are: large and unlike ions pack badly, which lowers melting points."""

from __future__ import annotations

import numpy as np

from ildb.md.box import Floats
from ildb.md.parameters import IonParameters

_VDW_NM = {
    "H": 0.110, "B": 0.192, "C": 0.170, "N": 0.155, "O": 0.152, "F": 0.147, "Al": 0.184, "Si": 0.210, "P": 0.180,
    "S": 0.180, "Cl": 0.175, "Br": 0.183, "I": 0.198, "Sb": 0.206,
}  # fmt: skip
_DEFAULT_NM = 0.2
_GRID_NM = 0.03


def volume_nm3(ion: IonParameters) -> float:
    """Van der Waals volume of the ion's own geometry, counted on a grid of 0.03 nm (radii of Bondi and Alvarez)."""
    x = ion.positions_nm
    radii = np.array([_VDW_NM.get(atom.element, _DEFAULT_NM) for atom in ion.atoms])
    low, high = (x - radii[:, None]).min(axis=0), (x + radii[:, None]).max(axis=0)
    axes = [np.arange(a, b + _GRID_NM, _GRID_NM) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.zeros(len(grid), dtype=np.bool_)
    for centre, radius in zip(x, radii, strict=True):
        inside |= ((grid - centre) ** 2).sum(axis=1) <= radius**2
    return float(inside.sum() * _GRID_NM**3)


def radius_nm(ion: IonParameters) -> float:
    """Radius of the sphere with the ion's van der Waals volume."""
    return float((3 * volume_nm3(ion) / (4 * np.pi)) ** (1 / 3))


def gyration_nm(positions_nm: Floats, masses_amu: Floats) -> float:
    """Mean radius of gyration of ions of one kind (copies, atoms, 3) with masses (atoms)."""
    share = masses_amu / masses_amu.sum()
    centre = np.einsum("cax,a->cx", positions_nm, share)
    squared = np.einsum("cax,a->c", (positions_nm - centre[:, None, :]) ** 2, share)
    return float(np.sqrt(squared).mean())
