"""Programs of AmberTools and packmol as subprocesses with time limits, and packages of the extra ``md``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final

from ildb.md.trouble import ToolFailedError, ToolMissingError

_PROGRAMS: Final = ("antechamber", "parmchk2", "tleap", "packmol")
_PACKAGES: Final = ("MDAnalysis", "pyscf", "tblite", "tidynamics")


def missing() -> list[str]:
    """Programs and packages of the extra ``md`` that are not installed."""
    return [name for name in _PROGRAMS if _path(name) is None] + [name for name in _PACKAGES if find_spec(name) is None]


def find_tool(name: str) -> Path:
    """Path of a program: beside the running Python first, then on PATH.

    Raises:
        ToolMissingError: it is in neither place.
    """
    found = _path(name)
    if found is None:
        raise ToolMissingError(name)
    return Path(found)


def _path(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def need_package(name: str) -> ModuleType:
    """Import a package of the extra ``md``.

    Raises:
        ToolMissingError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ToolMissingError(name.partition(".")[0]) from error


def run_tool(
    name: str, arguments: Sequence[str], *, folder: Path, time_limit_s: float, stdin: str | None = None
) -> str:
    """Run a program in a folder on one thread; its output.

    Args:
        name: the program.
        arguments: its arguments.
        folder: where it runs and writes.
        time_limit_s: it and all it started are killed after it.
        stdin: text for its standard input.

    Raises:
        ToolMissingError: the program is not installed.
        ToolFailedError: it failed, or was stopped at its time limit.
    """
    # packmol rewinds its input, which a pipe does not allow.
    with tempfile.TemporaryFile("w+") as given:
        given.write(stdin or "")
        given.seek(0)
        # AmberTools' programs are shell scripts that start others, so the whole group must go at the time limit.
        process = subprocess.Popen(
            [str(find_tool(name)), *arguments],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    try:
        out, _ = process.communicate(timeout=time_limit_s)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise ToolFailedError(f"{name} was stopped after {time_limit_s:.0f} s.") from error
        raise
    if process.returncode != 0:
        last = " / ".join(line.strip() for line in out.splitlines() if line.strip() and set(line) - set("-# ="))
        raise ToolFailedError(f"{name} failed ({process.returncode}): ...{last[-300:]}")
    return out
