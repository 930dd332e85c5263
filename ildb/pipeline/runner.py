"""The runner: the only part of a pipeline that talks to the database.

Every step is one transaction, so a run can be killed anywhere and resumed: a stage is planned once, a task's rows
and its status are committed together, and a stage is closed once. Several runners may work on one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ildb.config import Settings, get_settings
from ildb.db import query
from ildb.errors import DatabaseUnreachableError, IldbError, RunPausedError, StageFailedError
from ildb.pipeline import opening, planning, trouble
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.executors import LocalWorkers, Workers
from ildb.pipeline.heart import Heart
from ildb.pipeline.jsonb import plain_text
from ildb.pipeline.opening import DONE, cancel, get_run
from ildb.pipeline.planning import Planned, Reused, Shared
from ildb.pipeline.progress import Progress, Silent
from ildb.pipeline.recipe import Recipe
from ildb.pipeline.results import Results, StageWork
from ildb.pipeline.runlog import RunLog
from ildb.pipeline.settings import RunSettings
from ildb.pipeline.stage import AnyStage
from ildb.pipeline.tasks import TaskLoop
from ildb.pipeline.transactions import Transactions

__all__ = ["RunOutcome", "Runner", "cancel", "get_run"]


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
        run_settings: RunSettings | None = None,
        workers: Workers | int | None = None,
        progress: Progress | None = None,
        time_s: float | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            engine: the database.
            settings: where artifacts and logs lie.
            run_settings: limits.
            workers: where tasks run; a number means so many processes of this machine.
            progress: whom to tell.
            time_s: end in so many seconds, before a batch system would; no task is begun that may not end in time.
        """
        settings = settings or get_settings()
        self.store = ArtifactStore(settings.artifacts_dir)
        self.workers = workers if isinstance(workers, Workers) else LocalWorkers(workers)
        self.progress = progress or Silent()
        self.log = RunLog(settings.home_dir / "logs")
        self.transactions = Transactions(engine, run_settings or RunSettings(), self.log)
        self.stop_at = None if time_s is None else time.monotonic() + time_s

    def run(
        self,
        recipe: Recipe,
        *,
        force: bool = False,
        priority: int = 0,
        started: Callable[[int], None] = lambda _: None,
    ) -> RunOutcome:
        """Run a recipe, continue an unfinished run of it, or name the finished one.

        Args:
            recipe: what to do.
            force: compute everything anew, in a run of its own; resuming that run keeps to it.
            priority: of a new run; the higher is served first by those who help (``help_out``).
            started: called with the run's id before the work starts.

        Raises:
            StageFailedError: a stage failed or the run was cancelled; the message names the command that resumes.
            RunPausedError: the time is up.
            DatabaseUnreachableError: the server stayed away or out of room for too long; the run can be resumed.
        """
        run_id, status = self.transactions.do(
            lambda connection: opening.find_or_add(connection, recipe, force=force, priority=priority), own=False
        )
        if status == "succeeded":
            return RunOutcome(run_id, existing=True)
        started(run_id)
        self._execute(run_id)
        return RunOutcome(run_id, existing=False)

    def resume(self, run_id: int) -> RunOutcome:
        """Continue a run, or help those who work on it; finished tasks are not repeated.

        Raises:
            NotFoundError: there is no such run.
            StageFailedError: a stage failed or the run was cancelled.
            RunPausedError: the time is up.
            DatabaseUnreachableError: the server stayed away or out of room for too long; the run can be resumed.
        """
        row = self.transactions.do(lambda connection: get_run(connection, run_id))
        if row["status"] == "succeeded":
            return RunOutcome(run_id, existing=True)
        self._execute(run_id)
        return RunOutcome(run_id, existing=False)

    def help_out(self, report: Callable[[int, str | None], None]) -> int:
        """Work on every open run, the most urgent first, until none is left; how many succeeded.

        Args:
            report: called with each run's id and what went wrong, None where nothing did.

        Raises:
            RunPausedError: the time is up.
            DatabaseUnreachableError: the server stayed away or out of room for too long.
        """
        failed: list[int] = []
        n_done = 0
        while True:
            row = self.transactions.do(lambda connection: query.one(connection, "run/most_urgent", but=failed))
            if row is None:
                return n_done
            try:
                self.resume(row["id"])
            except (RunPausedError, DatabaseUnreachableError):
                raise
            except IldbError as error:
                failed.append(row["id"])
                report(row["id"], error.what)
            else:
                n_done += 1
                report(row["id"], None)

    def _execute(self, run_id: int) -> None:
        self.log.run_id = run_id
        with self._telling_the_end(run_id):
            self.transactions.do(self.store.mark_database)
            recipe = self.transactions.do(lambda connection: opening.open_run(connection, run_id))
            built = {spec.name: recipes.build(spec) for spec in recipe.stage}
            self.log.write("run opened", recipe=recipe.name, executor=type(self.workers).__name__)
            try:
                with Heart(self.transactions, run_id) as heart:
                    for row in self._stage_rows(run_id):
                        if row["status"] not in DONE:
                            self._run_stage(heart, run_id, row["name"], built[row["name"]])
            finally:
                self.workers.close()
            closed = self.transactions.do(lambda connection: query.one(connection, "run/succeed", run_id=run_id))
            if closed is None:
                raise StageFailedError(
                    f"Run {run_id} was cancelled or reopened meanwhile.",
                    f"Continue with: ildb pipeline resume {run_id}",
                )

    def _run_stage(self, heart: Heart, run_id: int, name: str, stage: AnyStage) -> None:
        self.progress.stage(name, stage.uses)
        while True:
            work = self._work(run_id, name, stage)
            with self._blaming(work, name):
                outcome = self._plan(work)
                if isinstance(outcome, Reused):
                    self.log.write("stage reused", stage=name, reused_from=outcome.stage_run_id)
                    self.progress.reused(name)
                    return
                if isinstance(outcome, Planned):
                    self._work_off(heart, work, name)
                    return
                self.log.write("stage shared", stage=name, with_run=outcome.run_id)
                self._help_twin(heart, outcome, stage)

    def _help_twin(self, heart: Heart, twin: Shared, stage: AnyStage) -> None:
        work = self._work(twin.run_id, twin.name, stage)
        try:
            with self._blaming(work, twin.name):
                self._work_off(heart, work, twin.name)
        except StageFailedError:
            with self.transactions.begin() as connection:
                row = query.one(connection, "stage_run/get", stage_run_id=work.stage_run_id)
            if row is not None and row["status"] == "failed":
                raise  # it would fail here, too; where it was cancelled, this run does it itself

    def _work_off(self, heart: Heart, work: StageWork, name: str) -> None:
        begin = time.monotonic()
        self.log.write("stage started", stage=name, stage_run=work.stage_run_id, of_run=work.run_id)
        with self.progress.tasks(name) as report:
            results = Results(self.transactions, self.store, work)
            TaskLoop(heart, results, self.workers, report, self.stop_at).run()
        self.transactions.do(lambda connection: planning.finish(connection, self.store, work), own=False)
        self.log.write("stage finished", stage=name, wall_s=round(time.monotonic() - begin, 3))

    def _plan(self, work: StageWork) -> Planned | Reused | Shared:
        def guarded(guard: Connection) -> Planned | Reused | Shared | None:
            # Locked apart: the state of the database that planning sees must begin when the others have decided.
            if not query.execute(guard, "stage_run/lock_kind", uses=work.stage.uses).scalar_one():
                return None
            return self.transactions.do(
                lambda connection: planning.plan(connection, self.store, work), own=False, snapshot=True
            )

        while (outcome := self.transactions.do(guarded, own=False)) is None:
            time.sleep(0.2)
        return outcome

    @contextmanager
    def _blaming(self, work: StageWork, name: str) -> Iterator[None]:
        """Close a stage that fails, and say which it was."""
        run_id = work.run_id
        try:
            yield
        except RunPausedError as error:
            raise RunPausedError(
                f"Run {run_id}, stage '{name}' paused, its time is up: {error.what}",
                f"Continue with: ildb pipeline resume {run_id}",
            ) from error
        except StageFailedError as error:
            self._fail(work.stage_run_id, error.what)
            raise StageFailedError(
                f"Run {run_id}, stage '{name}': {error.what}",
                f"Attempts and tracebacks: ildb pipeline show {run_id} --attempts. "
                f"Resume with: ildb pipeline resume {run_id}",
            ) from error
        except IldbError as error:
            self._fail(work.stage_run_id, error.what)
            raise StageFailedError(f"Run {run_id}, stage '{name}': {error.what}", error.hint) from error
        except Exception as error:
            if trouble.of_server(error) is not None:
                raise  # not the stage's fault: it stays open
            # Whatever a stage's own code raises, the run must not look as if it went on.
            what = f"{type(error).__name__}: {error}"
            self._fail(work.stage_run_id, what)
            raise StageFailedError(
                f"Run {run_id}, stage '{name}': {what}", f"For the traceback: ildb --debug pipeline resume {run_id}"
            ) from error

    def _work(self, run_id: int, name: str, stage: AnyStage) -> StageWork:
        rows = {row["name"]: row for row in self._stage_rows(run_id)}
        upstream = self.transactions.do(lambda connection: planning.upstream_of(connection, rows, rows[name]["needs"]))
        return StageWork(run_id, rows[name]["id"], stage, upstream)

    def _stage_rows(self, run_id: int) -> list[dict[str, Any]]:
        return self.transactions.do(lambda connection: query.rows(connection, "stage_run/of_run", run_id=run_id))

    def _fail(self, stage_run_id: int, error: str) -> None:
        what = plain_text(error)
        self.transactions.do(
            lambda connection: [
                query.execute(connection, name, stage_run_id=stage_run_id, error=what)
                for name in ("run/fail", "stage_run/fail")
            ]
        )

    @contextmanager
    def _telling_the_end(self, run_id: int) -> Iterator[None]:
        """Log how it ended; turn a server that stayed away into an error that says how to go on."""
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            reason = trouble.of_server(error)
            self.log.write("run stopped", reason=reason or trouble.first_line(error))
            if reason is None:
                raise
            raise DatabaseUnreachableError(
                f"Run {run_id} stopped, because the database did: {reason.rstrip('.')}.",
                f"What was finished is kept. When the database is back: ildb pipeline resume {run_id}",
            ) from error
        except IldbError as error:
            self.log.write("run stopped", reason=error.what)
            raise
        except BaseException as error:
            self.log.write("run stopped", reason=repr(error))
            raise
        self.log.write("run succeeded")
