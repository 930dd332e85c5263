"""``ildb pipeline``: run recipes and look at runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ildb.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ildb.pipeline.progress import Progress
    from ildb.pipeline.runner import Runner
    from ildb.pipeline.watch import Sight

app = typer.Typer(help="Run recipes and look at runs.", no_args_is_help=True, rich_markup_mode=None)

# Of a stage's result in a table: how many figures, counts among them, and which others come first.
_N_FIGURES, _N_COUNTS = 5, 3
_TELLING = ("auroc", "precision", "recall", "mae_k", "accuracy", "fold", "share")
RunArgument = Annotated[int, typer.Argument(metavar="RUN")]
ExecutorOption = Annotated[
    Literal["local", "parsl"], typer.Option(help="Where tasks run: processes of this machine, or what Parsl reaches.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=512, help="Processes of this machine (default: one per CPU).")
]
ClusterOption = Annotated[
    str, typer.Option("--cluster", metavar="FILE", help="Parsl configuration: a Python file, or a shipped example.")
]
TimeOption = Annotated[
    float | None,
    typer.Option("--time", metavar="HOURS", min=0, help="Begin no task that may not end in time; stop before."),
]


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A TOML file, or the name of a recipe that ships with ildb.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.PARAM=VALUE", help="Override a parameter.")
    ] = None,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    cluster: ClusterOption = "local",
    force: Annotated[bool, typer.Option("--force", help="Compute everything anew.")] = False,
    priority: Annotated[
        int, typer.Option(min=-32768, max=32767, help="Helpers (`ildb pipeline work`) serve the higher first.")
    ] = 0,
    hours: TimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a recipe; what an earlier run of the same recipe on the same data computed is not computed again."""
    from ildb.pipeline import recipe as recipes

    loaded = recipes.load(recipe, settings or [])
    outcome = _runner(executor, workers, cluster, hours).run(
        loaded,
        force=force,
        priority=priority,
        started=lambda run_id: typer.echo(f"Run {run_id}. If it stops: ildb pipeline resume {run_id}", err=True),
    )
    if outcome.existing:
        typer.echo(f"Nothing to compute: run {outcome.run_id} did this already (--force computes anew).", err=True)
    _show(outcome.run_id, as_json=as_json)


def _runner(executor: str, workers: int | None, cluster: str, hours: float | None) -> Runner:
    import signal
    import sys

    from ildb.config import get_settings
    from ildb.db import engine
    from ildb.pipeline.cluster import ParslWorkers
    from ildb.pipeline.executors import LocalWorkers
    from ildb.pipeline.runner import Runner

    # Batch systems announce the end so; leaving in order hands back what is not finished.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    logs = get_settings().home_dir / "logs"
    return Runner(
        engine.open_engine(),
        workers=ParslWorkers(cluster, logs) if executor == "parsl" else LocalWorkers(workers),
        progress=_progress(),
        time_s=None if hours is None else hours * 3600,
    )


def _progress() -> Progress:
    import sys

    from ildb.pipeline.progress import Bars, Lines

    return Bars() if sys.stderr.isatty() else Lines(lambda line: typer.echo(line, err=True))


@app.command()
def resume(
    run_id: RunArgument,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    cluster: ClusterOption = "local",
    hours: TimeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Continue a run that failed, was killed or was cancelled, or help one that goes on; nothing is done twice."""
    outcome = _runner(executor, workers, cluster, hours).resume(run_id)
    if outcome.existing:
        typer.echo(f"Nothing to resume: run {run_id} has succeeded.", err=True)
    _show(run_id, as_json=as_json)


@app.command()
def work(
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    cluster: ClusterOption = "local",
    hours: TimeOption = None,
) -> None:
    """Help with every open run, the one of the highest priority first, until none is left."""
    from ildb.errors import StageFailedError

    failed = []

    def report(run_id: int, error: str | None) -> None:
        typer.echo(f"Run {run_id}: {error or 'succeeded'}", err=error is not None)
        if error is not None:
            failed.append(run_id)

    n_done = _runner(executor, workers, cluster, hours).help_out(report)
    typer.echo(f"{n_done} runs succeeded.")
    if failed:
        raise StageFailedError(f"Runs that failed: {', '.join(map(str, failed))}.", "See: ildb pipeline show RUN")


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Runs, newest first; a "stale" one is called running, but nobody gives a sign of life."""
    from ildb.db import query
    from ildb.pipeline.settings import RunSettings

    with _connected() as connection:
        rows = query.rows(connection, "run/list", limit=limit, lease_s=RunSettings().lease_s)
    if as_json:
        print_json([dict(row) for row in rows])
    else:
        print_table(rows, ["id", "recipe", "status", "stages", "created_at", "error"])


@contextmanager
def _connected() -> Iterator[Connection]:
    from ildb.config import get_settings
    from ildb.db import engine

    opened = engine.open_engine(statement_timeout_s=get_settings().statement_timeout_s)
    try:
        with opened.begin() as connection:
            yield connection
    finally:
        opened.dispose()


@app.command()
def show(
    run_id: RunArgument,
    why: Annotated[bool, typer.Option("--why", help="Why each stage was computed or reused.")] = False,
    attempts: Annotated[
        bool, typer.Option("--attempts", help="Every attempt of tasks that did not go through at once.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch it until it ends.")] = False,
    form: Annotated[Literal["table", "json", "prometheus"], typer.Option("--format", help="What to print.")] = "table",
    as_json: JsonOption = False,
) -> None:
    """A run and its stages: status, time, results, failures."""
    as_json = as_json or form == "json"
    if follow:
        _follow(run_id)
    if form == "prometheus":
        _show_prometheus(run_id)
    elif why:
        _show_why(run_id, as_json=as_json)
    elif attempts:
        _show_attempts(run_id, as_json=as_json)
    else:
        _show(run_id, as_json=as_json)


def _sight(run_id: int) -> Sight:
    from ildb.pipeline import watch

    with _connected() as connection:
        return watch.look(connection, run_id)


def _show(run_id: int, *, as_json: bool) -> None:
    from ildb.db import query

    sight = _sight(run_id)
    run, stages = sight.run, sight.stages
    if as_json:
        print_json({**run, "status": sight.status, "stages": stages, "failures": sight.failures})
        return
    typer.echo(f"Run {run['id']}: {run['recipe_name']}, {sight.status}, started {run['created_at']:%Y-%m-%d %H:%M}")
    if sight.status == "stale":
        typer.echo(f"Nobody works on it. Continue with: ildb pipeline resume {run_id}")
    rows = [{**stage, "tasks": f"{stage['n_done']}/{stage['n_tasks']}", "result": _brief(stage)} for stage in stages]
    print_table(rows, ["name", "uses", "status", "tasks", "wall_s", "result"])
    for row in sight.failures:
        typer.echo(f"{row['n']} x {row['outcome']} in {row['stage']}: {row['reason']}")
    with _connected() as connection:
        for stage in stages:
            failure = query.one(connection, "task/first_failure", stage_run_id=stage["id"])
            if failure is not None:
                said = failure["traceback"] or failure["error"]
                typer.echo(f"\n{stage['name']}, task {failure['position']}, {failure['attempts']} attempts:\n{said}")


def _brief(stage: Any) -> str:
    """The error, or some figures of the result: counts, then what says most, and how many are left out."""
    if stage["error"]:
        return str(stage["error"])
    from ildb.pipeline.stage import SKIPPED

    if skipped := (stage["result"] or {}).get(SKIPPED):
        return f"skipped: {skipped}"
    result = {
        key: value
        for key, value in (stage["result"] or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and not key.endswith(("_low", "_high"))
    }
    counts = [key for key, value in result.items() if key.startswith("n_") and value]
    others = sorted((key for key in result if not key.startswith("n_")), key=_rank)
    told = [*counts[:_N_COUNTS], *others, *counts[_N_COUNTS:]]
    said = [
        f"{key.removeprefix('n_').replace('_', ' ')} "
        + (f"{result[key]:.3g}" if isinstance(result[key], float) else f"{result[key]:,}")
        for key in told[:_N_FIGURES]
    ]
    if len(told) > _N_FIGURES:
        said.append(f"{len(told) - _N_FIGURES} more by --json")
    if stage["reused_from_id"]:
        said.append(f"reused from stage run {stage['reused_from_id']}")
    return ", ".join(said)


def _rank(key: str) -> int:
    return next((place for place, part in enumerate(_TELLING) if part in key), len(_TELLING))


def _show_prometheus(run_id: int) -> None:
    from ildb.pipeline import watch

    typer.echo(watch.prometheus(_sight(run_id)), nl=False)


def _show_why(run_id: int, *, as_json: bool) -> None:
    from ildb.pipeline import why

    sight = _sight(run_id)
    with _connected() as connection:
        reasons = {stage["name"]: why.of_stage(connection, stage) for stage in sight.stages}
    if as_json:
        print_json({"run": run_id, "stages": reasons})
        return
    for name, said in reasons.items():
        typer.echo(f"{name}: {said[0]}")
        for reason in said[1:]:
            typer.echo(f"    {reason}")


def _show_attempts(run_id: int, *, as_json: bool) -> None:
    from ildb.db import query
    from ildb.pipeline.opening import get_run

    with _connected() as connection:
        get_run(connection, run_id)
        rows = query.rows(connection, "task/attempts", run_id=run_id, limit=100_000)
    if as_json:
        print_json(rows)
        return
    columns = ["stage", "task", "outcome", "worker_host", "worker_pid", "device", "started_at", "ended_at", "error"]
    print_table(rows, columns)
    typer.echo("With runners, versions and tracebacks: --json")


def _follow(run_id: int) -> None:
    import time

    from ildb.pipeline import watch

    pace, shown = watch.Pace(), [""]
    while True:
        with _connected() as connection:
            sight = watch.look(connection, run_id)
        pace.add(sight.n_done)
        if (said := watch.lines(sight, pace)) != shown:
            shown = said
            typer.echo("\n".join(said), err=True)
        if sight.is_over:
            return
        time.sleep(1)


@app.command()
def cancel(run_id: RunArgument) -> None:
    """Stop a run; what was finished is kept, and `resume` continues it."""
    from ildb.pipeline import opening

    with _connected() as connection:
        cancelled = opening.cancel(connection, run_id)
    typer.echo(f"Run {run_id} is cancelled." if cancelled else f"Run {run_id} had ended already.")


@app.command()
def invalidate(
    run_id: RunArgument,
    stage: Annotated[str | None, typer.Option("--stage", metavar="NAME", help="One stage (default: all).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let results answer for no later run, for example after a fault in a package was found; nothing is deleted."""
    from ildb.pipeline import opening

    with _connected() as connection:
        rows = opening.invalidate(connection, run_id, stage)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"Stage run {row['id']} ({row['name']} of run {row['run_id']}) answers for no later run.")
    if not rows:
        typer.echo("There was nothing valid to invalidate.")


@app.command()
def stages(as_json: JsonOption = False) -> None:
    """Kinds of stages a recipe may use, with their parameters: defaults, types, bounds and what they mean."""
    from ildb.pipeline import parameters, registry

    rows: list[dict[str, Any]] = []
    for uses in registry.STAGES:
        kind = registry.stage_class(uses)
        fields = kind.params_type.model_fields
        rows.append(
            {
                "uses": uses,
                "version": kind.version,
                "summary": kind.summary,
                "requires": kind.requires,
                "packages": kind.packages,
                "params": {
                    name: None if field.is_required() else field.get_default(call_default_factory=True)
                    for name, field in fields.items()
                },
                "required": [name for name, field in fields.items() if field.is_required()],
                "schema": parameters.schemas(kind.params_type),
            }
        )
    if as_json:
        print_json(rows)
        return
    typer.echo('Set one by --set STAGE.PARAM=VALUE, STAGE being its name in the recipe; lists as \'["A", "B"]\'.')
    for row in rows:
        typer.echo(f"\n{row['uses']} (version {row['version']}): {row['summary']}")
        for name, default in row["params"].items():
            shown = "(to be given)" if name in row["required"] else parameters.written(default)
            typer.echo(f"    {name} = {shown}")
            typer.echo(f"        {parameters.meaning(row['schema'][name])}")
