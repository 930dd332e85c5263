"""The task loop: lease tasks, run them elsewhere, store each result together with its status."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from psycopg.types.json import Jsonb
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ildb.db import query
from ildb.errors import IldbError, StageFailedError
from ildb.pipeline import executors, provenance
from ildb.pipeline.artifacts import ArtifactStore, StoredFile
from ildb.pipeline.progress import Report
from ildb.pipeline.stage import AnyStage, StageContext, TaskInput, TaskOutput, Upstream

LEASE_S = 60.0
HEARTBEAT_S = 10.0
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Lease:
    """A task in hand; ``token`` fences it off from earlier holders."""

    task_id: int
    position: int
    token: int
    payload: dict[str, Any]


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
    with store.scratch() as folder:
        output = stage.run(TaskInput(payload, store, folder, threads))
        files = {kind: store.put(path) for kind, path in output.files.items()}
    return Done(output.result, output.tables, files, time.monotonic() - begin)


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
        self.host, self.pid = platform.node(), os.getpid()
        self.held: dict[Future[Done], Lease] = {}

    def work(self) -> None:
        """Until every task of the stage is done.

        Raises:
            StageFailedError: a task failed for good, or the run was cancelled.
        """
        self._release_dead()
        counts = self._counts()
        self.report(counts["n_done"], counts["n_tasks"])
        workers = max(1, min(self.workers, counts["n_tasks"] - counts["n_done"]))
        threads = max(1, self.workers // workers)
        pool = executors.local(workers, threads)
        beat = time.monotonic()
        try:
            while (counts := self._counts())["n_done"] < counts["n_tasks"] or self.held:
                self.report(counts["n_done"], counts["n_tasks"])
                self._raise_if_failed(counts)
                broken = self._submit(pool, self._claim(workers - len(self.held)), threads)
                if self._collect() or broken:
                    _stop(pool)
                    pool = executors.local(workers, threads)
                if time.monotonic() - beat > HEARTBEAT_S:
                    self._heartbeat()
                    beat = time.monotonic()
            self.report(counts["n_done"], counts["n_tasks"])
        finally:
            self._hand_back()
            _stop(pool)

    def _submit(self, pool: Executor, leases: list[Lease], threads: int) -> bool:
        """Start tasks; True when the pool turned out to be broken, and the leases were given back."""
        for i, lease in enumerate(leases):
            try:
                self.held[pool.submit(run_task, type(self.stage), lease.payload, self.store, threads)] = lease
            except BrokenProcessPool:
                self._give_back(leases[i:])
                return True
        return False

    def _collect(self) -> bool:
        """Store what is ready; True when the pool broke (a worker was killed) and must be replaced."""
        if not self.held:
            time.sleep(0.2)  # other runners hold what is left
            return False
        ready, _ = wait(self.held, timeout=HEARTBEAT_S / 4, return_when=FIRST_COMPLETED)
        broken = False
        for future in ready:
            lease = self.held.pop(future)
            error = future.exception()
            if error is None:
                self._store(lease, future.result())
            else:
                broken = broken or isinstance(error, BrokenProcessPool)
                self._record_failure(lease, error)
        return broken

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
                    connection, "task/succeed", task_id=lease.task_id, result=Jsonb(result), wall_s=done.wall_s
                )
        except OperationalError:
            raise  # the server is in trouble, not the task
        except Exception as error:
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
                error=str(error) or type(error).__name__,
                traceback="".join(traceback.format_exception(error)),
            )

    def _claim(self, limit: int) -> list[Lease]:
        if limit <= 0:
            return []
        with self.engine.begin() as connection:
            rows = query.rows(
                connection,
                "task/claim",
                stage_run_id=self.stage_run_id,
                limit=limit,
                lease_s=LEASE_S,
                host=self.host,
                pid=self.pid,
            )
        return [Lease(row["id"], row["position"], row["lease_token"], row["payload"]) for row in rows]

    def _heartbeat(self) -> None:
        leases = list(self.held.values())
        with self.engine.begin() as connection:
            row = query.one(connection, "stage_run/get", stage_run_id=self.stage_run_id)
            if row is None or row["status"] == "cancelled":
                self.held.clear()
                raise StageFailedError("the run was cancelled.")
            query.execute(connection, "task/heartbeat", lease_s=LEASE_S, **_ids(leases))

    def _hand_back(self) -> None:
        leases, self.held = list(self.held.values()), {}
        self._give_back(leases)

    def _give_back(self, leases: list[Lease]) -> None:
        if leases:
            with self.engine.begin() as connection:
                query.execute(connection, "task/hand_back", **_ids(leases))

    def _release_dead(self) -> None:
        with self.engine.begin() as connection:
            holders = query.rows(connection, "task/holders", stage_run_id=self.stage_run_id, host=self.host)
            dead = [row["pid"] for row in holders if not Path(f"/proc/{row['pid']}").exists()]
            query.execute(connection, "task/release_dead", stage_run_id=self.stage_run_id, host=self.host, pids=dead)

    def _counts(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            counts = query.one(connection, "task/counts", stage_run_id=self.stage_run_id)
        if counts is None:
            raise StageFailedError("its tasks cannot be counted.")
        return counts

    def _raise_if_failed(self, counts: dict[str, Any]) -> None:
        if not counts["n_failed"]:
            return
        with self.engine.connect() as connection:
            row = query.one(connection, "task/first_failure", stage_run_id=self.stage_run_id)
        if row is not None:
            raise StageFailedError(
                f"task {row['position']} failed after {row['attempts']} attempts: {row['error']}",
                "Its traceback: ildb pipeline show.",
            )


def _ids(leases: list[Lease]) -> dict[str, list[int]]:
    return {"ids": [lease.task_id for lease in leases], "tokens": [lease.token for lease in leases]}


def _stop(pool: Executor) -> None:
    # Workers in the middle of a task that nobody waits for are ended, or leaving would take as long as they do.
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(timeout=5)


def clean_scratch(store: ArtifactStore) -> None:
    """Remove scratch folders that a killed worker left behind (older than a day)."""
    for folder in store.root.glob(".scratch-*"):
        if time.time() - folder.stat().st_mtime > 86_400:
            shutil.rmtree(folder, ignore_errors=True)
