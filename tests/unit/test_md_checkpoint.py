"""Checkpoints that survive whatever happens between two of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ildb.md.checkpoint import CheckpointFolder, Progress, Segment, read_progress
from ildb.md.failures import BusyError, CheckpointError

SYSTEM = "a" * 64
PRODUCING = Progress(segment=Segment.PRODUCING, frames=3, trajectory_bytes=10, timestep_fs=4.0, platform="CPU")


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    """Three checkpoints have been written, so two are there."""
    made = CheckpointFolder(tmp_path, SYSTEM)
    for frames in (1, 2, 3):
        made.save(replace(PRODUCING, frames=frames), f"binary {frames}".encode(), f"<State frames='{frames}'/>")
    return made


def test_the_last_two_are_kept_and_the_newest_is_read(folder: CheckpointFolder) -> None:
    assert sorted(p.name for p in folder.folder.iterdir()) == [
        "2.chk", "2.json", "2.xml", "3.chk", "3.json", "3.xml",
    ]  # fmt: skip
    found = folder.load()
    assert found is not None
    assert (found.progress, found.binary) == (PRODUCING, b"binary 3")
    assert read_progress(folder.folder) == PRODUCING


def test_nothing_yet(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "new", SYSTEM).load() is None
    assert read_progress(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["3.json", "3.xml"])
@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_damaged_one_falls_back_to_the_one_before(folder: CheckpointFolder, name: str, damage: str) -> None:
    path = folder.folder / name
    path.write_bytes(path.read_bytes()[:5] if damage == "cut" else b"{}" + path.read_bytes())
    found = folder.load()
    assert found is not None
    assert found.progress.frames == 2


def test_a_damaged_platform_file_leaves_the_state(folder: CheckpointFolder) -> None:
    (folder.folder / "3.chk").write_bytes(b"rubbish")
    found = folder.load()
    assert found is not None
    assert (found.progress.frames, found.binary, found.state_xml) == (3, None, "<State frames='3'/>")


def test_all_damaged_is_an_error_that_says_what_to_do(folder: CheckpointFolder) -> None:
    for path in folder.folder.glob("*.xml"):
        path.write_text("rubbish")
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* can be read .*remove it to start this point anew"):
        folder.load()


def test_of_another_system_with_as_many_particles_is_refused(folder: CheckpointFolder) -> None:
    with pytest.raises(CheckpointError, match="of another system"):
        CheckpointFolder(folder.folder, "b" * 64).load()


def test_leavings_of_a_kill_in_the_middle_of_writing_are_not_read(folder: CheckpointFolder) -> None:
    (folder.folder / "4.chk").write_bytes(b"whole")
    (folder.folder / ".4.xml.part").write_bytes(b"ha")
    found = folder.load()
    assert found is not None
    assert found.number == 3
    folder.save(replace(PRODUCING, frames=4), b"binary 4", "<State frames='4'/>")
    again = folder.load()
    assert again is not None
    assert (again.number, again.binary) == (4, b"binary 4")


def test_two_processes_never_work_in_one_folder(folder: CheckpointFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from ildb.md.checkpoint import CheckpointFolder\n"
        "with CheckpointFolder(Path(sys.argv[1]), 'a' * 64).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError), folder.locked(wait_s=0.1):
            pass
        other.kill()  # with -9: the lock goes with the process
    with folder.locked(wait_s=5):
        pass
