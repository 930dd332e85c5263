"""A batch of half-written SMILES, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass
class GrammarState:
    """Strings as far as they are written; n of them, with room for A atoms, R ring numbers and D open branches.

    Attributes:
        target: net charge asked for, shape (n,).
        left: tokens that may still be written, shape (n,).
        net: charge so far, shape (n,).
        n_atoms: atoms so far, shape (n,).
        current: atom the next one binds to, -1 at the start, shape (n,).
        last: kind of the last token (`ildb.generate.grammar_tokens`), shape (n,).
        order: order of a bond just written, 0 for none, shape (n,).
        opened: whether the next atom begins a branch, shape (n,).
        entered: whether the current atom is an aromatic one that must open its ring now, shape (n,).
        depth: open branches, shape (n,).
        token: of each atom, shape (n, A).
        used: bond orders (of an aromatic atom: connections) used, shape (n, A).
        room: how many it has in all, shape (n, A).
        full: whether all of them must be used, shape (n, A).
        pi: as in the token table, shape (n, A).
        parent: atom it was bound to when written, shape (n, A).
        height: bonds between it and the first, by the shortest way when it was written or closed a ring, shape (n, A).
        ring_bonds: aromatic bonds it has or has promised by opening a ring, shape (n, A).
        ring_bond: whether the bond to the parent is aromatic, shape (n, A).
        stack: atoms to return to, shape (n, D).
        opener: atom that opened a ring number, -1 for a free one, shape (n, R).
        frame: open branches when it was opened, shape (n, R).
        must: whether that ring has to be aromatic, shape (n, R).
        closures: ring closures so far, as pairs of atoms, one list a string.
    """

    target: Ints
    left: Ints
    net: Ints
    n_atoms: Ints
    current: Ints
    last: Ints
    order: Ints
    opened: Bools
    entered: Bools
    depth: Ints
    token: Ints
    used: Ints
    room: Ints
    full: Bools
    pi: Ints
    parent: Ints
    height: Ints
    ring_bonds: Ints
    ring_bond: Bools
    stack: Ints
    opener: Ints
    frame: Ints
    must: Bools
    closures: list[list[tuple[int, int]]]

    @classmethod
    def empty(cls, charges: Ints, max_length: int, n_rings: int) -> GrammarState:
        """State of empty strings, one for each charge."""
        n = len(charges)

        def zeros(*shape: int) -> Ints:
            return np.zeros((n, *shape), dtype=np.int64)

        def no(*shape: int) -> Bools:
            return np.zeros((n, *shape), dtype=np.bool_)

        atoms = max_length + 1
        return cls(
            target=charges.astype(np.int64), left=zeros() + max_length, net=zeros(), n_atoms=zeros(),
            current=zeros() - 1, last=zeros(), order=zeros(), opened=no(), entered=no(), depth=zeros(),
            token=zeros(atoms), used=zeros(atoms), room=zeros(atoms), full=no(atoms), pi=zeros(atoms),
            parent=zeros(atoms) - 1, height=zeros(atoms), ring_bonds=zeros(atoms), ring_bond=no(atoms),
            stack=zeros(atoms), opener=zeros(n_rings) - 1, frame=zeros(n_rings), must=no(n_rings),
            closures=[[] for _ in range(n)],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Ints) -> GrammarState:
        """Some of the strings, in that order; a row may occur twice."""
        arrays = {f.name: getattr(self, f.name)[rows].copy() for f in fields(self) if f.name != "closures"}
        return GrammarState(**arrays, closures=[list(self.closures[row]) for row in rows.tolist()])

    def of_current(self, values: Ints | Bools) -> npt.NDArray[np.int64]:
        """A per-atom array's value at the current atom, 0 where there is none, shape (n,)."""
        found = values[np.arange(len(self)), np.maximum(self.current, 0)]
        return np.where(self.current >= 0, found, 0).astype(np.int64)
