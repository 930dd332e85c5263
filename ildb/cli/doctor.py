"""``ildb doctor``: is everything here, does it fit together, and what to do where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from ildb.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from ildb.db.health import Finding

PACKAGES = (
    "rdkit", "torch", "torch-geometric", "scikit-learn", "numpy", "sqlalchemy", "alembic", "psycopg", "pyarrow",
    "adbc-driver-postgresql", "duckdb", "pydantic", "ilthermopy",
)  # fmt: skip
_LITTLE_SPACE_GB = 5.0
_NO_SPACE_GB = 0.5
_COLOURS = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}


def doctor(as_json: JsonOption = False) -> None:
    """Look at versions, disk, GPU, database, cartridge, rows and files; say what to do where something is wrong.

    The exit status is 0 unless a line says "fail".
    """
    found = []
    for finding in diagnose():
        found.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json([{"name": f.name, "status": f.status, "message": f.message, "advice": f.advice} for f in found])
    failures = [finding for finding in found if finding.status == "fail"]
    if failures:
        raise typer.Exit(failures[0].exit_code)


def diagnose() -> Iterator[Finding]:
    """All findings, in the order of dependence; no error escapes."""
    from ildb.config import get_settings
    from ildb.db import health
    from ildb.pipeline.artifacts import ArtifactStore

    settings = get_settings()
    yield from health.guarded("versions", versions)
    yield from health.guarded("home", home)
    yield from health.guarded("gpu", gpu)
    store = ArtifactStore(settings.artifacts_dir)
    yield from health.guarded("database", lambda: health.database(store, settings.statement_timeout_s))


def _print(finding: Finding) -> None:
    typer.secho(f"{finding.status:<5}", fg=_COLOURS[finding.status], nl=False)
    typer.echo(f"{finding.name}: {finding.message}")
    if finding.advice:
        typer.echo(f"     -> {finding.advice}")


def versions() -> Iterator[Finding]:
    """ildb, Python and the packages that matter."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from ildb import __version__
    from ildb.db.health import Finding

    yield Finding("ildb", "ok", __version__)
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        try:
            yield Finding(package, "ok", version(package))
        except PackageNotFoundError:
            yield Finding(package, "fail", "not installed", "Install ildb again: pip install --force-reinstall ildb")


def home() -> Iterator[Finding]:
    """Whether ILDB_HOME can be written to and has room."""
    import os
    import shutil

    from ildb.config import get_settings
    from ildb.db.health import Finding

    folder = get_settings().home_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Finding("home", "fail", f"{folder} cannot be written to", "Set ILDB_HOME to a folder of your own.", 3)
        return
    free_gb = shutil.disk_usage(existing).free / 1e9
    message = f"{folder}{'' if existing == folder else ' (not made yet)'}, {free_gb:.1f} GB free"
    if free_gb < _LITTLE_SPACE_GB:
        status = "warn" if free_gb > _NO_SPACE_GB else "fail"
        yield Finding("home", status, message, "Free some space, or set ILDB_HOME to a larger disk.")  # type: ignore[arg-type]
    else:
        yield Finding("home", "ok", message)


def gpu() -> Iterator[Finding]:
    """What PyTorch can compute on; a GPU is never needed."""
    import torch

    from ildb.db.health import Finding

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        yield Finding("gpu", "ok", names)
    else:
        yield Finding("gpu", "ok", f"none; {torch.get_num_threads()} CPU threads")
