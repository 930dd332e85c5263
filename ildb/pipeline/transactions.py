"""Transactions of the runner: limited in time, repeated when they collide, patient with a server in trouble."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ildb.db import query
from ildb.pipeline import trouble
from ildb.pipeline.runlog import RunLog
from ildb.pipeline.settings import RunSettings

T = TypeVar("T")

_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class Limits:
    """How long one statement, the wait for a lock and a pause between statements may take, in seconds."""

    statement_s: float
    lock_s: float
    idle_s: float


BOOKKEEPING = Limits(statement_s=30, lock_s=5, idle_s=60)
"""For the runner's own statements, which take milliseconds."""


class Transactions:
    """Does work in transactions on one engine."""

    def __init__(self, engine: Engine, settings: RunSettings, log: RunLog) -> None:
        self.engine, self.settings, self.log = engine, settings, log
        # A stage's own statements may be long, and so may what it does between them.
        self.work_limits = Limits(settings.statement_timeout_s, lock_s=10, idle_s=settings.statement_timeout_s / 2)

    @contextmanager
    def begin(self, limits: Limits = BOOKKEEPING, *, snapshot: bool = False) -> Iterator[Connection]:
        """One transaction, tried once.

        Args:
            limits: of its statements.
            snapshot: see one state of the database throughout.
        """
        level = "REPEATABLE READ" if snapshot else "READ COMMITTED"
        with self.engine.connect().execution_options(isolation_level=level) as connection, connection.begin():
            query.execute(
                connection,
                "run/timeouts",
                statement_ms=f"{limits.statement_s * 1000:.0f}",
                lock_ms=f"{limits.lock_s * 1000:.0f}",
                idle_ms=f"{limits.idle_s * 1000:.0f}",
            )
            yield connection

    def do(self, work: Callable[[Connection], T], *, own: bool = True, snapshot: bool = False) -> T:
        """Do work in one transaction, again when another stood in its way or the server was away.

        Args:
            work: called with the open transaction, perhaps more than once; also when the answer to a COMMIT was lost,
                so it must look at what is there before it adds to it.
            own: the statements are the runner's own and short; else a stage's.
            snapshot: see one state of the database throughout, so that a fingerprint speaks of what is then read.

        Raises:
            DBAPIError, psycopg.Error: what is not the server's trouble, or when patience has ended.
        """
        since: float | None = None
        pause_s = 0.05
        while True:
            try:
                with self.begin(BOOKKEEPING if own else self.work_limits, snapshot=snapshot) as connection:
                    result = work(connection)
            except (DBAPIError, psycopg.Error) as error:
                now = time.monotonic()
                reason = trouble.of_server(error)
                if reason is None and not trouble.passing(error):
                    raise
                if since is None:
                    since = now
                    self.log.write("trouble", reason=reason or trouble.first_line(error))
                # Whoever holds a lock is alive, or the server ends its session: there is no need to give up.
                if now - since >= self.settings.patience_s and not trouble.waited_for_lock(error):
                    raise
                time.sleep(pause_s * random.uniform(0.5, 1))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                if since is not None:
                    self.log.write("trouble over", lasted_s=round(time.monotonic() - since, 1))
                return result
