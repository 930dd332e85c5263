"""Style, scripts, drawings of structures, and the drawing box."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ildb.chem.parse import MAX_SMILES_LENGTH
from ildb.errors import NotFoundError
from ildb.web import context
from ildb.web.drawings import FOR_A_DAY
from ildb.web.security import DRAW_CSP

router = APIRouter()


@router.get("/static/{name:path}")
async def static(request: Request, name: str) -> Response:
    """A file that ships with ildb."""
    found = context.of(request).assets.respond(name, request)
    if found is None:
        raise HTTPException(404, "There is no such file")
    return found


@router.get("/structure.svg")
async def structure(
    request: Request,
    smiles: Annotated[str, Query(max_length=MAX_SMILES_LENGTH)],
    size: Literal["small", "large"] = "small",
) -> Response:
    """A structure drawn from its SMILES."""
    here = context.of(request)
    drawing = here.drawings.kept(smiles, size)
    if drawing is None:
        if wait := here.sessions.drawing_wait_s(request):
            raise HTTPException(429, "Too many new drawings at once", {"retry-after": str(max(1, round(wait)))})
        drawing = await run_in_threadpool(here.drawings.make, smiles, size)
    return drawing.respond(request, FOR_A_DAY)


@router.get("/draw")
async def draw(request: Request) -> Response:
    """The drawing box, a document of its own."""
    page = context.of(request).page(request, "draw.html", {})
    page.headers["content-security-policy"] = DRAW_CSP
    page.headers["cache-control"] = "public, max-age=3600"
    return page


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The icon."""
    found = context.of(request).assets.respond("icon.svg", request)
    if found is None:
        raise NotFoundError("There is no icon.")
    return found
