"""The embedded database: a private PostgreSQL with the RDKit cartridge, without root, off the system's own."""

from ildb.db.server.cluster import ServerStatus, destroy, down, environment, status, up
from ildb.db.server.layout import url

__all__ = ["ServerStatus", "destroy", "down", "environment", "status", "up", "url"]
