"""``ildb ingest``: bring sources into the database."""

from __future__ import annotations

import typer

from ildb.cli.output import JsonOption, print_json

app = typer.Typer(help="Bring sources into the database; nothing read is lost.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    # Keeps `ilthermo` a subcommand while it is the only one.
    pass


@app.command()
def ilthermo(as_json: JsonOption = False) -> None:
    """The ILThermo catalogue that ships with ilthermopy, and measured melting points from ILThermo."""
    from ildb.db import engine
    from ildb.ingest import ilthermo as reader
    from ildb.ingest.curate import IngestCount, ingest

    database = engine.open_engine()
    counts: list[IngestCount] = []
    sources = (
        (reader.catalogue_source, reader.read_catalogue),
        (reader.melting_points_source, reader.read_melting_points),
    )
    for source, records in sources:
        counts.append(ingest(database, source(), records()))
        if not as_json:
            _print(counts[-1])
    if as_json:
        print_json([{**vars(count), "reasons": dict(count.reasons)} for count in counts])


def _print(count: object) -> None:
    c = vars(count)
    typer.echo(
        f"{c['source']}: {c['n_read']} records read = {c['n_inserted']} inserted + {c['n_existing']} already there"
        f" + {c['n_quarantined']} in quarantine; {c['n_pairings']} new pairings, {c['n_measurements']} new measurements"
    )
    if not c["n_inserted"] and c["n_read"]:
        typer.echo("  Nothing new: this source was ingested before.")
    for reason, n in c["reasons"].most_common():
        typer.echo(f"  {n:>6}  {reason}")
