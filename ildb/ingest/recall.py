"""Batches a source has brought before, word for word: known without a look at their chemistry."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

import rdkit
from sqlalchemy import Connection

from ildb import __version__
from ildb.db import query
from ildb.ingest.record import PairRecord

# Raised when the same record may come to mean something else than before.
CURATION_VERSION: Final = 2

_contents = attrgetter(*(f.name for f in fields(PairRecord)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch came to: all records but ``n_quarantined`` are in the database."""

    n_quarantined: int
    reasons: Counter[str]


def batch_sha256(batch: list[PairRecord]) -> str:
    """What a batch says, and the versions that decide what is made of it, as one hash."""
    state = hashlib.sha256(f"{CURATION_VERSION} {__version__} {rdkit.__version__}\n".encode())
    # repr writes out what UTF-8 has no bytes for, and tells 1 from 1.0 and "1".
    state.update(repr(list(map(_contents, batch))).encode())
    return state.hexdigest()


class Recall:
    """The batches of one source that are in the database.

    Args:
        connection: the transaction of the ingest.
        source_id: the source.
    """

    def __init__(self, connection: Connection, source_id: int) -> None:
        self._connection = connection
        self._source_id = source_id
        rows = query.execute(connection, "ingest/batches", source_id=source_id)
        self._outcomes = {row.sha256: Outcome(row.n_quarantined, Counter(row.reasons)) for row in rows}

    def find(self, sha256: str) -> Outcome | None:
        """What a batch came to, when this source brought it before."""
        return self._outcomes.get(sha256)

    def keep(self, sha256: str, n_read: int, outcome: Outcome) -> None:
        """Note that a batch is in the database."""
        query.execute(
            self._connection,
            "ingest/add_batch",
            source_id=self._source_id,
            sha256=sha256,
            n_read=n_read,
            n_quarantined=outcome.n_quarantined,
            reasons=json.dumps(outcome.reasons),
        )
