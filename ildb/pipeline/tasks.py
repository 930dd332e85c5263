"""The task loop: lease tasks, have them done elsewhere, store what comes back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from ildb.db import query
from ildb.errors import RunPausedError, StageFailedError
from ildb.pipeline.executors import Blame, Pool, PoolBrokenError, Workers
from ildb.pipeline.heart import Heart
from ildb.pipeline.leases import Lease, Leases
from ildb.pipeline.progress import Report
from ildb.pipeline.results import Answer, Results, StageWork
from ildb.pipeline.work import Failed, Replies, failure, run_tasks

_PORTION_S = 0.5
_LARGEST_PORTION = 500
_LOOK_S = 1.0
_LOG_S = 60.0
_HOPELESS = 10
"""So many tasks set aside, more than were done, say that it is not the tasks' fault."""


class TaskLoop:
    """Works off one stage's tasks, alone or beside other runners."""

    def __init__(
        self, heart: Heart, results: Results, workers: Workers, report: Report, stop_at: float | None = None
    ) -> None:
        self.heart, self.results, self.workers, self.report, self.stop_at = heart, results, workers, report, stop_at
        self.transactions = results.transactions
        self.leases = Leases(self.transactions, results.work.stage_run_id)
        self.held: dict[Future[Replies], list[Lease]] = {}
        self.alone_left = 0
        self.mean_s: float | None = None
        self.longest_s = 0.0
        self.n_done = self.n_tasks = 0
        self.recount_at = self.look_at = self.log_at = 0.0

    @property
    def work(self) -> StageWork:
        """The stage at work."""
        return self.results.work

    def in_hand(self) -> list[Lease]:
        """Every lease held; the heart asks from its own thread."""
        return [lease for leases in list(self.held.values()) for lease in leases]

    def run(self) -> None:
        """Until every task of the stage is done or set aside.

        Raises:
            StageFailedError: tasks were set aside, or the stage failed or was cancelled elsewhere.
            RunPausedError: the time is up.
        """
        self.leases.release_dead()
        self.results.store.clean_scratch()
        if self._look(now=True)["is_open"]:
            pool = self.workers.pool(self.n_tasks - self.n_done)
            self.heart.in_hand = self.in_hand
            try:
                self._work_off(pool)
            finally:
                self.heart.in_hand = lambda: ()
                try:
                    # Where the server is gone the leases run out by themselves.
                    with suppress(DBAPIError, psycopg.Error):
                        self.leases.give_back(self.in_hand(), patient=False)
                finally:
                    pool.stop()
        self.recount_at = 0.0
        state = self._look(now=True)
        if state["n_failed"]:
            raise StageFailedError(self._first_failure(state["n_failed"]))

    def _work_off(self, pool: Pool) -> None:
        while True:
            self._look()
            claimed = self._claim(pool)
            if claimed or self.held:
                self._collect(pool, broken=self._submit(pool, claimed))
            elif self._is_time_up(self.longest_s):
                raise RunPausedError(f"{self.n_tasks - self.n_done} of {self.n_tasks} tasks are left.")
            elif self._look(now=True)["is_open"]:
                time.sleep(0.2)  # other runners hold what is left, or it waits for its next attempt
            else:
                return

    def _portion(self) -> int:
        """Tasks to send at once: as many as take half a second, and no more than leave work for all workers."""
        if self.mean_s is None or self.alone_left:
            return 1
        left = self.n_tasks - self.n_done - len(self.held)
        most = max(1, left // (4 * max(1, len(self.held))))
        return max(1, min(int(_PORTION_S / max(self.mean_s, 1e-6)), _LARGEST_PORTION, most))

    def _claim(self, pool: Pool) -> list[Lease]:
        if self._is_time_up(self.longest_s):
            return []
        # Short tasks wait at the workers, so that these never wait for the database.
        is_short = self.mean_s is not None and self.mean_s < 1
        room = 1 if self.alone_left else pool.workers * (2 if is_short else 1)
        free = room - len(self.held)
        return self.leases.claim(free * self._portion(), self.in_hand()) if free > 0 else []

    def _is_time_up(self, needed_s: float) -> bool:
        return self.stop_at is not None and time.monotonic() + needed_s > self.stop_at

    def _submit(self, pool: Pool, leases: Sequence[Lease]) -> bool:
        """Send tasks to workers; True when the pool turned out to be broken, and the leases were given back."""
        # What went down with a worker before goes alone, so that the next time shows whose fault it was.
        suspects = [[lease] for lease in leases if lease.losses]
        others = [lease for lease in leases if not lease.losses]
        size = self._portion()
        portions = suspects + [others[i : i + size] for i in range(0, len(others), size)]
        for i, portion in enumerate(portions):
            payloads = [lease.payload for lease in portion]
            try:
                stage, store = self.work.stage, self.results.store
                future = pool.submit(run_tasks, type(stage), payloads, store, pool.threads, stage.packages)
            except PoolBrokenError:
                self.leases.give_back([lease for rest in portions[i:] for lease in rest])
                return True
            self.held[future] = portion
        return False

    def _collect(self, pool: Pool, *, broken: bool) -> None:
        """Store what is ready; where the pool broke (a worker was killed), replace it."""
        ready, rest = wait(self.held, timeout=0 if broken else _LOOK_S, return_when=FIRST_COMPLETED)
        if pool.breaks_whole and (broken or any(self._blame(pool, future) for future in ready)):
            broken = True
            ready |= wait(rest, timeout=5).done  # a pool breaks for all its tasks
        answers: list[Answer] = []
        victims = [(Blame.UNKNOWN, self.held.pop(future)) for future in rest - ready] if broken else []
        for future in ready:
            leases, blame = self.held[future], self._blame(pool, future)
            if blame is not None:
                victims.append((blame, leases))
            elif (error := future.exception()) is None:
                self.alone_left = max(0, self.alone_left - 1)
                replies = future.result()
                self._learn(replies)
                answers += [
                    Answer(lease, reply, replies.worker) for lease, reply in zip(leases, replies.tasks, strict=True)
                ]
            elif len(leases) == 1:
                answers.append(Answer(leases[0], failure(error), None))
            else:
                victims.append((Blame.HOST, leases))  # the next time each comes alone
        # Still held while it is stored: should storing fail, it is given back.
        self.n_done += self.results.keep(answers)
        self._sort_out(pool, victims)
        for future in ready:
            del self.held[future]
        if broken:
            pool.renew()

    @staticmethod
    def _blame(pool: Pool, future: Future[Replies]) -> Blame | None:
        error = future.exception()
        return None if error is None else pool.blame(error)

    def _learn(self, replies: Replies) -> None:
        walls_s = [0.0 if isinstance(reply, Failed) else reply.wall_s for reply in replies.tasks]
        mean_s = sum(walls_s) / len(walls_s)
        self.mean_s = mean_s if self.mean_s is None else 0.7 * self.mean_s + 0.3 * mean_s
        self.longest_s = max(self.longest_s, *walls_s)

    def _sort_out(self, pool: Pool, victims: Sequence[tuple[Blame, list[Lease]]]) -> None:
        """Tasks whose worker died: one alone is guilty, among several nobody knows, so each goes alone next time."""
        for blame, leases in victims:
            is_sure = blame is Blame.TASK or (blame is Blame.UNKNOWN and len(victims) == 1)
            if is_sure and len(leases) == 1:
                self.alone_left = max(0, self.alone_left - 1)
                text = "its worker process died: killed from outside, out of memory, or crashed in native code."
                self.results.fail(leases[0], Failed(text, "", may_retry=True), None)
                continue
            self.transactions.log.write(
                "tasks lost",
                stage_run=self.work.stage_run_id,
                tasks=[lease.position for lease in leases],
                reason=blame.value,
            )
            self.leases.lose(leases, blame.value)
            if pool.breaks_whole:
                self.alone_left += len(leases)

    def _look(self, *, now: bool = False) -> dict[str, Any]:
        """What became of the stage meanwhile; looked up once a second unless asked ``now``.

        Raises:
            StageFailedError: it is over.
        """
        clock = time.monotonic()
        if clock < self.look_at and not now:
            return {}
        self.look_at = clock + _LOOK_S
        stage_run_id = self.work.stage_run_id
        state = self.transactions.do(lambda connection: query.one(connection, "task/state", stage_run_id=stage_run_id))
        if state is None or state["status"] == "cancelled":
            raise StageFailedError("the run was cancelled.")
        if state["status"] == "failed":
            raise StageFailedError(state["error"] or "another runner found it failing.")
        if clock >= self.recount_at:
            counts = self.transactions.do(
                lambda connection: query.one(connection, "task/counts", stage_run_id=stage_run_id)
            )
            self.n_done, self.n_tasks = (counts["n_done"], counts["n_tasks"]) if counts else (0, 0)
            # Counting millions takes its time, so it gets a twentieth of it.
            took_s = time.monotonic() - clock
            self.recount_at = clock + max(2 * _LOOK_S, 20 * took_s)
        self.report(self.n_done, self.n_tasks)
        if clock >= self.log_at:
            self.log_at = clock + _LOG_S
            self.transactions.log.write(
                "progress", stage_run=stage_run_id, done=self.n_done, tasks=self.n_tasks, failed=state["n_failed"]
            )
        if state["n_failed"] >= _HOPELESS and state["n_failed"] > self.n_done:
            raise StageFailedError(self._first_failure(state["n_failed"]))
        return state

    def _first_failure(self, n_failed: int) -> str:
        stage_run_id = self.work.stage_run_id
        row = self.transactions.do(
            lambda connection: query.one(connection, "task/first_failure", stage_run_id=stage_run_id)
        )
        if row is None:
            return "tasks failed, and were taken up again meanwhile."
        attempts = "1 attempt" if row["attempts"] == 1 else f"{row['attempts']} attempts"
        said = f"task {row['position']} failed after {attempts}: {row['error']}"
        return said if n_failed == 1 else f"{n_failed} of {self.n_tasks} tasks failed. The first: {said}"
