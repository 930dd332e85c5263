"""How many pairings to look at one by one before all of them are searched."""

from __future__ import annotations

import math

# Pairings looked at one after the other: so many at first, then as many as the hits among them promise to be enough. If
# that is more than MAX_LOOK, or one look more was not enough either, all are searched.
FIRST_LOOK = 250
MAX_LOOK = 5_000
N_LOOKS = 3


class Looks:
    """How many pairings to look at next; 0 when the hits are too rare for that.

    Args:
        wanted: hits that would be enough.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._looked = self._found = self._times = 0
        self.any_passed_filters = False

    def next(self) -> int:
        """So many pairings; 0 for an end of looking."""
        if self._times == 0:
            return FIRST_LOOK
        if self._times >= N_LOOKS or not self.any_passed_filters:
            return 0
        if not self._found:
            return MAX_LOOK if self._times == 1 else 0
        # A third more than the hits so far promise, for they are not spread evenly.
        n = math.ceil(1.3 * max(1, self._wanted - self._found) * self._looked / self._found)
        return n if n <= MAX_LOOK else 0

    def add(self, looked: int, passed_filters: int, found: int) -> None:
        """Take note of what a look has found.

        Args:
            looked: pairings looked at.
            passed_filters: of these, how many satisfied the filters.
            found: of these, how many had the right ions, too.
        """
        self._looked += looked
        self._found += found
        self._times += 1
        self.any_passed_filters |= passed_filters > 0
