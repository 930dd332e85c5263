"""Whether the aromatic atoms of a half-written SMILES can share out their double bonds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_MAX_ATOMS = 40


def has_matching(neighbours: Mapping[int, Sequence[int]]) -> bool:
    """Whether every atom can be given one double bond to a neighbour.

    Args:
        neighbours: for each atom that needs a double bond, the atoms in need it is bound to.
    """
    if len(neighbours) % 2:
        return False
    if len(neighbours) > _MAX_ATOMS:
        return True  # RDKit will tell; such systems are rare and the search is exponential
    return _match({atom: [n for n in around if n in neighbours] for atom, around in neighbours.items()}, set())


def _match(neighbours: Mapping[int, Sequence[int]], done: set[int]) -> bool:
    """Give the atom with the fewest partners left one of them, and go on."""
    best: list[int] | None = None
    chosen = -1
    for atom, around in neighbours.items():
        if atom in done:
            continue
        free = [other for other in around if other not in done]
        if not free:
            return False
        if best is None or len(free) < len(best):
            best, chosen = free, atom
    if best is None:
        return True
    return any(_match(neighbours, done | {chosen, other}) for other in best)
