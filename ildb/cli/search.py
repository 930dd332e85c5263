"""``ildb search``: which pairings contain what, and which ions resemble a structure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from ildb.search.substructure import Filters, Hit, Matches
    from ildb.search.substructure import Side as IonSide

app = typer.Typer(help="Find pairings by substructure and ions by similarity.", no_args_is_help=True)


class Side(StrEnum):
    """The ion that a pattern is looked for in."""

    cation = "cation"
    anion = "anion"
    either = "either"


class Evidence(StrEnum):
    """Why a pairing is in the database."""

    known = "known"
    predicted = "predicted"
    generated = "generated"
    any = "any"


class Format(StrEnum):
    """How hits are written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command()
def substructure(
    pattern: Annotated[str, typer.Argument(metavar="QUERY", help="SMARTS (a SMILES works too).")],
    ion: Annotated[
        list[Side] | None,
        typer.Option(help="Where to look: the first --ion is for QUERY, the next for the first --and, and so on."),
    ] = None,
    and_: Annotated[
        list[str] | None, typer.Option("--and", metavar="QUERY", help="Another pattern that must be found as well.")
    ] = None,
    evidence: Annotated[Evidence, typer.Option(help="Only pairings with this kind of evidence.")] = Evidence.any,
    tm_below: Annotated[
        float | None, typer.Option(min=0, help="Melting point below this, K: measured where known, else predicted.")
    ] = None,
    passed: Annotated[bool, typer.Option("--passed", help="Only candidates that passed the latest screen.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many hits; 0 for all.")] = 100,
    format: Annotated[  # noqa: A002 (the option's name)
        Format | None, typer.Option(help="Default: by the suffix of --out, else table.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, whole or not at all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Pairings whose ions contain a pattern; several patterns are joined by AND.

    Give one --ion for every pattern, in the same order, or none (each may then be in either ion):

        ildb search substructure 'c1cc[nH+]cc1' --ion cation --and 'C(F)(F)F' --ion anion

    Best first: passed candidates by rank, then known pairings, then the rest by id.
    """
    from ildb.chem.parse import parse_smarts
    from ildb.export.atomic import require_file_path

    patterns = [pattern, *(and_ or [])]
    sides: list[IonSide] = [side.value for side in ion or [Side.either] * len(patterns)]
    if len(sides) != len(patterns):
        raise typer.BadParameter(
            f"{len(patterns)} pattern(s) but {len(sides)} --ion: give one for each pattern, in the same order, or none."
        )
    chosen = _format(format, out, as_json=as_json)
    if out is not None:
        require_file_path(out)
    parsed = [parse_smarts(text) for text in patterns]  # a bad pattern is named at once, also without a database
    from ildb.search import substructure as search
    from ildb.search.session import reading

    conditions = [search.Condition(pattern, side) for pattern, side in zip(parsed, sides, strict=True)]
    filters = search.Filters(evidence=evidence.value, tm_below_k=tm_below, passed=passed)
    with reading() as connection:
        found = [search.match_ions(connection, condition) for condition in conditions]
        hits = search.search(connection, found, filters, limit or None)
        n_shown = _write(hits, chosen, out)
        n_all = n_shown if n_shown < limit or not limit else search.count_pairings(connection, found, filters)
    _sum_up(found, filters, n_shown, n_all, out)


def _format(wanted: Format | None, out: Path | None, *, as_json: bool) -> Format:
    if as_json:
        if wanted not in {None, Format.json}:
            raise typer.BadParameter(f"--json and --format {wanted} contradict each other.")
        return Format.json
    if wanted is None and out is not None:
        suffix = out.suffix.lower().lstrip(".")
        if suffix not in {"csv", "json", "parquet"}:
            raise typer.BadParameter(f"Cannot tell the format from '{out.name}': add --format csv, json or parquet.")
        return Format(suffix)
    if wanted is Format.parquet and out is None:
        raise typer.BadParameter("--format parquet needs --out FILE.")
    if wanted in {None, Format.table} and out is not None:
        raise typer.BadParameter("--format table is for the terminal: write csv, json or parquet to --out.")
    return wanted or Format.table


def _write(hits: Iterator[Hit], chosen: Format, out: Path | None) -> int:
    from ildb.export import rows
    from ildb.export.atomic import replacing_file
    from ildb.search.substructure import COLUMNS

    if chosen is Format.table:
        return _print_hits(list(hits))
    write = rows.write_csv if chosen is Format.csv else rows.write_json
    if out is None:
        return write(hits, COLUMNS, sys.stdout)
    with replacing_file(out) as draft:
        if chosen is Format.parquet:
            return rows.write_parquet(hits, COLUMNS, draft)
        with draft.open("w", encoding="utf-8", newline="") as stream:
            return write(hits, COLUMNS, stream)


def _print_hits(hits: list[Hit]) -> int:
    shown = [
        {
            **hit,
            "id": hit["pairing_id"],
            "P<373 K": hit["p_below_373_k"],
            "link": hit["link_probability"],
            "Tm K": _tm(hit),
            "pairing": "\n".join([_structure(hit), *hit["names"][:1]]),
            "screen": _screen(hit),
        }
        for hit in hits
    ]
    if shown:
        print_table(shown, ("id", "pairing", "evidence", "Tm K", "P<373 K", "link", "screen"))
    return len(shown)


def _structure(hit: Hit) -> str:
    return ".".join([hit["cation_smiles"]] * hit["n_cation"] + [hit["anion_smiles"]] * hit["n_anion"])


def _tm(hit: Hit) -> str:
    """The measured melting point, else the predicted one, marked as such."""
    if hit["tm_k"] is not None:
        return f"{hit['tm_k']:.0f}"
    return "" if hit["tm_predicted_k"] is None else f"≈{hit['tm_predicted_k']:.0f}"


def _screen(hit: Hit) -> str:
    if hit["passed"] is None:
        return ""
    return f"rank {hit['rank']}" if hit["passed"] else "refused"


def _sum_up(found: list[Matches], filters: Filters, n_shown: int, n_all: int, out: Path | None) -> None:
    """One line on stderr, so that pipes get rows only."""
    if n_shown < n_all:
        line = f"The first {n_shown} of {n_all} pairings; --limit 0 for all."
    elif n_all:
        line = f"{n_all} pairing{'s' if n_all > 1 else ''}."
    else:
        line = _why_none(found, filters)
    typer.echo(f"{line} Written to {out}." if out else line, err=True)


def _why_none(found: list[Matches], filters: Filters) -> str:
    for matches in found:
        if not matches.cation_ids and not matches.anion_ids:
            where = "ion" if matches.condition.side == "either" else matches.condition.side
            return f"No hits: no {where} contains {matches.condition.pattern.text}."
    several = len(found) > 1 or filters.passed or filters.tm_below_k is not None or filters.evidence != "any"
    return "No hits: no pairing satisfies all of it." if several else "No hits: no pairing has such an ion."


@app.command()
def similar(
    smiles: Annotated[str, typer.Argument(metavar="SMILES", help="One ion or neutral molecule.")],
    ion: Annotated[Side, typer.Option(help="Which ions to compare with.")] = Side.either,
    threshold: Annotated[float, typer.Option(min=0.01, max=1, help="Lowest Tanimoto similarity.")] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="At most so many ions.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Ions that resemble a structure, by Tanimoto on Morgan fingerprints (radius 2, 512 bits)."""
    from ildb.chem.parse import parse_smiles

    parse_smiles(smiles)  # a bad structure is named at once, also when no database answers
    from ildb.search.session import reading
    from ildb.search.similar import COLUMNS, similar_ions

    with reading() as connection:
        ions: list[dict[str, Any]] = similar_ions(connection, smiles, ion.value, threshold=threshold, top=top)
    if as_json:
        print_json(ions)
    elif ions:
        print_table(ions, COLUMNS)
    else:
        typer.echo(f"No hits: no ion is at least {threshold:g} similar. Lower --threshold.")
