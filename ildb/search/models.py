"""What the database holds about a trained model."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import NotFoundError

_SNAPSHOT = {"id": "snapshot_id", "kind": "snapshot_kind", "sha256": "snapshot_sha256", "n_rows": "snapshot_n_rows"}
_ARTIFACT = {"path": "artifact_path", "sha256": "artifact_sha256", "n_bytes": "artifact_n_bytes"}


def model_facts(connection: Connection, model_id: int) -> dict[str, Any]:
    """A model with its metrics, run, seed, versions, file and data.

    Returns:
        The model's columns; ``artifact`` with path, sha256 and n_bytes; ``snapshot`` with id, kind, sha256, n_rows,
        ``splits`` (rows of each) and ``origins`` (rows from each source or run).

    Raises:
        NotFoundError: no such model.
    """
    row = query.one(connection, "model/get", model_id=str(model_id))
    if row is None:
        raise NotFoundError(f"There is no model {model_id}.", "See: ildb model list")
    model = dict(row)
    snapshot: dict[str, Any] = {key: model.pop(column) for key, column in _SNAPSHOT.items()}
    artifact = {key: model.pop(column) for key, column in _ARTIFACT.items()}
    splits = query.rows(connection, "model/splits", snapshot_id=snapshot["id"])
    snapshot["splits"] = {split["split"]: split["n_rows"] for split in splits}
    origins = [dict(origin) for origin in query.rows(connection, "lineage/snapshot_origins", ids=[snapshot["id"]])]
    ids = [origin["source_id"] for origin in origins if origin["source_id"] is not None]
    names = {source["id"]: source["name"] for source in query.rows(connection, "lineage/sources", ids=ids)}
    snapshot["origins"] = [
        {"source": names.get(origin["source_id"]), "run_id": origin["run_id"], "n_rows": origin["n_rows"]}
        for origin in origins
    ]
    return {**model, "snapshot": snapshot, "artifact": artifact}
