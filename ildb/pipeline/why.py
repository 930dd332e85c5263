"""Why a stage was computed, or why an earlier result answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.pipeline import provenance
from ildb.pipeline.keys import differences


def of_stage(connection: Connection, stage: Mapping[str, Any]) -> list[str]:
    """Sentences about a stage's row of ``stage_run/of_run``."""
    if stage["reused_from_id"] is not None:
        return _of_hit(connection, stage)
    made_of = stage["made_of"]
    if made_of is None:
        return ["it has not begun" if stage["status"] == "waiting" else "it was begun by an ildb that kept no reasons"]
    others = query.rows(connection, "stage_run/alike", uses=stage["uses"], stage_run_id=stage["id"])
    if not others:
        return [f"computed: no earlier {stage['uses']} is recorded"]
    nearest = min(others, key=lambda other: len(differences(other["made_of"], made_of)))
    reasons = differences(nearest["made_of"], made_of)
    where = f"stage run {nearest['id']} ({nearest['name']} of run {nearest['run_id']})"
    if not reasons:
        return [f"computed: {where} is the same, but {_state(nearest)}"]
    return [f"computed: the nearest is {where}", *reasons]


def _of_hit(connection: Connection, stage: Mapping[str, Any]) -> list[str]:
    source = query.one(connection, "stage_run/get", stage_run_id=stage["reused_from_id"])
    if source is None:
        return ["reused"]
    said = [
        f"reused: stage run {source['id']} ({source['name']} of run {source['run_id']}) has the same kind, version, "
        "parameters, input rows, needed stages and deciding packages"
    ]
    if source["invalidated_at"] is not None:
        said.append(f"that one was invalidated on {source['invalidated_at']:%Y-%m-%d %H:%M}")
    then, now = source["versions"] or {}, provenance.versions()
    said += [
        f"computed with {package} {then[package]}, installed is {now[package]}: not part of the key"
        for package in now
        if package in then and then[package] != now[package]
    ]
    return said


def _state(stage: Mapping[str, Any]) -> str:
    if stage["invalidated_at"] is not None:
        return "it was invalidated"
    return {"failed": "it failed", "running": "it was not finished"}.get(stage["status"], "its files were not here")
