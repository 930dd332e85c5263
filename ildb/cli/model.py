"""``ildb model``: trained models, their figures, data and versions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from ildb.cli.explain import explain
from ildb.cli.output import JsonOption, cell, print_fields, print_json, print_table

app = typer.Typer(help="Look at trained models.", no_args_is_help=True, rich_markup_mode=None)
app.command()(explain)

# Of the many figures, the few that a list has room for.
_HEADLINES = ("auroc", "auroc_uniform", "random.auroc", "random.mae_k", "mrr", "core.mrr", "validity")


class Kind(StrEnum):
    """What a model predicts."""

    links = "links"
    vae = "vae"
    melting = "melting"
    property = "property"
    fragments = "fragments"
    md_calibration = "md_calibration"


@app.command("list")
def list_models(
    kind: Annotated[Kind | None, typer.Option(help="Only models of this kind.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Models, newest first."""
    from ildb.db import query
    from ildb.search.session import reading

    with reading() as connection:
        rows = [dict(row) for row in query.rows(connection, "model/list", kind=kind and kind.value)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("No models yet. Train some: ildb pipeline run quickstart")
        return
    for row in rows:
        row["metrics"] = _headline(row["metrics"])
    print_table(rows, ("id", "kind", "run_id", "snapshot_id", "n_rows", "seed", "created_at", "metrics"))


@app.command()
def show(
    model_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the model (ildb model list).")],
    as_json: JsonOption = False,
) -> None:
    """A model's metrics, data, seed and the versions that can load it."""
    from ildb.search.models import model_facts
    from ildb.search.session import reading

    with reading() as connection:
        model = model_facts(connection, model_id)
    if as_json:
        print_json(model)
        return
    snapshot, artifact = model["snapshot"], model["artifact"]
    lines = {
        **model,
        "run": f"{model['run_id']} ({model['recipe']}), stage {model['stage']} ({model['uses']})",
        "snapshot": f"{snapshot['id']} ({snapshot['kind']}), {snapshot['n_rows']:,} rows, {snapshot['sha256'][:12]}",
        "splits": ", ".join(f"{split} {n:,}" for split, n in snapshot["splits"].items()),
        "sources": [f"{o['source'] or 'run ' + str(o['run_id'])}: {o['n_rows']:,} rows" for o in snapshot["origins"]],
        "file": f"{artifact['path']} ({artifact['n_bytes']:,} bytes)",
        "versions": ", ".join(f"{name} {version}" for name, version in model["versions"].items()),
        "params": ", ".join(f"{name} = {cell(value)}" for name, value in model["params"].items()),
    }
    print_fields(
        lines,
        ("id", "kind", "run", "created_at", "seed", "snapshot", "splits", "sources", "file", "params", "versions"),
    )
    typer.echo()
    print_table(
        [{"metric": name, "value": value} for name, value in sorted(flat(model["metrics"]).items())],
        ("metric", "value"),
    )


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested metrics with dotted names: ``{"core": {"mrr": 0.5}}`` is ``{"core.mrr": 0.5}``."""
    flattened: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            flattened |= flat(value, f"{prefix}{name}.")
        else:
            flattened[f"{prefix}{name}"] = value
    return flattened


def _headline(metrics: Mapping[str, Any]) -> str:
    flattened = flat(metrics)
    return ", ".join(f"{name} {cell(flattened[name])}" for name in _HEADLINES if name in flattened)
