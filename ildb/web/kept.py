"""What was made from one state of the database, kept until that changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Values by key, all of the newest snapshot seen; those least recently used go first.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._snapshot: str | None = None
        self._most = most
        self._lock = threading.Lock()

    def get(self, snapshot: str, key: Hashable, work: Callable[[], T]) -> T:
        """A value, made where it is not there.

        Args:
            snapshot: what the transaction sees (``pg_current_snapshot``).
            key: tells the value from all others.
            work: makes it.
        """
        with self._lock:
            if snapshot != self._snapshot:
                self._values.clear()
                self._snapshot = snapshot
            elif key in self._values:
                self._values.move_to_end(key)
                found: T = self._values[key]
                return found
        made = work()
        with self._lock:
            if snapshot == self._snapshot:
                self._values[key] = made
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
        return made
