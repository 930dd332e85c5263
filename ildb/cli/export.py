"""``ildb export``: the whole database for other tools."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ildb.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from ildb.export.result import ExportResult, Progress

app = typer.Typer(help="Write the database as Parquet or DuckDB.", no_args_is_help=True)

OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="TABLES", help="Only these tables, separated by commas.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]


@app.command()
def parquet(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    only: OnlyOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """One Parquet file for each table and a manifest.json, all from one state of the database."""
    from ildb.export.parquet import check_directory, export_parquet

    check_directory(directory, force=force)
    url = _url()
    with _progress() as progress:
        result = export_parquet(url, directory, _tables(only), progress, force=force)
    _report(result, as_json=as_json)


@app.command()
def duckdb(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to make.")],
    only: OnlyOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """One DuckDB file with every table, known_il, candidate, and views for common questions."""
    from ildb.export.duckdb import check_file, export_duckdb

    check_file(file, force=force)
    url = _url()
    with _progress() as progress:
        result = export_duckdb(url, file, _tables(only), progress, force=force)
    _report(result, as_json=as_json)


def _url() -> str:
    from ildb.db import engine
    from ildb.search.session import reading

    with reading():
        pass  # the errors that every command gives: unreachable, wrong revision
    return engine.libpq_url(engine.database_url())


def _tables(only: list[str] | None) -> list[str] | None:
    return None if only is None else [name.strip() for part in only for name in part.split(",") if name.strip()]


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with ETA on a terminal, nothing elsewhere: an export's result says all that a log needs."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def progress(table: str, done: int, total: int) -> None:
            task = tasks.setdefault(table, len(tasks))
            if task == len(bars.tasks):
                bars.add_task(table, total=total)
            bars.update(bars.tasks[task].id, completed=done)

        yield progress


def _report(result: ExportResult, *, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(result.path), **result.manifest()})
        return
    for table, count in result.counts.items():
        typer.echo(f"{table:<24}{count:>12,}")
    if result.views:
        typer.echo(f"Views: {', '.join(result.views)}")
        typer.echo(f"For example: duckdb {result.path} 'FROM {result.views[0]} LIMIT 10'")
    typer.echo(f"Written to {result.path}.")
