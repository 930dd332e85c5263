"""``ildb archive``: the whole database in one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ildb.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ildb.archive.create import Progress
    from ildb.archive.manifest import Manifest

app = typer.Typer(help="The whole database in one file, and back.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to make.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file at that place.")] = False,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave out files of runs that are missing or damaged.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Every table and every file that runs made, from one state of the database."""
    from ildb.archive.create import check_target, create_archive
    from ildb.config import get_settings
    from ildb.db import engine
    from ildb.pipeline.artifacts import ArtifactStore

    check_target(file, force=force)
    store = ArtifactStore(get_settings().artifacts_dir)
    with _disposing(engine.open_engine()) as database, _progress() as progress:
        manifest = create_archive(database, file, store, progress, force=force, skip_missing=skip_missing)
    if as_json:
        print_json({"path": str(file), "n_bytes": file.stat().st_size, **manifest.model_dump(mode="json")})
        return
    _print(manifest)
    for sha256 in manifest.missing_artifacts:
        typer.echo(f"Left out, because it is missing or damaged: {sha256}")
    typer.echo(f"Written to {file} ({file.stat().st_size / 1e6:.1f} MB), schema revision {manifest.revision}.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to read.")],
    as_json: JsonOption = False,
) -> None:
    """Restore an archive into an empty database; all of it, verified, or nothing."""
    from ildb.archive.restore import restore_archive
    from ildb.config import get_settings
    from ildb.db import engine
    from ildb.pipeline.artifacts import ArtifactStore

    url = engine.database_url()
    store = ArtifactStore(get_settings().artifacts_dir)
    with _disposing(engine.create(url)) as database, _progress() as progress:
        with engine.reaching(url), database.connect():
            pass
        restored = restore_archive(database, file, store, progress)
    manifest = restored.manifest
    if as_json:
        print_json(
            {
                "path": str(file), "archived_revision": manifest.revision, "revision": restored.revision,
                "counts": {table.name: table.n_rows for table in manifest.tables},
                "checksums": {table.name: table.content_sha256 for table in manifest.tables},
                "n_structures": restored.n_structures, "n_artifacts": len(manifest.artifacts),
            }
        )  # fmt: skip
        return
    _print(manifest)
    if restored.revision != manifest.revision:
        typer.echo(f"Upgraded from schema revision {manifest.revision} to {restored.revision}.")
    typer.echo(f"Restored from {file} and verified; {restored.n_structures} searchable structures made anew.")


def _print(manifest: Manifest) -> None:
    for table in manifest.tables:
        typer.echo(f"{table.name:<24}{table.n_rows:>12,}")
    typer.echo(f"{'files of runs':<24}{len(manifest.artifacts):>12,}")


@contextmanager
def _disposing(database: Engine) -> Iterator[Engine]:
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with ETA for each table on a terminal, nothing elsewhere: the result says all that a log needs."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    with Bars(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield progress
