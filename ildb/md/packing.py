"""Ions packed into a cubic box by packmol, and how many are needed for a cutoff."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.constants import atomic_mass

from ildb.errors import InputError
from ildb.md.parameters import IonParameters
from ildb.md.tools import run_tool
from ildb.md.trouble import ToolFailedError
from ildb.melting.volume import HOFMANN_VOLUME_A3

FormulaUnit = Sequence[tuple[IonParameters, int]]
"""Ions with how many of each: a formula unit, or a whole box."""

_AMU_G: Final = atomic_mass * 1000
_NM3_CM3: Final = 1e-21
_TOLERANCE_A: Final = 2.0
_LOOSER: Final = 0.75
_LOOSER_HINT: Final = "Pack at a lower density, or take more ions: a box must be longer than they are."
_ATTEMPTS: Final = 4
_LOOPS: Final = 100
_LIQUID_TO_CRYSTAL: Final = 0.92


def box_length_nm(ions: FormulaUnit, density_g_cm3: float) -> float:
    """Length of the cubic box that holds the ions at a density, nm."""
    mass_g = sum(ion.mass_amu * copies for ion, copies in ions) * _AMU_G
    return math.cbrt(mass_g / density_g_cm3 / _NM3_CM3)


def pairs_for_cutoff(
    formula_unit: FormulaUnit,
    *,
    density_g_cm3: float,
    cutoff_nm: float,
    lengths_per_cutoff: float = 2.2,
    at_least: int = 1,
) -> int:
    """How many formula units a box needs so that its length at a density is ``lengths_per_cutoff`` cutoffs.

    Args:
        formula_unit: ions of one formula unit with their numbers, as [(cation, 1), (anion, 2)].
        density_g_cm3: the highest density the box will reach, g/cm³.
        cutoff_nm: cutoff of direct-space terms, nm.
        lengths_per_cutoff: OpenMM stops below 2; the margin is for fluctuations of the volume.
        at_least: the least to return.
    """
    one_nm3 = box_length_nm(formula_unit, density_g_cm3) ** 3
    return max(at_least, math.ceil((lengths_per_cutoff * cutoff_nm) ** 3 / one_nm3))


def estimate_density_g_cm3(formula_unit: FormulaUnit) -> float:
    """Density of the liquid near 300 K, g/cm³: for choosing the number of ions and a first box only.

    The mass over Hofmann's crystal volumes of the atoms, less the share by which organic salts expand on melting.
    """
    volume_nm3 = sum(
        HOFMANN_VOLUME_A3.get(atom.element, 30.0) / 1000 * copies for ion, copies in formula_unit for atom in ion.atoms
    )
    mass_g = sum(ion.mass_amu * copies for ion, copies in formula_unit) * _AMU_G
    return float(_LIQUID_TO_CRYSTAL * mass_g / (volume_nm3 * _NM3_CM3))


def pack(
    ions: FormulaUnit,
    *,
    density_g_cm3: float,
    seed: int,
    time_limit_s: float = 300.0,
) -> tuple[npt.NDArray[np.float64], float]:
    """Place whole ions at random in a cubic box without overlaps.

    Args:
        ions: parameters and number of copies; positions come in this order.
        density_g_cm3: density of the packed box; 0.6 to 0.7 of the liquid's packs easily.
        seed: of packmol's random numbers, 1 or more.
        time_limit_s: packmol is stopped after it.

    Returns:
        Positions (sites, 3) in nm and the box length in nm.

    Raises:
        InputError: the box is empty, or the seed or density is not above 0.
        ToolMissingError: packmol is not installed.
        ToolFailedError: packmol found no packing, or was stopped at its time limit.
    """
    ions = [(ion, copies) for ion, copies in ions if copies > 0]
    if not ions or seed < 1 or density_g_cm3 <= 0:
        raise InputError("A box needs ions, a density above 0 and a seed of at least 1.")
    box_nm = box_length_nm(ions, density_g_cm3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (ion, _) in enumerate(ions):
            (folder / f"{number}.xyz").write_text(_xyz(ion))
        answer = run_tool("packmol", [], folder=folder, stdin=_script(ions, box_nm, seed), time_limit_s=time_limit_s)
        out = folder / "box.xyz"
        if "Success!" not in answer or not out.exists():
            raise ToolFailedError(f"packmol found no packing at {density_g_cm3:.2f} g/cm³.", _LOOSER_HINT)
        positions = np.loadtxt(out, skiprows=2, usecols=(1, 2, 3), ndmin=2) / 10
    return positions, box_nm


def pack_all(
    ions: FormulaUnit, *, density_g_cm3: float, seeds: Sequence[int], time_limit_s: float = 300.0
) -> tuple[list[npt.NDArray[np.float64]], float]:
    """One packing for each seed, all in boxes of one length.

    Ions as long as the box (P66614 in a small one) may not fit at the density wanted: the box then grows by a third of
    its volume, up to three times. Packings keep off the walls, so what fits one box is good in any larger one.

    Args:
        ions: parameters and number of copies.
        density_g_cm3: density wanted of the packed box.
        seeds: of packmol's random numbers, 1 or more.
        time_limit_s: limit of each run of packmol.

    Returns:
        Positions (sites, 3) in nm for each seed, and the common box length in nm.

    Raises:
        InputError, ToolMissingError: as ``pack``.
        ToolFailedError: not even the largest box can be packed.
    """
    density, packed, box_nm = density_g_cm3, [], 0.0
    for seed in seeds:
        for attempt in range(_ATTEMPTS):
            try:
                positions, box_nm = pack(ions, density_g_cm3=density, seed=seed, time_limit_s=time_limit_s)
            except ToolFailedError:
                if attempt == _ATTEMPTS - 1:
                    raise
                density *= _LOOSER
            else:
                packed.append(positions)
                break
    return packed, box_nm


def _xyz(ion: IonParameters) -> str:
    rows = [
        f"{atom.element} {x:.5f} {y:.5f} {z:.5f}"
        for atom, (x, y, z) in zip(ion.atoms, 10 * ion.positions_nm, strict=True)
    ]
    return "\n".join([str(ion.n_atoms), ion.name, *rows, ""])


def _script(ions: FormulaUnit, box_nm: float, seed: int) -> str:
    # Half a tolerance is left free at each wall, because packmol knows no periodic images here.
    low, high = _TOLERANCE_A / 2, 10 * box_nm - _TOLERANCE_A / 2
    parts = [f"tolerance {_TOLERANCE_A}\nfiletype xyz\noutput box.xyz\nseed {seed}\nnloop {_LOOPS}\n"]
    for number, (_, copies) in enumerate(ions):
        inside = f"inside box {low} {low} {low} {high:.4f} {high:.4f} {high:.4f}"
        parts.append(f"structure {number}.xyz\n  number {copies}\n  {inside}\nend structure\n")
    return "\n".join(parts)
