"""``ildb curate``: look at what was refused."""

from __future__ import annotations

from typing import Annotated

import typer

from ildb.cli.output import JsonOption, print_json, print_table

app = typer.Typer(help="Work with refused records.", no_args_is_help=True)
quarantine = typer.Typer(help="Records that were refused, with reasons.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")


@quarantine.command()
def counts(as_json: JsonOption = False) -> None:
    """How many records were refused, by source and reason."""
    from ildb.db import engine, query

    with engine.open_engine().connect() as connection:
        rows = query.rows(connection, "quarantine/counts")
    if as_json:
        print_json([dict(row) for row in rows])
    else:
        print_table(rows, ["source", "reason", "open", "accepted", "rejected"])


@quarantine.command("list")
def list_records(
    reason: Annotated[str | None, typer.Option(help="Only records refused for this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Refused records, oldest first."""
    from ildb.db import engine, query

    with engine.open_engine().connect() as connection:
        rows = query.rows(connection, "quarantine/list", reason=reason, limit=limit)
    if as_json:
        print_json([dict(row) for row in rows])
    else:
        print_table(rows, ["id", "source", "reasons", "name", "smiles"])


@quarantine.command()
def show(record_id: Annotated[int, typer.Argument(metavar="ID")], as_json: JsonOption = False) -> None:
    """The raw record and why it was refused."""
    from ildb.db import engine, query
    from ildb.errors import NotFoundError

    with engine.open_engine().connect() as connection:
        row = query.one(connection, "quarantine/get", id=record_id)
    if row is None:
        raise NotFoundError(f"There is no quarantined record {record_id}.", "See: ildb curate quarantine list")
    if as_json:
        print_json(dict(row))
        return
    typer.echo(f"{row['source']}, {row['status']}")
    for finding in row["findings"]:
        suggestion = f" Suggestion: {finding['suggestion']}" if finding.get("suggestion") else ""
        typer.echo(f"  {finding['code']}: {finding['message']}{suggestion}")
    for key, value in row["record"].items():
        if value not in (None, [], {}):
            typer.echo(f"  {key} = {value}")
