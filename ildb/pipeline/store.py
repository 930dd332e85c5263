"""Rows that several stages write: snapshots and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from ildb.db import query
from ildb.db.copy import copy_rows
from ildb.hashing import sha256_json
from ildb.pipeline.stage import StageContext

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
        content: what the rows say (structures, values, splits), as JSON-like data; its hash names the snapshot, so
            equal data in two databases have one name.
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
        found = query.one(context.connection, "snapshot/find", kind=kind, sha256=digest)
        return int(found["id"]) if found else 0
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
    metrics: Mapping[str, float],
    seed: int,
) -> int:
    """Record a trained model; its id."""
    added: int = query.execute(
        context.connection,
        "model/add",
        run_id=context.run_id,
        stage_run_id=context.stage_run_id,
        kind=kind,
        artifact_id=artifact_id,
        snapshot_id=snapshot_id,
        params=Jsonb(params.model_dump(mode="json")),
        metrics=Jsonb(dict(metrics)),
        seed=seed,
        versions=Jsonb(dict(context.versions)),
    ).scalar_one()
    return added


def as_columns(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Rows of a query as columns."""
    table = list(rows)
    return {name: [row[name] for row in table] for name in names}
