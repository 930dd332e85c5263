"""Refused records through the API; a decision takes the server's token as a bearer token."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel
from starlette.requests import Request

from ildb.db import query
from ildb.web import context, reviewing
from ildb.web.api import MAX_PAGE, Json, _json
from ildb.web.context import Context
from ildb.web.errors import ForbiddenError
from ildb.web.pages.review import MAX_ID, Status, read_record

router = APIRouter(prefix="/api/quarantine", tags=["quarantine"])


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]


class Correction(BaseModel):
    """A record as it should be.

    Attributes:
        smiles: the salt, or
        cation: its ions,
        anion: both of them.
        values: corrected values, as in ``density=1.2 g/cm3 @ 298 K, 101 kPa``.
        note: why.
    """

    smiles: Text = ""
    cation: Text = ""
    anion: Text = ""
    values: list[Text] = []
    note: Text = ""


class Note(BaseModel):
    """Why, for those who come later."""

    note: Text = ""


@router.get("", summary="Refused records, oldest first")
def records(
    request: Request,
    status: Status = "open",
    reason: str | None = None,
    source: str | None = None,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> list[Json]:
    """Those behind the id ``after``."""
    with context.of(request).database.reading() as connection:
        rows = query.rows(
            connection, "quarantine/page", status=status, reason=reason, source=source, after=after, limit=limit
        )
    return [_json(row) for row in rows]


@router.get("/{record_id}", summary="A refused record, why, and what was decided")
def record(request: Request, record_id: int) -> Json:
    """The record as it was read."""
    with context.of(request).database.reading() as connection:
        return _json(read_record(connection, record_id))


@router.post("/{record_id}/accept", summary="Bring a record in as corrected")
def accept(request: Request, record_id: int, correction: Correction) -> dict[str, Any]:
    """It keeps its source, reference and values, and its history."""
    here = _trusted(request)
    form = {**correction.model_dump(exclude={"values"}), "values": "\n".join(correction.values)}
    found = reviewing.accept(here, record_id, form)
    return {"id": record_id, "status": "accepted", "pairing_id": found.pairing_id, "smiles": found.smiles}


@router.post("/{record_id}/reject", summary="Refuse a record for good")
def reject(request: Request, record_id: int, note: Note) -> dict[str, int | Literal["rejected"]]:
    """It stays, and reading its file again does not open it."""
    reviewing.reject(_trusted(request), record_id, note.note)
    return {"id": record_id, "status": "rejected"}


def _trusted(request: Request) -> Context:
    """The server's parts, for who sends the token; cookies do not count here, so no other page can misuse them."""
    here = context.of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise ForbiddenError("A decision needs the server's token.", "Send it: Authorization: Bearer TOKEN.")
    if here.sessions.wait_s(request) or not here.sessions.knows(token.strip()):
        raise ForbiddenError("This is not the server's token.", "Start the server with --token-file.")
    return here
