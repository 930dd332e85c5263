"""All figures of one temperature, from its trajectory and the records of its frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ildb.md import hydrogen_bonds, ion_size, thermo
from ildb.md.box import Box, Frame, read_frames, unwrapped
from ildb.md.diffusion import Diffusion, diffusion
from ildb.md.failures import SimulationError
from ildb.md.msd import squared_displacements, without_drift
from ildb.md.rdf import RadialDistribution
from ildb.md.trajectory import read_thermo

_STRUCTURE_FRAMES = 50


@dataclass(frozen=True)
class PointFigures:
    """What one temperature says; units in the names, errors are standard errors. Columns of ``md_point``."""

    density_g_cm3: float
    density_error_g_cm3: float
    enthalpy_kj_mol: float
    enthalpy_error_kj_mol: float
    box_nm: float
    d_cation_m2_s: float
    d_cation_error_m2_s: float
    d_cation_infinite_m2_s: float
    cation_slope: float
    d_anion_m2_s: float
    d_anion_error_m2_s: float
    d_anion_infinite_m2_s: float
    anion_slope: float
    is_subdiffusive: bool
    rdf_peak_nm: float
    coordination: float
    strong_hydrogen_bonds: float
    weak_hydrogen_bonds: float
    cation_gyration_nm: float
    anion_gyration_nm: float

    def columns(self) -> dict[str, float | bool]:
        """As a row."""
        return asdict(self)


def analyse(
    box: Box, trajectory: Path, records: Path, *, frame_ps: float, pressure_bar: float, n_units: int
) -> PointFigures:
    """Analyse one point.

    Args:
        box: which atoms belong to which ion.
        trajectory: XTC of the production.
        records: thermodynamics of the same frames.
        frame_ps: time between frames.
        pressure_bar: of the barostat.
        n_units: formula units in the box.

    Raises:
        SimulationError: trajectory and records are not of the same frames.
    """
    series = read_thermo(records)
    cations, anions = box.charges > 0, box.charges < 0
    frames = read_frames(trajectory)
    every = max(1, len(series) // _STRUCTURE_FRAMES)
    max_nm = 0.5 * float(series[:, 3].min()) ** (1 / 3)
    around, donors = RadialDistribution(max_nm), hydrogen_bonds.find_donors(box)
    centres, lengths, bonds, gyration = [], [], [], []
    for number, frame in enumerate(frames):
        centre = box.centres(frame.positions_nm)
        centres.append(centre)
        lengths.append(frame.box_nm)
        if number % every == 0:
            around.add(centre[cations], centre[anions], frame.box_nm)
            bonds.append(hydrogen_bonds.count(donors, frame))
            gyration.append(_gyration(box, frame))
    if len(centres) != len(series):
        raise SimulationError(
            f"{trajectory} has {len(centres)} frames, its records {len(series)}.",
            "Remove its folder to start this point anew, then resume the run.",
        )
    paths = without_drift(unwrapped(np.array(centres), np.array(lengths)), box.ion_masses_amu)
    msd = squared_displacements(paths)
    length = float(np.mean(lengths))

    def moving(which: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], sign: int) -> Diffusion:
        radius = float(np.mean([ion_size.radius_nm(ion) for ion, _ in box.kinds if ion.charge * sign > 0]))
        return diffusion(msd[which], frame_ps, box_nm=length, radius_nm=radius)

    cation, anion = moving(cations, 1), moving(anions, -1)
    density = thermo.density_g_cm3(series[:, 3], box.mass_g)
    enthalpy = thermo.enthalpy_kj_mol(
        series[:, 1], series[:, 2], series[:, 3], pressure_bar=pressure_bar, n_units=n_units
    )
    shell = around.shell()
    strong, weak = np.mean(bonds, axis=0)
    of_cations, of_anions = np.mean(gyration, axis=0)
    return PointFigures(
        density.value, density.error, enthalpy.value, enthalpy.error, length,
        cation.d_m2_s, cation.error_m2_s, cation.d_infinite_m2_s, cation.slope,
        anion.d_m2_s, anion.error_m2_s, anion.d_infinite_m2_s, anion.slope,
        cation.is_bound or anion.is_bound,
        shell.peak_nm, shell.coordination, float(strong), float(weak), float(of_cations), float(of_anions),
    )  # fmt: skip


def _gyration(box: Box, frame: Frame) -> tuple[float, float]:
    """Radius of gyration of cations and of anions in one frame."""
    sums = {1: 0.0, -1: 0.0}
    counts = {1: 0, -1: 0}
    for kind, (ion, copies) in enumerate(box.kinds):
        sign = 1 if ion.charge > 0 else -1
        masses = np.array([atom.mass_amu for atom in ion.atoms])
        sums[sign] += copies * ion_size.gyration_nm(frame.positions_nm[box.atoms_of(kind)], masses)
        counts[sign] += copies
    return sums[1] / max(counts[1], 1), sums[-1] / max(counts[-1], 1)
