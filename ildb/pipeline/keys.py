"""Keys of runs and stages: what a result is made of, and so when an earlier one answers.

A stage's key is made of its kind and version, its parameters, a hash of the rows it reads, the keys of the stages it
needs, and the versions of the packages its kind names as deciding its numbers. Other packages, the host, the executor
and ildb's own version are recorded beside the result but are not part of the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.hashing import sha256_json
from ildb.pipeline import provenance
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.recipe import Recipe
from ildb.pipeline.stage import AnyStage, Upstream

FORCED = "forced"
"""Key of a waiting stage that no earlier result may answer for (see ``stage_run/add``)."""


@dataclass(frozen=True)
class Found:
    """A stage's key with what it is made of, and the finished stage that answers for it, if any."""

    key: str
    made_of: dict[str, Any]
    earlier: Mapping[str, Any] | None


def packages(stage: AnyStage) -> dict[str, str | None]:
    """Versions of the packages that decide a stage's numbers."""
    return {name: provenance.release(name) for name in stage.packages}


def run_key(connection: Connection, recipe: Recipe) -> str:
    """Key of a recipe on the database as it is now."""
    stages = [recipes.build(spec) for spec in recipe.stage]
    made_of: dict[str, Any] = {
        "recipe": recipe.sha256,
        "versions": [stage.version for stage in stages],
        "inputs": [stage.fingerprint(connection) for stage in stages],
    }
    if any(stage.packages for stage in stages):
        made_of["packages"] = [packages(stage) for stage in stages]
    return sha256_json(made_of)


def made_of(
    connection: Connection, stage: AnyStage, upstream: Sequence[Upstream], forced_in_run: int | None
) -> dict[str, Any]:
    """What a stage's key is made of; forced work is never shared with work that was not."""
    parts: dict[str, Any] = {
        "uses": stage.uses,
        "version": stage.version,
        "params": stage.params.model_dump(mode="json"),
        "reads": stage.fingerprint(connection),
        "upstream": [up.stage_key for up in upstream],
        "forced_in_run": forced_in_run,
    }
    return {**parts, "packages": packages(stage)} if stage.packages else parts


def find(connection: Connection, store: ArtifactStore, stage_run_id: int, parts: Mapping[str, Any]) -> Found:
    """The key of a stage, and the newest finished one with that key that is valid and whose files are here."""
    current = dict(parts)
    while True:
        key = sha256_json(current)
        found = query.rows(connection, "stage_run/find_reusable", stage_key=key, stage_run_id=stage_run_id)
        for earlier in found:
            if not earlier["is_invalidated"] and _has_files(connection, store, earlier["id"]):
                return Found(key, current, earlier)
        if not found:
            return Found(key, current, None)
        # They were invalidated, are gone, or lie on another machine. What takes their place has a key of its own, so
        # that later stages never mix rows made from the one with files made from the other.
        current = {**parts, "instead_of": found[0]["id"]}


def _has_files(connection: Connection, store: ArtifactStore, stage_run_id: int) -> bool:
    files = query.rows(connection, "artifact/of_stage_run", stage_run_id=stage_run_id)
    return all(store.has(file["sha256"], file["n_bytes"]) for file in files)


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Why two keys differ, as sentences; nothing for equal ones."""
    said = []
    if then.get("version") != now.get("version"):
        said.append(f"the stage's version was {then.get('version')} and is {now.get('version')}")
    for name in ("params", "packages"):
        before, after = then.get(name) or {}, now.get(name) or {}
        said += [
            f"{name}.{key} was {before.get(key)!r} and is {after.get(key)!r}"
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        ]
    if then.get("reads") != now.get("reads"):
        said.append("the rows it reads have changed")
    if then.get("upstream") != now.get("upstream"):
        said.append("a stage it needs was computed anew")
    if now.get("forced_in_run") is not None:
        said.append("it was forced")
    elif then.get("forced_in_run") is not None:
        said.append("the earlier one was forced and answers for nothing else")
    if now.get("instead_of") is not None and then.get("instead_of") != now.get("instead_of"):
        said.append(f"stage run {now['instead_of']} was invalidated, or its files were not here")
    return said
