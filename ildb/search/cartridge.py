"""Which ions contain a pattern, asked of the server's cartridge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import StructureError
from ildb.search.answers import NOTHING, Known
from ildb.search.ion_library import Ids
from ildb.search.logic import Side
from ildb.search.matcher import Matcher, State
from ildb.search.patterns import SearchPattern
from ildb.search.similar import similar_ids


class CartridgeMatcher:
    """Asks the server; patterns that are not cheap go to a process that is started for them."""

    def __init__(self, fallback: Callable[[], Matcher]) -> None:
        self._fallback = fallback
        self._process: Matcher | None = None

    def matching(self, connection: Connection, pattern: SearchPattern) -> Ids:
        """See ``Matcher``; through the GiST index."""
        if not pattern.cheap:
            return self._other().matching(connection, pattern)
        _require_readable(connection, pattern)
        rows = query.execute(connection, "search/ions_with_substructure", smarts=pattern.text)
        return np.array([row.ion_id for row in rows], dtype=np.int64)

    def state(self, connection: Connection) -> State:  # noqa: ARG002
        """See ``Matcher``; the server always knows its ions."""
        return {}

    def matching_among(
        self,
        connection: Connection,
        pattern: SearchPattern,
        ids: Sequence[int],
        state: State | None = None,  # noqa: ARG002
    ) -> set[int]:
        """See ``Matcher``; ion by ion."""
        if not pattern.cheap:
            return self._other().matching_among(connection, pattern, ids)
        _require_readable(connection, pattern)
        rows = query.execute(connection, "search/ions_among", smarts=pattern.text, ion_ids=list(ids))
        return {int(row.ion_id) for row in rows}

    def recalled(self, pattern: SearchPattern, state: State) -> Known:  # noqa: ARG002
        """See ``Matcher``; nothing is remembered here."""
        return NOTHING

    def similar(
        self, connection: Connection, smiles: str, side: Side, *, threshold: float = 0.5, top: int | None = None
    ) -> list[int]:
        """See ``Matcher``; through the GiST index on fingerprints."""
        return similar_ids(connection, smiles, side, threshold=threshold, top=top)

    def _other(self) -> Matcher:
        if self._process is None:
            self._process = self._fallback()
        return self._process


def _require_readable(connection: Connection, pattern: SearchPattern) -> None:
    readable = query.one(connection, "search/can_read_smarts", smarts=pattern.text)
    if readable is None or not readable["readable"]:
        raise StructureError(
            f"The server's RDKit cartridge cannot read the SMARTS '{pattern.text}'.",
            "Write it with older SMARTS features.",
        )
