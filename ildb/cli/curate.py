"""``ildb curate``: look at what was refused, and decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="Work with refused records.", no_args_is_help=True, rich_markup_mode=None)
quarantine = typer.Typer(help="Records that were refused, with reasons.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(quarantine, name="quarantine")

RecordId = Annotated[int, typer.Argument(metavar="ID")]
NoteOption = Annotated[str | None, typer.Option(help="Why, for those who come later.")]


class StatusChoice(StrEnum):
    """Which records to list."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ALL = "all"


@quarantine.command()
def counts(as_json: JsonOption = False) -> None:
    """How many records were refused, by source and reason."""
    from ildb.db import query
    from ildb.search.session import reading

    with reading() as connection:
        rows = query.rows(connection, "quarantine/counts")
    if as_json:
        print_json([dict(row) for row in rows])
    else:
        print_table(rows, ["source", "reason", "open", "accepted", "rejected"])


@quarantine.command("list")
def list_records(
    reason: Annotated[str | None, typer.Option(help="Only records refused for this reason.")] = None,
    source: Annotated[str | None, typer.Option(help="Only records of this source.")] = None,
    status: Annotated[StatusChoice, typer.Option(help="Which records.")] = StatusChoice.OPEN,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Refused records, oldest first."""
    from ildb.cli import existing
    from ildb.db import query
    from ildb.search.session import reading

    with reading() as connection:
        existing.require(connection, source=source)
        rows = query.rows(connection, "quarantine/list", reason=reason, source=source, status=status.value, limit=limit)
    if as_json:
        print_json([dict(row) for row in rows])
        return
    shown = ["id", "source", "reasons", "name", "smiles", "suggestion"]
    print_table(rows, shown if status is StatusChoice.OPEN else ["id", "status", *shown[1:]])


@quarantine.command()
def show(record_id: RecordId, as_json: JsonOption = False) -> None:
    """The raw record, why it was refused, and what was decided."""
    from ildb.db import query
    from ildb.errors import NotFoundError
    from ildb.search.session import reading

    with reading() as connection:
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
    for decision in (row["resolution"] or {}).get("decisions", []):
        typer.echo(_told(decision))


def _told(decision: Mapping[str, Any]) -> str:
    line = f"{decision['decision']} by {decision['by']} on {decision['at']}"
    if "pairing_id" in decision:
        line += f": pairing {decision['pairing_id']}, {decision['smiles']}"
    return f"{line} ({decision['note']})" if decision.get("note") else line


@quarantine.command()
def accept(
    record_id: RecordId,
    smiles: Annotated[str | None, typer.Option(metavar="SMILES", help="The salt as it should be.")] = None,
    cation: Annotated[str | None, typer.Option(metavar="SMILES", help="The cation as it should be.")] = None,
    anion: Annotated[str | None, typer.Option(metavar="SMILES", help="The anion as it should be.")] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(metavar="PROPERTY=VALUE", help="A value as it should be: 'density=1.2 g/cm3 @ 298 K, 101 kPa'."),
    ] = None,
    note: NoteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a record in as corrected; it keeps its source, reference and values, and its history."""
    from dataclasses import asdict

    from ildb.errors import InputError
    from ildb.ingest import quarantine as decisions

    if (cation is None) != (anion is None) or (smiles is not None and cation is not None):
        raise InputError("The structure is not clear.", "Give --smiles, or both --cation and --anion.")
    structure = (cation, anion) if cation is not None and anion is not None else smiles
    values = [decisions.parse_value(text) for text in value or ()]
    with _database() as database:
        accepted = decisions.accept(database, record_id, structure=structure, values=values, note=note)
    if as_json:
        print_json({"id": record_id, "status": "accepted", **asdict(accepted)})
        return
    typer.echo(f"Record {record_id} is accepted: pairing {accepted.pairing_id}, {accepted.smiles}")
    if accepted.was_known:
        typer.echo("  Its source had made this claim before; nothing was added.")
    elif accepted.n_measurements:
        typer.echo(f"  {accepted.n_measurements} new measurements.")


@quarantine.command()
def reject(record_id: RecordId, note: NoteOption = None, as_json: JsonOption = False) -> None:
    """Refuse a record for good; it stays, and reading its file again does not open it."""
    from ildb.ingest import quarantine as decisions

    with _database() as database:
        decisions.reject(database, record_id, note=note)
    _say(record_id, "rejected", as_json=as_json)


@quarantine.command()
def reopen(record_id: RecordId, note: NoteOption = None, as_json: JsonOption = False) -> None:
    """Take a rejection back."""
    from ildb.ingest import quarantine as decisions

    with _database() as database:
        decisions.reopen(database, record_id, note=note)
    _say(record_id, "open", as_json=as_json)


@contextmanager
def _database() -> Iterator[Engine]:
    from ildb.db import engine

    database = engine.open_engine()
    try:
        yield database
    finally:
        database.dispose()


def _say(record_id: int, status: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": record_id, "status": status})
    else:
        typer.echo(f"Record {record_id} is {status}.")
