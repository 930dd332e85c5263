"""An OpenMM Context with its checkpoints and frames: steps through the segments of a point, one frame at a time.

Langevin dynamics (middle scheme, 1/ps) at constant pressure (Monte Carlo barostat). The friction slows diffusion by
about 2 % at 500 K, less when colder.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import openmm
from openmm import unit

from ildb.hashing import sha256_text
from ildb.md.checkpoint import Checkpoint, CheckpointFolder, Progress, Segment
from ildb.md.failures import UnstableError
from ildb.md.platforms import make_context, raise_if_out_of_memory
from ildb.md.trajectory import FrameWriter

_FRICTION_PER_PS = 1.0
_PRESS_BAR = 500.0
_BAROSTAT_STEPS = 25
_GENTLE_FS, _GENTLE_STEPS = 1.0, 500


@dataclass(frozen=True)
class PointPlan:
    """What to simulate at one temperature.

    Attributes:
        temperature_k: of thermostat and barostat.
        pressure_bar: of the barostat.
        seed: of velocities, noise and volume moves.
        timestep_fs: integration step.
        melt_frames: of the packed box at high, then at the wanted pressure; 0 where an earlier state is the start.
        equilibrate_frames: before anything counts.
        produce_frames: of the trajectory.
        frame_ps: time of a frame.
        checkpoint_frames: between checkpoints.
        threads: of the CPU platform.
        platform: its name; None for the best.
    """

    temperature_k: float
    pressure_bar: float
    seed: int
    timestep_fs: float
    melt_frames: int
    equilibrate_frames: int
    produce_frames: int
    frame_ps: float
    checkpoint_frames: int
    threads: int = 1
    platform: str | None = None


@dataclass(frozen=True)
class Start:
    """Where a point begins: a packed box with its length, or the State in which another ended."""

    positions_nm: npt.NDArray[np.float64] | None = None
    box_nm: float | None = None
    state_xml: str | None = None


class Driver:
    """A Context with its files."""

    def __init__(self, system: openmm.System, plan: PointPlan, folder: CheckpointFolder) -> None:
        self.plan, self.folder = plan, folder
        self.integrator = openmm.LangevinMiddleIntegrator(
            plan.temperature_k * unit.kelvin, _FRICTION_PER_PS / unit.picosecond, plan.timestep_fs * unit.femtosecond
        )
        barostat = openmm.MonteCarloBarostat(
            plan.pressure_bar * unit.bar, plan.temperature_k * unit.kelvin, _BAROSTAT_STEPS
        )
        self.integrator.setRandomNumberSeed(_seed(plan, "noise"))
        barostat.setRandomNumberSeed(_seed(plan, "volume"))
        whole = openmm.XmlSerializer.clone(system)
        whole.addForce(barostat)
        self.context = make_context(whole, self.integrator, threads=plan.threads, wanted=plan.platform)
        self.platform = self.context.getPlatform().getName()
        self.frames = FrameWriter(folder.folder, system.getNumParticles(), plan.frame_ps)
        self.progress = Progress(
            timestep_fs=plan.timestep_fs, platform=self.platform, openmm=openmm.Platform.getOpenMMVersion()
        )

    def begin(self, start: Start) -> None:
        """Positions and velocities where there is no checkpoint."""
        if start.state_xml is not None:
            state = openmm.XmlSerializer.deserialize(start.state_xml)
            self.context.setPeriodicBoxVectors(*state.getPeriodicBoxVectors())
            self.context.setPositions(state.getPositions())
            self.context.setVelocities(state.getVelocities())
            self.advance(Segment.MELTED)
            return
        if start.box_nm is not None:
            self.context.setPeriodicBoxVectors(*(np.eye(3) * start.box_nm))
        self.context.setPositions(start.positions_nm)
        openmm.LocalEnergyMinimizer.minimize(self.context, 10.0, 1000)
        self.context.setVelocitiesToTemperature(self.plan.temperature_k * unit.kelvin, _seed(self.plan, "velocities"))
        # Contacts that the minimiser left tight push ions apart faster than a long step can follow.
        self.integrator.setStepSize(_GENTLE_FS * unit.femtosecond)
        self._step(_GENTLE_STEPS)
        self.integrator.setStepSize(self.plan.timestep_fs * unit.femtosecond)
        self.advance(Segment.MINIMISED)

    def resume(self, saved: Checkpoint) -> None:
        """Go on from a checkpoint: exactly on the same platform and version, else from its State."""
        self.progress = saved.progress
        exact = (saved.progress.platform, saved.progress.openmm) == (
            self.platform,
            openmm.Platform.getOpenMMVersion(),
        )
        loaded = False
        if exact and saved.binary is not None:
            try:
                self.context.loadCheckpoint(saved.binary)
                loaded = True
            except openmm.OpenMMException:
                loaded = False  # of another build, say: the State is as good but for the random numbers
        if not loaded:
            state = openmm.XmlSerializer.deserialize(saved.state_xml)
            self.context.setPeriodicBoxVectors(*state.getPeriodicBoxVectors())
            self.context.setPositions(state.getPositions())
            self.context.setVelocities(state.getVelocities())
        # A checkpoint holds the barostat's settings of its time, also of the segment that has just ended.
        self._press(hard=False)
        self.integrator.setStepSize(saved.progress.timestep_fs * unit.femtosecond)
        self.frames.cut(saved.progress.trajectory_bytes, saved.progress.thermo_bytes)
        self.progress = replace(
            self.progress,
            n_resumed=self.progress.n_resumed + 1,
            platform=self.platform,
            openmm=openmm.Platform.getOpenMMVersion(),
        )

    def advance(self, segment: Segment) -> None:
        """A segment is reached."""
        self.progress = replace(self.progress, segment=segment, frames=0)
        self.save()

    def save(self) -> None:
        """Write a checkpoint."""
        trajectory_bytes, thermo_bytes = self.frames.sizes()
        self.progress = replace(self.progress, trajectory_bytes=trajectory_bytes, thermo_bytes=thermo_bytes)
        self.folder.save(self.progress, self.context.createCheckpoint(), self.state_xml())

    def state_xml(self) -> str:
        """Positions, velocities and box, for any platform."""
        state = self.context.getState(positions=True, velocities=True, enforcePeriodicBox=False)
        return str(openmm.XmlSerializer.serialize(state))

    def run(self, n_frames: int, *, record: bool, hard_frames: int = 0) -> None:
        """Do the frames of a segment that are left.

        Args:
            n_frames: of the whole segment.
            record: write them.
            hard_frames: how many at the start are pressed harder.

        Raises:
            UnstableError: something is no number any more.
        """
        while self.progress.frames < n_frames:
            if hard_frames:
                self._press(hard=self.progress.frames < hard_frames)
            self.frame(n_frames, record=record)

    def frame(self, n_frames: int, *, record: bool) -> None:
        """One frame of a segment of so many, with a checkpoint where one is due.

        Raises:
            UnstableError: something is no number any more.
        """
        plan, done = self.plan, self.progress.frames + 1
        begin = time.perf_counter()
        self._step(max(1, round(plan.frame_ps * 1000 / self.progress.timestep_fs)))
        spent_s = time.perf_counter() - begin
        is_due = done % plan.checkpoint_frames == 0 or done == n_frames
        if record:
            state = self.context.getState(positions=True, energy=True, enforcePeriodicBox=False)
            _check(state)
            self.frames.add(state, done * plan.frame_ps)
        elif is_due:
            _check(self.context.getState(energy=True))
        self.progress = replace(self.progress, frames=done, md_s=self.progress.md_s + spent_s)
        if is_due and done < n_frames:  # the end is saved as the next segment's beginning
            self.save()

    def _step(self, steps: int) -> None:
        try:
            self.integrator.step(steps)
        except openmm.OpenMMException as error:
            raise_if_out_of_memory(error, self.platform)
            # "Particle coordinate is NaN"; a cutoff longer than half the box is what a collapsing box ends in.
            if "nan" in str(error).lower() or "periodic box size" in str(error).lower():
                raise UnstableError(str(error)) from error
            raise

    def _press(self, *, hard: bool) -> None:
        bar = _PRESS_BAR if hard else self.plan.pressure_bar
        self.context.setParameter(openmm.MonteCarloBarostat.Pressure(), bar)
        self.context.setParameter(openmm.MonteCarloBarostat.Temperature(), self.plan.temperature_k)


def _check(state: openmm.State) -> None:
    energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
    if not np.isfinite(energy):
        raise UnstableError(f"potential energy is {energy}")


def _seed(plan: PointPlan, what: str) -> int:
    """A seed of its own for everything random in a point; zero would mean a random one."""
    return int(sha256_text(f"{plan.seed} {plan.temperature_k} {what}")[:7], 16) + 1
