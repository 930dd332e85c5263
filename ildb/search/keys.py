"""How people name an ion or a pairing; needs no database, so that a bad structure is refused at once."""

from __future__ import annotations

import re

from ildb.chem.curation import resolve_salt
from ildb.chem.identity import identify
from ildb.chem.parse import parse_smiles, shorten
from ildb.errors import StructureError

_ID = re.compile(r"[0-9]+")
_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


def key_of_ion(text: str) -> dict[str, str | None]:
    """What ``ion/find`` looks for.

    Args:
        text: an id, InChIKey, or any SMILES of the ion.

    Raises:
        StructureError: the text is none of these.
    """
    if _ID.fullmatch(text):
        return {"ion_id": text, "inchikey": None}
    if _INCHIKEY.fullmatch(text):
        return {"ion_id": None, "inchikey": text}
    mol = parse_smiles(text)
    if "." in text:
        raise StructureError(f"{shorten(text)} has several fragments.", "For a salt: ildb show pairing SMILES")
    return {"ion_id": None, "inchikey": identify(mol).inchikey}


def key_of_pairing(text: str) -> dict[str, str | None]:
    """What ``pairing/find`` looks for.

    Args:
        text: an id, or a SMILES of both ions in any order and ratio.

    Raises:
        StructureError: the text is neither.
    """
    if _ID.fullmatch(text):
        return {"pairing_id": text, "cation_inchikey": None, "anion_inchikey": None}
    salt = resolve_salt(text, derive_stoichiometry=True)
    return {
        "pairing_id": None,
        "cation_inchikey": salt.cation.inchikey,
        "anion_inchikey": salt.anion.inchikey,
    }
