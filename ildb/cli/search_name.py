"""``ildb search name``: known pairings by what sources call them."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ildb.cli.output import JsonOption, print_json, print_table


def name(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Parts of the name, in any order and case.")],
    top: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Known pairings whose name in a source has all the words.

        ildb search name butyl imidazolium tetrafluoroborate

    Names are those of the sources: an ionic liquid may have several, and generated ones have none.
    """
    from ildb.db import query
    from ildb.search.session import reading

    parts = [part for word in words for part in word.split()]
    with reading() as connection:
        rows = query.rows(connection, "search/named", words=[_containing(part) for part in parts], top=top)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ["pairing_id", "name", "cation_smiles", "anion_smiles", "tm_k"])
    else:
        typer.echo("No source names a salt so. By structure: ildb search substructure SMARTS", err=True)


def _containing(part: str) -> str:
    """Pattern of LIKE for a text, whose own wildcards mean themselves."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", part) + "%"
