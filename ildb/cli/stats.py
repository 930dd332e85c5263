"""``ildb stats``: counts of everything."""

from __future__ import annotations

import typer

from ildb.cli.output import JsonOption, print_json


def stats(as_json: JsonOption = False) -> None:
    """Count ions, pairings, measurements, runs, scores and decisions."""
    from ildb.db import query
    from ildb.search.session import reading

    with reading() as connection:
        counts = query.one(connection, "stats/counts")
    if as_json:
        print_json(dict(counts or {}))
        return
    for name, count in (counts or {}).items():
        typer.echo(f"{name.replace('_', ' '):<20}{count:>12,}")
