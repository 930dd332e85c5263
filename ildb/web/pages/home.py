"""The first page: what there is, what ran last, what is best."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ildb.db import query
from ildb.pipeline.settings import RunSettings
from ildb.search.pairings import Answer
from ildb.web import context
from ildb.web.asking import read

router = APIRouter()
_N_RUNS = 5
_N_BEST = 6


@router.get("/")
def home(request: Request) -> Response:
    """Counts, the last runs, the best candidates."""
    here = context.of(request)
    counts = here.database.counts()
    best = read({"decision": "passed"})
    with here.database.reading() as connection:
        runs = query.rows(connection, "run/list", limit=_N_RUNS, lease_s=RunSettings().lease_s)
        hits = Answer(connection, here.database.matcher, best.question).page(_N_BEST).hits if best.question else []
    return here.page(request, "home.html", {"counts": counts, "runs": runs, "hits": hits})


@router.get("/api")
def api(request: Request) -> Response:
    """What the API offers, in words."""
    paths = request.app.openapi()["paths"]
    rows = [
        {
            "method": method.upper(),
            "path": path,
            "summary": what.get("summary", ""),
            "about": what.get("description", ""),
        }
        for path, methods in paths.items()
        for method, what in methods.items()
    ]
    return context.of(request).page(request, "api.html", {"rows": rows})
