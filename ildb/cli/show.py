"""``ildb show``: everything known about an ion or a pairing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ildb.cli.keys import require_ion, require_pairing
from ildb.cli.output import JsonOption, cell, print_fields, print_json, print_table

app = typer.Typer(help="Show everything known about an ion or a pairing.", no_args_is_help=True, rich_markup_mode=None)

NEAREST = ("cation_smiles", "anion_smiles", "tm_k", "similarity")


@app.command()
def ion(
    key: Annotated[str, typer.Argument(metavar="ID|SMILES", help="Id, InChIKey, or any SMILES of the ion.")],
    as_json: JsonOption = False,
) -> None:
    """Identity, names, spellings and partners of an ion."""
    require_ion(key)  # a bad structure is named at once, also when no database answers
    from ildb.search import facts
    from ildb.search.session import reading

    with reading() as connection:
        found = facts.ion_facts(connection, key)
    if as_json:
        print_json(found)
        return
    print_fields(
        found, ("id", "smiles", "inchikey", "charge", "formula", "mass_g_mol", "heavy_atoms", "flags", "rdkit_version")
    )
    _section("Names and other spellings", found["aliases"], ("kind", "value", "origins"))
    for computed in found["properties"]:
        typer.echo("\nFor volume-based thermodynamics")
        print_fields(computed, [name for name in computed if name not in ("version", "run_id")])
    drawn = ("run_id", "stage", "model_id", "model_kind", "method", "position", "outcome", "raw", "similarity")
    _section("Drawn by generators", found["generated"], drawn)
    fields = ("id", "run_id", "backend", "grade", "charge_method", "charges_asked", "refusal")
    _section("Force fields", found["force_fields"], fields)
    counts = found["counts"]
    title = "{n_pairings} pairings: {n_known} known, {n_predicted} predicted, {n_generated} generated".format(**counts)
    columns = ("pairing_id", "cation_smiles", "anion_smiles", "evidence", "tm_k", "tm_predicted_k", "passed", "names")
    shown = len(found["pairings"])
    _section(title if shown == counts["n_pairings"] else f"{title}; the first {shown}", found["pairings"], columns)


@app.command()
def pairing(
    key: Annotated[str, typer.Argument(metavar="ID|SMILES", help="Id, or 'cation.anion' SMILES.")],
    as_json: JsonOption = False,
) -> None:
    """Evidence, measurements, scores, draws, simulations and decisions of a pairing."""
    require_pairing(key)
    from ildb.search import facts
    from ildb.search.session import reading

    with reading() as connection:
        found = facts.pairing_facts(connection, key)
    if as_json:
        print_json(found)
        return
    print_fields(
        {
            **found,
            "cation": _ion_line(found, "cation"),
            "anion": _ion_line(found, "anion"),
            "ratio": f"{found['n_cation']}:{found['n_anion']}",
        },
        ("id", "names", "cation", "anion", "ratio", "mass_g_mol"),
    )
    _section("Evidence", _with_origin(found["evidence"]), ("kind", "origin", "reference", "source_key", "doi"))
    _section("Consensus", found["consensus"], ("property", "median", "unit", "spread", "n_values", "disputed"))
    measurements = [{**m, "value": _value(m)} for m in _with_origin(found["measurements"])]
    columns: tuple[str, ...] = ("property", "value", "unit", "temperature_k", "pressure_kpa", "method", "origin")
    _section("Measurements", measurements, (*columns, "reference"))
    _section("Link scores", found["link_scores"], ("run_id", "round", "model_id", "probability", "accepted", "reasons"))
    melting = [
        {**m, "interval_90_k": f"{cell(m['tm_low_k'])} to {cell(m['tm_high_k'])}"} for m in found["melting_scores"]
    ]
    columns = ("run_id", "model_id", "p_below_373_k", "tm_k", "interval_90_k", "in_domain", "domain_reasons")
    _section("Melting scores", melting, columns)
    if melting:
        _section("Nearest known ionic liquids", melting[0]["nearest"], NEAREST)
    others = [{**o, "interval_90": f"{cell(o['low'])} to {cell(o['high'])}"} for o in found["property_scores"]]
    columns = ("run_id", "model_id", "property", "value", "interval_90", "p_below", "in_domain", "domain_reasons")
    _section("Scores of other properties", others, columns)
    draws = ("run_id", "stage", "model_id", "model_kind", "method", "position", "raw", "sa_score", "similarity")
    _section("Drawn by generators", found["generated"], draws)
    simulations = [
        {
            **s,
            "points": f"{s['n_points']} of {s['n_points_planned']}",
            "apparent_tm_k": s["tm_k"],
            "interval_95_k": "" if s["tm_k"] is None else f"{s['tm_low_k']:.0f} to {s['tm_high_k']:.0f}",
        }
        for s in found["simulations"]
    ]
    columns = ("id", "run_id", "preset", "grade", "points", "shape", "apparent_tm_k", "interval_95_k", "refusal")
    _section("Simulations", simulations, columns)
    for decision in found["decisions"]:
        verdict = f"passed, rank {decision['rank']}" if decision["passed"] else "refused"
        typer.echo(f"\nDecision of run {decision['run_id']}: {verdict}, score {decision['score']:.3g}")
        for reason in decision["reasons"]:
            typer.echo(f"  {_side(reason):<9}{reason.get('message') or reason}")


def _section(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """A titled table, without the columns that are empty in every row; nothing when there are no rows."""
    if not rows:
        return
    typer.echo()
    used = [c for c in columns if any(row.get(c) not in (None, [], "") for row in rows)]
    print_table(rows, used, title=title)


def _side(reason: Mapping[str, Any]) -> str:
    from ildb.screen.candidate import NOTES

    return "note" if reason.get("code") in NOTES else "for" if reason.get("ok") else "against"


def _with_origin(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "origin": row["source"] or f"run {row['run_id']}"} for row in rows]


def _value(measurement: Mapping[str, Any]) -> str:
    sign = "" if measurement["qualifier"] == "=" else measurement["qualifier"] + " "
    error = measurement["uncertainty"]
    return f"{sign}{measurement['value']:g}" + (f" ± {error:g}" if error is not None else "")


def _ion_line(found: Mapping[str, Any], side: str) -> str:
    return f"{found[f'{side}_smiles']}  {found[f'{side}_formula']}  (ion {found[f'{side}_id']})"
