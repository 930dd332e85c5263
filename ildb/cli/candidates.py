"""``ildb search candidates``: the best unmade pairings of a screen, with the reasons."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_json
from ildb.rounding import probability


def candidates(
    top: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20,
    run_id: Annotated[int | None, typer.Option("--run", help="Of this run; default: the latest that decided.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Unmade pairings that passed the screen: first the diverse pick, then the others by rank; scores and reasons."""
    from ildb.db import query
    from ildb.pipeline.runner import get_run
    from ildb.search.session import reading

    with reading() as connection:
        if run_id is not None:
            get_run(connection, run_id)
        rows = query.rows(connection, "screen/top", run_id=run_id, top=top)
    if as_json:
        print_json(rows)
    elif rows:
        for row in rows:
            _print(row)
    elif run_id is not None:
        typer.echo(f"Run {run_id} has let no candidate pass. See: ildb pipeline show {run_id}", err=True)
    else:
        typer.echo("No candidate has passed a screen yet. Run one: ildb pipeline run quickstart", err=True)


def _print(row: dict[str, Any]) -> None:
    """A few whole lines, so that SMILES can be copied: a table would fold them."""
    typer.secho(f"{row['pick_order'] or row['rank']:>3}. {_formula(row)}", bold=True)
    link, p_below = probability(row["link_probability"]), probability(row["p_below_373_k"])
    interval = f"90 %: {row['tm_low_k']:.0f} to {row['tm_high_k']:.0f}"
    typer.echo(
        f"     pairing {row['pairing_id']}: link {link}, P(Tm < 373 K) {p_below}, Tm {row['tm_k']:.0f} K ({interval})"
    )
    if row["pareto_rank"] is not None:
        picked = "not picked" if row["pick_order"] is None else f"pick {row['pick_order']}"
        typer.echo(f"     {picked}, rank {row['rank']} by score, Pareto front {row['pareto_rank']}")
    for reason in (row["link_reasons"] or [])[:2]:
        typer.echo(f"     {reason}")
    for near in row["nearest"][:1]:
        typer.echo(f"     nearest measured: {near['cation_smiles']}.{near['anion_smiles']}, {near['tm_k']:.0f} K")


def _formula(row: dict[str, Any]) -> str:
    return ".".join([row["cation_smiles"]] * row["n_cation"] + [row["anion_smiles"]] * row["n_anion"])
