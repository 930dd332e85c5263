"""The search: a form, its answer page by page, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from ildb.db import query
from ildb.errors import InputError, StructureError
from ildb.pipeline.settings import RunSettings
from ildb.search.logic import All, Contains
from ildb.search.pairings import Answer, Page
from ildb.web import asking, context
from ildb.web.asking import Asked
from ildb.web.context import Context

router = APIRouter()
PAGE_SIZE = 24
_N_RUNS = 50


@router.get("/search")
def search(request: Request) -> Response:
    """The form and a page of its answer. The address says it all, so it can be kept and sent."""
    here = context.of(request)
    asked = asking.read(request.query_params)
    after = request.query_params.get("after") or None
    with here.database.reading() as connection:
        keep = here.database.keeping(connection)
        choices = keep("choices", lambda: _choices(connection))
        page: Page | None = None
        asked = asking.checked(connection, asked)
        if asked.question is not None:
            answer = Answer(connection, here.database.matcher, asked.question, keep)
            try:
                page = here.database.once(connection, (asked.question, after), lambda: answer.page(PAGE_SIZE, after))
            except StructureError as error:
                asked = _blame(asked, str(error))
            except InputError as error:
                asked = Asked(asked.values, {"after": str(error)})
    values = {
        "asked": asked, "page": page, "after": after, "hows": asking.HOWS, "threshold": asking.THRESHOLD, **choices,
        "limits": {"rows": here.settings.max_rows, "drawn": here.settings.max_drawn},
    }  # fmt: skip
    return here.page(request, "search.html", values, 422 if asked.errors else 200)


def _choices(connection: Connection) -> dict[str, Any]:
    """What the fields for a source and a run offer."""
    return {
        "sources": [row["name"] for row in query.rows(connection, "source/names")],
        "runs": query.rows(connection, "run/list", limit=_N_RUNS, lease_s=RunSettings().lease_s),
    }


def _blame(asked: Asked, message: str) -> Asked:
    """The message at the field whose pattern took too long or cannot be matched."""
    question = asked.question
    patterns = [name for name in ("smarts", "cation", "anion", "without") if name in asked.values]
    parts = question.ions.parts if question is not None and isinstance(question.ions, All) else ()
    slow = [part.pattern.text for part in parts if isinstance(part, Contains) and not part.pattern.cheap]
    guilty = [name for name in patterns if asked.values[name] in slow] or patterns
    return Asked(asked.values, {guilty[0] if guilty else "smarts": message})


@router.get("/search/count")
def count(request: Request) -> Response:
    """How many there are in all; asked for by the page once it is shown, for counting takes longer."""
    here = context.of(request)
    return here.page(request, "count.html", {"n": count_of(here, request.query_params)})


def count_of(here: Context, parameters: Mapping[str, Any]) -> int:
    """How many pairings a form asks for.

    Raises:
        InputError: a field is wrong.
    """
    with here.database.reading() as connection:
        question = asking.required(connection, parameters)
        answer = Answer(connection, here.database.matcher, question)
        return here.database.once(connection, ("count", question), answer.count)
