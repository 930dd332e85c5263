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

app = typer.Typer(help="Write the database as Parquet or DuckDB.", no_args_is_help=True, rich_markup_mode=None)

OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="TABLES", help="Only these tables, separated by commas.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an earlier export.")]


@app.command()
def parquet(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    only: OnlyOption = None,
    partition: Annotated[
        bool, typer.Option("--partition", help="Large tables as folders TABLE/COLUMN=VALUE, by run, model or kind.")
    ] = False,
    since: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only rows inserted, changed or gone since this earlier export.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """One Parquet file for each table, a dictionary of the columns and a manifest, from one state of the database."""
    from ildb.export.parquet import check_directory, export_parquet

    check_directory(directory, force=force)
    url = _url()
    with _progress() as progress:
        result = export_parquet(url, directory, _tables(only), progress, force=force, partition=partition, since=since)
    _report(result, as_json=as_json)


@app.command()
def candidates(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to make: .parquet, .csv, .sdf or .smi.")],
    top: Annotated[int | None, typer.Option(min=1, help="At most so many, the best.")] = None,
    run_id: Annotated[int | None, typer.Option("--run", help="Only those that this run decided on last.")] = None,
    min_link: Annotated[float | None, typer.Option(min=0, max=1, help="Least link probability.")] = None,
    min_p373: Annotated[float | None, typer.Option(min=0, max=1, help="Least P(Tm < 373 K).")] = None,
    tm_below: Annotated[float | None, typer.Option(min=0, help="Predicted melting point below this, K.")] = None,
    in_domain: Annotated[
        bool | None, typer.Option("--in-domain/--out-of-domain", help="Whether the melting model has seen the like.")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="With those that did not pass.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Screened pairings, best first, for other tools."""
    from ildb.errors import InputError
    from ildb.export import candidates as exports
    from ildb.export.server import connect

    if file.exists() and not force:
        raise InputError(f"{file} exists.", "Give another path, or --force to replace it.")
    choice = exports.Choice(
        run_id=run_id,
        passed=None if refused else True,
        top=top,
        min_link_probability=min_link,
        min_p_below_373_k=min_p373,
        tm_below_k=tm_below,
        in_domain=in_domain,
    )
    with connect(_url(run_id)) as server, _progress() as progress:
        result = exports.export_candidates(server, choice, file, progress)
    if as_json:
        print_json({"path": str(file), "rows": result.n_rows, "left_out": result.left_out})
        return
    typer.echo(f"{result.n_rows:,} candidates written to {file}.")
    if result.left_out:
        typer.echo(f"{len(result.left_out)} of them left out: the format cannot hold them.", err=True)


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a Parquet export.")],
) -> None:
    """Compare the files of an export with its manifest: rows, bytes and sha256 (exit status 3 if they differ)."""
    from ildb.errors import InputError
    from ildb.export.manifest import verify_export

    if problems := verify_export(directory):
        raise InputError(f"{directory}: {'; '.join(problems[:5])}.", "Export again.")
    typer.echo(f"{directory} is as it was written.")


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


def _url(run_id: int | None = None) -> str:
    from ildb.cli import existing
    from ildb.db import engine
    from ildb.search.session import reading

    with reading() as connection:  # the errors that every command gives: unreachable, wrong revision
        existing.require(connection, run_id=run_id)
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
        gone = result.deleted.get(table, 0)
        typer.echo(f"{table:<24}{count:>12,}{f'   {gone:,} gone' if gone else ''}")
    if result.views:
        typer.echo(f"Views: {', '.join(result.views)}")
        typer.echo(f"For example: duckdb {result.path} 'FROM {result.views[0]} LIMIT 10'")
    typer.echo(f"Written to {result.path}.")
