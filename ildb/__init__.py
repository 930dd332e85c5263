"""ildb: ionic liquids in one PostgreSQL + RDKit database, with the origin of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ildb.client import Client

__version__ = "0.1.0"


def connect(url: str | None = None, **options: Any) -> Client:
    """Ask the database from Python: ``ildb.connect().candidates(top=100).to_pandas()`` (see ``ildb.client.Client``)."""
    from ildb.client import Client  # not before it is wanted: the command line starts without it

    return Client(url, **options)
