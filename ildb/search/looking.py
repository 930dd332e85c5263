"""How many pairings to look at before all ions are searched, or the filters asked of all pairings."""

from __future__ import annotations

from typing import Final

# Pairings looked at in their order, whatever their ions: so many at first, then STEP times as many each time. Steps of
# fixed sizes, so that different questions look at the same windows.
FIRST_LOOK = 250
STEP: Final = 4
N_LOOKS = 4
# After so many of them the hits tell how many more it takes.
N_TELL = 2
# Filters are asked of so many pairings at a time.
AT_A_TIME = 150
# When they fit none of so many, they are asked first, for MOST pairings; that takes long where they fit every tenth.
IN_VAIN = 50
MOST = 5_000


def is_in_vain(tried: int, found: int) -> bool:
    """Whether next to no pairing satisfies the filters: so many were asked, and none does."""
    return tried >= IN_VAIN and not found


def next_look(looked: int, tried: int, found: int, wanted: int, times: int) -> int:
    """How many pairings to look at next; 0 when the hits are too rare for that.

    Where the ions are not what is rare, it goes on until the filters have been asked often enough.

    Args:
        looked: pairings looked at so far.
        tried: of how many of these, with the right ions, the filters were asked.
        found: of these, how many were hits.
        wanted: hits that would be enough.
        times: looks so far.
    """
    steps = [FIRST_LOOK * int(STEP**i) for i in range(N_LOOKS)]
    if times >= len(steps):
        return 0
    if tried and not found:
        return steps[times]
    # A third more than the hits so far promise, for they are not spread evenly.
    if times >= N_TELL and 1.3 * (wanted - found) * looked > sum(steps[times:]) * found:
        return 0
    return steps[times]
