"""Back end 1: GAFF2 through AmberTools, for elements and geometries that GAFF2 was made for."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rdkit import Chem

from ildb.md import antechamber
from ildb.md.geometry import IonGeometry
from ildb.md.parameters import Angle, Bond, Torsion
from ildb.md.symmetry import symmetry_classes
from ildb.md.terms import BackendRefusesError, Site, Terms
from ildb.md.trouble import ToolFailedError

if TYPE_CHECKING:
    from openmm import System

ELEMENTS: Final = frozenset(("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"))
"""What GAFF2 has types for. parmchk2 silently gives any other element the parameters of carbon."""

REMOTE_PENALTY: Final = 100.0
_LJ14, _COULOMB14 = 0.5, 1 / 1.2
# Of types that differ only by which neighbour was seen first, as the two sulfurs of a sulfonylamide.
_ONE_TYPE: Final = {"sy": "s6"}
_AZOLATE: Final = {"n1": "nd"}
# GAFF's n4: half the distance of the minimum 1.824 Å, depth 0.17 kcal/mol.
_N4_SIGMA_NM: Final = 2 * 0.1824 / 2 ** (1 / 6)
_N4_EPSILON_KJ_MOL: Final = 0.17 * 4.184


def refuses(mol: Chem.Mol) -> str:
    """Why GAFF2 must not be asked for an ion, or '' if it may be.

    Args:
        mol: with explicit hydrogens.
    """
    strange = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - ELEMENTS)
    if mol.GetNumAtoms() == 1:
        return "GAFF2 has no single atoms"
    if strange:
        return f"GAFF2 has no {', '.join(strange)}"
    crowded = [atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetDegree() > 4]
    if crowded:
        return f"GAFF2 has one angle for all neighbours of an atom with more than four ({crowded[0]})"
    return ""


def gaff2_terms(geometry: IonGeometry, *, time_limit_s: float = 120.0) -> Terms:
    """GAFF2 (version 2.2 of AmberTools) sites and terms of an ion.

    Args:
        geometry: the ion.
        time_limit_s: limit of each program.

    Raises:
        BackendRefusesError: an element or a geometry GAFF2 is not made for, or a parameter is missing.
        ToolMissingError: AmberTools is not installed.
        ToolFailedError: a program failed, or was stopped.
    """
    reason = refuses(geometry.mol)
    if reason:
        raise BackendRefusesError(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, atoms = antechamber.run_antechamber(geometry, folder, am1bcc=False, time_limit_s=time_limit_s)
        changed = changed_types(geometry.mol, [atom.type for atom in atoms])
        antechamber.retype(path, {atoms[index].name: to for index, to in changed.items()})
        remarks = antechamber.run_parmchk2(folder, time_limit_s=time_limit_s)
        missing = sorted({f"{remark.section.lower()} {remark.term}" for remark in remarks if remark.missing})
        if missing:
            raise BackendRefusesError(f"GAFF2 lacks {', '.join(missing)}")
        topology = antechamber.run_tleap(folder, time_limit_s=time_limit_s)
        terms = read_prmtop(
            topology, [atom.name for atom in atoms], [changed.get(i, a.type) for i, a in enumerate(atoms)]
        )
    sites, softened = _with_plain_nitrogen(terms.sites)
    # General impropers of planar centres carry a penalty by construction.
    graded = [remark for remark in remarks if remark.section != "IMPROPER"]
    worst = max(graded, key=lambda remark: remark.penalty, default=None)
    empirical = sorted({remark.term for remark in graded if remark.empirical})
    provenance: dict[str, object] = {"ambertools": antechamber.ambertools_version(), "force_field": "GAFF2"}
    provenance["max_penalty"] = worst.penalty if worst else 0.0
    if worst and worst.penalty:
        provenance["max_penalty_term"] = worst.term
    if empirical:
        provenance["empirical"] = empirical
    if changed:
        provenance["retyped"] = {str(index): to for index, to in sorted(changed.items())}
    if softened:
        provenance["lennard_jones_of_gaff"] = "n4"
    remote = bool(empirical) or (worst is not None and worst.penalty > REMOTE_PENALTY)
    return Terms(
        sites, terms.bonds, terms.angles, terms.torsions, _LJ14, _COULOMB14, remote=remote, provenance=provenance
    )


def _with_plain_nitrogen(sites: tuple[Site, ...]) -> tuple[tuple[Site, ...], bool]:
    """Sites with GAFF's Lennard-Jones term for nitrogen with four carbons, and whether there are any.

    GAFF2 gives it a well of 16 kJ/mol (0.7 in GAFF: Wang et al., J. Comput. Chem. 2004, 25, 1157), which reaches past
    the alkyl groups to the anions: butyltrimethylammonium NTf2 is 6 % too dense with it, 1 % with GAFF's.
    """
    plain = tuple(
        replace(site, sigma_nm=_N4_SIGMA_NM, epsilon_kj_mol=_N4_EPSILON_KJ_MOL) if site.type == "n4" else site
        for site in sites
    )
    return plain, plain != sites


def changed_types(mol: Chem.Mol, types: list[str]) -> dict[int, str]:
    """Atoms that need another type than antechamber gave: nitrogen of azolate rings, and alike atoms typed unlike.

    Alternating types of conjugated chains (cc-cd, ce-cf) differ on purpose and stay.
    """
    changed = {
        atom.GetIdx(): _AZOLATE[types[atom.GetIdx()]]
        for atom in mol.GetAtoms()
        if atom.IsInRing() and types[atom.GetIdx()] in _AZOLATE
    }
    classes = symmetry_classes(mol)
    for number in set(classes.tolist()):
        members = [index for index, own in enumerate(classes) if own == number]
        kinds = Counter(types[index] for index in members)
        for odd, usual in _ONE_TYPE.items():
            if odd in kinds and usual in kinds:
                changed |= {index: usual for index in members if types[index] == odd}
    return changed


def read_prmtop(path: Path, names: list[str], types: list[str]) -> Terms:
    """Sites and terms of an Amber topology of one residue.

    Args:
        path: the prmtop file.
        names: atom names in the wanted order, each once.
        types: atom types in the same order.

    Raises:
        ToolFailedError: the topology has other atoms.
    """
    from openmm import app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        topology = app.AmberPrmtopFile(str(path))
        system = topology.createSystem(nonbondedMethod=app.NoCutoff, removeCMMotion=False, rigidWater=False)
    found = [atom.name for atom in topology.topology.atoms()]
    if sorted(found) != sorted(names):
        raise ToolFailedError("tleap's topology has other atoms than the ion.")
    place = [names.index(name) for name in found]
    return terms_of(system, place, types)


def terms_of(system: System, place: list[int], types: list[str]) -> Terms:
    """Sites and terms of an OpenMM System of one molecule without constraints.

    Args:
        system: the System.
        place: new index of each of its particles.
        types: atom types in the new order.
    """
    import openmm
    from openmm import unit

    forces = {type(force): force for force in system.getForces()}
    bonds, angles, torsions = (
        forces[kind] for kind in (openmm.HarmonicBondForce, openmm.HarmonicAngleForce, openmm.PeriodicTorsionForce)
    )
    nonbonded = forces[openmm.NonbondedForce]

    def plain(quantity: unit.Quantity) -> float:
        return float(quantity.value_in_unit_system(unit.md_unit_system))

    made_bonds = []
    for number in range(bonds.getNumBonds()):
        i, j, length, k = bonds.getBondParameters(number)
        made_bonds.append(Bond(place[i], place[j], plain(length), plain(k)))
    made_angles = []
    for number in range(angles.getNumAngles()):
        i, j, k, theta, stiffness = angles.getAngleParameters(number)
        made_angles.append(Angle(place[i], place[j], place[k], plain(theta), plain(stiffness)))
    bonded = {frozenset((bond.i, bond.j)) for bond in made_bonds}
    made_torsions = []
    for number in range(torsions.getNumTorsions()):
        *four, periodicity, phase, height = torsions.getTorsionParameters(number)
        i, j, k, last = (place[index] for index in four)
        improper = not {frozenset((i, j)), frozenset((j, k)), frozenset((k, last))} <= bonded
        if plain(height) != 0:
            made_torsions.append(Torsion(i, j, k, last, int(periodicity), plain(phase), plain(height), improper))
    sites: list[Site | None] = [None] * system.getNumParticles()
    for number in range(system.getNumParticles()):
        _, sigma, epsilon = nonbonded.getParticleParameters(number)
        at = place[number]
        sites[at] = Site(plain(system.getParticleMass(number)), plain(sigma), plain(epsilon), types[at])
    return Terms(
        tuple(site for site in sites if site is not None),
        tuple(made_bonds),
        tuple(made_angles),
        tuple(made_torsions),
        _LJ14,
        _COULOMB14,
    )
