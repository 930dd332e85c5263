"""Records of a source that stayed out before: what a new reading of them changes, and what it may not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from ildb import __version__
from ildb.chem.findings import Finding
from ildb.db import query
from ildb.hashing import sha256_json
from ildb.ingest.stage import Refused, Resolved, stored_record

_REJECTED: Final = Finding("rejected", "A curator rejected this record for good.", "ildb curate quarantine reopen ID")


class Earlier:
    """Decisions on a source's refused records, as they stand when an ingest begins.

    A record is known again by all it says. One that the reader itself refused, for a name without a structure for
    example, may be read otherwise another time: its key and its raw cells tell.

    Args:
        connection: the transaction of the ingest.
        source_id: the source.
    """

    def __init__(self, connection: Connection, source_id: int) -> None:
        self._connection = connection
        rows = query.execute(connection, "quarantine/unaccepted", source_id=source_id).all()
        self._by_record: dict[str, Any] = {row.record_sha256: row for row in rows}
        self._by_cells: dict[str, Any] = {_cells(row.source_key, row.raw): row for row in rows if row.raw is not None}
        self._readable: list[int] = []

    def judge(self, outcome: Resolved | Refused) -> Resolved | Refused:
        """The outcome of a record read now; one that a curator rejected stays out, however readable it has become."""
        if isinstance(outcome, Refused) or not self._by_record:  # nearly always, and hashing takes a while
            return outcome
        stored, sha256 = stored_record(outcome.record)
        row = self._by_record.get(sha256) or self._by_cells.get(_cells(stored["source_key"], stored["raw"]))
        if row is None:
            return outcome
        if row.status == "rejected":
            return Refused(outcome.record, (_REJECTED,))
        self._readable.append(row.id)
        return outcome

    def accept(self) -> None:
        """Close the records that were judged readable, with a word on what let them in."""
        if not self._readable:
            return
        entry = {
            "decision": "accepted",
            "by": "ingest",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_version": __version__,
            "note": "Read again, and the record can be used now.",
        }
        query.execute(self._connection, "quarantine/accept_reread", ids=self._readable, decision=json.dumps(entry))


def _cells(source_key: str, raw: Mapping[str, Any]) -> str:
    return sha256_json({"source_key": source_key, "raw": raw})
