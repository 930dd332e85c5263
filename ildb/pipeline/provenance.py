"""What made a result: code, packages, machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ildb import __version__

_PACKAGES = (
    "rdkit", "numpy", "scipy", "scikit-learn", "torch", "torch-geometric", "xgboost-cpu", "sqlalchemy",
    "psycopg", "pyarrow",
)  # fmt: skip


@cache
def git_commit() -> str | None:
    """Commit of the checkout ildb runs from, with ``+changes`` if it was edited; None for an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


@cache
def versions() -> dict[str, Any]:
    """Versions of ildb, Python and the packages that decide numbers."""
    found: dict[str, Any] = {"ildb": __version__, "python": platform.python_version()}
    return found | {package: package_version(package) for package in _PACKAGES}


@cache
def package_version(package: str) -> str | None:
    """Installed version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def release(package: str) -> str | None:
    """Version of a package without its build tag: PyTorch for CUDA and for CPU are the same release."""
    found = package_version(package)
    return None if found is None else found.partition("+")[0]


@cache
def host() -> str:
    """Name and kind of this machine."""
    return f"{platform.node()} ({platform.system()} {platform.machine()})"
