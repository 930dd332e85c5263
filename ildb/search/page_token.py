"""The token of a page: where the page before it ended, and of which question it was."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct

from ildb.errors import InputError
from ildb.search.order import Position


def write(question: object, last: Position) -> str:
    """The token of the page behind a position."""
    content = json.dumps([_digest(question), last.part, last.rank, last.pairing_id])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read(token: str, question: object) -> Position:
    """Where a page begins.

    Raises:
        InputError: the token is of another question, or none at all.
    """
    try:
        digest, part, rank, pairing_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        position = Position(int(part), int(rank), int(pairing_id))
        struct.pack("<iq", position.rank, position.pairing_id)  # as the columns have them
    except (ValueError, TypeError, OverflowError, RecursionError, struct.error, binascii.Error):
        raise InputError(f"{token[:60]!r} is not the token of a page.", "Copy it from the page before.") from None
    if digest != _digest(question):
        raise InputError("That page belongs to another search.", "Repeat the search that gave its token.")
    return position


def _digest(question: object) -> str:
    return hashlib.sha256(repr(question).encode()).hexdigest()[:12]
