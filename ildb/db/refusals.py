"""A server that answers, and refuses: why, and what to do. libpq gives no SQLSTATE for this, so its words are read."""

from __future__ import annotations

import re
from typing import Final

_LOGIN: Final = "Check the user and password in the URL (a password may also stand in ~/.pgpass)."
_CAUSES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (
            r"peer authentication failed|ident authentication failed",
            "The server takes a local login only from the system user of that name: log in as that user, map yours in "
            "pg_ident.conf, or give a host and a password in the URL.",
        ),
        (r"no password supplied|no password provided", _LOGIN),
        (r"authentication failed", _LOGIN),
        (r"role .* does not exist", "Create the role there (createuser), or name another user in the URL."),
        (r"role .* is not permitted to log in", "Name a user in the URL who may (ALTER ROLE ... LOGIN)."),
        (
            r"database .* does not exist",
            "Name another database in the URL, or create it (createdb) and run: ildb db upgrade",
        ),
        (
            r"too many (clients|connections)|connection slots are reserved",
            "Wait, end other runs or pages that hold connections, or raise the limit there (max_connections, "
            "CONNECTION LIMIT).",
        ),
        (
            r"no pg_hba\.conf entry|pg_hba\.conf rejects",
            "Allow this host, user and database in the server's pg_hba.conf.",
        ),
        (r"permission denied for database", "Let the owner GRANT CONNECT ON DATABASE to this user."),
        (r"is (starting up|shutting down|in recovery)|not yet accepting|not accepting", "Try again in a while."),
    )
)


def refusal(message: str) -> tuple[str, str] | None:
    """Why a server refused a connection, and what to do; None where none answered.

    Args:
        message: of the failure to connect. For a host of several addresses it holds a line of each.
    """
    for line in message.splitlines():
        said = re.sub(r".*?\bFATAL:\s*", "", line).strip().rstrip(".")
        for pattern, hint in _CAUSES:
            if pattern.search(line):
                return said, hint
        if "FATAL:" in line:
            return said, ""
    return None
