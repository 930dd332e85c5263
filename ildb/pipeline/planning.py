"""The database side of a stage: planned once, closed once, whoever works on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.db.copy import copy_rows
from ildb.errors import StageFailedError
from ildb.pipeline import keys, provenance
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.jsonb import finite, jsonb
from ildb.pipeline.results import StageWork
from ildb.pipeline.stage import StageContext, Upstream

_TASK = {"stage_run_id": "int8", "position": "int8", "payload": "jsonb", "priority": "int2"}


@dataclass(frozen=True)
class Reused:
    """An earlier stage answers."""

    stage_run_id: int


@dataclass(frozen=True)
class Shared:
    """The same stage is at work in another run, and is better helped than done twice."""

    run_id: int
    name: str


@dataclass(frozen=True)
class Planned:
    """Its tasks are there."""


def plan(connection: Connection, store: ArtifactStore, work: StageWork) -> Planned | Reused | Shared:
    """Plan a waiting stage, unless its result is there already or is being made.

    Raises:
        StageFailedError: the stage is over.
    """
    stage, upstream = work.stage, work.upstream
    row = lock_open(connection, work.stage_run_id)
    if row["status"] == "running":
        return Planned()
    if row["status"] != "waiting":
        return Reused(row["reused_from_id"] or row["id"])
    forced_in = work.run_id if row["stage_key"] == keys.FORCED else None
    found = keys.find(connection, store, work.stage_run_id, keys.made_of(connection, stage, upstream, forced_in))
    identity = {"stage_run_id": work.stage_run_id, "stage_key": found.key, "made_of": jsonb(found.made_of)}
    if found.earlier is not None:
        query.execute(
            connection,
            "stage_run/reuse",
            reused_from_id=found.earlier["id"],
            result=jsonb(found.earlier["result"]),
            **identity,
        )
        return Reused(found.earlier["id"])
    twin = query.one(connection, "stage_run/find_twin", stage_key=found.key, run_id=work.run_id)
    if twin is not None:
        return Shared(twin["run_id"], twin["name"])
    query.execute(
        connection,
        "stage_run/start",
        version=stage.version,
        host=provenance.host(),
        seed=getattr(stage.params, "seed", None),
        versions=jsonb(provenance.versions()),
        git_commit=provenance.git_commit(),
        **identity,
    )
    payloads = stage.plan(_context(connection, store, work))
    copy_rows(
        connection,
        "task",
        _TASK,
        ([work.stage_run_id, i, finite(payload), stage.priority(payload)] for i, payload in enumerate(payloads)),
    )
    return Planned()


def finish(connection: Connection, store: ArtifactStore, work: StageWork) -> None:
    """Close a stage whose tasks are done; nothing where another runner has.

    Raises:
        StageFailedError: the stage is over.
    """
    row = lock_open(connection, work.stage_run_id)
    if row["status"] != "running":
        return
    results = [r["result"] or {} for r in query.rows(connection, "task/results", stage_run_id=work.stage_run_id)]
    result = work.stage.finish(_context(connection, store, work), results)
    devices = query.execute(connection, "task/devices", stage_run_id=work.stage_run_id).scalar_one()
    query.execute(connection, "stage_run/finish", stage_run_id=work.stage_run_id, result=jsonb(result), device=devices)


def lock_open(connection: Connection, stage_run_id: int) -> dict[str, Any]:
    """A stage's row, held until commit.

    Raises:
        StageFailedError: it failed or was cancelled, so nobody has business with it.
    """
    row = query.one(connection, "stage_run/lock", stage_run_id=stage_run_id)
    if row is None:
        raise StageFailedError("its row is gone.")
    if row["status"] == "cancelled":
        raise StageFailedError("the run was cancelled.")
    if row["status"] == "failed":
        raise StageFailedError(row["error"] or "another runner found it failing.")
    return row


def upstream_of(connection: Connection, rows: dict[str, dict[str, Any]], needs: Sequence[str]) -> list[Upstream]:
    """The stages that one needs, each as the one that did the work.

    Args:
        connection: any.
        rows: the run's stages by name.
        needs: names.
    """
    found = []
    for name in needs:
        row = producer = rows[name]
        if row["reused_from_id"] is not None:
            producer = query.one(connection, "stage_run/get", stage_run_id=row["reused_from_id"]) or row
        found.append(
            Upstream(
                name=row["name"],
                uses=row["uses"],
                stage_run_id=producer["id"],
                run_id=producer["run_id"],
                stage_key=row["stage_key"] or "",
                result=row["result"] or {},
            )
        )
    return found


def _context(connection: Connection, store: ArtifactStore, work: StageWork) -> StageContext:
    return StageContext(connection, store, work.run_id, work.stage_run_id, work.upstream, provenance.versions())
