"""Leases on tasks: what a runner holds, for how long, and against whom."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.pipeline.transactions import Transactions


@dataclass(frozen=True)
class Lease:
    """A task in hand.

    Attributes:
        task_id: the task's row.
        position: its number in the stage.
        token: fences it off from earlier holders.
        payload: what ``plan`` made.
        losses: how often it went down with a worker or runner before.
    """

    task_id: int
    position: int
    token: int
    payload: dict[str, Any]
    losses: int = 0


class Leases:
    """Claims and gives back the tasks of one stage, in this process's name."""

    def __init__(self, transactions: Transactions, stage_run_id: int) -> None:
        self.transactions, self.stage_run_id = transactions, stage_run_id
        self.settings = transactions.settings
        self.host, self.pid = platform.node(), os.getpid()

    def claim(self, limit: int, held: Iterable[Lease]) -> list[Lease]:
        """Lease at most ``limit`` open tasks, none of those already held; the urgent first."""
        if limit <= 0:
            return []
        mine = [lease.task_id for lease in held]
        rows = self.transactions.do(
            lambda connection: query.rows(
                connection,
                "task/claim",
                stage_run_id=self.stage_run_id,
                held=mine,
                limit=limit,
                lease_s=self.settings.lease_s,
                max_losses=self.settings.max_losses,
                host=self.host,
                pid=self.pid,
            )
        )
        return [
            Lease(row["id"], row["position"], row["lease_token"], row["payload"], row["losses"])
            for row in rows
            if row["status"] == "running"
        ]

    def give_back(self, leases: Sequence[Lease], *, patient: bool = True) -> None:
        """Let the tasks wait again; the attempt does not count. Unless ``patient``, a server in trouble is an error."""
        if not leases:
            return
        if patient:
            self.transactions.do(lambda connection: query.execute(connection, "task/hand_back", **ids_of(leases)))
        else:
            with self.transactions.begin() as connection:
                query.execute(connection, "task/hand_back", **ids_of(leases))

    def lose(self, leases: Sequence[Lease], error: str) -> None:
        """Let the tasks wait again after their worker or host went down under them."""
        if leases:
            self.transactions.do(lambda connection: self._lose(connection, ids_of(leases), error))

    def release_dead(self) -> None:
        """Free the tasks of runners on this host whose process is gone, rather than wait for their leases."""

        def release(connection: Connection) -> None:
            held = query.rows(connection, "task/holders", stage_run_id=self.stage_run_id, host=self.host)
            gone = {pid for pid in {row["pid"] for row in held} if not _alive(pid)}
            dead = [row for row in held if row["pid"] in gone]
            if dead:
                ids = {"ids": [row["id"] for row in dead], "tokens": [row["lease_token"] for row in dead]}
                self._lose(connection, ids, "its runner was killed")

        self.transactions.do(release)

    def _lose(self, connection: Connection, ids: dict[str, list[int]], error: str) -> None:
        query.execute(connection, "task/lose", error=error, max_losses=self.settings.max_losses, **ids)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def ids_of(leases: Sequence[Lease]) -> dict[str, list[int]]:
    """Leases as the parameters ``ids`` and ``tokens`` of a query."""
    return {"ids": [lease.task_id for lease in leases], "tokens": [lease.token for lease in leases]}
