"""The run that a report is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import InputError, NotFoundError
from ildb.report.provenance import StageOrigin


@dataclass(frozen=True)
class ReportRun:
    """A finished run and the stages whose rows answer for it."""

    id: int
    recipe: str
    description: str
    code_version: str
    git_commit: str | None
    created_at: datetime
    finished_at: datetime
    stages: tuple[StageOrigin, ...]

    def stage(self, uses: str) -> StageOrigin | None:
        """The last stage of a kind; None where the recipe has none."""
        return next((stage for stage in reversed(self.stages) if stage.uses == uses), None)

    def stages_like(self, prefix: str) -> list[StageOrigin]:
        """The stages of a family, ``generate.`` for example."""
        return [stage for stage in self.stages if stage.uses.startswith(prefix)]

    @property
    def run_ids(self) -> list[int]:
        """This run and those whose stages it reused."""
        return sorted({self.id, *(stage.run_id for stage in self.stages)})


def choose(connection: Connection, run_id: int | None = None) -> ReportRun:
    """The run asked for, or the latest finished one that decided on pairings, else the latest finished one.

    Raises:
        NotFoundError: there is no such run, or none at all.
        InputError: it has not ended well.
    """
    row = query.one(connection, "report/run", run_id=None if run_id is None else str(run_id))
    if row is None:
        if run_id is None:
            raise NotFoundError("There is no run to report on.", "Make one: ildb pipeline run quickstart")
        raise NotFoundError(f"There is no run {run_id}.", "See: ildb pipeline list")
    if row["status"] != "succeeded":
        raise InputError(_unfinished(row), _next(row))
    stages = tuple(StageOrigin.of(stage) for stage in query.rows(connection, "report/stages", run_id=row["id"]))
    return ReportRun(
        id=row["id"],
        recipe=row["recipe"],
        description=row["description"] or "",
        code_version=row["code_version"],
        git_commit=row["git_commit"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        stages=stages,
    )


def _unfinished(row: Mapping[str, Any]) -> str:
    why = f" ({row['error'].rstrip('.')})" if row["error"] else ""
    done = f"{row['n_done']} of {row['n_stages']} stages are done"
    return f"Run {row['id']} is {row['status']}{why}, {done}: there is nothing whole to report."


def _next(row: Mapping[str, Any]) -> str:
    if row["status"] == "running":
        return f"See how far it is: ildb pipeline show {row['id']}"
    return f"Finish it: ildb pipeline resume {row['id']}"
