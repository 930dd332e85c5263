"""The runner: the only part of a pipeline that talks to the database.

Every step is one transaction, so a run can be killed anywhere and resumed: a stage is planned once, a task's rows
and its status are committed together, and a stage is closed once. Several runners may work on one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ildb import __version__
from ildb.config import Settings, get_settings
from ildb.db import query
from ildb.errors import DatabaseUnreachableError, IldbError, InputError, NotFoundError, StageFailedError
from ildb.hashing import sha256_json
from ildb.pipeline import provenance, trouble
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.jsonb import jsonb, plain_text
from ildb.pipeline.progress import Progress, Silent
from ildb.pipeline.recipe import Recipe
from ildb.pipeline.stage import AnyStage, StageContext, Upstream
from ildb.pipeline.tasks import TaskLoop

_DONE = {"succeeded", "reused"}
_FORCED = "forced"
"""Key of a waiting stage that no earlier result may answer for (see ``stage_run/add``)."""
_TRIES = 5

T = TypeVar("T")


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
            force: compute everything anew, in a run of its own; resuming that run keeps to it.
            started: called with the run's id before the work starts.

        Raises:
            StageFailedError: a stage failed or the run was cancelled; the message names the command that resumes.
            DatabaseUnreachableError: the server went away or ran out of room; the run can be resumed.
        """
        with self.engine.begin() as connection:
            run_id, existing = self._find_or_add(connection, recipe, force=force)
        if existing == "succeeded":
            return RunOutcome(run_id, existing=True)
        started(run_id)
        self._execute(run_id)
        return RunOutcome(run_id, existing=False)

    def resume(self, run_id: int) -> RunOutcome:
        """Continue a run; finished tasks are not repeated.

        Raises:
            NotFoundError: there is no such run.
            StageFailedError: a stage failed or the run was cancelled.
            DatabaseUnreachableError: the server went away or ran out of room; the run can be resumed.
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
            recipe=jsonb(recipe.canonical),
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
                params=jsonb(stage.params.model_dump(mode="json")),
                needs=list(spec.needs),
                force=force,
            )
        return run_id, None

    def _execute(self, run_id: int) -> None:
        with _naming_the_resume(run_id):
            recipe = self._in_transaction(lambda connection: self._open(connection, run_id))
            built = {spec.name: recipes.build(spec) for spec in recipe.stage}
            for row in self._stage_rows(run_id):
                if row["status"] not in _DONE:
                    self._run_stage(run_id, row["name"], built[row["name"]])
            with self.engine.begin() as connection:
                closed = query.one(connection, "run/succeed", run_id=run_id) is not None
        if not closed:
            raise StageFailedError(
                f"Run {run_id} was cancelled or reopened meanwhile.", f"Continue with: ildb pipeline resume {run_id}"
            )

    def _open(self, connection: Connection, run_id: int) -> Recipe:
        run = get_run(connection, run_id)
        recipe = recipes.from_dict(run["recipe"], where=f"the recipe stored with run {run_id}")
        kinds = {spec.name: recipes.build(spec) for spec in recipe.stage}
        for row in query.rows(connection, "stage_run/of_run", run_id=run_id):
            kind = kinds[row["name"]]
            if row["status"] not in _DONE and row["n_tasks"] and row["version"] != kind.version:
                raise InputError(
                    f"Stage '{row['name']}' of run {run_id} was begun by version {row['version']} of {row['uses']}, "
                    f"and this ildb has version {kind.version}.",
                    "Run the recipe anew: ildb pipeline run RECIPE",
                )
        query.execute(connection, "run/open", run_id=run_id)
        query.execute(connection, "stage_run/reopen_failed", run_id=run_id)
        query.execute(connection, "task/reopen_failed", run_id=run_id)
        return recipe

    def _run_stage(self, run_id: int, name: str, stage: AnyStage) -> None:
        rows = {row["name"]: row for row in self._stage_rows(run_id)}
        row = rows[name]
        upstream = [self._upstream(rows[need]) for need in row["needs"]]
        stage_run_id = row["id"]
        self.progress.stage(name, stage.uses)
        try:
            if not self._in_transaction(
                lambda connection: self._plan(connection, run_id, stage_run_id, stage, upstream), snapshot=True
            ):
                self.progress.reused(name)
                return
            with self.progress.tasks(name) as report:
                TaskLoop(self.engine, self.store, run_id, stage_run_id, stage, upstream, self.workers, report).work()
            self._in_transaction(lambda connection: self._finish(connection, run_id, stage_run_id, stage, upstream))
        except StageFailedError as error:
            self._fail(stage_run_id, error.what)
            raise StageFailedError(
                f"Run {run_id}, stage '{name}': {error.what}",
                f"{error.hint} Resume with: ildb pipeline resume {run_id}".strip(),
            ) from error
        except IldbError as error:
            self._fail(stage_run_id, error.what)
            raise StageFailedError(f"Run {run_id}, stage '{name}': {error.what}", error.hint) from error
        except Exception as error:
            if trouble.of_server(error) is not None:
                raise  # not the stage's fault: it stays open
            # Whatever a stage's own code raises, the run must not look as if it went on.
            what = f"{type(error).__name__}: {error}"
            self._fail(stage_run_id, what)
            raise StageFailedError(
                f"Run {run_id}, stage '{name}': {what}", f"For the traceback: ildb --debug pipeline resume {run_id}"
            ) from error

    def _plan(
        self, connection: Connection, run_id: int, stage_run_id: int, stage: AnyStage, upstream: list[Upstream]
    ) -> bool:
        """Plan a waiting stage; False when its result is there already."""
        row = query.one(connection, "stage_run/lock", stage_run_id=stage_run_id)
        _check_open(row)
        if row is None or row["status"] != "waiting":
            return row is not None and bool(row["status"] == "running")
        made_of = {
            "uses": stage.uses,
            "version": stage.version,
            "params": stage.params.model_dump(mode="json"),
            "reads": stage.fingerprint(connection),
            "upstream": [up.stage_key for up in upstream],
            # Forced work is never shared with work that was not.
            "forced_in_run": run_id if row["stage_key"] == _FORCED else None,
        }
        key, earlier = self._find_reusable(connection, stage_run_id, made_of)
        if earlier is not None:
            query.execute(
                connection,
                "stage_run/reuse",
                stage_run_id=stage_run_id,
                stage_key=key,
                reused_from_id=earlier["id"],
                result=jsonb(earlier["result"]),
            )
            return False
        query.execute(
            connection,
            "stage_run/start",
            stage_run_id=stage_run_id,
            stage_key=key,
            version=stage.version,
            host=provenance.host(),
            device="cpu",
            seed=getattr(stage.params, "seed", None),
            versions=jsonb(provenance.versions()),
            git_commit=provenance.git_commit(),
        )
        payloads = stage.plan(self._context(connection, run_id, stage_run_id, upstream))
        if payloads:
            connection.execute(
                query.statement("task/add"),
                [
                    {"stage_run_id": stage_run_id, "position": i, "payload": jsonb(payload)}
                    for i, payload in enumerate(payloads)
                ],
            )
        return True

    def _find_reusable(
        self, connection: Connection, stage_run_id: int, made_of: dict[str, Any]
    ) -> tuple[str, dict[str, Any] | None]:
        """Key of a stage, and the newest earlier one with that key whose files are here, if any."""
        key = sha256_json(made_of)
        while found := query.rows(connection, "stage_run/find_reusable", stage_key=key, stage_run_id=stage_run_id):
            for earlier in found:
                if self._has_files(connection, earlier["id"]):
                    return key, earlier
            # They are gone, or lie on another machine. What takes their place has a key of its own, so that later
            # stages never mix rows made from the one with files made from the other.
            key = sha256_json({**made_of, "instead_of": found[0]["id"]})
        return key, None

    def _has_files(self, connection: Connection, stage_run_id: int) -> bool:
        files = query.rows(connection, "artifact/of_stage_run", stage_run_id=stage_run_id)
        return all(self.store.has(file["sha256"], file["n_bytes"]) for file in files)

    def _finish(
        self, connection: Connection, run_id: int, stage_run_id: int, stage: AnyStage, upstream: list[Upstream]
    ) -> None:
        row = query.one(connection, "stage_run/lock", stage_run_id=stage_run_id)
        _check_open(row)
        if row is None or row["status"] != "running":
            return  # another runner closed it
        results = [r["result"] or {} for r in query.rows(connection, "task/results", stage_run_id=stage_run_id)]
        result = stage.finish(self._context(connection, run_id, stage_run_id, upstream), results)
        query.execute(connection, "stage_run/finish", stage_run_id=stage_run_id, result=jsonb(result))

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

    def _fail(self, stage_run_id: int, error: str) -> None:
        with self.engine.begin() as connection:
            query.execute(connection, "run/fail", stage_run_id=stage_run_id, error=plain_text(error))
            query.execute(connection, "stage_run/fail", stage_run_id=stage_run_id, error=plain_text(error))

    def _in_transaction(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Do work in one transaction, again when another one stood in its way.

        Args:
            work: called with the open transaction, perhaps more than once.
            snapshot: see one state of the database throughout, so that a fingerprint speaks of what is then read.
        """
        level = "REPEATABLE READ" if snapshot else "READ COMMITTED"
        for tries_left in reversed(range(_TRIES)):
            try:
                with self.engine.connect().execution_options(isolation_level=level) as connection, connection.begin():
                    return work(connection)
            except (DBAPIError, psycopg.Error) as error:
                if not (tries_left and trouble.passing(error)):
                    raise
        raise AssertionError("the last try returns or raises")


@contextmanager
def _naming_the_resume(run_id: int) -> Iterator[None]:
    """Turn a server that went away in the middle of a run into an error that says how to go on."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        reason = trouble.of_server(error)
        if reason is None:
            raise
        raise DatabaseUnreachableError(
            f"Run {run_id} stopped, because the database did: {reason.rstrip('.')}.",
            f"What was finished is kept. When the database is back: ildb pipeline resume {run_id}",
        ) from error


def _check_open(row: dict[str, Any] | None) -> None:
    """Raise when a stage's row, just locked, says that this runner has no business with it."""
    if row is None:
        raise StageFailedError("its row is gone.")
    if row["status"] == "cancelled":
        raise StageFailedError("the run was cancelled.")
    if row["status"] == "failed":
        raise StageFailedError(row["error"] or "another runner found it failing.")


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
    """Cancel a run; its runners stop within seconds. False if it had ended already."""
    get_run(connection, run_id)
    return query.one(connection, "run/cancel", run_id=run_id) is not None
