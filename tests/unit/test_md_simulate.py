"""A point of a ladder goes on from wherever it was stopped, and ends with exactly its frames."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import openmm
import pytest

from ildb.hashing import sha256_text
from ildb.md.box import read_frames
from ildb.md.checkpoint import CheckpointFolder, Segment, read_progress
from ildb.md.driver import Start
from ildb.md.failures import CheckpointError, SimulationError
from ildb.md.platforms import make_context, raise_if_out_of_memory
from ildb.md.point_analysis import analyse
from ildb.md.simulate import simulate
from ildb.md.trajectory import FrameWriter, read_thermo
from tests.unit.md_toy import BOX, N_PAIRS, plan, toy_system

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def toy() -> tuple[str, Start]:
    return toy_system()


def process(folder: Path, frames: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.unit.run_md_toy", str(folder), str(frames)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def times_ps(folder: Path) -> list[float]:
    return [round(float(t), 6) for t in read_thermo(folder / "thermo.f64")[:, 0]]


@pytest.fixture(scope="module")
def whole(toy: tuple[str, Start], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A point that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    outcome = simulate(*toy, plan(), folder)
    assert outcome.stable
    assert outcome.progress.segment is Segment.DONE
    return folder


def test_every_frame_is_there_once(whole: Path) -> None:
    assert times_ps(whole) == [round(0.1 * i, 6) for i in range(1, 25)]
    assert sum(1 for _ in read_frames(whole / "trajectory.xtc")) == 24


def test_molecules_stay_whole_and_the_box_is_that_of_the_frame(whole: Path) -> None:
    volumes = read_thermo(whole / "thermo.f64")[:, 3]
    for frame, volume in zip(read_frames(whole / "trajectory.xtc"), volumes, strict=True):
        assert frame.box_nm.prod() == pytest.approx(volume, rel=1e-3)
        bonds = frame.positions_nm[BOX.atoms_of(0)]
        np.testing.assert_allclose(np.linalg.norm(bonds[:, 1] - bonds[:, 0], axis=1), 0.1, atol=0.003)


def test_analysis_of_it(whole: Path) -> None:
    figures = analyse(
        BOX, whole / "trajectory.xtc", whole / "thermo.f64", frame_ps=0.1, pressure_bar=1.0, n_units=N_PAIRS
    )
    assert 0.1 < figures.density_g_cm3 < 2
    assert figures.d_anion_m2_s > 1e-9  # a molten salt at 1,200 K
    assert 0.2 < figures.rdf_peak_nm < 0.6
    assert all(np.isfinite(value) for name, value in figures.columns().items() if name != "d_cation_infinite_m2_s")


def test_done_is_done(whole: Path, toy: tuple[str, Start]) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in whole.iterdir() if path.name != "lock"}
    outcome = simulate(*toy, plan(), whole)
    assert outcome.progress.segment is Segment.DONE
    assert {path.name: path.stat().st_mtime_ns for path in whole.iterdir() if path.name != "lock"} == before


def test_kill_9_loses_no_frame_and_doubles_none(tmp_path: Path) -> None:
    """Killed three times, at moments that need not be those of a checkpoint."""
    n_frames = 400
    for pause_s in (0.0, 0.15, 0.05):
        with process(tmp_path, n_frames) as run:
            before = read_progress(tmp_path)
            deadline = time.monotonic() + 60
            while (now := read_progress(tmp_path)) is None or now == before or now.segment is not Segment.PRODUCING:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(pause_s)
            run.send_signal(signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL
    with process(tmp_path, n_frames) as last:
        out, _ = last.communicate(timeout=120)
    assert last.returncode == 0, out
    assert int(out.split()[-1]) >= 1
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, n_frames + 1)]
    assert sum(1 for _ in read_frames(tmp_path / "trajectory.xtc")) == n_frames


def stopped_in_the_middle(toy: tuple[str, Start], folder: Path, at: int = 8) -> None:
    """As if killed at a frame: stop the driver from outside after a checkpoint."""

    class Stop(Exception):
        pass

    original = CheckpointFolder.save

    def save(self: CheckpointFolder, progress: object, binary: bytes, state_xml: str) -> None:
        original(self, progress, binary, state_xml)  # type: ignore[arg-type]
        if progress.segment is Segment.PRODUCING and progress.frames == at:  # type: ignore[attr-defined]
            raise Stop

    CheckpointFolder.save = save  # type: ignore[method-assign,assignment]
    try:
        with pytest.raises(Stop):
            simulate(*toy, plan(), folder)
    finally:
        CheckpointFolder.save = original  # type: ignore[method-assign]


def test_frames_after_the_checkpoint_are_dropped(toy: tuple[str, Start], tmp_path: Path) -> None:
    stopped_in_the_middle(toy, tmp_path)
    n_bytes = (tmp_path / "trajectory.xtc").stat().st_size
    for name in ("trajectory.xtc", "thermo.f64"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"half a frame that nobody finished")
    outcome = simulate(*toy, plan(), tmp_path)
    assert outcome.progress.n_resumed == 1
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, 25)]
    assert sum(1 for _ in read_frames(outcome.trajectory)) == 24
    assert outcome.trajectory.stat().st_size > n_bytes


def test_another_platform_goes_on(toy: tuple[str, Start], tmp_path: Path) -> None:
    stopped_in_the_middle(toy, tmp_path)
    outcome = simulate(*toy, plan(platform="Reference", produce_frames=10), tmp_path)
    assert (outcome.stable, outcome.progress.platform) == (True, "Reference")
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, 11)]


def test_a_damaged_checkpoint_costs_the_time_since_the_one_before(toy: tuple[str, Start], tmp_path: Path) -> None:
    stopped_in_the_middle(toy, tmp_path)
    newest = max(tmp_path.glob("*.xml"), key=lambda path: int(path.stem))
    newest.write_bytes(newest.read_bytes()[:1000])
    assert simulate(*toy, plan(), tmp_path).stable
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, 25)]


def test_missing_frames_are_noticed(toy: tuple[str, Start], tmp_path: Path) -> None:
    stopped_in_the_middle(toy, tmp_path)
    (tmp_path / "trajectory.xtc").unlink()
    with pytest.raises(SimulationError, match=r"lacks .* bytes"):
        simulate(*toy, plan(), tmp_path)


def test_checkpoints_of_another_system_are_refused(toy: tuple[str, Start], tmp_path: Path) -> None:
    stopped_in_the_middle(toy, tmp_path)
    system = openmm.XmlSerializer.deserialize(toy[0])
    system.setParticleMass(0, 41.0)  # as many particles: OpenMM itself would load the checkpoint
    with pytest.raises(CheckpointError, match="another system"):
        simulate(openmm.XmlSerializer.serialize(system), toy[1], plan(), tmp_path)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """The size of files is limited to a few frames; without the limit it goes on."""
    with process(tmp_path, 200, ILDB_TEST_FSIZE="60000") as starved:
        out, _ = starved.communicate(timeout=120)
    assert starved.returncode == 6, out
    assert "SimulationError: Cannot write" in out
    assert "resume the run" in out
    kept = read_progress(tmp_path)
    assert kept is not None
    assert kept.segment is Segment.PRODUCING
    with process(tmp_path, 200) as fed:
        out, _ = fed.communicate(timeout=120)
    assert fed.returncode == 0, out
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, 201)]


def test_an_explosion_is_tried_again_with_half_the_step_and_then_recorded(
    toy: tuple[str, Start], whole: Path, tmp_path: Path
) -> None:
    """Masses of a millionth: 4 fs are far too long for them, and so are 2."""
    system = openmm.XmlSerializer.deserialize(toy[0])
    for i in range(system.getNumParticles()):
        system.setParticleMass(i, system.getParticleMass(i) / 1e6)
    before = CheckpointFolder(whole, sha256_text(toy[0])).load()
    assert before is not None
    light = openmm.XmlSerializer.serialize(system)
    outcome = simulate(light, Start(state_xml=before.state_xml), plan(melt_frames=0), tmp_path)
    assert not outcome.stable
    assert (outcome.progress.n_unstable, outcome.progress.timestep_fs) == (1, 2.0)
    assert outcome.state_xml.startswith("<?xml")


def test_a_box_that_explodes_at_once_is_recorded_too(toy: tuple[str, Start], tmp_path: Path) -> None:
    system = openmm.XmlSerializer.deserialize(toy[0])
    for i in range(system.getNumParticles()):
        system.setParticleMass(i, system.getParticleMass(i) / 1e6)
    outcome = simulate(openmm.XmlSerializer.serialize(system), toy[1], plan(), tmp_path)
    assert (outcome.stable, outcome.state_xml) == (False, "")


def test_a_point_may_end_well_with_half_the_step(toy: tuple[str, Start], tmp_path: Path) -> None:
    """A checkpoint after an instability says so; the frames are as many, of twice the steps."""
    stopped_in_the_middle(toy, tmp_path)
    folder = CheckpointFolder(tmp_path, sha256_text(toy[0]))
    last = folder.load()
    assert last is not None
    folder.save(replace(last.progress, timestep_fs=2.0, n_unstable=1), b"", last.state_xml)
    outcome = simulate(*toy, plan(), tmp_path)
    assert (outcome.stable, outcome.progress.n_unstable, outcome.progress.timestep_fs) == (True, 1, 2.0)
    assert times_ps(tmp_path) == [round(0.1 * i, 6) for i in range(1, 25)]


@pytest.mark.parametrize(
    "words",
    [
        "Error creating array savedForces: CUDA_ERROR_OUT_OF_MEMORY (2)",
        "clCreateBuffer: CL_MEM_OBJECT_ALLOCATION_FAILURE",
    ],
)
def test_a_gpu_without_memory_is_named(words: str) -> None:
    with pytest.raises(SimulationError, match=r"no memory left.*fewer ladders.*resume"):
        raise_if_out_of_memory(openmm.OpenMMException(words), "CUDA")
    raise_if_out_of_memory(openmm.OpenMMException("Illegal value"), "CUDA")
    raise_if_out_of_memory(openmm.OpenMMException(words), "CPU")


def test_a_platform_that_is_not_there() -> None:
    system = openmm.System()
    system.addParticle(1.0)
    with pytest.raises(SimulationError, match="Metal: not installed"):
        make_context(system, openmm.VerletIntegrator(0.001), threads=1, wanted="Metal")


def test_a_writer_that_has_written_nothing_can_be_cut_to_nothing(tmp_path: Path) -> None:
    writer = FrameWriter(tmp_path, 3, 0.1)
    writer.cut(0, 0)
    assert writer.sizes() == (0, 0)
