"""Rows that several stages write: snapshots and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from ildb.db import query
from ildb.db.copy import copy_rows
from ildb.hashing import sha256_json
from ildb.pipeline.jsonb import jsonb
from ildb.pipeline.stage import StageContext, TaskOutput

_ROW = {"snapshot_id": "int8", "evidence_id": "int8", "measurement_id": "int8", "split": "text"}


def add_snapshot(
    context: StageContext,
    kind: str,
    content: object,
    members: Iterable[tuple[int | None, int | None, str]],
) -> int:
    """Record the rows a model saw.

    Args:
        context: the open transaction.
        kind: ``links`` or ``melting``.
        content: what the rows say (structures, values, splits), as JSON-like data; with the members it makes the
            hash that names the snapshot.
        members: (evidence id, measurement id, split), one of the ids None.

    Returns:
        The snapshot's id; that of an earlier one with the same content and members.
    """
    rows = list(members)
    digest = sha256_json({"content": content, "members": rows})
    added = query.one(
        context.connection, "snapshot/add", run_id=context.run_id, kind=kind, sha256=digest, n_rows=len(rows)
    )
    if added is None:
        return int(query.execute(context.connection, "snapshot/find", kind=kind, sha256=digest).scalar_one())
    snapshot_id = int(added["id"])
    copy_rows(
        context.connection,
        "snapshot_row",
        _ROW,
        ((snapshot_id, evidence, measurement, split) for evidence, measurement, split in rows),
    )
    return snapshot_id


def add_model(
    context: StageContext,
    kind: str,
    *,
    artifact_id: int,
    snapshot_id: int,
    params: BaseModel,
    metrics: Mapping[str, float | None],
    seed: int,
) -> int:
    """Record a trained model; its id. A metric that is not a number is kept as null."""
    added: int = query.execute(
        context.connection,
        "model/add",
        run_id=context.run_id,
        stage_run_id=context.stage_run_id,
        kind=kind,
        artifact_id=artifact_id,
        snapshot_id=snapshot_id,
        params=jsonb(params.model_dump(mode="json")),
        metrics=jsonb(metrics),
        seed=seed,
        versions=jsonb(context.versions),
    ).scalar_one()
    return added


def add_trained(
    context: StageContext,
    kind: str,
    *,
    content: object,
    members: Iterable[tuple[int | None, int | None, str]],
    output: TaskOutput,
    files: Mapping[str, int],
    params: BaseModel,
    seed: int,
    keep: Mapping[str, str],
) -> dict[str, Any]:
    """Record what a training task made: the snapshot and the model; the task's result.

    Args:
        context: the open transaction.
        kind: ``links`` or ``melting``; the model is the output's file ``KIND_model``.
        content: see ``add_snapshot``.
        members: see ``add_snapshot``.
        output: with ``metrics`` and ``n_pairings`` in its result.
        files: artifact id of each of the output's files, by kind.
        params: the stage's.
        seed: the run's seed.
        keep: name in the result -> key of the metric to show there.
    """
    metrics = output.result["metrics"]
    snapshot_id = add_snapshot(context, kind, content, members)
    model_id = add_model(
        context,
        kind,
        artifact_id=files[f"{kind}_model"],
        snapshot_id=snapshot_id,
        params=params,
        metrics=metrics,
        seed=seed,
    )
    return {
        "model_id": model_id,
        "model_sha256": output.result["files"][f"{kind}_model"],
        "n_pairings": output.result["n_pairings"],
        **{name: metrics.get(key) for name, key in keep.items()},
    }


def as_columns(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Rows of a query as columns."""
    table = list(rows)
    return {name: [row[name] for row in table] for name in names}
