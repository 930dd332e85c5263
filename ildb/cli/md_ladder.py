"""``ildb md list | show | plot | parity | density``: ladders of temperature, how far they are and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ildb.cli.output import JsonOption, cell, print_fields, print_json, print_table

_POINT = (
    "T_K", "direction", "seed", "status", "density_g_cm3", "d_cation_m2_s", "d_anion_m2_s", "sub_diffusive",
    "coordination", "strong_hydrogen_bonds", "weak_hydrogen_bonds", "n_resumed",
)  # fmt: skip
_FIT = ("run_id", "direction", "shape", "tm_k", "interval_95_k", "calibrated_tm_k", "hysteresis_k", "gain",
        "gain_needed", "curve_gain", "n_points", "n_bounds")  # fmt: skip
IdArgument = Annotated[int, typer.Argument(metavar="ID", help="Number of the simulation (ildb md list).")]


def list_simulations(as_json: JsonOption = False) -> None:
    """Simulations, newest first: progress, speed, time left and the apparent melting point."""
    from ildb.md.watch import simulations
    from ildb.search.session import reading

    with reading() as connection:
        rows = simulations(connection, _scratch())
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No simulations yet. A first one: ildb pipeline run md_smoke")
        return
    columns = ("id", "pairing_id", "cation_smiles", "anion_smiles", "preset", "grade", "status", "points", "ns",
               "ns_per_day", "left", "apparent_tm")  # fmt: skip
    print_table([{**row, **_brief(row)} for row in rows], columns)


def show(simulation_id: IdArgument, as_json: JsonOption = False) -> None:
    """A simulation's points and fits, and what runs now."""
    from ildb.md.watch import simulation
    from ildb.report.structures import formula_unit
    from ildb.search.session import reading

    with reading() as connection:
        found = simulation(connection, _scratch(), simulation_id)
    if as_json:
        print_json(found)
        return
    print_fields(
        {**found, **_brief(found), "pairing": f"{found['pairing_id']}: {formula_unit(found)}"},
        ("id", "run_id", "pairing", "preset", "grade", "status", "refusal", "n_units", "n_atoms", "points", "ns",
         "ns_per_day", "left", "apparent_tm", "reason"),
    )  # fmt: skip
    for point in found["running"]:
        typer.echo(
            f"running: {point['temperature_k']:g} K, {point['direction']}, seed {point['seed']}: "
            f"{point['segment'] or 'not begun'}, {point['done_ps']:g} ps, on {point['host']}"
        )
    if found["points"]:
        typer.echo()
        points = [
            {**p, "T_K": p["temperature_k"], "sub_diffusive": _yes(p["is_subdiffusive"])} for p in found["points"]
        ]
        print_table(points, _POINT, title="Points (D of sub-diffusive ones: upper bounds)")
    if found["fits"]:
        typer.echo()
        print_table([{**fit, "interval_95_k": _interval(fit)} for fit in found["fits"]], _FIT, title="Fits")


def plot(
    simulation_id: IdArgument,
    out: Annotated[Path | None, typer.Option(help="PNG, SVG or PDF file; default: md_ID.png here.")] = None,
) -> None:
    """Draw D over 1/T with the fit, and density over T, into a picture file."""
    from ildb.md.figure import ladder_figure
    from ildb.md.watch import simulation
    from ildb.search.session import reading

    with reading() as connection:
        found = simulation(connection, _scratch(), simulation_id)
    path = out or Path(f"md_{simulation_id}.png")
    ladder_figure(found, path)
    typer.echo(f"{path}: {_brief(found)['apparent_tm']}")


def parity(
    run: Annotated[int | None, typer.Option(help="Only ladders fitted in this run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also draw them into this PNG, SVG or PDF file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Apparent and calibrated beside measured melting points."""
    from ildb.cli import existing
    from ildb.db import query
    from ildb.md.figure import parity_figure
    from ildb.search.session import reading

    with reading() as connection:
        existing.require(connection, run_id=run)
        rows = query.rows(connection, "md/parity_table", run_id=run)
    if out is not None:
        parity_figure(rows, out)
    if as_json:
        print_json(rows)
        return
    columns = ("simulation_id", "cation_smiles", "anion_smiles", "preset", "grade", "shape", "apparent_tm_k",
               "calibrated_tm_k", "measured_tm_k", "apparent_error_k", "calibrated_error_k")  # fmt: skip
    print_table(rows, columns)


def density(
    run: Annotated[int | None, typer.Option(help="Only points simulated in this run.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulated beside measured densities, wherever a liquid was measured at a point's temperature."""
    from ildb.cli import existing
    from ildb.db import query
    from ildb.search.session import reading

    with reading() as connection:
        existing.require(connection, run_id=run)
        rows = query.rows(connection, "md/densities", run_id=run)
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No point is at a temperature at which its liquid's density was measured.")
        typer.echo("Measured ones: ildb ingest ilthermo --online --property density; simulated: md_density")
        return
    columns = ("simulation_id", "cation_smiles", "anion_smiles", "preset", "grade", "temperature_k", "density_g_cm3",
               "measured_g_cm3", "deviation_pct")  # fmt: skip
    told = [
        {
            **row,
            "temperature_k": f"{row['temperature_k']:g}",
            "density_g_cm3": f"{row['density_g_cm3']:.3f} ± {row['density_error_g_cm3']:.3f}",
            "measured_g_cm3": f"{row['measured_g_cm3']:.3f}",
            "deviation_pct": f"{row['deviation_pct']:+.1f}",
        }
        for row in rows
    ]
    print_table(told, columns)
    mean = sum(abs(row["deviation_pct"]) for row in rows) / len(rows)
    typer.echo(f"{len(rows)} points, mean absolute deviation {mean:.1f} %")


def _scratch() -> Path:
    from ildb.config import get_settings

    return get_settings().home_dir / "md"


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _interval(row: dict[str, Any]) -> str:
    return "" if row["tm_k"] is None else f"{row['tm_low_k']:.0f} to {row['tm_high_k']:.0f}"


def _brief(row: dict[str, Any]) -> dict[str, str]:
    """Progress and outcome in words."""
    if row["refusal"]:
        outcome = row["refusal"]
    elif row["tm_k"] is not None:
        outcome = f"{row['tm_k']:.0f} K ({_interval(row)}), {row['shape']}"
    else:
        outcome = f"none: {row['shape']}" if row["shape"] else ""
    left = "" if not row["left_ns"] else f"{row['left_ns']:.3g} ns"
    if row["eta_days"] is not None:
        hours = 24 * row["eta_days"]
        left += (
            f", {hours / 24:.1f} days"
            if hours >= 48
            else f", {hours:.1f} h"
            if hours >= 1
            else f", {60 * hours:.0f} min"
        )
    return {
        "points": f"{row['n_points']}/{row['n_points_planned']}",
        "ns": f"{cell(float(row['done_ns']))}/{cell(float(row['planned_ns']))}",
        "left": left,
        "apparent_tm": outcome,
    }
