"""Everything the database holds about one ion or one pairing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ildb.chem.parse import shorten
from ildb.db import query
from ildb.errors import NotFoundError
from ildb.search.keys import key_of_ion, key_of_pairing
from ildb.search.substructure import describe

Facts = dict[str, Any]

MAX_PARTNERS = 20
_OF_PAIRING = (
    "evidence", "measurements", "consensus", "link_scores", "melting_scores", "property_scores", "decisions",
    "generated", "simulations",
)  # fmt: skip


def find_ion(connection: Connection, text: str) -> Facts:
    """The row of an ion.

    Args:
        connection: an open connection.
        text: its id, InChIKey or any SMILES of it.

    Raises:
        StructureError: the SMILES is not acceptable.
        NotFoundError: no such ion is stored.
    """
    row = query.one(connection, "ion/find", **key_of_ion(text))
    if row is None:
        raise NotFoundError(
            f"There is no ion {shorten(text)} in the database.", "Look for relatives: ildb search similar SMILES"
        )
    return dict(row)


def find_pairing(connection: Connection, text: str) -> Facts:
    """The row of a pairing with its ions.

    Args:
        connection: an open connection.
        text: its id, or a SMILES of both ions ("cation.anion", any order and ratio).

    Raises:
        StructureError: the SMILES is not an acceptable salt.
        NotFoundError: no such pairing is stored.
    """
    row = query.one(connection, "pairing/find", **key_of_pairing(text))
    if row is None:
        raise NotFoundError(
            f"There is no pairing {shorten(text)} in the database.",
            "See what its ions pair with: ildb show ion SMILES",
        )
    return dict(row)


def ion_facts(connection: Connection, text: str) -> Facts:
    """Identity, other spellings and names, and partners of an ion (see ``find_ion``).

    Returns:
        The ion's columns, ``aliases``, ``properties`` (one row where they were computed, else none), ``generated``
        (draws that made it, at most ``MAX_PARTNERS``), ``force_fields`` (or why there is none, newest first),
        ``counts`` of its pairings by kind of evidence, and ``pairings``: at most ``MAX_PARTNERS`` of them as a search
        shows them, known ones first.
    """
    ion = find_ion(connection, text)
    ids = [row["id"] for row in query.rows(connection, "ion/partners", ion_id=ion["id"], top=MAX_PARTNERS)]
    return {
        **ion,
        "aliases": _rows(connection, "ion/aliases", ion_id=ion["id"]),
        "properties": _rows(connection, "ion/properties", ion_id=ion["id"]),
        "generated": _rows(connection, "ion/generated", ion_id=ion["id"], top=MAX_PARTNERS),
        "force_fields": _rows(connection, "ion/force_fields", ion_id=ion["id"]),
        "counts": _rows(connection, "ion/partner_counts", ion_id=ion["id"])[0],
        "pairings": describe(connection, ids),
    }


def pairing_facts(connection: Connection, text: str) -> Facts:
    """All that is known and predicted about a pairing (see ``find_pairing``).

    Returns:
        The pairing's columns and lists ``names``, ``evidence``, ``measurements``, ``consensus``, ``link_scores``,
        ``melting_scores`` (each with its ``nearest`` known ionic liquids), ``property_scores`` (of other properties)
        and ``decisions``, newest first; ``generated`` (the draws that first made its ions, or itself) and
        ``simulations`` (ladders, each with its newest fit).
    """
    pairing = find_pairing(connection, text)
    found = {name: _rows(connection, f"pairing/{name}", pairing_id=pairing["id"]) for name in _OF_PAIRING}
    names = sorted({row["name"] for row in found["evidence"] if row["name"]})
    return {**pairing, "names": names, **found}


def _rows(connection: Connection, name: str, **parameters: Any) -> list[Facts]:
    return [dict(row) for row in query.rows(connection, name, **parameters)]
