"""All that is known and predicted about a pairing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ildb.db import lineage, query
from ildb.md.parameters import GRADES
from ildb.search.facts import find_pairing, pairing_facts
from ildb.web import context, ladders, lineage_tree

router = APIRouter()
N_MEASUREMENTS = 200


@router.get("/pairings")
def find(request: Request, key: str) -> Response:
    """The page of a pairing by its id or SMILES."""
    with context.of(request).database.reading() as connection:
        return RedirectResponse(f"/pairings/{find_pairing(connection, key.strip())['id']}", 303)


@router.get("/pairings/{pairing_id}")
def pairing(request: Request, pairing_id: Annotated[int, Path(ge=1)]) -> Response:
    """Structures, names, values, scores, decisions, draws, simulations and lineage."""
    here = context.of(request)
    with here.database.reading() as connection:
        found = pairing_facts(connection, str(pairing_id))
        tree = lineage_tree.nodes(lineage.read(connection, found))
        names = ion_names(connection, [found["cation_id"], found["anion_id"]])
        simulations = ladders.of_pairing(connection, found["simulations"])
    values = {
        "pairing": found, "tree": tree, "ion_names": names, "measurements": found["measurements"][:N_MEASUREMENTS],
        "score": found["melting_scores"][0] if found["melting_scores"] else None, "simulations": simulations,
        "grades": GRADES,
    }  # fmt: skip
    return here.page(request, "pairing.html", values)


@router.get("/pairings/{pairing_id}/simulations/{simulation_id}.svg")
def simulation(
    request: Request, pairing_id: Annotated[int, Path(ge=1)], simulation_id: Annotated[int, Path(ge=1)]
) -> Response:
    """Diffusion over inverse temperature of a ladder; it may still grow."""
    here = context.of(request)
    with here.database.reading() as connection:
        found = find_pairing(connection, str(pairing_id))
        drawing = here.ladders.picture(connection, found["id"], simulation_id)
    return drawing.respond(request, "no-cache")


def ion_names(connection: Connection, ids: list[int]) -> dict[int, Any]:
    """A name for each ion that has one."""
    return {row["id"]: row["name"] for row in query.rows(connection, "ion/described", ion_ids=ids)}
