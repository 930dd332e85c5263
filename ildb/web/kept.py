"""What was made from one state of the database, kept until that changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

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
        self._making: dict[tuple[str, Hashable], threading.Lock] = {}

    def get(self, snapshot: str, key: Hashable, work: Callable[[], T]) -> T:
        """A value, made where it is not there; who asks for it meanwhile waits for it instead of making it again.

        Args:
            snapshot: what the transaction sees (``pg_current_snapshot``).
            key: tells the value from all others.
            work: makes it.
        """
        missing = object()
        with self._lock:
            found = self._find(snapshot, key, missing)
            if found is not missing:
                return cast("T", found)
            making = self._making.setdefault((snapshot, key), threading.Lock())
        with making:
            with self._lock:
                found = self._find(snapshot, key, missing)
            if found is not missing:
                return cast("T", found)
            try:
                made = work()
            except BaseException:
                # Whoever waits tries in turn.
                with self._lock:
                    self._making.pop((snapshot, key), None)
                raise
            with self._lock:
                self._making.pop((snapshot, key), None)
                if snapshot == self._snapshot:
                    self._values[key] = made
                    if len(self._values) > self._most:
                        self._values.popitem(last=False)
            return made

    def _find(self, snapshot: str, key: Hashable, missing: object) -> object:
        if snapshot != self._snapshot:
            self._values.clear()
            self._snapshot = snapshot
        if key not in self._values:
            return missing
        self._values.move_to_end(key)
        return self._values[key]
