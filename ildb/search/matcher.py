"""Which ions contain a pattern: by the server's cartridge, or by processes that can be killed.

Both give the same answer. The cartridge is asked for patterns that are cheap (``ildb.search.patterns``) when nothing
else is at hand; the processes take any pattern, and end with it when the pattern takes too long or too much memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Connection

from ildb.chem.fingerprints import morgan_bytes
from ildb.chem.parse import parse_smiles, shorten
from ildb.config import get_settings
from ildb.db import query
from ildb.errors import IldbError, StructureError
from ildb.search.answers import Answers, Known, is_in
from ildb.search.fingerprint_index import FingerprintIndex
from ildb.search.ion_library import Ids, read_part
from ildb.search.ion_parts import ensure_parts
from ildb.search.logic import Side
from ildb.search.matching_team import MatchingTeam, Reply
from ildb.search.patterns import SearchPattern
from ildb.search.similar import SIGN, stored_spelling

# With the start of the processes, about half a second, a pattern is answered or refused in under 2 s.
LIMIT_S = 1.2
START_LIMIT_S = 60.0
MEMORY_BYTES = 4 << 30
COUNT_EVERY_S = 5.0
# All ions at once take about as long as half of them one by one, and are then known for good.
ONE_BY_ONE = 4


State = dict[str, Any]
"""The number of ions and the last id."""


class Matcher(Protocol):
    """Finds the ions that contain a pattern."""

    def matching(self, connection: Connection, pattern: SearchPattern) -> Ids:
        """Ids of all ions that contain it, ascending."""
        ...

    def state(self, connection: Connection) -> State:
        """What tells whether there are other ions than before, in the connection's transaction."""
        ...

    def matching_among(
        self, connection: Connection, pattern: SearchPattern, ids: Sequence[int], state: State | None = None
    ) -> set[int]:
        """Those of the given ions that contain it; ``state`` spares asking for it again."""
        ...

    def recalled(self, pattern: SearchPattern, state: State) -> Known:
        """What was found of a pattern before."""
        ...

    def similar(
        self, connection: Connection, smiles: str, side: Side, *, threshold: float = 0.5, top: int | None = None
    ) -> list[int]:
        """Ids of the ions at least so similar to a structure, or of the ``top`` nearest; see ``similar_ids``."""
        ...


class ProcessMatcher:
    """Asks processes of its own that hold the ions; they are started when first needed and again after being killed.

    What was found is remembered until there are other ions: pages, counts and downloads of one search ask alike.

    Args:
        folder: where the libraries of ions are kept (``ildb.search.ion_library``); by default in ``ILDB_HOME``.
        limit_s: time for one pattern that is not cheap, seconds; cheap ones have the time of a statement.
        resident: keep the ions as molecules: five times faster, about 10 kB of memory an ion, slower to start. For
            whoever asks more than once.
        memory_bytes: limit of each process's address space.
        progress: told in a few words of work that takes long and is done once.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        limit_s: float = LIMIT_S,
        resident: bool = False,
        memory_bytes: int = MEMORY_BYTES,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder or get_settings().home_dir / "cache" / "ions"
        self._limit_s = limit_s
        self._progress = progress
        self.team = MatchingTeam(resident=resident, memory_bytes=memory_bytes)
        self._loaded: dict[str, Any] | None = None
        self._counted: tuple[float, dict[str, Any]] = (0.0, {})
        self._fingerprints: tuple[State | None, FingerprintIndex] | None = None
        self._answers = Answers()
        self._lock = threading.Lock()

    def __enter__(self) -> ProcessMatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self.team.close()

    def matching(self, connection: Connection, pattern: SearchPattern) -> Ids:
        """See ``Matcher``.

        Raises:
            StructureError: the pattern is not SMARTS, or took more time or memory than allowed.
        """
        return self._matching(connection, pattern, self.state(connection))

    def _matching(self, connection: Connection, pattern: SearchPattern, state: State) -> Ids:
        key = _key(state)
        known = self._answers.get(pattern.text, key)
        if known.asked is None:
            return known.matched
        with self._lock:
            known = self._answers.get(pattern.text, key)  # somebody may have asked meanwhile
            if known.asked is None:
                return known.matched
            self._prepare(connection, state)
            found = self._ask(pattern, {"smarts": pattern.text, "all": True}, None)
            found.setflags(write=False)
            self._answers.put(pattern.text, key, found)
        return found

    def state(self, connection: Connection) -> State:
        """See ``Matcher``."""
        newest = query.one(connection, "search/last_ion", smiles="") or {}
        return self._state(connection, newest["last_id"])

    def recalled(self, pattern: SearchPattern, state: State) -> Known:
        """See ``Matcher``."""
        return self._answers.get(pattern.text, _key(state))

    def matching_among(
        self, connection: Connection, pattern: SearchPattern, ids: Sequence[int], state: State | None = None
    ) -> set[int]:
        """See ``Matcher``."""
        asked, state = np.unique(np.array(ids, dtype=np.int64)), state or self.state(connection)
        key = _key(state)
        known = self._answers.get(pattern.text, key)
        unknown = known.unknown(asked)
        if not len(unknown):
            return set(asked[is_in(asked, known.matched)].tolist())
        if ONE_BY_ONE * (known.n_asked + len(unknown)) > state["n_ions"]:
            return set(asked[is_in(asked, self._matching(connection, pattern, state))].tolist())
        with self._lock:
            known = self._answers.get(pattern.text, key)
            unknown = known.unknown(asked)
            if len(unknown):
                self._prepare(connection, state)
                found = self._ask(pattern, {"smarts": pattern.text, "all": False}, unknown)
                self._answers.add(pattern.text, key, unknown, found)
                known = known.plus(unknown, found)
        return set(asked[is_in(asked, known.matched)].tolist())

    def similar(
        self, connection: Connection, smiles: str, side: Side, *, threshold: float = 0.5, top: int | None = None
    ) -> list[int]:
        """See ``Matcher``; in this process, over fingerprints in memory."""
        mol = parse_smiles(smiles)
        newest = query.one(connection, "search/last_ion", smiles=smiles) or {}
        # A text that is already an ion's spelling here need not be brought into that form.
        bits = morgan_bytes(mol if newest["is_spelling"] else parse_smiles(stored_spelling(smiles)))
        with self._lock:
            state = self._state(connection, newest["last_id"])
            if self._fingerprints is None or self._fingerprints[0] != state:
                parts = [read_part(path) for path in self._files(connection)]
                signs = query.rows(connection, "search/all_ion_signs")
                self._fingerprints = state, FingerprintIndex.of(parts, {row["id"]: row["sign"] for row in signs})
        return self._fingerprints[1].search(bits, SIGN[side], threshold=threshold, top=top)

    def _state(self, connection: Connection, last_id: int | None) -> dict[str, Any]:
        """The number of ions and the last id, as the connection's transaction sees them."""
        at, known = self._counted
        if known.get("last_id") != last_id or time.monotonic() - at > COUNT_EVERY_S:
            known = query.one(connection, "search/ion_state") or {}
            self._counted = time.monotonic(), known
        return known

    def _files(self, connection: Connection) -> list[Path]:
        def making(done: int, total: int) -> None:
            self._progress(f"preparing the ions for pattern search, once: {done} of {total} parts")

        return ensure_parts(connection, self._folder, making)

    def _prepare(self, connection: Connection, state: State) -> None:
        """The processes run and hold the ions that the connection's transaction sees.

        Ions are added, and by the rights of the roles neither changed nor deleted, so their number and last id tell.
        Counting takes longer than a search, so it is done every COUNT_EVERY_S: an ion whose transaction ended after
        that of one with a higher id is found so much later.
        """
        if self.team.is_alive() and state == self._loaded:
            return
        self._loaded = None  # should this fail, nothing is known of what they hold
        files = self._files(connection)
        if not self.team.is_alive():
            self.team.start()
        for answer, _ in self.team.load(files, START_LIMIT_S):
            if "n_ions" not in answer:
                raise IldbError(
                    f"The ions could not be loaded: {answer.get('failed', answer)}.",
                    f"Delete {self._folder}; it is made again.",
                )
        self._loaded = state

    def _ask(self, pattern: SearchPattern, request: dict[str, Any], ids: Ids | None) -> Ids:
        try:
            # A cheap pattern only takes as long as there are ions.
            limit_s = get_settings().statement_timeout_s if pattern.cheap else self._limit_s
            replies = self.team.ask(request, ids, limit_s)
        except TimeoutError:
            raise StructureError(
                f"The pattern {shorten(pattern.text)} takes longer than {self._limit_s:g} s.",
                "Make it smaller: fewer fragments, wildcards and $(...); or join several patterns by AND.",
            ) from None
        except (EOFError, BrokenPipeError):
            raise StructureError(
                f"The pattern {shorten(pattern.text)} is too large to be matched.",
                "Make it smaller: fewer fragments, wildcards and $(...).",
            ) from None
        return np.sort(np.concatenate([_found(pattern, reply) for reply in replies]))


def _found(pattern: SearchPattern, reply: Reply) -> Ids:
    """The ids of a reply.

    Raises:
        StructureError: the pattern is not SMARTS, or took too much memory.
    """
    answer, ids = reply
    if "refused" in answer:
        raise StructureError(f"{shorten(pattern.text)} is not a SMARTS: {answer['refused']}.", "Correct the pattern.")
    if "failed" in answer:
        raise StructureError(
            f"The pattern {shorten(pattern.text)} cannot be matched: {answer['failed']}.", "Make it smaller."
        )
    return ids


def _key(state: State) -> tuple[Any, ...]:
    return state["n_ions"], state["last_id"]
