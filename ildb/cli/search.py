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
    from ildb.search.pairings import Answer, Hit, Page

app = typer.Typer(
    help="Find pairings by substructure and ions by similarity.", no_args_is_help=True, rich_markup_mode=None
)


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


class Count(StrEnum):
    """How to tell how many hits there are."""

    exact = "exact"
    estimate = "estimate"
    none = "none"


class Format(StrEnum):
    """How hits are written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


AND_SIDES = "SMARTS, or cation:SMARTS, anion:SMARTS for one ion only."


@app.command()
def substructure(
    pattern: Annotated[str, typer.Argument(metavar="QUERY", help=f"A SMILES works too. {AND_SIDES}")],
    ion: Annotated[
        list[Side] | None,
        typer.Option(help="Where to look: the first --ion is for QUERY, the next for the first --and, and so on."),
    ] = None,
    and_: Annotated[
        list[str] | None, typer.Option("--and", metavar="QUERY", help="Another pattern that must be found as well.")
    ] = None,
    or_: Annotated[
        list[str] | None, typer.Option("--or", metavar="QUERY", help=f"Will do in place of QUERY. {AND_SIDES}")
    ] = None,
    not_: Annotated[
        list[str] | None, typer.Option("--not", metavar="QUERY", help=f"Must not be found. {AND_SIDES}")
    ] = None,
    similar_to: Annotated[
        list[str] | None,
        typer.Option("--similar", metavar="SMILES", help="An ion like this; cation:SMILES for one ion only."),
    ] = None,
    threshold: Annotated[float, typer.Option(min=0.01, max=1, help="Lowest Tanimoto similarity for --similar.")] = 0.5,
    exact: Annotated[
        list[str] | None,
        typer.Option("--exact", metavar="ION", help="This very ion: SMILES, InChIKey or id; anion:ION for one only."),
    ] = None,
    evidence: Annotated[Evidence, typer.Option(help="Only pairings with this kind of evidence.")] = Evidence.any,
    source: Annotated[str | None, typer.Option(help="Only pairings that this source vouches for.")] = None,
    run_id: Annotated[int | None, typer.Option("--run", help="Only what this run claimed, scored or judged.")] = None,
    tm_below: Annotated[
        float | None, typer.Option(min=0, help="Melting point below this, K: measured where known, else predicted.")
    ] = None,
    tm_above: Annotated[float | None, typer.Option(min=0, help="Melting point at least this, K.")] = None,
    min_link: Annotated[float | None, typer.Option(min=0, max=1, help="Least link probability.")] = None,
    min_p373: Annotated[float | None, typer.Option(min=0, max=1, help="Least P(Tm < 373 K).")] = None,
    in_domain: Annotated[
        bool | None, typer.Option("--in-domain/--out-of-domain", help="Whether the melting model has seen the like.")
    ] = None,
    property_: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="NAME<VALUE", help="Some measured value: 'viscosity<0.1', limit included."),
    ] = None,
    passed: Annotated[
        bool,
        typer.Option("--passed", help="Only candidates whose latest decision is passed; a rank is that of its run."),
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many hits; 0 for all.")] = 100,
    after: Annotated[str | None, typer.Option(metavar="TOKEN", help="The page after the one that gave TOKEN.")] = None,
    count: Annotated[Count, typer.Option(help="How to tell how many there are in all.")] = Count.exact,
    pattern_limit: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Limit for a pattern that the server must not run.")
    ] = 1.2,
    format: Annotated[  # noqa: A002 (the option's name)
        Format | None, typer.Option(help="Default: by the suffix of --out, else table.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, whole or not at all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Pairings whose ions contain a pattern; several patterns are joined by AND.

    Give one --ion for QUERY and every --and, in the same order, or none (each may then be in either ion):

        ildb search substructure 'c1cc[nH+]cc1' --ion cation --and 'C(F)(F)F' --ion anion --not 'anion:S'

    Best first: passed candidates by rank, then known pairings, then the rest by id.
    """
    from ildb.export.atomic import require_file_path
    from ildb.search.ask import property_range, question
    from ildb.search.filters import Filters
    from ildb.units import get_property

    patterns = [pattern, *(and_ or [])]
    sides: list[str] = [side.value for side in ion or [Side.either] * len(patterns)]
    if len(sides) != len(patterns):
        raise typer.BadParameter(
            f"{len(patterns)} pattern(s) but {len(sides)} --ion: give one for each pattern, in the same order, or none."
        )
    if after is not None and not limit:
        raise typer.BadParameter("--after wants a page: give --limit as well.")
    chosen = _format(format, out, as_json=as_json)
    if out is not None:
        require_file_path(out)
    required = list(zip(sides, patterns, strict=True))[1 if or_ else 0 :]
    # A bad pattern or an unknown property is named at once, also without a database.
    properties = tuple(map(property_range, property_ or ()))
    for limited in properties:
        get_property(limited.property)
    asked = question(
        cation=[text for side, text in required if side == "cation"],
        anion=[text for side, text in required if side == "anion"],
        either=[text for side, text in required if side == "either"],
        any_of=[pattern if sides[0] == "either" else f"{sides[0]}:{pattern}", *or_] if or_ else (),
        none_of=not_ or (),
        similar=similar_to or (),
        exact=exact or (),
        threshold=threshold,
        filters=Filters(
            evidence=evidence.value,
            tm_below_k=tm_below,
            passed=passed,
            tm_above_k=tm_above,
            min_link_probability=min_link,
            min_p_below_373_k=min_p373,
            in_domain=in_domain,
            source=source,
            run_id=run_id,
            properties=properties,
        ),
    )
    from ildb.cli import existing
    from ildb.search.cartridge import CartridgeMatcher
    from ildb.search.matcher import ProcessMatcher
    from ildb.search.pairings import Answer
    from ildb.search.session import reading

    with (
        ProcessMatcher(limit_s=pattern_limit, progress=lambda line: typer.echo(line, err=True)) as process,
        reading() as connection,
    ):
        existing.require(connection, source=source, run_id=run_id)
        answer = Answer(connection, CartridgeMatcher(lambda: process), asked)
        page = answer.page(limit, after) if limit else None
        n_shown = _write(iter(page.hits) if page else answer.hits(), chosen, out)
        line = _sum_up(answer, n_shown, page, count, is_first=after is None)
    typer.echo(f"{line} Written to {out}." if out else line, err=True)


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


def _sum_up(answer: Answer, n_shown: int, page: Page | None, count: Count, *, is_first: bool) -> str:
    """One line for stderr, so that pipes get rows only."""
    if page is not None and page.next is not None:
        n_all = ""
        if count is Count.exact:
            n_all = f" of {answer.count()}"
        elif count is Count.estimate:
            n_all = f" of about {answer.estimate()}"
        place = "The first" if is_first else "The next"
        return f"{place} {n_shown}{n_all} pairings; --limit 0 for all, or --after {page.next}"
    if n_shown:
        return f"{n_shown} pairing{'s' if n_shown > 1 else ''}{'' if is_first else ', the last'}."
    return _why_none(answer)


def _why_none(answer: Answer) -> str:
    from ildb.search.filters import Filters
    from ildb.search.logic import All, Contains

    asked = answer.question
    required = asked.ions.parts if isinstance(asked.ions, All) else ()
    for test in required:
        if isinstance(test, Contains) and not answer.has_ion(test):
            where = "ion" if test.side == "either" else test.side
            return f"No hits: no {where} contains {test.pattern.text}."
    several = len(required) > 1 or asked.filters != Filters()
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
