"""The gas-phase gate: does a force field keep an ion in the shape that it should have?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ildb.md.parameters import GateFigures, IonParameters
from ildb.md.system import build_system

FloatArray = npt.NDArray[np.float64]

ANGLE_DEG: Final = 15.0
DISTANCE_NM: Final = 0.015
# GFN2 itself misses the lengths and angles at sulfonyl sulfur and phosphorus by this much: it makes S-N-S of NTf2 114°
# (126° in the published parameters, fitted to ab initio geometries) and S-F of FSI 0.167 nm (0.158).
HYPERVALENT_ANGLE_DEG: Final = 20.0
HYPERVALENT_DISTANCE_NM: Final = 0.030
_HYPERVALENT: Final = {"S": 3, "P": 4}
_KELVIN, _PICOSECONDS, _STEP_PS = 500.0, 3.0, 0.001
_SCALE: Final = 0.8


@dataclass(frozen=True)
class Shape:
    """Bond lengths (nm) in the order of an ion's bonds; angles (degrees) and 1-3 distances (nm) of its ``triples``."""

    lengths_nm: FloatArray
    bends_deg: FloatArray
    spans_nm: FloatArray


def triples(ion: IonParameters) -> npt.NDArray[np.int64]:
    """Every pair of neighbours of every atom, the common atom in the middle (m, 3)."""
    around: list[list[int]] = [[] for _ in ion.atoms]
    for bond in ion.bonds:
        around[bond.i].append(bond.j)
        around[bond.j].append(bond.i)
    found = [(i, j, k) for j, others in enumerate(around) for i, k in combinations(others, 2)]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def shape_of(ion: IonParameters, positions_nm: FloatArray) -> Shape:
    """Lengths and angles of an ion in a geometry (n, 3), nm."""
    ends = np.array([(bond.i, bond.j) for bond in ion.bonds], dtype=np.int64).reshape(-1, 2)
    middle = triples(ion)
    a, b = (positions_nm[middle[:, end]] - positions_nm[middle[:, 1]] for end in (0, 2))
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return Shape(
        np.linalg.norm(positions_nm[ends[:, 0]] - positions_nm[ends[:, 1]], axis=1),
        np.degrees(np.arccos(np.clip(cosine, -1, 1))),
        np.linalg.norm(a - b, axis=1),
    )


def shape_of_terms(ion: IonParameters, positions_nm: FloatArray) -> Shape:
    """Lengths and angles that an ion's terms ask for; where an angle has no term, those of the geometry."""
    drawn = shape_of(ion, positions_nm)
    lengths = {frozenset((bond.i, bond.j)): bond.length_nm for bond in ion.bonds}
    asked = {(angle.j, frozenset((angle.i, angle.k))): angle.theta_rad for angle in ion.angles}
    bends, spans = drawn.bends_deg.copy(), drawn.spans_nm.copy()
    for row, (i, j, k) in enumerate(triples(ion).tolist()):
        theta = asked.get((j, frozenset((i, k))))
        if theta is not None:
            a, b = lengths[frozenset((i, j))], lengths[frozenset((j, k))]
            bends[row] = math.degrees(theta)
            spans[row] = math.sqrt(a * a + b * b - 2 * a * b * math.cos(theta))
    return Shape(np.array([bond.length_nm for bond in ion.bonds]), bends, spans)


def measure(
    ion: IonParameters, start_nm: FloatArray, target: Shape, *, reference: str, tolerant: bool, seed: int = 1
) -> GateFigures:
    """Minimise an ion in vacuum, then run 3 ps at 500 K, and compare its shape with what it should be.

    Args:
        ion: parameters to be tried.
        start_nm: geometry to start from (n, 3), nm, in the ion's atom order.
        target: the shape it should have.
        reference: where the target is from.
        tolerant: allow more at hypervalent sulfur and phosphorus, where GFN2 is off.
        seed: of velocities and random forces.

    Returns:
        What was measured; ``refusals`` says whether it passes.
    """
    import openmm
    from openmm import unit

    def positions() -> FloatArray:
        found = context.getState(positions=True).getPositions(asNumpy=True)
        return np.asarray(found.value_in_unit(unit.nanometer), dtype=np.float64)

    system, _ = build_system([(ion, 1)], charge_scale=_SCALE, cutoff_nm=None, box_nm=None, hydrogen_mass_amu=None)
    integrator = openmm.LangevinMiddleIntegrator(_KELVIN, 1.0, _STEP_PS)
    integrator.setRandomNumberSeed(seed)
    context: Any = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(start_nm)
    try:
        openmm.LocalEnergyMinimizer.minimize(context, 1.0, 500)
        cold = positions()
        context.setVelocitiesToTemperature(_KELVIN, seed)
        integrator.step(round(_PICOSECONDS / _STEP_PS))
        hot = positions()
    except openmm.OpenMMException:
        # OpenMM raises when a coordinate is NaN.
        return GateFigures(reference, 180.0, 9.0, 9.0, 99.0, finite=False)
    angle, distance, strain = compare(ion, shape_of(ion, cold), target, tolerant=tolerant)
    _, hot_distance, _ = compare(ion, shape_of(ion, hot), target, tolerant=tolerant)
    finite = bool(np.isfinite(hot).all() and np.isfinite(cold).all())
    return GateFigures(reference, round(angle, 2), round(distance, 5), round(hot_distance, 5), round(strain, 3), finite)


def compare(ion: IonParameters, found: Shape, target: Shape, *, tolerant: bool) -> tuple[float, float, float]:
    """Largest change of an angle (degrees), of a 1-2 or 1-3 distance (nm), and largest share of what is allowed."""
    degree = np.bincount([site for bond in ion.bonds for site in (bond.i, bond.j)], minlength=ion.n_atoms)
    loose = np.array([tolerant and degree[i] >= _HYPERVALENT.get(atom.element, 99) for i, atom in enumerate(ion.atoms)])
    ends = np.array([(bond.i, bond.j) for bond in ion.bonds], dtype=np.int64).reshape(-1, 2)
    at_bond, at_bend = loose[ends].any(axis=1), loose[triples(ion)].any(axis=1)
    lengths = np.abs(found.lengths_nm - target.lengths_nm)
    spans, bends = np.abs(found.spans_nm - target.spans_nm), np.abs(found.bends_deg - target.bends_deg)
    allowed = np.where(np.concatenate([at_bond, at_bend]), HYPERVALENT_DISTANCE_NM, DISTANCE_NM)
    distances = np.concatenate([lengths, spans])
    shares = np.concatenate([distances / allowed, bends / np.where(at_bend, HYPERVALENT_ANGLE_DEG, ANGLE_DEG)])
    return float(bends.max(initial=0)), float(distances.max(initial=0)), float(shares.max(initial=0))


def refusals(figures: GateFigures) -> list[str]:
    """Why an ion does not pass: a shape beyond what is allowed, or numbers that are not finite."""
    if not figures.finite:
        return ["its energy or positions did not stay finite at 500 K"]
    if figures.strain > 1:
        return [
            f"its minimum is {figures.angle_deg:.0f}° and {figures.distance_nm:.3f} nm"
            f" from the {figures.reference} geometry"
        ]
    return []
