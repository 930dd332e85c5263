"""Which ions resemble a structure: Tanimoto on Morgan fingerprints (radius 2, 512 bits)."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from sqlalchemy import Connection, text

from ildb.chem.identity import identify
from ildb.chem.parse import parse_smiles
from ildb.db import query
from ildb.errors import StructureError
from ildb.search.logic import Side

COLUMNS = ("ion_id", "smiles", "charge", "formula", "similarity", "names", "n_pairings")

SIGN: dict[Side, int] = {"cation": 1, "anion": -1, "either": 0}


def similar_ions(
    connection: Connection, smiles: str, side: Side = "either", *, threshold: float = 0.5, top: int = 20
) -> list[dict[str, Any]]:
    """Ions by falling similarity, ties by id; the structure itself is among them when it is stored.

    Args:
        connection: an open transaction.
        smiles: one ion or neutral molecule.
        side: which ions to compare with.
        threshold: lowest Tanimoto similarity, 0 < threshold <= 1.
        top: at most so many.

    Returns:
        One dict of ``COLUMNS`` per ion.

    Raises:
        StructureError: the SMILES is not acceptable, has several fragments or is unknown to the server's RDKit.
    """
    canonical = _readable(connection, smiles)
    _set_threshold(connection, threshold)
    found = query.rows(connection, "search/similar_ions", smiles=canonical, sign=SIGN[side], top=top)
    return [dict(row) for row in found]


def similar_ids(
    connection: Connection, smiles: str, side: Side = "either", *, threshold: float = 0.5, top: int | None = None
) -> list[int]:
    """Ids of the ions at least so similar, or of the ``top`` most similar whatever their similarity, best first.

    Args:
        connection: an open transaction.
        smiles: one ion or neutral molecule.
        side: which ions to compare with.
        threshold: lowest Tanimoto similarity; not looked at when ``top`` is given.
        top: how many of the nearest; None for all at or above the threshold.

    Raises:
        StructureError: as ``similar_ions``.
    """
    canonical = _readable(connection, smiles)
    if top is not None:
        rows = query.rows(connection, "search/nearest_ions", smiles=canonical, sign=SIGN[side], top=top)
    else:
        _set_threshold(connection, threshold)
        rows = query.rows(connection, "search/similar_ids", smiles=canonical, sign=SIGN[side])
    return [row["ion_id"] for row in rows]


def stored_spelling(smiles: str) -> str:
    """The spelling that an ion is stored with: resonance twins differ in their fingerprints.

    Raises:
        StructureError: the SMILES is not acceptable or has several fragments.
    """
    mol = parse_smiles(smiles)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise StructureError(f"'{smiles}' has several fragments.", "Give one ion; fingerprints are of single ions.")
    return identify(mol).smiles


def _readable(connection: Connection, smiles: str) -> str:
    canonical = stored_spelling(smiles)
    readable = query.one(connection, "search/can_read_smiles", smiles=canonical)
    if readable is None or not readable["readable"]:
        raise StructureError(f"The server's RDKit cartridge cannot read the SMILES '{canonical}'.")
    return canonical


def _set_threshold(connection: Connection, threshold: float) -> None:
    connection.execute(text("SELECT set_config('rdkit.tanimoto_threshold', CAST(:t AS text), true)"), {"t": threshold})
