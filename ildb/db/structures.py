"""The ions' searchable structures, which the server derives from their SMILES."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ildb.db import query
from ildb.db.engine import raw


def add_structures(connection: Connection, ion_ids: Sequence[int] | None = None) -> int:
    """Make structure and fingerprint of ions that have none; how many were made.

    An ion that the server's cartridge cannot read gets the flag ``no_structure`` instead.

    Args:
        connection: an open transaction.
        ion_ids: the ions to look at; by default all.
    """
    ids = None if ion_ids is None else list(ion_ids)
    # The cartridge says the same in a warning per ion; the flag is enough.
    raw(connection).execute("SET LOCAL client_min_messages = error")
    made = query.execute(connection, "ion/add_structures", ion_ids=ids).rowcount
    if ids is None or made < len(ids):
        query.execute(connection, "ion/flag_structures", ion_ids=ids)
    return made


def rebuild_structures(connection: Connection) -> int:
    """Make all structures anew, for example after an upgrade of the cartridge; how many were made."""
    query.execute(connection, "ion/clear_structures")
    return add_structures(connection)
