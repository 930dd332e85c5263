"""Mean squared displacements of ions, drift removed, all time origins, by FFT."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def without_drift(paths_nm: Floats, masses_amu: Floats) -> Floats:
    """Paths (f, i, 3) relative to the centre of mass of all ions (masses (i))."""
    drift = np.einsum("fix,i->fx", paths_nm, masses_amu) / masses_amu.sum()
    relative: Floats = paths_nm - drift[:, None, :]
    return relative


def squared_displacements(paths_nm: Floats) -> Floats:
    """Mean squared displacement of each ion over all time origins (i, f), nm²; lag in frames along the second axis.

    Raises:
        ToolMissingError: tidynamics is not installed.
    """
    from ildb.md.trouble import ToolMissingError

    try:
        import tidynamics
    except ImportError as error:
        raise ToolMissingError("tidynamics", "displacements cannot be computed without it") from error
    # Coordinates near zero keep the digits that differences of large squares lose.
    moved = paths_nm - paths_nm[:1]
    return np.stack([np.maximum(tidynamics.msd(moved[:, ion]), 0.0) for ion in range(paths_nm.shape[1])])
