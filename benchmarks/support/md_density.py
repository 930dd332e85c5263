"""Densities of liquids near room temperature, simulated with ildb's force fields, against experiment.

Every finished ionic liquid is a line of a checkpoint file, so that a run of hours goes on where it was stopped.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

PRESSURE_BAR: Final = 1.0
CUTOFF_NM: Final = 0.9
STEP_PS: Final = 0.004
HOT_K: Final = 500.0


@dataclass(frozen=True)
class Liquid:
    """A measured density.

    Attributes:
        name: short name.
        cation: SMILES.
        anion: SMILES.
        temperature_k: of the measurement.
        density_g_cm3: measured.
        reference: where.
    """

    name: str
    cation: str
    anion: str
    temperature_k: float
    density_g_cm3: float
    reference: str


_NTF2 = "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F"
_BMIM, _EMIM = "CCCCn1cc[n+](C)c1", "CCn1cc[n+](C)c1"
_JACQUEMIN = "Jacquemin, Husson, Padua and Majer, Green Chem. 2006, 8, 172"
# Small ions and one of each kind first, so that a run cut short still says something.
LIQUIDS: Final = (
    Liquid("[EMIM][NTf2]", _EMIM, _NTF2, 298.15, 1.518, _JACQUEMIN),
    Liquid("[BMIM][BF4]", _BMIM, "F[B-](F)(F)F", 298.15, 1.200, _JACQUEMIN),
    Liquid("[EMIM][EtSO4]", _EMIM, "CCOS(=O)(=O)[O-]", 298.15, 1.237, _JACQUEMIN),
    Liquid("[BMIM][PF6]", _BMIM, "F[P-](F)(F)(F)(F)F", 298.15, 1.366, _JACQUEMIN),
    Liquid("[BMIM][DCA]", _BMIM, "N#C[N-]C#N", 298.15, 1.058,
           "Fredlake, Crosthwaite, Hert, Aki and Brennecke, J. Chem. Eng. Data 2004, 49, 954"),
    Liquid("[EMIM][CF3BF3]", _EMIM, "F[B-](F)(F)C(F)(F)F", 298.15, 1.35,
           "Zhou, Matsumoto and Tatsumi, Chem. Eur. J. 2004, 10, 6581"),
    Liquid("[N1114][NTf2]", "CCCC[N+](C)(C)C", _NTF2, 298.15, 1.392, _JACQUEMIN),
    Liquid("[BMIM][OTf]", _BMIM, "O=S(=O)([O-])C(F)(F)F", 303.15, 1.30,
           "Tokuda, Hayamizu, Ishii, Susan and Watanabe, J. Phys. Chem. B 2004, 108, 16593"),
    Liquid("[EMIM][BF4]", _EMIM, "F[B-](F)(F)F", 298.15, 1.28,
           "Noda, Hayamizu and Watanabe, J. Phys. Chem. B 2001, 105, 4603"),
    Liquid("[BMIM][MeSO4]", _BMIM, "COS(=O)(=O)[O-]", 298.15, 1.212,
           "Pereiro, Verdia, Tojo and Rodriguez, J. Chem. Eng. Data 2007, 52, 377"),
    Liquid("[Pyr14][NTf2]", "CCCC[N+]1(C)CCCC1", _NTF2, 298.15, 1.394,
           "Jacquemin et al., J. Chem. Eng. Data 2008, 53, 2133"),
    Liquid("[BMIM][NTf2]", _BMIM, _NTF2, 298.15, 1.436, _JACQUEMIN),
)  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """How long each part takes, ps: at 500 K, cooling in five steps, at the temperature before and while averaging.

    Half a nanosecond of constant pressure follows the anneal, the last 0.3 ns of it are averaged.
    """

    anneal_ps: float = 60.0
    cool_ps: float = 100.0
    settle_ps: float = 100.0
    produce_ps: float = 300.0
    blocks: int = 5


@dataclass(frozen=True)
class Found:
    """A simulated density."""

    name: str
    pairs: int
    cation: str
    anion: str
    density_g_cm3: float
    error_g_cm3: float
    measured_g_cm3: float
    deviation_pct: float
    cpu_s: float
    wall_s: float


def simulate(liquid: Liquid, protocol: Protocol, *, seed: int = 1) -> Found:
    """Pack, anneal from 500 K under pressure, equilibrate, and average the density over the production run."""
    import openmm
    from openmm import unit

    from ildb.md.forcefield import parametrise
    from ildb.md.packing import pack, pairs_for_cutoff
    from ildb.md.system import build_system

    began, wall = time.process_time(), time.monotonic()
    cation, anion = parametrise(liquid.cation), parametrise(liquid.anion)
    formula_unit = [(cation, 1), (anion, 1)]
    pairs = pairs_for_cutoff(formula_unit, density_g_cm3=liquid.density_g_cm3, cutoff_nm=CUTOFF_NM)
    box = [(cation, pairs), (anion, pairs)]
    positions, length = pack(box, density_g_cm3=0.55 * liquid.density_g_cm3, seed=seed)
    system, _ = build_system(box, cutoff_nm=CUTOFF_NM, box_nm=length)
    barostat = openmm.MonteCarloBarostat(500.0, HOT_K, 25)
    barostat.setRandomNumberSeed(seed)
    system.addForce(barostat)
    integrator = openmm.LangevinMiddleIntegrator(HOT_K, 1.0, 0.001)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 500)
    context.setVelocitiesToTemperature(HOT_K, seed)
    integrator.step(2000)
    integrator.setStepSize(STEP_PS)
    steps = round(protocol.anneal_ps / STEP_PS)
    integrator.step(steps // 2)
    context.setParameter(openmm.MonteCarloBarostat.Pressure(), PRESSURE_BAR)
    integrator.step(steps // 2)
    # Cooled in steps: a liquid quenched from 500 K keeps a hot one's density for longer than this run.
    for kelvin in np.linspace(HOT_K, liquid.temperature_k, 6)[1:]:
        integrator.setTemperature(float(kelvin))
        context.setParameter(openmm.MonteCarloBarostat.Temperature(), float(kelvin))
        integrator.step(round(protocol.cool_ps / STEP_PS / 5))
    integrator.step(round(protocol.settle_ps / STEP_PS))
    mass_g = sum(ion.mass_amu * copies for ion, copies in box) * 1.66053907e-24
    samples = []
    for _ in range(round(protocol.produce_ps / 1.0)):
        integrator.step(round(1.0 / STEP_PS))
        volume = context.getState().getPeriodicBoxVolume().value_in_unit(unit.nanometer**3)
        samples.append(mass_g / (volume * 1e-21))
    density = float(np.mean(samples))
    means = [float(np.mean(block)) for block in np.array_split(samples, protocol.blocks)]
    return Found(
        liquid.name,
        pairs,
        f"{cation.backend} {cation.charge_method} {cation.grade}",
        f"{anion.backend} {anion.charge_method} {anion.grade}",
        round(density, 4),
        round(float(np.std(means, ddof=1) / len(means) ** 0.5), 4),
        liquid.density_g_cm3,
        round(100 * (density / liquid.density_g_cm3 - 1), 2),
        round(time.process_time() - began, 1),
        round(time.monotonic() - wall, 1),
    )


def run(checkpoint: Path, *, protocol: Protocol, liquids: tuple[Liquid, ...] = LIQUIDS) -> list[Found]:
    """Simulate what the checkpoint lacks; a line is added as each liquid is done.

    Args:
        checkpoint: JSON lines; another protocol's lines are left alone and not counted.
        protocol: how long.
        liquids: which.
    """
    done: dict[str, Found] = {}
    if checkpoint.exists():
        for line in checkpoint.read_text().splitlines():
            row = json.loads(line)
            if row["protocol"] == asdict(protocol):
                done[row["found"]["name"]] = Found(**row["found"])
    for liquid in liquids:
        if liquid.name in done:
            continue
        found = simulate(liquid, protocol)
        done[liquid.name] = found
        with checkpoint.open("a") as stream:
            stream.write(json.dumps({"protocol": asdict(protocol), "found": asdict(found)}) + "\n")
        print(f"  {line_of(found)}", flush=True)
    return [done[liquid.name] for liquid in liquids if liquid.name in done]


def line_of(found: Found) -> str:
    """One liquid for the terminal."""
    return (
        f"{found.name:<16}{found.density_g_cm3:7.3f} ± {found.error_g_cm3:.3f} (exp {found.measured_g_cm3:.3f},"
        f" {found.deviation_pct:+.1f} %)  {found.pairs} pairs  {found.cation} / {found.anion}"
    )


def figures(found: list[Found]) -> dict[str, Any]:
    """``density_mae_pct`` and how many liquids it is of."""
    deviations = [abs(one.deviation_pct) for one in found]
    return {
        "density_mae_pct": round(float(np.mean(deviations)), 2),
        "density_max_pct": round(max(deviations), 2),
        "density_n": len(found),
    }


def main() -> None:
    """Run or go on with the whole list: ``python -m benchmarks.support.md_density CHECKPOINT``."""
    found = run(Path(sys.argv[1]), protocol=Protocol())
    print(json.dumps(figures(found)))


if __name__ == "__main__":
    main()
