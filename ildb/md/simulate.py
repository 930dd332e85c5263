"""One temperature of a ladder: melt, equilibrate, produce; killed anywhere, it goes on from its last checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import openmm

from ildb.hashing import sha256_text
from ildb.md.checkpoint import Checkpoint, CheckpointFolder, Progress, Segment
from ildb.md.driver import Driver, PointPlan, Start
from ildb.md.failures import UnstableError

_MAX_UNSTABLE = 1


@dataclass(frozen=True)
class PointOutcome:
    """What a point left behind.

    Attributes:
        stable: False where it blew up, again with half the time step; ``state_xml`` is then the last good one.
        progress: its last.
        state_xml: the State at its end.
        trajectory: frames of the production.
        thermo: records of all frames of the production.
    """

    stable: bool
    progress: Progress
    state_xml: str
    trajectory: Path
    thermo: Path


def simulate(
    system_xml: str,
    start: Start,
    plan: PointPlan,
    folder: Path,
    *,
    watch: Callable[[Progress], None] = lambda _: None,
) -> PointOutcome:
    """Simulate one point, or go on with it.

    Args:
        system_xml: the System without barostat and thermostat.
        start: used where the folder holds no checkpoint.
        plan: what to do.
        folder: of the point's own; it keeps checkpoints and frames until whoever called has stored the result.
        watch: told of the progress after each segment.

    Raises:
        CheckpointError: no checkpoint in the folder can be used.
        SimulationError: no room on disk or GPU; the checkpoints are kept.
        BusyError: another process is at it.
    """
    checkpoints = CheckpointFolder(folder, sha256_text(system_xml))
    with checkpoints.locked():
        system = openmm.XmlSerializer.deserialize(system_xml)
        while True:
            saved = checkpoints.load()
            driver = Driver(system, plan, checkpoints)
            try:
                if saved is None:
                    driver.begin(start)
                else:
                    driver.resume(saved)
                _through(driver, watch)
            except UnstableError:
                last = checkpoints.load()
                if last is None or last.progress.n_unstable >= _MAX_UNSTABLE:
                    return _outcome(driver, last, start, stable=False)
                _halve(checkpoints, last)
                continue
            return _outcome(driver, checkpoints.load(), start, stable=True)


def _through(driver: Driver, watch: Callable[[Progress], None]) -> None:
    plan = driver.plan
    order = list(Segment)

    def reached(segment: Segment) -> bool:
        return order.index(driver.progress.segment) >= order.index(segment)

    if not reached(Segment.MELTED):
        driver.run(plan.melt_frames, record=False, hard_frames=(plan.melt_frames + 1) // 2)
        driver.advance(Segment.MELTED)
        watch(driver.progress)
    if not reached(Segment.EQUILIBRATED):
        driver.run(plan.equilibrate_frames, record=False)
        driver.advance(Segment.EQUILIBRATED)
        watch(driver.progress)
    if not reached(Segment.PRODUCING):
        driver.advance(Segment.PRODUCING)
    if not reached(Segment.DONE):
        driver.run(plan.produce_frames, record=True)
        driver.progress = replace(driver.progress, segment=Segment.DONE)
        driver.save()
        watch(driver.progress)


def _halve(checkpoints: CheckpointFolder, last: Checkpoint) -> None:
    """The last good state again, as a checkpoint of its own with half the time step."""
    progress = replace(
        last.progress, timestep_fs=last.progress.timestep_fs / 2, n_unstable=last.progress.n_unstable + 1
    )
    # An empty checkpoint of the platform cannot be loaded, so the State is: with new random numbers.
    checkpoints.save(progress, b"", last.state_xml)


def _outcome(driver: Driver, last: Checkpoint | None, start: Start, *, stable: bool) -> PointOutcome:
    progress = last.progress if last else driver.progress
    return PointOutcome(
        stable=stable,
        progress=progress,
        state_xml=last.state_xml if last else start.state_xml or "",
        trajectory=driver.frames.trajectory,
        thermo=driver.frames.thermo,
    )
