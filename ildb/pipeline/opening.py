"""Runs as rows: found or added, opened again, cancelled, invalidated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ildb import __version__
from ildb.db import query
from ildb.errors import InputError, NotFoundError
from ildb.pipeline import keys, provenance
from ildb.pipeline import recipe as recipes
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.recipe import Recipe
from ildb.pipeline.settings import RunSettings

DONE = frozenset({"succeeded", "reused"})


def find_or_add(
    connection: Connection, recipe: Recipe, *, force: bool = False, priority: int = 0
) -> tuple[int, str | None]:
    """The run that answers for a recipe now, with its status; or a new one, with None."""
    run_key = keys.run_key(connection, recipe)
    query.execute(connection, "run/lock_key", run_key=run_key)
    earlier = None if force else query.one(connection, "run/latest_with_key", run_key=run_key)
    if earlier is not None:
        return earlier["id"], earlier["status"]
    run_id: int = query.execute(
        connection,
        "run/add",
        recipe_name=recipe.name,
        recipe=jsonb(recipe.canonical),
        recipe_sha256=recipe.sha256,
        run_key=run_key,
        code_version=__version__,
        git_commit=provenance.git_commit(),
        priority=priority,
    ).scalar_one()
    for position, spec in enumerate(recipe.stage):
        stage = recipes.build(spec)
        query.execute(
            connection,
            "stage_run/add",
            run_id=run_id,
            position=position,
            name=spec.name,
            uses=spec.uses,
            version=stage.version,
            params=jsonb(stage.params.model_dump(mode="json")),
            needs=list(spec.needs),
            force=force,
        )
    return run_id, None


def open_run(connection: Connection, run_id: int) -> Recipe:
    """The recipe of a run about to be worked on; what failed is opened again unless others are at work on it.

    Raises:
        NotFoundError: there is no such run.
        InputError: a stage was begun by another version of its code.
    """
    run = get_run(connection, run_id)
    recipe = recipes.from_dict(run["recipe"], where=f"the recipe stored with run {run_id}")
    kinds = {spec.name: recipes.build(spec) for spec in recipe.stage}
    for row in query.rows(connection, "stage_run/of_run", run_id=run_id):
        kind = kinds[row["name"]]
        if row["status"] in DONE or not row["n_tasks"]:
            continue
        begun = f"Stage '{row['name']}' of run {run_id} was begun"
        hint = "Run the recipe anew: ildb pipeline run RECIPE"
        if row["version"] != kind.version:
            raise InputError(
                f"{begun} by version {row['version']} of {row['uses']}, and this ildb has version {kind.version}.", hint
            )
        then, now = (row["made_of"] or {}).get("packages") or {}, keys.packages(kind)
        if changed := [f"{name} {then[name]} (here: {now.get(name)})" for name in then if then[name] != now.get(name)]:
            raise InputError(f"{begun} with {', '.join(changed)}.", f"Install that again, or: {hint}")
    if run["status"] != "running" or run["is_stale"]:
        query.execute(connection, "run/open", run_id=run_id)
        query.execute(connection, "stage_run/reopen_failed", run_id=run_id)
        query.execute(connection, "task/reopen_failed", run_id=run_id)
    query.execute(connection, "run/heartbeat", run_id=run_id)
    return recipe


def get_run(connection: Connection, run_id: int) -> dict[str, Any]:
    """A run's row, with ``is_stale``: nobody seems to work on it, though its status is 'running'.

    Raises:
        NotFoundError: there is no such run.
    """
    row = query.one(connection, "run/get", run_id=run_id, lease_s=RunSettings().lease_s)
    if row is None:
        raise NotFoundError(f"There is no run {run_id}.", "See: ildb pipeline list")
    return row


def cancel(connection: Connection, run_id: int) -> bool:
    """Cancel a run; its runners stop within seconds. False if it had ended already."""
    get_run(connection, run_id)
    return query.one(connection, "run/cancel", run_id=run_id) is not None


def invalidate(connection: Connection, run_id: int, stage: str | None = None) -> list[dict[str, Any]]:
    """Let results answer for no later run; nothing is deleted.

    Args:
        connection: an open transaction.
        run_id: the run, also one that reused the results.
        stage: one stage of it; None for all.

    Returns:
        The stages that did the work, with ``id``, ``run_id``, ``name`` and ``uses``.

    Raises:
        NotFoundError: there is no such run or stage.
    """
    get_run(connection, run_id)
    names = [row["name"] for row in query.rows(connection, "stage_run/of_run", run_id=run_id)]
    if stage is not None and stage not in names:
        raise NotFoundError(f"Run {run_id} has no stage '{stage}'.", f"Its stages: {', '.join(names)}.")
    return query.rows(connection, "stage_run/invalidate", run_id=run_id, name=stage)
