"""One OpenMM System for any mixture of ions, replicated from per-ion parameters by our own loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import openmm
from openmm import app

from ildb.errors import InputError
from ildb.md.parameters import IonParameters


@dataclass(frozen=True)
class _Bonded:
    bonds: openmm.HarmonicBondForce
    angles: openmm.HarmonicAngleForce
    torsions: openmm.PeriodicTorsionForce


def build_system(
    ions: Sequence[tuple[IonParameters, int]],
    *,
    charge_scale: float = 0.8,
    cutoff_nm: float | None,
    hydrogen_mass_amu: float | None = 3.0,
    box_nm: float | None,
    constrain_hydrogens: bool = True,
) -> tuple[openmm.System, app.Topology]:
    """Assemble the System of a box: all copies of the first ion, then all of the second, and so on.

    PME with a Lennard-Jones tail correction when ``cutoff_nm`` is given, no cutoff and no box otherwise. Bonds to
    hydrogen become constraints and lose their bond term. There is no barostat and no remover of centre-of-mass
    motion: the driver adds what it needs. The force groups are 0 bonds, 1 angles, 2 torsions, 3 non-bonded terms.

    Args:
        ions: parameters and number of copies, in the order of the positions that ``packing.pack`` gives.
        charge_scale: factor of every partial charge (0.8: an electronic continuum, Leontyev and Stuchebrukhov,
            PCCP 2011, 13, 2613).
        cutoff_nm: cutoff of direct-space terms, nm; below half the box length.
        hydrogen_mass_amu: mass of each bonded hydrogen, taken from its heavy atom; None leaves the masses alone.
        box_nm: length of the cubic box, nm; None with ``cutoff_nm=None``.
        constrain_hydrogens: constrain bonds to hydrogen.

    Returns:
        The System and its Topology; one residue for each ion.

    Raises:
        InputError: the cutoff does not fit into the box, or the hydrogens of an atom would take all its mass.
    """
    system = openmm.System()
    _check_box(cutoff_nm, box_nm)
    if box_nm is not None:
        system.setDefaultPeriodicBoxVectors(
            openmm.Vec3(box_nm, 0, 0), openmm.Vec3(0, box_nm, 0), openmm.Vec3(0, 0, box_nm)
        )
    bonded = _Bonded(openmm.HarmonicBondForce(), openmm.HarmonicAngleForce(), openmm.PeriodicTorsionForce())
    nonbonded = openmm.NonbondedForce()
    if cutoff_nm is None:
        nonbonded.setNonbondedMethod(openmm.NonbondedForce.NoCutoff)
    else:
        nonbonded.setNonbondedMethod(openmm.NonbondedForce.PME)
        nonbonded.setCutoffDistance(cutoff_nm)
        nonbonded.setUseDispersionCorrection(True)
    for group, force in enumerate((bonded.bonds, bonded.angles, bonded.torsions, nonbonded)):
        force.setForceGroup(group)
        system.addForce(force)
    for ion, copies in ions:
        masses = _masses_amu(ion, hydrogen_mass_amu)
        for _ in range(copies):
            first = system.getNumParticles()
            for mass in masses:
                system.addParticle(mass)
            _add_bonded(system, bonded, ion, first, constrain_hydrogens=constrain_hydrogens)
            _add_nonbonded(nonbonded, ion, first, charge_scale)
    return system, topology(ions, box_nm=box_nm)


def topology(ions: Sequence[tuple[IonParameters, int]], *, box_nm: float | None) -> app.Topology:
    """The Topology of a box: a chain for each kind of ion, a residue for each copy."""
    made = app.Topology()
    for ion, copies in ions:
        chain = made.addChain()
        names = [f"{atom.element}{number}" for number, atom in enumerate(ion.atoms, start=1)]
        elements = [app.Element.getBySymbol(atom.element) for atom in ion.atoms]
        for _ in range(copies):
            residue = made.addResidue(ion.name, chain)
            sites = [made.addAtom(name, element, residue) for name, element in zip(names, elements, strict=True)]
            for bond in ion.bonds:
                made.addBond(sites[bond.i], sites[bond.j])
    if box_nm is not None:
        made.setUnitCellDimensions(openmm.Vec3(box_nm, box_nm, box_nm))
    return made


def _check_box(cutoff_nm: float | None, box_nm: float | None) -> None:
    if (cutoff_nm is None) != (box_nm is None):
        raise InputError("A cutoff and a box belong together.", "Give both, or neither for an ion in vacuum.")
    if cutoff_nm is not None and box_nm is not None and box_nm < 2 * cutoff_nm:
        raise InputError(
            f"A box of {box_nm:.3f} nm is too small for a cutoff of {cutoff_nm} nm.",
            "Take more ions (packing.pairs_for_cutoff) or a shorter cutoff.",
        )


def _masses_amu(ion: IonParameters, hydrogen_mass_amu: float | None) -> list[float]:
    masses = [atom.mass_amu for atom in ion.atoms]
    if hydrogen_mass_amu is None:
        return masses
    for bond in ion.bonds:
        for light, heavy in ((bond.i, bond.j), (bond.j, bond.i)):
            if ion.atoms[light].element == "H" and ion.atoms[heavy].element != "H":
                masses[heavy] -= hydrogen_mass_amu - masses[light]
                masses[light] = hydrogen_mass_amu
    if min(masses) <= 0:
        raise InputError(
            f"Hydrogens of {hydrogen_mass_amu} amu would take all the mass of an atom of {ion.name}.",
            "Take lighter hydrogens and a shorter time step.",
        )
    return masses


def _add_bonded(
    system: openmm.System, bonded: _Bonded, ion: IonParameters, first: int, *, constrain_hydrogens: bool
) -> None:
    for bond in ion.bonds:
        i, j = first + bond.i, first + bond.j
        if constrain_hydrogens and "H" in (ion.atoms[bond.i].element, ion.atoms[bond.j].element):
            system.addConstraint(i, j, bond.length_nm)
        else:
            bonded.bonds.addBond(i, j, bond.length_nm, bond.k_kj_mol_nm2)
    for angle in ion.angles:
        bonded.angles.addAngle(first + angle.i, first + angle.j, first + angle.k, angle.theta_rad, angle.k_kj_mol_rad2)
    for torsion in ion.torsions:
        i, j, k, last = (first + site for site in (torsion.i, torsion.j, torsion.k, torsion.l))
        bonded.torsions.addTorsion(i, j, k, last, torsion.periodicity, torsion.phase_rad, torsion.k_kj_mol)


def _add_nonbonded(nonbonded: openmm.NonbondedForce, ion: IonParameters, first: int, charge_scale: float) -> None:
    for atom in ion.atoms:
        nonbonded.addParticle(charge_scale * atom.charge_e, atom.sigma_nm, atom.epsilon_kj_mol)
    for (i, j), distance in ion.separations.items():
        a, b = ion.atoms[i], ion.atoms[j]
        near = distance < 3
        nonbonded.addException(
            first + i,
            first + j,
            0.0 if near else ion.coulomb14 * charge_scale**2 * a.charge_e * b.charge_e,
            (a.sigma_nm + b.sigma_nm) / 2,
            0.0 if near else ion.lj14 * (a.epsilon_kj_mol * b.epsilon_kj_mol) ** 0.5,
        )
