"""Density and enthalpy of a run, with errors that know how long values remember each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BLOCKS = 5
_BAR_NM3_KJ_MOL = 0.0602214076


@dataclass(frozen=True)
class Mean:
    """A mean and its standard error."""

    value: float
    error: float


def block_mean(values: Floats) -> Mean:
    """Mean of a correlated series with the error of the means of five blocks."""
    means = np.array([block.mean() for block in np.array_split(values, _BLOCKS)])
    return Mean(float(values.mean()), float(means.std(ddof=1) / np.sqrt(_BLOCKS)))


def density_g_cm3(volume_nm3: Floats, mass_g: float) -> Mean:
    """Mean density of a box of a mass, from its volumes."""
    return block_mean(mass_g / (volume_nm3 * 1e-21))


def enthalpy_kj_mol(
    potential_kj_mol: Floats, kinetic_kj_mol: Floats, volume_nm3: Floats, *, pressure_bar: float, n_units: int
) -> Mean:
    """Mean enthalpy per mole of formula units, U + K + pV; its zero is the force field's own."""
    total = potential_kj_mol + kinetic_kj_mol + pressure_bar * volume_nm3 * _BAR_NM3_KJ_MOL
    return block_mean(total / n_units)
