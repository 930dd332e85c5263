"""The way of generated ions into the database: the identity and the flags of an ingest, with a run as origin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa
import rdkit
from sqlalchemy import Connection

from ildb.chem.standardize import ResolvedIon
from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.db.structures import add_structures

_ION: Final = {
    "inchikey": "text", "smiles": "text", "charge": "int2", "formula": "text", "mass_g_mol": "float8",
    "heavy_atoms": "int2", "flags": "text[]", "rdkit_version": "text",
}  # fmt: skip
ION_SCHEMA: Final = pa.schema(
    [
        ("inchikey", pa.string()), ("smiles", pa.string()), ("charge", pa.int16()), ("formula", pa.string()),
        ("mass_g_mol", pa.float64()), ("heavy_atoms", pa.int16()), ("flags", pa.list_(pa.string())),
    ]
)  # fmt: skip


def ion_table(ions: Iterable[ResolvedIon]) -> pa.Table:
    """Ions that the door let in, on their way from a worker: columns of `ION_SCHEMA`, each ion once."""
    rows: dict[str, dict[str, Any]] = {}
    for found in ions:
        ion = found.ion
        rows[ion.inchikey] = {
            "inchikey": ion.inchikey, "smiles": ion.smiles, "charge": ion.charge, "formula": ion.formula,
            "mass_g_mol": ion.mass_g_mol, "heavy_atoms": ion.heavy_atoms, "flags": [f.code for f in found.flags],
        }  # fmt: skip
    return pa.Table.from_pylist(list(rows.values()), schema=ION_SCHEMA)


def add_ions(connection: Connection, ions: pa.Table) -> int:
    """Add those that are not there, with their structures; how many were new.

    Args:
        connection: an open transaction; it holds the lock of ingests from here on.
        ions: as `ion_table` made it.
    """
    if not len(ions):
        return 0
    query.execute(connection, "ingest/lock")
    names = list(_ION)[:-1]
    rows = ((*(row[name] for name in names), rdkit.__version__) for row in ions.to_pylist())
    stage_rows(connection, "stage_ion", _ION, rows)
    new = [row.id for row in query.execute(connection, "ingest/add_ions").all() if row.is_new]
    if new:
        add_structures(connection, new)
    return len(new)
