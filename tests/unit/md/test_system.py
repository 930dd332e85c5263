from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import app, unit

from ildb.errors import InputError
from ildb.md import antechamber
from ildb.md.gaff import changed_types
from ildb.md.geometry import ion_geometry
from ildb.md.packing import box_length_nm, estimate_density_g_cm3, pack, pack_all, pairs_for_cutoff
from ildb.md.parameters import IonParameters
from ildb.md.system import build_system
from ildb.md.tools import run_tool
from ildb.md.trouble import ToolFailedError
from tests.unit.md.ions import EMIM, cheap

DICATION = "C(CC[n+]1ccn(C)c1)Cn1cc[n+](C)c1"
GROUPS = ("bonds", "angles", "torsions", "non-bonded")


def energies(system: openmm.System, positions_nm: np.ndarray) -> list[float]:
    """By kind of force, kJ/mol."""
    order = (
        openmm.HarmonicBondForce, openmm.HarmonicAngleForce, openmm.PeriodicTorsionForce, openmm.NonbondedForce,
    )  # fmt: skip
    for force in system.getForces():
        force.setForceGroup(order.index(type(force)))
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions_nm)
    return [
        context.getState(energy=True, groups={group}).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        for group in range(4)
    ]


def _with_charge(row: str, ion: IonParameters) -> str:
    words = row.split()
    if len(words) != 9 or words[7] != antechamber.RESIDUE:
        return row
    return row[: row.rindex(words[8])] + f"{ion.atoms[int(words[0]) - 1].charge_e:.9f}"


def tleap_system(ions: list[tuple[IonParameters, int]], box_nm: float, cutoff_nm: float, folder: Path) -> openmm.System:
    """The same box by tleap: one topology of all copies, with our charges in its mol2 files."""
    lines, units = ["source leaprc.gaff2"], []
    for number, (ion, copies) in enumerate(ions):
        place = folder / f"ion{number}"
        place.mkdir()
        geometry = ion_geometry(ion.smiles)
        path, atoms = antechamber.run_antechamber(geometry, place, am1bcc=False, time_limit_s=60)
        changed = changed_types(geometry.mol, [atom.type for atom in atoms])
        antechamber.retype(path, {atoms[i].name: to for i, to in changed.items()})
        antechamber.run_parmchk2(place, time_limit_s=60)
        rows = [_with_charge(row, ion) for row in path.read_text().splitlines()]
        path.write_text("\n".join(rows) + "\n")
        lines += [f"loadamberparams ion{number}/ion.frcmod", f"U{number} = loadmol2 ion{number}/ion.mol2"]
        units += [f"U{number}"] * copies
    lines += [f"BOX = combine {{ {' '.join(units)} }}", f"set BOX box {10 * box_nm:.6f}"]
    lines += ["saveamberparm BOX box.prmtop box.inpcrd", "quit"]
    (folder / "box.in").write_text("\n".join(lines) + "\n")
    run_tool("tleap", ["-f", "box.in"], folder=folder, time_limit_s=60)
    topology = app.AmberPrmtopFile(str(folder / "box.prmtop"))
    system = topology.createSystem(
        nonbondedMethod=app.PME, nonbondedCutoff=cutoff_nm, removeCMMotion=False, rigidWater=False
    )
    system.setDefaultPeriodicBoxVectors(*(np.eye(3) * box_nm))
    return system


def test_energies_equal_the_tleap_route(tmp_path: Path) -> None:
    """Replicated per-ion terms against Amber's own topology of the whole box, to 0.01 kJ/mol for every kind of term."""
    emim, benzoate = cheap(EMIM), cheap("O=C([O-])c1ccccc1")
    assert (emim.backend, benzoate.backend) == ("gaff2", "gaff2")
    ions = [(emim, 6), (benzoate, 6)]
    packed, box_nm = pack(ions, density_g_cm3=0.5, seed=3)
    # Away from every minimum, so that each term counts.
    positions = packed + np.random.default_rng(1).normal(0, 0.005, packed.shape)
    ours, _ = build_system(
        ions, charge_scale=1.0, cutoff_nm=0.7, hydrogen_mass_amu=None, box_nm=box_nm, constrain_hydrogens=False
    )
    theirs = tleap_system(ions, box_nm, 0.7, tmp_path)
    assert ours.getNumParticles() == theirs.getNumParticles() == 6 * (19 + 14)
    for name, own, other in zip(GROUPS, energies(ours, positions), energies(theirs, positions), strict=True):
        assert own == pytest.approx(other, abs=0.01), name
        assert abs(own) > 10, name


def test_scaled_charges_reach_pairs_three_bonds_apart() -> None:
    ion = cheap("CC(=O)[O-]")
    system, _ = build_system([(ion, 1)], charge_scale=0.5, cutoff_nm=None, box_nm=None)
    nonbonded = next(force for force in system.getForces() if isinstance(force, openmm.NonbondedForce))
    products = {}
    for number in range(nonbonded.getNumExceptions()):
        i, j, product, _, epsilon = nonbonded.getExceptionParameters(number)
        products[i, j] = (product / unit.elementary_charge**2, epsilon / unit.kilojoule_per_mole)
    for (i, j), distance in ion.separations.items():
        q = 0.25 * ion.atoms[i].charge_e * ion.atoms[j].charge_e
        assert products[i, j][0] == pytest.approx(0.5 * q if distance == 3 else 0)
        assert (products[i, j][1] > 0) == (distance == 3 and ion.atoms[i].epsilon_kj_mol > 0)
    assert len(products) == len(ion.separations)


def test_a_dication_bromide_is_neutral_and_keeps_its_mass() -> None:
    cation, anion = cheap(DICATION), cheap("[Br-]")
    system, topology = build_system([(cation, 3), (anion, 6)], cutoff_nm=0.9, box_nm=2.5)
    nonbonded = next(force for force in system.getForces() if isinstance(force, openmm.NonbondedForce))
    charges = [nonbonded.getParticleParameters(i)[0] / unit.elementary_charge for i in range(system.getNumParticles())]
    assert sum(charges) == pytest.approx(0, abs=1e-9)
    assert sum(charges[: 3 * cation.n_atoms]) == pytest.approx(0.8 * 6)
    masses = [system.getParticleMass(i) / unit.dalton for i in range(system.getNumParticles())]
    assert sum(masses) == pytest.approx(3 * cation.mass_amu + 6 * anion.mass_amu)
    hydrogens = [i for i, atom in enumerate(topology.atoms()) if atom.element.symbol == "H"]
    assert {round(masses[i], 6) for i in hydrogens} == {3.0}
    assert system.getNumConstraints() == len(hydrogens)
    assert topology.getNumResidues() == 9
    assert topology.getNumBonds() == 3 * len(cation.bonds)
    assert nonbonded.getUseDispersionCorrection()


def test_bad_boxes_are_refused() -> None:
    ions = [(cheap("[Br-]"), 1)]
    with pytest.raises(InputError, match="too small for a cutoff"):
        build_system(ions, cutoff_nm=0.9, box_nm=1.7)
    with pytest.raises(InputError, match="belong together"):
        build_system(ions, cutoff_nm=None, box_nm=1.7)
    with pytest.raises(InputError, match="all the mass"):
        build_system([(cheap("[BH4-]"), 1)], cutoff_nm=0.9, box_nm=2.0, hydrogen_mass_amu=4.0)


def test_packing_keeps_ions_whole_and_apart() -> None:
    cation, anion = cheap(DICATION), cheap("[Br-]")
    ions = [(cation, 4), (anion, 8)]
    positions, box_nm = pack(ions, density_g_cm3=0.9, seed=5)
    assert box_nm == pytest.approx(box_length_nm(ions, 0.9))
    assert positions.shape == (4 * cation.n_atoms + 8, 3)
    assert positions.min() > 0
    assert positions.max() < box_nm
    first = positions[: cation.n_atoms]
    own = np.linalg.norm(cation.positions_nm[:, None] - cation.positions_nm[None], axis=2)
    assert np.linalg.norm(first[:, None] - first[None], axis=2) == pytest.approx(own, abs=2e-5)
    owner = np.repeat(np.arange(12), [cation.n_atoms] * 4 + [1] * 8)
    apart = positions[:, None] - positions[None]
    apart -= box_nm * np.round(apart / box_nm)
    between = np.linalg.norm(apart, axis=2)[owner[:, None] != owner[None]]
    assert between.min() > 0.19
    assert np.array_equal(pack(ions, density_g_cm3=0.9, seed=5)[0], positions)
    assert not np.allclose(pack(ions, density_g_cm3=0.9, seed=6)[0], positions)


def test_a_box_that_cannot_be_packed_says_so() -> None:
    with pytest.raises(ToolFailedError, match="packmol"):
        pack([(cheap("[Br-]"), 60)], density_g_cm3=60.0, seed=1, time_limit_s=1)
    with pytest.raises(InputError):
        pack([(cheap("[Br-]"), 0)], density_g_cm3=1.0, seed=1)


def test_boxes_of_all_seeds_have_one_length_that_grows_if_it_must() -> None:
    ions = [(cheap(DICATION), 2), (cheap("[Br-]"), 4)]
    starts, box_nm = pack_all(ions, density_g_cm3=1.6, seeds=(1, 2))
    assert box_nm > box_length_nm(ions, 1.6) * 1.05
    assert len(starts) == 2
    assert all(start.min() > 0 and start.max() < box_nm for start in starts)
    assert not np.allclose(*starts)
    with pytest.raises(ToolFailedError, match="packmol"):
        pack_all([(cheap("[Br-]"), 60)], density_g_cm3=500.0, seeds=(1,), time_limit_s=0.2)


def test_enough_ions_for_the_cutoff() -> None:
    unit_of = [(cheap(DICATION), 1), (cheap("[Br-]"), 2)]
    for cutoff_nm in (0.8, 1.2):
        n = pairs_for_cutoff(unit_of, density_g_cm3=1.5, cutoff_nm=cutoff_nm)
        lengths = [box_length_nm([(ion, copies * units) for ion, copies in unit_of], 1.5) for units in (n - 1, n)]
        assert lengths[0] < 2.2 * cutoff_nm <= lengths[1]
    assert pairs_for_cutoff(unit_of, density_g_cm3=1.5, cutoff_nm=0.1, at_least=16) == 16


@pytest.mark.parametrize(
    ("cation", "anion", "measured"),
    [
        (EMIM, "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", 1.518),
        (EMIM, "CCOS(=O)(=O)[O-]", 1.237),
        (EMIM, "F[B-](F)(F)F", 1.28),
    ],
)
def test_estimated_densities_serve_for_a_first_box(cation: str, anion: str, measured: float) -> None:
    estimated = estimate_density_g_cm3([(cheap(cation), 1), (cheap(anion), 1)])
    assert estimated == pytest.approx(measured, rel=0.12)
