"""Checkpoints of one point: written whole or not at all, checked on load, the last two kept.

A checkpoint is three files: OpenMM's own (exact, of one platform and version), the State as XML (for any platform)
and a manifest with the hashes of both, which is renamed into place last. So whatever a kill leaves behind, the newest
manifest names files that are complete.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ildb.hashing import sha256_file
from ildb.md.failures import BusyError, CheckpointError, SimulationError

_KEPT = 2


class Segment(StrEnum):
    """How far a point is; the last that was reached."""

    PACKED = "packed"
    MINIMISED = "minimised"
    MELTED = "melted"
    EQUILIBRATED = "equilibrated"
    PRODUCING = "producing"
    DONE = "done"


@dataclass(frozen=True)
class Progress:
    """Where a point stands.

    Attributes:
        segment: the last reached.
        frames: done of the segment under way.
        trajectory_bytes: length of the trajectory, which is cut to it on resume.
        thermo_bytes: likewise, of the thermodynamic records.
        timestep_fs: halved after an instability.
        n_unstable: instabilities so far.
        n_resumed: how often the point was taken up again.
        md_s: seconds spent in the integrator.
        platform: which OpenMM platform wrote it.
        openmm: its version.
    """

    segment: Segment = Segment.PACKED
    frames: int = 0
    trajectory_bytes: int = 0
    thermo_bytes: int = 0
    timestep_fs: float = 0.0
    n_unstable: int = 0
    n_resumed: int = 0
    md_s: float = 0.0
    platform: str = ""
    openmm: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A progress with the files that belong to it."""

    progress: Progress
    number: int
    binary: bytes | None
    state_xml: str


class CheckpointFolder:
    """The checkpoints of one point."""

    def __init__(self, folder: Path, system_sha256: str) -> None:
        """Use a folder, made where it is missing, for one System (hash of its XML)."""
        self.folder, self.system_sha256 = folder, system_sha256
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self, *, wait_s: float = 30.0) -> Iterator[None]:
        """Keep other processes out; the lock ends with the process, however that ends.

        Raises:
            BusyError: another process holds it for longer than ``wait_s``.
        """
        with (self.folder / "lock").open("w") as handle:
            until = time.monotonic() + wait_s
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise BusyError(f"another process works in {self.folder}") from None
                    time.sleep(0.2)
            yield

    def save(self, progress: Progress, binary: bytes, state_xml: str) -> None:
        """Write a checkpoint; the one before the last is removed.

        Raises:
            SimulationError: the disk is full or not writable; what was there before is still there.
        """
        number = max(self._numbers(), default=0) + 1
        files = {f"{number}.chk": binary, f"{number}.xml": state_xml.encode()}
        try:
            for name, content in files.items():
                write_whole(self.folder / name, content)
            manifest = {
                **asdict(progress),
                "system_sha256": self.system_sha256,
                "files": {name: sha256_file(self.folder / name) for name in files},
            }
            write_whole(self.folder / f"{number}.json", json.dumps(manifest).encode())
        except OSError as error:
            for name in files:
                with suppress(OSError):
                    (self.folder / name).unlink()
            raise SimulationError(
                f"Cannot write a checkpoint to {self.folder}: {error.strerror}.",
                "Free some space, then resume the run: it goes on from the checkpoint before.",
            ) from error
        for old in sorted(self._numbers())[:-_KEPT]:
            for suffix in ("json", "chk", "xml"):  # the manifest first, so that it never names what is gone
                (self.folder / f"{old}.{suffix}").unlink(missing_ok=True)

    def load(self) -> Checkpoint | None:
        """The newest checkpoint that is whole; None where there is none yet.

        Raises:
            CheckpointError: they are of another system, or all are damaged.
        """
        numbers = sorted(self._numbers(), reverse=True)
        damage: list[str] = []
        for number in numbers:
            try:
                return self._read(number)
            except (OSError, ValueError, KeyError, TypeError) as error:
                damage.append(f"{number}: {error}")
        if not numbers:
            return None
        raise CheckpointError(
            f"No checkpoint in {self.folder} can be read ({'; '.join(damage)}).",
            "Restore the folder, or remove it to start this point anew, then resume the run.",
        )

    def _read(self, number: int) -> Checkpoint:
        manifest = json.loads((self.folder / f"{number}.json").read_text(encoding="utf-8"))
        files, system = manifest.pop("files"), manifest.pop("system_sha256")
        if system != self.system_sha256:
            raise CheckpointError(
                f"The checkpoints in {self.folder} are of another system.",
                "Remove the folder to start this point anew, then resume the run.",
            )
        progress = Progress(**{**manifest, "segment": Segment(manifest["segment"])})
        state, binary = self.folder / f"{number}.xml", self.folder / f"{number}.chk"
        if sha256_file(state) != files[state.name]:
            raise ValueError(f"{state.name} is damaged")
        # The State is enough to go on where only the platform's own file is damaged.
        whole = binary.is_file() and sha256_file(binary) == files[binary.name]
        return Checkpoint(progress, number, binary.read_bytes() if whole else None, state.read_text(encoding="utf-8"))

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdigit()]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, make it durable, rename it into place."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_progress(folder: Path) -> Progress | None:
    """How far a point is, for those who only watch; None where nothing can be read."""
    newest = max((int(p.stem) for p in folder.glob("*.json") if p.stem.isdigit()), default=None)
    if newest is None:
        return None
    try:
        manifest = json.loads((folder / f"{newest}.json").read_text(encoding="utf-8"))
        kept = {name: manifest[name] for name in Progress.__dataclass_fields__}
        return Progress(**{**kept, "segment": Segment(kept["segment"])})
    except (OSError, ValueError, KeyError):
        return None
