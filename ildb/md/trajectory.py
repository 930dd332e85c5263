"""Frames on disk while a simulation runs: XTC for positions, plain doubles for the thermodynamics of each frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openmm
from openmm import app, unit

from ildb.md.failures import SimulationError

THERMO = ("time_ps", "potential_kj_mol", "kinetic_kj_mol", "volume_nm3")
"""What is recorded of each frame."""

_ROW_BYTES = 8 * len(THERMO)
_XTC_HEAD_BYTES = 92
_XTC_MOST_UNPACKED = 9


class FrameWriter:
    """Appends frames; cuts off what came after a checkpoint."""

    def __init__(self, folder: Path, n_atoms: int, frame_ps: float) -> None:
        """Write below a folder, frames of so many atoms."""
        self.trajectory, self.thermo = folder / "trajectory.xtc", folder / "thermo.f64"
        self.frame_ps = frame_ps
        self._topology = _bare_topology(n_atoms)
        self._xtc: app.xtcfile.XTCFile | None = None

    def cut(self, trajectory_bytes: int, thermo_bytes: int) -> None:
        """Drop whatever was written after a checkpoint.

        Raises:
            SimulationError: a file is shorter than the checkpoint says, so frames are missing.
        """
        for path, length in ((self.trajectory, trajectory_bytes), (self.thermo, thermo_bytes)):
            there = _size(path)
            if there < length:
                raise SimulationError(
                    f"{path} lacks {length - there} bytes that its checkpoint counts on.",
                    "Restore the file, or remove its folder to start this point anew, then resume the run.",
                )
            if length == 0:
                path.unlink(missing_ok=True)
            elif there > length:
                with path.open("r+b") as file:
                    file.truncate(length)
        self._xtc = None

    def sizes(self) -> tuple[int, int]:
        """Bytes of trajectory and thermodynamics so far."""
        return _size(self.trajectory), _size(self.thermo)

    def add(self, state: openmm.State, time_ps: float) -> None:
        """Append a frame; molecules stay whole, because they are not wrapped into the box.

        Raises:
            SimulationError: the disk is full.
        """
        before = self.sizes()
        try:
            if self._xtc is None:
                self._xtc = app.xtcfile.XTCFile(
                    str(self.trajectory), self._topology, self.frame_ps * unit.picosecond, append=before[0] > 0
                )
            self._xtc.writeModel(state.getPositions(asNumpy=True), periodicBoxVectors=state.getPeriodicBoxVectors())
            with self.thermo.open("ab") as out:
                out.write(_thermo(state, time_ps).tobytes())
        except (OSError, RuntimeError) as error:
            raise _full(self.trajectory.parent, str(error)) from error
        after = self.sizes()
        # The library that writes XTC does not tell of a full disk, and may have written a part of the frame.
        if after[0] - before[0] != frame_bytes(self.trajectory, before[0]) or after[1] - before[1] != _ROW_BYTES:
            raise _full(self.trajectory.parent, "a frame was not written in full")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def frame_bytes(path: Path, start: int) -> int | None:
    """How long an XTC frame says that it is, in bytes; None where not even that was written.

    XTC (GROMACS) is XDR: magic number, atoms, step, time and box take 52 bytes, the atoms again 4. Up to nine atoms
    follow as floats; of more, 36 bytes of precision, ranges and sizes, and then the packed coordinates, padded to 4.

    Args:
        path: an XTC file.
        start: where in it the frame begins.
    """
    with path.open("rb") as file:
        file.seek(start)
        head = file.read(_XTC_HEAD_BYTES)
    if len(head) < _XTC_HEAD_BYTES - 36:
        return None
    n_atoms = int.from_bytes(head[52:56], "big")
    if n_atoms <= _XTC_MOST_UNPACKED:
        return 56 + 12 * n_atoms
    if len(head) < _XTC_HEAD_BYTES:
        return None
    return _XTC_HEAD_BYTES + -(-int.from_bytes(head[88:92], "big") // 4) * 4


def read_thermo(path: Path) -> npt.NDArray[np.float64]:
    """The records of every frame (frames, 4), columns ``THERMO``."""
    return np.fromfile(path, dtype=np.float64).reshape(-1, len(THERMO))


def _thermo(state: openmm.State, time_ps: float) -> npt.NDArray[np.float64]:
    energy = unit.kilojoule_per_mole
    return np.array(
        [
            time_ps,
            state.getPotentialEnergy().value_in_unit(energy),
            state.getKineticEnergy().value_in_unit(energy),
            state.getPeriodicBoxVolume().value_in_unit(unit.nanometer**3),
        ]
    )


def _full(folder: Path, what: str) -> SimulationError:
    return SimulationError(
        f"Cannot write the trajectory to {folder}: {what}.",
        "Free some space, then resume the run: the point goes on from its last checkpoint.",
    )


def _bare_topology(n_atoms: int) -> app.Topology:
    topology = app.Topology()
    residue = topology.addResidue("ALL", topology.addChain())
    for _ in range(n_atoms):
        topology.addAtom("X", None, residue)
    # The file gets the box of each frame only where its topology has one.
    topology.setPeriodicBoxVectors(np.eye(3) * unit.nanometer)
    return topology
