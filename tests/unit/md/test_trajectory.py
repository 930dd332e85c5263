"""Frames that were written in part are told from whole ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import unit

from ildb.md.failures import SimulationError
from ildb.md.trajectory import FrameWriter, frame_bytes


def state_of(n_atoms: int, seed: int) -> openmm.State:
    """Atoms anywhere in a box of 3 nm."""
    system = openmm.System()
    for _ in range(n_atoms):
        system.addParticle(1.0)
    system.setDefaultPeriodicBoxVectors(*(3 * np.eye(3)))
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(np.random.default_rng(seed).uniform(0, 3, (n_atoms, 3)) * unit.nanometer)
    return context.getState(positions=True, energy=True)


@pytest.mark.parametrize("n_atoms", [3, 9, 10, 500])
def test_a_frame_is_as_long_as_it_says(tmp_path: Path, n_atoms: int) -> None:
    writer = FrameWriter(tmp_path, n_atoms, 1.0)
    start = 0
    for i in range(4):
        writer.add(state_of(n_atoms, i), float(i))
        size = writer.sizes()[0]
        assert frame_bytes(writer.trajectory, start) == size - start
        start = size
    assert frame_bytes(writer.trajectory, start) is None


@pytest.mark.parametrize("kept", [4, 60, 95, -8])
def test_a_part_of_a_frame_is_a_full_disk(tmp_path: Path, kept: int) -> None:
    """The library says nothing when the disk takes only the beginning of a frame; here one writes just that."""
    whole = FrameWriter(tmp_path, 500, 1.0)
    whole.add(state_of(500, 1), 0.0)
    frame = whole.trajectory.read_bytes()
    writer = FrameWriter(tmp_path / "full", 500, 1.0)
    (tmp_path / "full").mkdir()

    class Full:
        def writeModel(self, *_: object, **__: object) -> None:
            with writer.trajectory.open("ab") as file:
                file.write(frame[:kept])

    writer._xtc = Full()
    with pytest.raises(SimulationError, match="not written in full"):
        writer.add(state_of(500, 1), 0.0)
