"""Ions and pairings as arguments: what is neither id nor structure may be a name, and how to look that up is said."""

from __future__ import annotations

import re
from collections.abc import Callable

from ildb.errors import StructureError

# Of a refused SMILES: it could as well be a name.
_LIKE_A_NAME = {"white_space", "syntax", "not_ascii"}
_SAFE_IN_A_SHELL = re.compile(r"[\w .,+()\[\]-]+", re.ASCII)


def require_ion(text: str) -> None:
    """Refuse what names no ion, before any database is asked.

    Raises:
        StructureError: it is neither an id, an InChIKey nor a SMILES.
    """
    from ildb.search.keys import key_of_ion

    _require(key_of_ion, text, "Give an ion as its id, InChIKey or SMILES.")


def require_pairing(text: str) -> None:
    """Refuse what names no pairing, before any database is asked.

    Raises:
        StructureError: it is neither an id nor a SMILES of both ions.
    """
    from ildb.search.keys import key_of_pairing

    _require(key_of_pairing, text, "Give a pairing as its id or as SMILES, 'cation.anion'.")


def _require(key_of: Callable[[str], object], text: str, form: str) -> None:
    from ildb.chem.findings import RefusedError

    try:
        key_of(text)
    except RefusedError as error:
        if _LIKE_A_NAME.isdisjoint(error.codes):
            raise
        raise StructureError(error.what, f"{form} A name is looked up so: {look_up(text)}") from error


def look_up(name: str) -> str:
    """The command that finds a name among those of known ionic liquids; with NAME where a shell would read it else."""
    shown = name if _SAFE_IN_A_SHELL.fullmatch(name) else "NAME"
    return f"ildb search name '{shown}'"
