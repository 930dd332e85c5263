"""What can go wrong in a simulation, as errors that say what is lost (nothing) and what to do."""

from __future__ import annotations

from typing import ClassVar

from ildb.errors import IldbError


class CheckpointError(IldbError):
    """No checkpoint of a point can be used: all are damaged, or they are of another system."""

    exit_code: ClassVar[int] = 6


class SimulationError(IldbError):
    """A simulation cannot go on: no room on the disk or on the GPU, or no platform works."""

    exit_code: ClassVar[int] = 6


class UnstableError(Exception):
    """Energies or positions are no numbers any more; the driver goes back to the last checkpoint."""


class BusyError(Exception):
    """Another process works in the same folder; no error of the input, so the task is tried again."""
