"""What one would write without ildb: the temperatures of a ladder as steps of OpenMM, without frames or checkpoints.

``python -m benchmarks.support.md_bare SYSTEM.xml.gz START.npy PRESET.json``
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import openmm


def main(system_file: str, start_file: str, preset_file: str) -> None:
    """Simulate the cooling pass of a preset."""
    preset = json.loads(Path(preset_file).read_text(encoding="utf-8"))
    system = openmm.XmlSerializer.deserialize(gzip.decompress(Path(system_file).read_bytes()).decode())
    rows = np.load(start_file)
    hottest = preset["temperatures_k"][0]
    barostat = openmm.MonteCarloBarostat(500.0, hottest, 25)
    system.addForce(barostat)
    integrator = openmm.LangevinMiddleIntegrator(hottest, 1.0, 0.001)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPeriodicBoxVectors(*(np.eye(3) * rows[-1, 0]))
    context.setPositions(rows[:-1])
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 1000)
    context.setVelocitiesToTemperature(hottest, 1)
    integrator.step(500)
    step_ps = preset["timestep_fs"] / 1000
    integrator.setStepSize(step_ps)
    half = round(preset["melt_ps"] / step_ps / 2)
    integrator.step(half)
    context.setParameter(openmm.MonteCarloBarostat.Pressure(), preset["pressure_bar"])
    integrator.step(half)
    for kelvin in preset["temperatures_k"]:
        integrator.setTemperature(kelvin)
        context.setParameter(openmm.MonteCarloBarostat.Temperature(), kelvin)
        integrator.step(round((preset["equilibrate_ps"] + preset["produce_ps"]) / step_ps))


if __name__ == "__main__":
    main(*sys.argv[1:])
