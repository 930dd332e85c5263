"""Refused records: what is wrong with each, and what is decided."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ildb.db import query
from ildb.db.query import one
from ildb.errors import InputError, NotFoundError
from ildb.web import context, reviewing
from ildb.web.context import Context
from ildb.web.errors import ForbiddenError
from ildb.web.reviewing import FieldError
from ildb.web.security import is_same_site

router = APIRouter()
_PAGE_SIZE = 50
MAX_ID = 2**63 - 1
Status = Literal["open", "accepted", "rejected", "all"]


@router.get("/quarantine")
def records(
    request: Request,
    status: Status = "open",
    reason: str = "",
    source: str = "",
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> Response:
    """Refused records, oldest first."""
    here = context.of(request)
    chosen = {"status": status, "reason": reason.replace("\0", ""), "source": source.replace("\0", "")}
    with here.database.reading() as connection:
        rows = query.rows(
            connection, "quarantine/page", status=status, reason=chosen["reason"] or None,
            source=chosen["source"] or None, after=after, limit=_PAGE_SIZE + 1,
        )  # fmt: skip
        counts = query.rows(connection, "quarantine/counts")
    values = {
        "rows": rows[:_PAGE_SIZE], "next": rows[_PAGE_SIZE - 1]["id"] if len(rows) > _PAGE_SIZE else None,
        "counts": counts, "chosen": chosen, "after": after,
    }  # fmt: skip
    return here.page(request, "quarantine.html", values)


@router.get("/quarantine/{record_id}")
def record(request: Request, record_id: int) -> Response:
    """A record as it was read, why it was refused, and the form for a decision."""
    return _show(request, record_id, {}, {})


def read_record(connection: Connection, record_id: int) -> dict[str, Any]:
    """A refused record.

    Raises:
        NotFoundError: there is none of that id.
    """
    row = one(connection, "quarantine/get", id=record_id) if abs(record_id) <= MAX_ID else None
    if row is None:
        raise NotFoundError(f"There is no quarantined record {record_id}.", "See the list of refused records.")
    return row


def _show(
    request: Request, record_id: int, filled: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    here = context.of(request)
    with here.database.reading() as connection:
        row = read_record(connection, record_id)
    suggestions = [finding["suggestion"] for finding in row["findings"] if finding.get("suggestion")]
    values = {"row": row, "filled": filled, "errors": errors, "suggestion": suggestions[0] if suggestions else ""}
    return here.page(request, "record.html", values, status)


@router.post("/quarantine/{record_id}")
def decide(
    request: Request,
    record_id: int,
    decision: Annotated[str, Form()] = "",
    csrf: Annotated[str, Form()] = "",
    smiles: Annotated[str, Form()] = "",
    cation: Annotated[str, Form()] = "",
    anion: Annotated[str, Form()] = "",
    values: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Accept a record as corrected, reject it, or take a rejection back."""
    here = context.of(request)
    _require_own_form(request, here, csrf)
    filled = {"smiles": smiles, "cation": cation, "anion": anion, "values": values, "note": note}
    try:
        if decision == "accept":
            reviewing.accept(here, record_id, filled)
        elif decision == "reject":
            reviewing.reject(here, record_id, note)
        elif decision == "reopen":
            reviewing.reopen(here, record_id, note)
        else:
            raise InputError("No decision was chosen.", "Choose accept or reject.")
    except NotFoundError:
        raise
    except FieldError as error:
        return _show(request, record_id, filled, {error.field: str(error)}, 422)
    except InputError as error:
        return _show(request, record_id, filled, {"decision": str(error)}, 422)
    return RedirectResponse(f"/quarantine/{record_id}", 303)


def _require_own_form(request: Request, here: Context, csrf: str) -> None:
    if not here.sessions.is_signed_in(request):
        raise ForbiddenError("Only who has signed in may decide.", "Sign in with the server's token first.")
    if not is_same_site(request) or not here.sessions.is_own_form(request, csrf):
        raise ForbiddenError("This form is not from a page of this session.", "Open the record again and repeat.")
