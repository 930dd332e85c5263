"""The runner: the only part of a pipeline that talks to the database.

Every step is one transaction, so a run can be killed anywhere and resumed: a stage is planned once, a task's rows
and its status are committed together, and a stage is closed once. Several runners may work on one run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine

from ildb import __version__
from ildb.config import Settings, get_settings
from ildb.db import query
from ildb.errors import InputError, NotFoundError, StageFailedError
from ildb.hashing import sha256_json
from ildb.pipeline import provenance
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.progress import Progress, Silent
from ildb.pipeline.recipe import Recipe
from ildb.pipeline.stage import AnyStage, StageContext, Upstream
from ildb.pipeline.tasks import TaskLoop

_DONE = {"succeeded", "reused"}


@dataclass(frozen=True)
class RunOutcome:
    """Which run answers, and whether anything had to be computed for it."""

    run_id: int
    existing: bool


class Runner:
    """Executes recipes against one database."""

    def __init__(
        self,
        engine: Engine,
        *,
        settings: Settings | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.engine = engine
        self.store = ArtifactStore((settings or get_settings()).artifacts_dir)
        self.workers = workers
        self.progress = progress or Silent()

    def run(
        self, recipe: Recipe, *, force: bool = False, started: Callable[[int], None] = lambda _: None
    ) -> RunOutcome:
        """Run a recipe, continue an unfinished run of it, or name the finished one.

        Args:
            recipe: what to do.
            force: compute everything anew.
            started: called with the run's id before the work starts.

        Raises:
            StageFailedError: a stage failed; the message names the command that resumes.
        """
        with self.engine.begin() as connection:
            run_id, existing = self._find_or_add(connection, recipe, force=force)
        if existing == "succeeded":
            return RunOutcome(run_id, existing=True)
        started(run_id)
        self._execute(run_id, force=force)
        return RunOutcome(run_id, existing=False)

    def resume(self, run_id: int) -> RunOutcome:
        """Continue a run; finished tasks are not repeated.

        Raises:
            NotFoundError: there is no such run.
        """
        with self.engine.connect() as connection:
            row = get_run(connection, run_id)
        if row["status"] == "succeeded":
            return RunOutcome(run_id, existing=True)
        self._execute(run_id)
        return RunOutcome(run_id, existing=False)

    def _find_or_add(self, connection: Connection, recipe: Recipe, *, force: bool) -> tuple[int, str | None]:
        stages = [recipes.build(spec) for spec in recipe.stage]
        run_key = sha256_json(
            {
                "recipe": recipe.sha256,
                "versions": [stage.version for stage in stages],
                "inputs": [stage.fingerprint(connection) for stage in stages],
            }
        )
        query.execute(connection, "run/lock_key", run_key=run_key)
        earlier = None if force else query.one(connection, "run/latest_with_key", run_key=run_key)
        if earlier is not None:
            return earlier["id"], earlier["status"]
        run_id: int = query.execute(
            connection,
            "run/add",
            recipe_name=recipe.name,
            recipe=Jsonb(recipe.canonical),
            recipe_sha256=recipe.sha256,
            run_key=run_key,
            code_version=__version__,
            git_commit=provenance.git_commit(),
        ).scalar_one()
        for position, (spec, stage) in enumerate(zip(recipe.stage, stages, strict=True)):
            query.execute(
                connection,
                "stage_run/add",
                run_id=run_id,
                position=position,
                name=spec.name,
                uses=spec.uses,
                version=stage.version,
                params=Jsonb(stage.params.model_dump(mode="json")),
                needs=list(spec.needs),
            )
        return run_id, None

    def _execute(self, run_id: int, *, force: bool = False) -> None:
        with self.engine.begin() as connection:
            run = get_run(connection, run_id)
            recipe = recipes.from_dict(run["recipe"], where=f"the recipe stored with run {run_id}")
            query.execute(connection, "stage_run/reopen_failed", run_id=run_id)
            query.execute(connection, "task/reopen_failed", run_id=run_id)
            query.execute(connection, "run/set_status", run_id=run_id, status="running", error=None)
        built = {spec.name: recipes.build(spec) for spec in recipe.stage}
        try:
            for row in self._stage_rows(run_id):
                if row["status"] not in _DONE:
                    self._run_stage(run_id, row["name"], built[row["name"]], force=force)
        except StageFailedError as error:
            self._set_status(run_id, "failed", str(error.what))
            raise
        self._set_status(run_id, "succeeded", None)

    def _run_stage(self, run_id: int, name: str, stage: AnyStage, *, force: bool) -> None:
        rows = {row["name"]: row for row in self._stage_rows(run_id)}
        row = rows[name]
        upstream = [self._upstream(rows[need]) for need in row["needs"]]
        stage_run_id = row["id"]
        self.progress.stage(name, stage.uses)
        try:
            if not self._plan(run_id, stage_run_id, stage, upstream, force=force):
                self.progress.reused(name)
                return
            with self.progress.tasks(name) as report:
                TaskLoop(self.engine, self.store, run_id, stage_run_id, stage, upstream, self.workers, report).work()
            self._finish(run_id, stage_run_id, stage, upstream)
        except StageFailedError as error:
            self._fail(stage_run_id, error.what)
            raise StageFailedError(
                f"Run {run_id}, stage '{name}': {error.what}",
                f"{error.hint} Resume with: ildb pipeline resume {run_id}".strip(),
            ) from error
        except InputError as error:
            self._fail(stage_run_id, error.what)
            raise StageFailedError(f"Run {run_id}, stage '{name}': {error.what}", error.hint) from error

    def _plan(self, run_id: int, stage_run_id: int, stage: AnyStage, upstream: list[Upstream], *, force: bool) -> bool:
        """Plan a waiting stage; False when an earlier stage answers for it."""
        with self.engine.begin() as connection:
            row = query.one(connection, "stage_run/lock", stage_run_id=stage_run_id)
            if row is None:
                raise StageFailedError("its row is gone.")
            if row["status"] == "cancelled":
                raise StageFailedError("the run was cancelled.")
            if row["status"] != "waiting":
                return bool(row["status"] == "running")
            key = sha256_json(
                {
                    "uses": stage.uses,
                    "version": stage.version,
                    "params": stage.params.model_dump(mode="json"),
                    "reads": stage.fingerprint(connection),
                    "upstream": [up.stage_key for up in upstream],
                    # Forced work is never shared with work that was not.
                    "forced_in_run": run_id if force else None,
                }
            )
            earlier = query.one(connection, "stage_run/find_reusable", stage_key=key, stage_run_id=stage_run_id)
            if earlier is not None:
                query.execute(
                    connection,
                    "stage_run/reuse",
                    stage_run_id=stage_run_id,
                    stage_key=key,
                    reused_from_id=earlier["id"],
                    result=Jsonb(earlier["result"]),
                )
                return False
            query.execute(
                connection,
                "stage_run/start",
                stage_run_id=stage_run_id,
                stage_key=key,
                host=provenance.host(),
                device="cpu",
                seed=getattr(stage.params, "seed", None),
                versions=Jsonb(provenance.versions()),
                git_commit=provenance.git_commit(),
            )
            payloads = stage.plan(self._context(connection, run_id, stage_run_id, upstream))
            if payloads:
                connection.execute(
                    query.statement("task/add"),
                    [
                        {"stage_run_id": stage_run_id, "position": i, "payload": Jsonb(payload)}
                        for i, payload in enumerate(payloads)
                    ],
                )
        return True

    def _finish(self, run_id: int, stage_run_id: int, stage: AnyStage, upstream: list[Upstream]) -> None:
        with self.engine.begin() as connection:
            row = query.one(connection, "stage_run/lock", stage_run_id=stage_run_id)
            if row is None or row["status"] != "running":
                return  # another runner closed it
            results = [r["result"] or {} for r in query.rows(connection, "task/results", stage_run_id=stage_run_id)]
            result = stage.finish(self._context(connection, run_id, stage_run_id, upstream), results)
            query.execute(connection, "stage_run/finish", stage_run_id=stage_run_id, result=Jsonb(result))

    def _context(
        self, connection: Connection, run_id: int, stage_run_id: int, upstream: list[Upstream]
    ) -> StageContext:
        return StageContext(connection, self.store, run_id, stage_run_id, upstream, provenance.versions())

    def _upstream(self, row: dict[str, Any]) -> Upstream:
        producer = row
        if row["reused_from_id"] is not None:
            with self.engine.connect() as connection:
                found = query.one(connection, "stage_run/get", stage_run_id=row["reused_from_id"])
            producer = found or row
        return Upstream(
            name=row["name"],
            uses=row["uses"],
            stage_run_id=producer["id"],
            run_id=producer["run_id"],
            stage_key=row["stage_key"] or "",
            result=row["result"] or {},
        )

    def _stage_rows(self, run_id: int) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return query.rows(connection, "stage_run/of_run", run_id=run_id)

    def _set_status(self, run_id: int, status: str, error: str | None) -> None:
        with self.engine.begin() as connection:
            query.execute(connection, "run/set_status", run_id=run_id, status=status, error=error)

    def _fail(self, stage_run_id: int, error: str) -> None:
        with self.engine.begin() as connection:
            query.execute(connection, "stage_run/fail", stage_run_id=stage_run_id, error=error)


def get_run(connection: Connection, run_id: int) -> dict[str, Any]:
    """A run's row.

    Raises:
        NotFoundError: there is no such run.
    """
    row = query.one(connection, "run/get", run_id=run_id)
    if row is None:
        raise NotFoundError(f"There is no run {run_id}.", "See: ildb pipeline list")
    return row


def cancel(connection: Connection, run_id: int) -> bool:
    """Cancel a run; its runners stop at their next heartbeat. False if it had ended already."""
    get_run(connection, run_id)
    return query.execute(connection, "run/cancel", run_id=run_id).rowcount > 0
