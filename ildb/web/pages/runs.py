"""Runs of recipes, and one as it goes on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ildb.db import query
from ildb.pipeline import watch
from ildb.pipeline.settings import RunSettings
from ildb.web import context

router = APIRouter()


@router.get("/runs")
def runs(request: Request, limit: Annotated[int, Query(ge=1, le=1_000)] = 50) -> Response:
    """Runs, newest first."""
    here = context.of(request)
    with here.database.reading() as connection:
        rows = query.rows(connection, "run/list", limit=limit + 1, lease_s=RunSettings().lease_s)
    values = {"runs": rows[:limit], "more": 4 * limit if len(rows) > limit else None}
    return here.page(request, "runs.html", values)


@router.get("/runs/{run_id}")
def run(request: Request, run_id: int) -> Response:
    """A run with its stages; while it goes on, the page asks for its progress again and again."""
    return _progress(request, run_id, "run.html")


@router.get("/runs/{run_id}/progress")
def progress(request: Request, run_id: int) -> Response:
    """The part of the page that changes."""
    return _progress(request, run_id, "_progress.html")


def _progress(request: Request, run_id: int, template: str) -> Response:
    here = context.of(request)
    with here.database.reading() as connection:
        sight = watch.look(connection, run_id)
    n_tasks = sum(stage["n_tasks"] for stage in sight.stages)
    return here.page(request, template, {"sight": sight, "n_tasks": n_tasks, "poll_s": here.settings.poll_s})
