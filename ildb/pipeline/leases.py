"""Leases on tasks: what a runner holds, for how long, and against whom."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from ildb.db import query

LEASE_S = 60.0


@dataclass(frozen=True)
class Lease:
    """A task in hand; ``token`` fences it off from earlier holders."""

    task_id: int
    position: int
    token: int
    payload: dict[str, Any]


class Leases:
    """Claims, extends and gives back the tasks of one stage, in this process's name."""

    def __init__(self, engine: Engine, stage_run_id: int) -> None:
        self.engine, self.stage_run_id = engine, stage_run_id
        self.host, self.pid = platform.node(), os.getpid()

    def claim(self, limit: int, held: Iterable[Lease]) -> list[Lease]:
        """Lease at most ``limit`` open tasks, none of those already held."""
        if limit <= 0:
            return []
        with self.engine.begin() as connection:
            rows = query.rows(
                connection,
                "task/claim",
                stage_run_id=self.stage_run_id,
                held=[lease.task_id for lease in held],
                limit=limit,
                lease_s=LEASE_S,
                host=self.host,
                pid=self.pid,
            )
        return [Lease(row["id"], row["position"], row["lease_token"], row["payload"]) for row in rows]

    def extend(self, leases: Sequence[Lease]) -> None:
        """Say that the tasks are still worked on; a lease taken over meanwhile stays lost."""
        if leases:
            with self.engine.begin() as connection:
                query.execute(connection, "task/heartbeat", lease_s=LEASE_S, **_ids(leases))

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Let the tasks wait again; the attempt does not count."""
        if leases:
            with self.engine.begin() as connection:
                query.execute(connection, "task/hand_back", **_ids(leases))

    def release_dead(self) -> None:
        """Free the tasks of runners on this host whose process is gone, rather than wait for their leases."""
        with self.engine.begin() as connection:
            holders = query.rows(connection, "task/holders", stage_run_id=self.stage_run_id, host=self.host)
            dead = [row["pid"] for row in holders if not _alive(row["pid"])]
            query.execute(connection, "task/release_dead", stage_run_id=self.stage_run_id, host=self.host, pids=dead)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ids(leases: Sequence[Lease]) -> dict[str, list[int]]:
    return {"ids": [lease.task_id for lease in leases], "tokens": [lease.token for lease in leases]}
