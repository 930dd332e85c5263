"""What patterns were found in, kept as long as no ion is added: who pages on or adds a filter asks the same again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.search.ion_library import Ids

MAX_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a pattern.

    Attributes:
        asked: ids of the ions it was matched against, ascending; None for all there are.
        matched: ids of those that contain it, ascending.
    """

    asked: Ids | None
    matched: Ids

    def unknown(self, ids: Ids) -> Ids:
        """Those of some ions it was not matched against, each once, ascending."""
        if self.asked is None:
            return _NONE
        left = np.sort(ids[~is_in(ids, self.asked)])
        return left[np.diff(left, prepend=-1) > 0]

    def plus(self, asked: Ids, matched: Ids) -> Known:
        """The same with what was found among ions unknown so far."""
        if self.asked is None:
            return self
        return Known(np.sort(np.concatenate([self.asked, asked])), np.sort(np.concatenate([self.matched, matched])))

    @property
    def n_asked(self) -> int:
        """How many ions it was matched against one by one."""
        return 0 if self.asked is None else len(self.asked)

    @property
    def n_bytes(self) -> int:
        """Memory of the ids."""
        return self.matched.nbytes + (0 if self.asked is None else self.asked.nbytes)


_NONE: Final[Ids] = np.empty(0, dtype=np.int64)
NOTHING: Final = Known(_NONE, _NONE)


def is_in(ids: Ids, others: Ids) -> npt.NDArray[np.bool_]:
    """Which of some ids are among others, which ascend."""
    if not len(others):
        return np.zeros(len(ids), dtype=bool)
    return np.equal(others[np.minimum(np.searchsorted(others, ids), len(others) - 1)], ids)


class Answers:
    """Ids of ions by pattern, those least recently asked for going first.

    Args:
        max_bytes: of all ids together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._kept: OrderedDict[str, Known] = OrderedDict()
        self._state: Hashable = None
        self._bytes, self._max_bytes = 0, max_bytes
        self._lock = threading.Lock()

    def get(self, pattern: str, state: Hashable) -> Known:
        """What is known of a pattern for this state of the ions."""
        with self._lock:
            if state != self._state or pattern not in self._kept:
                return NOTHING
            self._kept.move_to_end(pattern)
            return self._kept[pattern]

    def put(self, pattern: str, state: Hashable, ids: Ids) -> None:
        """Keep all ions that contain a pattern; what is of another state is dropped."""
        with self._lock:
            self._replace(pattern, state, Known(None, ids))

    def add(self, pattern: str, state: Hashable, asked: Ids, matched: Ids) -> None:
        """Keep what was found among some ions."""
        with self._lock:
            known = self._kept.get(pattern, NOTHING) if state == self._state else NOTHING
            new = known.unknown(asked)
            self._replace(pattern, state, known.plus(new, matched[is_in(matched, new)]))

    def _replace(self, pattern: str, state: Hashable, known: Known) -> None:
        if state != self._state:
            self._kept.clear()
            self._state, self._bytes = state, 0
        self._bytes += known.n_bytes - self._kept.get(pattern, NOTHING).n_bytes
        self._kept[pattern] = known
        while self._bytes > self._max_bytes:
            self._bytes -= self._kept.popitem(last=False)[1].n_bytes
