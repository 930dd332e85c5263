"""What patterns were found in, kept as long as no ion is added: who pages on or adds a filter asks the same again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from ildb.search.ion_library import Ids

MAX_BYTES: Final = 64 << 20


class Answers:
    """Ids of ions by pattern, those least recently asked for going first.

    Args:
        max_bytes: of all ids together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._kept: OrderedDict[str, Ids] = OrderedDict()
        self._state: Hashable = None
        self._bytes, self._max_bytes = 0, max_bytes
        self._lock = threading.Lock()

    def get(self, pattern: str, state: Hashable) -> Ids | None:
        """All ions that contain a pattern; None when that is not known for this state of the ions."""
        with self._lock:
            if state != self._state or pattern not in self._kept:
                return None
            self._kept.move_to_end(pattern)
            return self._kept[pattern]

    def put(self, pattern: str, state: Hashable, ids: Ids) -> None:
        """Keep an answer; those of another state are dropped."""
        with self._lock:
            if state != self._state:
                self._kept.clear()
                self._state, self._bytes = state, 0
            if pattern not in self._kept:
                self._kept[pattern] = ids
                self._bytes += ids.nbytes
            while self._bytes > self._max_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
