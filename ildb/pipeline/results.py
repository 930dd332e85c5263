"""What comes back from workers, into the database: rows and status of each task in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ildb.db import query
from ildb.pipeline import provenance, trouble
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.jsonb import finite, jsonb, plain_text
from ildb.pipeline.leases import Lease, ids_of
from ildb.pipeline.stage import AnyStage, StageContext, TaskOutput, Upstream
from ildb.pipeline.transactions import Transactions
from ildb.pipeline.work import Done, Failed, WorkerInfo, failure

_AT_ONCE = 1000


@dataclass(frozen=True)
class StageWork:
    """A stage being worked on, and the run whose rows it writes."""

    run_id: int
    stage_run_id: int
    stage: AnyStage
    upstream: Sequence[Upstream]


@dataclass(frozen=True)
class Answer:
    """What became of a task, and who did it (None where nobody lived to tell)."""

    lease: Lease
    reply: Done | Failed
    worker: WorkerInfo | None


class Results:
    """Stores the answers of one stage's tasks."""

    def __init__(self, transactions: Transactions, store: ArtifactStore, work: StageWork) -> None:
        self.transactions, self.store, self.work = transactions, store, work
        self._worker_ids: dict[tuple[str, int, datetime, str], int] = {}

    def keep(self, answers: Sequence[Answer]) -> int:
        """Store what succeeded and record what failed; how many were stored."""
        done: list[tuple[Lease, Done, WorkerInfo | None]] = []
        for answer in answers:
            lease, reply, worker = answer.lease, answer.reply, answer.worker
            refusal = None if worker is None else self._other_packages(worker)
            if refusal is not None:
                self.fail(lease, refusal, worker)
            elif isinstance(reply, Failed):
                self.fail(lease, reply, worker)
            else:
                done.append((lease, reply, worker))
        return sum(self._keep(done[i : i + _AT_ONCE]) for i in range(0, len(done), _AT_ONCE))

    def _keep(self, done: Sequence[tuple[Lease, Done, WorkerInfo | None]]) -> int:
        workers = [self._worker_id(worker, reply.device) for _, reply, worker in done]
        rows = [(lease, reply, worker_id) for (lease, reply, _), worker_id in zip(done, workers, strict=True)]
        try:
            return self.transactions.do(lambda connection: self._store(connection, rows), own=False)
        except Exception as error:  # a stage's own code may raise anything
            if trouble.of_server(error) is not None:
                raise  # not the task's fault
            if len(done) > 1:
                # Each for itself, so that only the one that cannot be stored fails.
                return sum(self._keep([one]) for one in done)
            self.fail(done[0][0], failure(error), done[0][2])
            return 0

    def _store(self, connection: Connection, rows: Sequence[tuple[Lease, Done, int | None]]) -> int:
        work = self.work
        held = query.rows(connection, "task/fence", **ids_of([lease for lease, _, _ in rows]))
        ours = {row["id"] for row in held}  # of any other task somebody else holds the lease now
        context = StageContext(
            connection, self.store, work.run_id, work.stage_run_id, work.upstream, provenance.versions()
        )
        ids: list[int] = []
        results: list[str] = []
        walls_s: list[float] = []
        workers: list[int | None] = []
        for lease, done, worker_id in rows:
            if lease.task_id not in ours:
                continue
            files = {kind: context.add_artifact(kind, file) for kind, file in done.files.items()}
            hashes = {kind: file.sha256 for kind, file in done.files.items()}
            output = TaskOutput({**done.result, "files": hashes}, done.tables)
            results.append(json.dumps(finite(work.stage.store(context, lease.payload, output, files))))
            ids.append(lease.task_id)
            walls_s.append(done.wall_s)
            workers.append(worker_id)
        query.execute(connection, "task/succeed", ids=ids, results=results, walls_s=walls_s, workers=workers)
        return len(ids)

    def fail(self, lease: Lease, failed: Failed, worker: WorkerInfo | None) -> None:
        """Record that an attempt failed; the task waits for the next or is set aside."""
        settings = self.transactions.settings
        worker_id = self._worker_id(worker, "cpu")
        self.transactions.do(
            lambda connection: query.execute(
                connection,
                "task/fail",
                task_id=lease.task_id,
                lease_token=lease.token,
                max_attempts=settings.max_attempts,
                backoff_s=settings.backoff_s,
                may_retry=failed.may_retry,
                error=plain_text(failed.error),
                traceback=plain_text(failed.traceback),
                worker_id=worker_id,
            )
        )
        self.transactions.log.write(
            "task failed",
            stage_run=self.work.stage_run_id,
            task=lease.position,
            error=failed.error,
            worker=None if worker is None else f"{worker.host}:{worker.pid}",
        )

    def _other_packages(self, worker: WorkerInfo) -> Failed | None:
        for package in self.work.stage.packages:
            here, there = provenance.release(package), worker.packages.get(package)
            if here != there:
                return Failed(
                    f"{package} is {there} on {worker.host}, but {here} where the run was started; it decides numbers.",
                    "",
                    may_retry=False,
                )
        return None

    def _worker_id(self, worker: WorkerInfo | None, device: str) -> int | None:
        if worker is None:
            return None
        key = (worker.host, worker.pid, worker.started_at, device)
        if key not in self._worker_ids:
            self._worker_ids[key] = self.transactions.do(lambda connection: _register(connection, worker, device))
        return self._worker_ids[key]


def _register(connection: Connection, worker: WorkerInfo, device: str) -> int:
    who = {"host": worker.host, "pid": worker.pid, "started_at": worker.started_at, "device": device}
    query.execute(connection, "worker/add", **who, versions=jsonb(worker.versions))
    return int(query.execute(connection, "worker/find", **who).scalar_one())
