"""Which ions resemble a structure: Tanimoto on Morgan fingerprints (radius 2, 512 bits)."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from sqlalchemy import Connection, text

from ildb.chem.identity import identify
from ildb.chem.parse import parse_smiles
from ildb.db import query
from ildb.errors import StructureError
from ildb.search.substructure import Side

COLUMNS = ("ion_id", "smiles", "charge", "formula", "similarity", "names", "n_pairings")

_SIGN: dict[Side, int] = {"cation": 1, "anion": -1, "either": 0}


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
    mol = parse_smiles(smiles)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise StructureError(f"'{smiles}' has several fragments.", "Give one ion; fingerprints are of single ions.")
    # Resonance twins differ in their fingerprints, so the query takes the spelling that ions are stored with.
    canonical = identify(mol).smiles
    readable = query.one(connection, "search/can_read_smiles", smiles=canonical)
    if readable is None or not readable["readable"]:
        raise StructureError(f"The server's RDKit cartridge cannot read the SMILES '{canonical}'.")
    connection.execute(text("SELECT set_config('rdkit.tanimoto_threshold', CAST(:t AS text), true)"), {"t": threshold})
    found = query.rows(connection, "search/similar_ions", smiles=canonical, sign=_SIGN[side], top=top)
    return [dict(row) for row in found]
