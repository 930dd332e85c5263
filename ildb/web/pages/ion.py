"""All that is known about an ion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ildb.db import query
from ildb.md.parameters import GRADES
from ildb.search.facts import find_ion, ion_facts
from ildb.web import context

router = APIRouter()
_N_NEAREST = 8


@router.get("/ions")
def find(request: Request, key: str) -> Response:
    """The page of an ion by its id, InChIKey or SMILES."""
    with context.of(request).database.reading() as connection:
        return RedirectResponse(f"/ions/{find_ion(connection, key.strip())['id']}", 303)


@router.get("/ions/{ion_id}")
def ion(request: Request, ion_id: Annotated[int, Path(ge=1)]) -> Response:
    """Identity, names, draws that made it, force fields, nearest ions and partners."""
    here = context.of(request)
    with here.database.reading() as connection:
        found = ion_facts(connection, str(ion_id))
        side = "cation" if found["charge"] > 0 else "anion"
        ids = here.database.matcher.similar(
            connection, found["smiles"], "cation" if found["charge"] > 0 else "anion", top=_N_NEAREST + 1
        )
        nearest = query.rows(connection, "ion/described", ion_ids=[i for i in ids if i != found["id"]][:_N_NEAREST])
    names = [alias["value"] for alias in found["aliases"] if alias["kind"] == "name"]
    values = {
        "ion": found, "side": side, "nearest": nearest, "name": names[0] if names else None, "grades": GRADES,
    }  # fmt: skip
    return here.page(request, "ion.html", values)
