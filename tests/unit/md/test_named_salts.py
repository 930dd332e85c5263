"""Salts that a user will ask for first: each is packed, built and stays finite for a few hundred steps."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from openmm import unit

from ildb.chem.standardize import split_salt
from ildb.md.packing import estimate_density_g_cm3, pack_all, pairs_for_cutoff
from ildb.md.system import build_system
from tests.unit.md.ions import cheap

SALTS = {
    "[EMIM][NTf2]": "CCn1cc[n+](C)c1.O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F",
    "[BMIM][PF6]": "CCCCn1cc[n+](C)c1.F[P-](F)(F)(F)(F)F",
    "[BMIM][BF4]": "CCCCn1cc[n+](C)c1.F[B-](F)(F)F",
    "[BMIM]Cl": "CCCCn1cc[n+](C)c1.[Cl-]",
    "choline acetate": "C[N+](C)(C)CCO.CC(=O)[O-]",
    "[P66614][DCA]": "CCCCCC[P+](CCCCCC)(CCCCCC)CCCCCCCCCCCCCC.N#C[N-]C#N",
    "a dication bromide": "C(CC[n+]1ccn(C)c1)Cn1cc[n+](C)c1.[Br-].[Br-]",
    "CF3BF3-": "CCn1cc[n+](C)c1.F[B-](F)(F)C(F)(F)F",
    "SCN-": "CCn1cc[n+](C)c1.[N-]=C=S",
    "AlCl4-": "CCn1cc[n+](C)c1.Cl[Al-](Cl)(Cl)Cl",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SALTS)
def test_it_runs(name: str) -> None:
    salt = split_salt(SALTS[name])
    formula_unit = [(cheap(salt.cation.smiles), salt.n_cation), (cheap(salt.anion.smiles), salt.n_anion)]
    density = estimate_density_g_cm3(formula_unit)
    units = pairs_for_cutoff(formula_unit, density_g_cm3=0.7 * density, cutoff_nm=0.8)
    ions = [(ion, copies * units) for ion, copies in formula_unit]
    (positions,), box_nm = pack_all(ions, density_g_cm3=0.6 * density, seeds=(2,))
    system, _ = build_system(ions, cutoff_nm=0.8, box_nm=box_nm)
    integrator = openmm.LangevinMiddleIntegrator(450.0, 1.0, 0.004)
    integrator.setRandomNumberSeed(2)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 300)
    context.setVelocitiesToTemperature(450.0, 2)
    integrator.step(500)
    state = context.getState(energy=True)
    freedom = 3 * system.getNumParticles() - system.getNumConstraints()
    kelvin = 2 * state.getKineticEnergy() / (freedom * unit.MOLAR_GAS_CONSTANT_R) / unit.kelvin
    assert np.isfinite(state.getPotentialEnergy() / unit.kilojoule_per_mole)
    assert 300 < kelvin < 600
