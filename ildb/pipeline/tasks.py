"""The task loop: lease tasks, run them elsewhere, store each result together with its status."""

from __future__ import annotations

import pickle
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from ildb.db import query
from ildb.errors import IldbError, StageFailedError
from ildb.pipeline import executors, provenance, trouble
from ildb.pipeline.artifacts import ArtifactStore, StoredFile
from ildb.pipeline.jsonb import jsonb, plain_text
from ildb.pipeline.leases import Lease, Leases
from ildb.pipeline.progress import Report
from ildb.pipeline.stage import AnyStage, StageContext, TaskInput, TaskOutput, Upstream

HEARTBEAT_S = 10.0
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Done:
    """What comes back from a worker: the output, with its files already in the store."""

    result: dict[str, Any]
    tables: dict[str, pa.Table]
    files: dict[str, StoredFile]
    wall_s: float


def run_task(stage: type[AnyStage], payload: dict[str, Any], store: ArtifactStore, threads: int) -> Done:
    """Do one task in a worker process and put its files into the store."""
    begin = time.monotonic()
    try:
        with store.scratch() as folder:
            output = stage.run(TaskInput(payload, store, folder, threads))
            files = {kind: store.put(path) for kind, path in output.files.items()}
    except Exception as error:
        if _travels(error):
            raise
        # It would reach the runner as a broken pool, which names neither the error nor the task.
        raise RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}") from None
    return Done(output.result, output.tables, files, time.monotonic() - begin)


def _travels(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    except Exception:  # an exception's own constructor may raise anything
        return False
    return True


class TaskLoop:
    """Works off one stage's tasks, alone or beside other runners."""

    def __init__(
        self,
        engine: Engine,
        store: ArtifactStore,
        run_id: int,
        stage_run_id: int,
        stage: AnyStage,
        upstream: list[Upstream],
        workers: int | None,
        report: Report,
    ) -> None:
        self.engine, self.store, self.stage, self.upstream = engine, store, stage, upstream
        self.run_id, self.stage_run_id = run_id, stage_run_id
        self.workers = workers or executors.cpu_count()
        self.report = report
        self.leases = Leases(engine, stage_run_id)
        self.held: dict[Future[Done], Lease] = {}
        self.alone_left = 0
        self.beat = time.monotonic()

    def work(self) -> None:
        """Until every task of the stage is done.

        Raises:
            StageFailedError: a task failed for good, or the stage failed or was cancelled elsewhere.
        """
        self.leases.release_dead()
        self.store.clean_scratch()
        counts = self._counts()
        self.report(counts["n_done"], counts["n_tasks"])
        workers = max(1, min(self.workers, counts["n_tasks"] - counts["n_done"]))
        threads = max(1, self.workers // workers)
        pool = executors.local(workers, threads)
        try:
            while (counts := self._counts())["n_done"] < counts["n_tasks"] or self.held:
                self.report(counts["n_done"], counts["n_tasks"])
                self._raise_if_over(counts)
                self._heartbeat()
                room = (1 if self.alone_left else workers) - len(self.held)
                broken = self._submit(pool, self.leases.claim(room, self.held.values()), threads)
                if self._collect(broken=broken):
                    _stop(pool)
                    pool = executors.local(workers, threads)
            self.report(counts["n_done"], counts["n_tasks"])
        finally:
            try:
                # Where the server is gone the leases run out by themselves.
                with suppress(DBAPIError):
                    self.leases.give_back(list(self.held.values()))
            finally:
                _stop(pool)

    def _submit(self, pool: Executor, leases: list[Lease], threads: int) -> bool:
        """Start tasks; True when the pool turned out to be broken, and the leases were given back."""
        for i, lease in enumerate(leases):
            try:
                self.held[pool.submit(run_task, type(self.stage), lease.payload, self.store, threads)] = lease
            except BrokenProcessPool:
                self.leases.give_back(leases[i:])
                return True
        return False

    def _collect(self, *, broken: bool) -> bool:
        """Store what is ready; True when the pool broke (a worker was killed) and must be replaced."""
        if not self.held:
            if not broken:
                time.sleep(0.2)  # other runners hold what is left
            return broken
        ready, rest = wait(self.held, timeout=0 if broken else HEARTBEAT_S / 4, return_when=FIRST_COMPLETED)
        if broken or any(isinstance(future.exception(), BrokenProcessPool) for future in ready):
            broken = True
            ready |= wait(rest, timeout=5).done  # a pool breaks for all its tasks
        victims = [] if not broken else [self.held.pop(future) for future in rest - ready]
        for future in ready:
            # Still held while it is stored: should storing fail, it is given back.
            lease = self.held[future]
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                victims.append(lease)
            else:
                self.alone_left = max(0, self.alone_left - 1)
                if error is None:
                    self._store(lease, future.result())
                else:
                    self._record_failure(lease, error)
            del self.held[future]
            self._heartbeat()
        self._sort_out(victims)
        return broken

    def _sort_out(self, victims: list[Lease]) -> None:
        """Tasks whose worker died: one alone is guilty, among several nobody knows, so they go on one by one."""
        if len(victims) == 1:
            self.alone_left = max(0, self.alone_left - 1)
            self._record_failure(
                victims[0],
                RuntimeError("its worker process died: killed from outside, out of memory, or crashed in native code."),
            )
        elif victims:
            self.leases.give_back(victims)
            self.alone_left = len(victims)

    def _store(self, lease: Lease, done: Done) -> None:
        try:
            with self.engine.begin() as connection:
                if query.one(connection, "task/fence", task_id=lease.task_id, lease_token=lease.token) is None:
                    return  # someone else holds the task now; this result is not wanted
                context = StageContext(
                    connection, self.store, self.run_id, self.stage_run_id, self.upstream, provenance.versions()
                )
                files = {kind: context.add_artifact(kind, file) for kind, file in done.files.items()}
                hashes = {kind: file.sha256 for kind, file in done.files.items()}
                output = TaskOutput({**done.result, "files": hashes}, done.tables)
                result = self.stage.store(context, lease.payload, output, files)
                query.execute(
                    connection, "task/succeed", task_id=lease.task_id, result=jsonb(result), wall_s=done.wall_s
                )
        except Exception as error:
            if trouble.of_server(error) is not None:
                raise  # not the task's fault
            self._record_failure(lease, error)

    def _record_failure(self, lease: Lease, error: BaseException) -> None:
        # Our own errors speak of the input, so trying again would say the same.
        may_retry = not isinstance(error, IldbError)
        with self.engine.begin() as connection:
            query.execute(
                connection,
                "task/fail",
                task_id=lease.task_id,
                lease_token=lease.token,
                max_attempts=MAX_ATTEMPTS,
                may_retry=may_retry,
                error=plain_text(str(error) or type(error).__name__),
                traceback=plain_text("".join(traceback.format_exception(error))),
            )

    def _heartbeat(self) -> None:
        if time.monotonic() - self.beat > HEARTBEAT_S:
            self.leases.extend(list(self.held.values()))
            self.beat = time.monotonic()

    def _counts(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            counts = query.one(connection, "task/counts", stage_run_id=self.stage_run_id)
        if counts is None:
            raise StageFailedError("its tasks cannot be counted.")
        return counts

    def _raise_if_over(self, counts: dict[str, Any]) -> None:
        if counts["stage_status"] == "cancelled":
            raise StageFailedError("the run was cancelled.")
        if counts["n_failed"]:
            with self.engine.connect() as connection:
                row = query.one(connection, "task/first_failure", stage_run_id=self.stage_run_id)
            if row is not None:
                attempts = "1 attempt" if row["attempts"] == 1 else f"{row['attempts']} attempts"
                raise StageFailedError(
                    f"task {row['position']} failed after {attempts}: {row['error']}",
                    f"Its traceback: ildb pipeline show {self.run_id}.",
                )
        if counts["stage_status"] == "failed":
            raise StageFailedError(counts["stage_error"] or "another runner found it failing.")


def _stop(pool: Executor) -> None:
    # Workers in the middle of a task that nobody waits for are ended, or leaving would take as long as they do.
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(timeout=5)
