"""The ions' searchable structures, which the server derives from their SMILES."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.db.engine import raw


def add_structures(connection: Connection) -> int:
    """Make structure and fingerprint of every ion that has none; how many were made.

    An ion that the server's cartridge cannot read gets the flag ``no_structure`` instead.
    """
    # The cartridge says the same in a warning per ion; the flag is enough.
    driver: Any = raw(connection)
    driver.execute("SET LOCAL client_min_messages = error")
    made = query.execute(connection, "ion/add_structures").rowcount
    query.execute(connection, "ion/flag_structures")
    return made


def rebuild_structures(connection: Connection) -> int:
    """Make all structures anew, for example after an upgrade of the cartridge; how many were made."""
    query.execute(connection, "ion/clear_structures")
    return add_structures(connection)
