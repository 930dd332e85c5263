"""``ildb ingest``: bring sources into the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ildb.ingest.curate import IngestCount
    from ildb.ingest.mapping import TableMapping
    from ildb.ingest.record import PairRecord
    from ildb.ingest.source import SourceInfo

app = typer.Typer(
    help="Bring sources into the database; nothing read is lost.", no_args_is_help=True, rich_markup_mode=None
)

_LINES_AFTER_S = 5.0


DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]


@app.command()
def ilthermo(
    online: Annotated[bool, typer.Option("--online", help="Pull measurements from the ILThermo web site.")] = False,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property", metavar="PROPERTY", help="What to pull: viscosity, density, ... or ILThermo's own name."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Pull so many entries of a property at most.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a pull that broke off.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The ILThermo catalogue that ships with ilthermopy and measured melting points; or, online, any property."""
    from ildb.errors import InputError
    from ildb.ingest import ilthermo as reader
    from ildb.ingest.curate import ingest

    if not online and (properties or limit is not None or resume):
        raise InputError("--property, --limit and --resume say what to pull.", "Add --online.")
    counts: list[IngestCount] = []
    sources = (
        (reader.catalogue_source, reader.read_catalogue),
        (reader.melting_points_source, reader.read_melting_points),
    )
    with _database() as database:
        for source, records in () if online else sources:
            counts.append(ingest(database, source(), records()))
            if not as_json:
                _print(counts[-1])
        for name in dict.fromkeys(properties or ["melting_point"]) if online else ():
            counts.append(ingest(database, *_pull(name, limit, resume=resume)))
            if not as_json:
                _print(counts[-1])
    if as_json:
        print_json([_as_dict(count) for count in counts])


def _pull(name: str, limit: int | None, *, resume: bool) -> tuple[SourceInfo, Iterator[PairRecord]]:
    from ildb.ingest.ilthermo_online import read_online

    with _progress(f"ILThermo {name}") as progress:
        return read_online(
            [name], limit=limit, resume=resume, progress=lambda _, done, total: progress(done / max(total, 1))
        )


@app.command()
def table(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, XLSX or Parquet file.")],
    smiles: Annotated[str | None, typer.Option(metavar="COL", help="Column with the SMILES of whole salts.")] = None,
    cation: Annotated[str | None, typer.Option(metavar="COL", help="Column with the cation's SMILES.")] = None,
    anion: Annotated[str | None, typer.Option(metavar="COL", help="Column with the anion's SMILES.")] = None,
    name: Annotated[str | None, typer.Option(metavar="COL", help="Column with the salt's name.")] = None,
    reference: Annotated[str | None, typer.Option(metavar="COL", help="Column with the reference of a row.")] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="PROPERTY=COL:UNIT", help='Measured values, for example "melting_point=Tm (K):K".'),
    ] = None,
    temperature: Annotated[
        str | None, typer.Option(metavar="COL:UNIT", help="Temperature the values were measured at.")
    ] = None,
    pressure: Annotated[str | None, typer.Option(metavar="COL:UNIT", help="Pressure they were measured at.")] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="What to call the source.")] = None,
    doi: Annotated[str | None, typer.Option(help="DOI of the source.")] = None,
    licence: Annotated[str | None, typer.Option(metavar="TEXT", help="Licence of the source.")] = None,
    citation: Annotated[str | None, typer.Option(metavar="TEXT", help="How to cite the source.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the source is.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="These options as keys of a TOML file; options win.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of an XLSX file; else its first.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file; else by its byte-order mark, or UTF-8.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a text file; else found from its header.")] = None,
    decimal: Annotated[str | None, typer.Option(metavar="MARK", help="Decimal mark, where it is unclear.")] = None,
    derive_stoichiometry: Annotated[
        bool, typer.Option("--derive-stoichiometry", help="Balance salts that are not neutral as written.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Any table of ionic liquids; see docs/ingest.md for what a cell may say."""
    from ildb.ingest.mapping import load_mapping
    from ildb.ingest.table import read_table, table_source

    options = {
        "smiles": smiles, "cation": cation, "anion": anion, "name": name, "reference": reference,
        "measure": tuple(measure or ()), "temperature": temperature, "pressure": pressure, "source": source, "doi": doi,
        "licence": licence, "citation": citation, "url": url, "sheet": sheet, "encoding": encoding,
        "delimiter": delimiter, "decimal": decimal, "derive_stoichiometry": derive_stoichiometry or None,
    }  # fmt: skip
    columns: TableMapping = load_mapping(mapping, options)
    info = table_source(file, columns)
    if columns.without_temperature:
        typer.echo(
            f"warning: nothing says at which temperature {', '.join(columns.without_temperature)} was measured; a model"
            ' of one temperature leaves such values out. Where a column says it: --temperature "COL:K".',
            err=True,
        )
    from ildb.ingest.curate import ingest

    with _database() as database, _progress(file.name) as progress:
        count = ingest(database, info, read_table(file, columns, progress=progress), dry_run=dry_run)
        twice = _two_values(database, info) if count.n_measurements and not dry_run else 0
    if twice:
        typer.echo(
            f"warning: {twice} rows of {info.name} now have two values of one property: an earlier ingest gave another"
            " unit or column. Both are kept; how to take one back: docs/ingest.md.",
            err=True,
        )
    if as_json:
        print_json({**_as_dict(count), "dry_run": dry_run})
        return
    _print(count, dry_run=dry_run)


@app.command()
def ilgen(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the paper's CSV files are.")],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """The data files of the paper (github.com/fate1997/ILGen-overall): collected ionic liquids and melting points."""
    from ildb.ingest.curate import ingest
    from ildb.ingest.ilgen import find_files, summarise

    files = find_files(folder)
    counts: list[IngestCount] = []
    with _database() as database, database.connect() as connection:
        for file in files:
            with _progress(file.path.name) as progress:
                counts.append(ingest(connection, file.source(), file.records(progress)))
            if not dry_run:
                connection.commit()
            if not as_json:
                _print(counts[-1], dry_run=dry_run)
        # A dry run is one transaction, so that the second file meets what the first would have brought.
        summary = summarise(connection, files)
        connection.rollback()
    if as_json:
        report = {"dry_run": dry_run, "sources": [_as_dict(count) for count in counts]}
        print_json({**report, **asdict(summary)})
    else:
        typer.echo(summary.text())


def _two_values(database: Engine, source: SourceInfo) -> int:
    from ildb.db import query

    with database.connect() as connection:
        found = query.execute(connection, "ingest/two_values", name=source.name, sha256=source.sha256)
        return int(found.scalar_one())


@contextmanager
def _database() -> Iterator[Engine]:
    from ildb.db import engine

    opened = engine.open_engine()
    try:
        yield opened
    finally:
        opened.dispose()


@contextmanager
def _progress(name: str) -> Iterator[Callable[[float], None]]:
    """A bar with ETA on a terminal, else a line for each tenth of a long file; on stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        from rich.progress import Progress

        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"Reading {name}", total=1.0)
            yield lambda fraction: bars.update(bar, completed=fraction)
        return
    started, shown = time.monotonic(), 0

    def line(fraction: float) -> None:
        nonlocal shown
        if int(fraction * 10) > shown and time.monotonic() - started > _LINES_AFTER_S:
            shown = int(fraction * 10)
            typer.echo(f"{name}: {fraction:.0%} read", err=True)

    yield line


def _as_dict(count: IngestCount) -> dict[str, Any]:
    return {**vars(count), "reasons": dict(count.reasons)}


def _print(count: IngestCount, *, dry_run: bool = False) -> None:
    c = count
    typer.echo(
        f"{c.source}: {c.n_read} records read = {c.n_inserted} inserted + {c.n_existing} already there"
        f" + {c.n_quarantined} in quarantine; {c.n_pairings} new pairings, {c.n_measurements} new measurements"
    )
    if dry_run:
        typer.echo("  A dry run: nothing was changed.")
    elif not c.n_inserted and c.n_read:
        typer.echo("  Nothing new: this source was ingested before.")
    for reason, n in c.reasons.most_common():
        typer.echo(f"  {n:>6}  {reason}")
