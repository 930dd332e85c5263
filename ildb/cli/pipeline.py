"""``ildb pipeline``: run recipes and look at runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ildb.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from ildb.pipeline.progress import Progress

app = typer.Typer(help="Run recipes and look at runs.", no_args_is_help=True)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A TOML file, or the name of a recipe that ships with ildb.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.PARAM=VALUE", help="Override a parameter.")
    ] = None,
    executor: Annotated[str, typer.Option(help="Where tasks run: local.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, max=512, help="Processes (default: one per CPU).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute everything anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe; what an earlier run of the same recipe on the same data computed is not computed again."""
    from ildb.db import engine
    from ildb.pipeline import recipe as recipes
    from ildb.pipeline.runner import Runner

    if executor != "local":
        raise typer.BadParameter("only 'local' is available.", param_hint="--executor")
    loaded = recipes.load(recipe, settings or [])
    runner = Runner(engine.open_engine(), workers=workers, progress=_progress())
    outcome = runner.run(
        loaded,
        force=force,
        started=lambda run_id: typer.echo(f"Run {run_id}. If it stops: ildb pipeline resume {run_id}", err=True),
    )
    if outcome.existing:
        typer.echo(f"Nothing to compute: run {outcome.run_id} did this already (--force computes anew).", err=True)
    _show(outcome.run_id, as_json=as_json)


def _progress() -> Progress:
    import sys

    from ildb.pipeline.progress import Bars, Lines

    return Bars() if sys.stderr.isatty() else Lines(lambda line: typer.echo(line, err=True))


@app.command()
def resume(
    run_id: Annotated[int, typer.Argument(metavar="RUN")],
    workers: Annotated[int | None, typer.Option(min=1, max=512, help="Processes (default: one per CPU).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Continue a run that failed, was killed or was cancelled; finished tasks are not repeated."""
    from ildb.db import engine
    from ildb.pipeline.runner import Runner

    outcome = Runner(engine.open_engine(), workers=workers, progress=_progress()).resume(run_id)
    if outcome.existing:
        typer.echo(f"Nothing to resume: run {run_id} has succeeded.", err=True)
    _show(run_id, as_json=as_json)


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Runs, newest first."""
    from ildb.db import engine, query

    with engine.open_engine().connect() as connection:
        rows = query.rows(connection, "run/list", limit=limit)
    if as_json:
        print_json([dict(row) for row in rows])
    else:
        print_table(rows, ["id", "recipe", "status", "stages", "created_at", "error"])


@app.command()
def show(run_id: Annotated[int, typer.Argument(metavar="RUN")], as_json: JsonOption = False) -> None:
    """A run and its stages: status, time, results, failures."""
    _show(run_id, as_json=as_json)


def _show(run_id: int, *, as_json: bool) -> None:
    from ildb.db import engine, query
    from ildb.pipeline.runner import get_run

    with engine.open_engine().connect() as connection:
        run = get_run(connection, run_id)
        stages = query.rows(connection, "stage_run/of_run", run_id=run_id)
        failures = [
            (stage["name"], failure)
            for stage in stages
            if (failure := query.one(connection, "task/first_failure", stage_run_id=stage["id"])) is not None
        ]
    if as_json:
        print_json({**run, "stages": [dict(stage) for stage in stages]})
        return
    typer.echo(f"Run {run['id']}: {run['recipe_name']}, {run['status']}, started {run['created_at']:%Y-%m-%d %H:%M}")
    rows = [{**stage, "tasks": f"{stage['n_done']}/{stage['n_tasks']}", "result": _brief(stage)} for stage in stages]
    print_table(rows, ["name", "uses", "status", "tasks", "wall_s", "result"])
    for name, failure in failures:
        typer.echo(f"\n{name}, task {failure['position']}, {failure['attempts']} attempts:\n{failure['traceback']}")


def _brief(stage: dict[str, Any]) -> str:
    result = stage["result"] or {}
    shown = {
        key: value
        for key, value in result.items()
        if isinstance(value, int | float | str) and not key.endswith("sha256")
    }
    if stage["reused_from_id"]:
        shown["reused_from_stage_run"] = stage["reused_from_id"]
    return stage["error"] or ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items()
    )


@app.command()
def cancel(run_id: Annotated[int, typer.Argument(metavar="RUN")]) -> None:
    """Stop a run; what was finished is kept, and `resume` continues it."""
    from ildb.db import engine
    from ildb.pipeline import runner

    with engine.open_engine().begin() as connection:
        cancelled = runner.cancel(connection, run_id)
    typer.echo(f"Run {run_id} is cancelled." if cancelled else f"Run {run_id} had ended already.")


@app.command()
def stages(as_json: JsonOption = False) -> None:
    """Kinds of stages a recipe may use, with their parameters and defaults."""
    from ildb.pipeline import registry

    rows: list[dict[str, Any]] = []
    for uses in registry.STAGES:
        kind = registry.stage_class(uses)
        fields = {
            name: field.get_default(call_default_factory=True) for name, field in kind.params_type.model_fields.items()
        }
        rows.append(
            {
                "uses": uses,
                "version": kind.version,
                "summary": kind.summary,
                "requires": kind.requires,
                "params": fields,
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['uses']} (version {row['version']}): {row['summary']}")
        for name, default in row["params"].items():
            typer.echo(f"    {name} = {default!r}")
