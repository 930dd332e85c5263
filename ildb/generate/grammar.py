"""A mask that keeps a decoder to SMILES of one ion: valences, rings, branches, charge, and an end in time.

What it cannot promise: a Kekulé structure of condensed aromatic rings whose last ring closes in an unusual order, and
chemistry beyond valences. Strings that fail on that are drawn all the same and accounted for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.generate.grammar_state import GrammarState
from ildb.generate.grammar_tokens import ATOM, BOND, CLOSE, END, OPEN, RING, token_table
from ildb.generate.kekule import has_matching
from ildb.generate.tokens import TokenIds, Vocabulary

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_AROMATIC_SIZES: Final = (5, 6)
_LARGEST_RING: Final = 8
_RING_BONDS: Final = 2
_SLACK: Final = 6
"""Tokens before the last moment at which a string is made to end."""


class IonGrammar:
    """The mask of an atom-level vocabulary; see `ildb.generate.sequence.Mask`.

    Args:
        vocabulary: of the model it restricts.

    Raises:
        InputError: the vocabulary is not of atoms.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._table = token_table(vocabulary)
        table = self._table
        self._ids = {kind: np.flatnonzero(table.kind == kind) for kind in (ATOM, BOND, OPEN, CLOSE, RING, END)}
        self._end = vocabulary.eos_id
        self._n_rings = int(table.ring.max(initial=0)) + 1
        self._ring_id = np.full(self._n_rings, -1, dtype=np.int64)
        self._ring_id[table.ring[self._ids[RING]]] = self._ids[RING]
        self._size = len(vocabulary)

    def start(self, n: int, charges: Sequence[int] | Ints, max_length: int) -> GrammarState:
        """See `ildb.generate.sequence.Mask.start`."""
        return GrammarState.empty(np.broadcast_to(np.asarray(charges, dtype=np.int64), (n,)), max_length, self._n_rings)

    def take(self, state: GrammarState, rows: Ints) -> GrammarState:
        """See `ildb.generate.sequence.Mask.take`."""
        return state.take(rows)

    def allowed(self, state: GrammarState) -> Bools:
        """See `ildb.generate.sequence.Mask.allowed`; a string that is stuck may only end."""
        ok = np.zeros((len(state), self._size), dtype=np.bool_)
        self._atoms(state, ok)
        self._bonds_and_branches(state, ok)
        self._rings(state, ok)
        ok[:, self._end] = self._may_end(state)
        self._in_time(state, ok)
        stuck = ~ok.any(axis=1)
        ok[stuck, self._end] = True
        return ok

    # What may come next -----------------------------------------------------------------------------------------

    def _free(self, state: GrammarState) -> Ints:
        return state.of_current(state.room) - state.of_current(state.used)

    def _is_aromatic(self, state: GrammarState) -> Bools:
        return np.asarray(self._table.aromatic[state.of_current(state.token)] & (state.current >= 0))

    def _ring_goes_on(self, state: GrammarState) -> Bools:
        """Whether an aromatic ring opened in this branch is still open, so that its chain must go on."""
        return np.asarray((state.must & (state.opener >= 0) & (state.frame == state.depth[:, None])).any(axis=1))

    def _ring_open_here(self, state: GrammarState) -> Bools:
        """How many rings were opened in this branch and are still open, shape (n,)."""
        return np.asarray(((state.opener >= 0) & (state.frame == state.depth[:, None])).sum(axis=1))

    def _may_stop(self, state: GrammarState, charge: Ints, open_here: Ints) -> Bools:
        """Whether nothing needs to follow in this branch, given the net charge and rings open in it by then."""
        return np.asarray((open_here == 0) & ((state.depth > 0) | (charge == state.target)))

    def _is_done(self, state: GrammarState, more: Ints) -> Bools:
        """Whether the current atom may be left for good once it has used ``more`` bonds."""
        used = state.of_current(state.used) + more
        done = self._table.done[state.of_current(state.token), np.minimum(used, self._table.done.shape[1] - 1)]
        whole = ~state.of_current(state.full).astype(np.bool_) | (used == state.of_current(state.room))
        in_ring = ~self._is_aromatic(state) | (state.of_current(state.ring_bonds) >= _RING_BONDS)
        return np.asarray(done & whole & in_ring)

    def _is_done_in_ring(self, state: GrammarState, more: Ints) -> Bools:
        """Likewise, when the next bond is one of its aromatic ring."""
        used = state.of_current(state.used) + more
        done = self._table.done[state.of_current(state.token), np.minimum(used, self._table.done.shape[1] - 1)]
        whole = ~state.of_current(state.full).astype(np.bool_) | (used == state.of_current(state.room))
        enough = state.of_current(state.ring_bonds) + 1 >= _RING_BONDS
        return np.asarray(done & whole & enough & self._is_aromatic(state))

    def _ring_has_room(self, state: GrammarState) -> Bools:
        """Whether one more atom keeps the ring opened last, if aromatic, within the largest size."""
        last = state.opener.max(axis=1)
        at = np.maximum(last, 0)
        rows = np.arange(len(state))
        size = state.of_current(state.height) - state.height[rows, at] + 2
        aromatic = self._table.aromatic[state.token[rows, at]]
        return np.asarray((last < 0) | ~aromatic | (size <= _AROMATIC_SIZES[1]))

    def _last_ring_atom(self, state: GrammarState, fits: Bools) -> None:
        """Where a ring can take one more atom only, that atom must let it close."""
        atoms = self._ids[ATOM]
        aromatic = self._table.aromatic[atoms]
        last = state.opener.max(axis=1)
        here = self._is_aromatic(state) & (state.order == 0) & (last >= 0)
        here &= self._table.aromatic[state.token[np.arange(len(state)), np.maximum(last, 0)]]
        size = state.of_current(state.height) - state.height[np.arange(len(state)), np.maximum(last, 0)] + 2
        for row in np.flatnonzero(here & (size == _AROMATIC_SIZES[1])).tolist():
            opener = int(last[row])
            if not state.must[row].any() or not self._is_only_aromatic_opener(state, row, opener):
                continue
            bonds = self._aromatic_bonds(state, row)
            new, current = -1, int(state.current[row])
            bonds[new] = [current, opener]
            bonds[current].append(new)
            bonds[opener].append(new)
            for kind in (0, 1):
                if not self._shares_out(state, row, bonds, {new: kind}):
                    fits[row] &= ~aromatic | (self._table.pi[atoms] != kind)

    def _is_only_aromatic_opener(self, state: GrammarState, row: int, opener: int) -> bool:
        open_now = [atom for atom in state.opener[row].tolist() if atom >= 0]
        return all(atom == opener or not self._table.aromatic[state.token[row, atom]] for atom in open_now)

    def _atoms(self, state: GrammarState, ok: Bools) -> None:
        table, atoms = self._table, self._ids[ATOM]
        first = state.current < 0
        order = np.maximum(state.order, 1)
        here = self._is_aromatic(state)
        goes_on, opened = self._ring_goes_on(state), state.opened
        # An aromatic atom's double bond to a substituent takes one connection.
        cost = np.where(here, 1, order)
        free = self._free(state)
        left = np.where(opened, free - cost >= 1, free >= cost)
        enough = left & (opened | self._is_done(state, cost))
        aromatic, valence = table.aromatic[atoms][None, :], table.valence[atoms][None, :]
        needed = np.where(aromatic, 1, order[:, None])
        goes_in_ring = left & (opened | self._is_done_in_ring(state, cost))
        can = np.where(aromatic, (enough | goes_in_ring)[:, None], enough[:, None])
        fits = np.where(first[:, None], True, can & (valence >= needed))
        # Between aromatic atoms: a ring bond, unless "-" was written.
        plain = state.order == 0
        in_ring = here & plain & (state.must & (state.opener >= 0)).any(axis=1)
        into = aromatic & ~in_ring[:, None]
        fits &= ~(into & (here & plain)[:, None])
        fits &= ~aromatic | into | self._ring_has_room(state)[:, None]
        self._last_ring_atom(state, fits)
        fits &= ~into | enough[:, None] | first[:, None]
        fits &= ~(into & (state.order[:, None] > 1))
        fits &= ~into | (valence >= 2 + ~first[:, None])  # it opens a ring and goes on in it
        fits &= aromatic | ~(goes_on & ~opened)[:, None]
        fits &= ~aromatic | ~(goes_on & ~opened & ~plain)[:, None]
        away = np.abs(state.net[:, None] + table.charge[atoms][None, :] - state.target[:, None])
        # One charge too many may be taken back, and that of a nitro group always is.
        nitrogen = (table.charge[atoms] == 1) & (table.valence[atoms] == 4) & ~table.aromatic[atoms]
        nitro = ((state.order == 2) | (state.target < 0))[:, None] & nitrogen[None, :]
        fits &= away <= np.maximum(np.abs(state.net - state.target), 1)[:, None] + nitro
        fits &= ~state.entered[:, None]
        spent = np.where(first[:, None], 0, needed)
        open_here = self._ring_open_here(state)[:, None]
        ends = (open_here == 0) & ((state.depth > 0) | opened)[:, None]
        ends = ends | (open_here == 0) & (state.net[:, None] + table.charge[atoms][None, :] == state.target[:, None])
        fits &= (valence > spent) | ends
        ok[:, atoms] = fits

    def _bonds_and_branches(self, state: GrammarState, ok: Bools) -> None:
        free, here = self._free(state), self._is_aromatic(state)
        goes_on, opened = self._ring_goes_on(state), state.opened
        settled = (state.current >= 0) & (state.last != BOND) & ~state.entered
        for token in self._ids[BOND].tolist():
            order = int(self._table.order[token])
            if order == 1:
                ok[:, token] = settled & here & (free >= 1 + opened) & (opened | ~goes_on)
            else:
                chain = (free >= order + opened) & ~here
                ring = here & (order == 2) & (state.of_current(state.pi) == 1) & (free >= 1 + opened)
                ok[:, token] = settled & (chain | (ring & (opened | ~goes_on)))
        # In an aromatic ring at its largest size the atom has to close it.
        grows = ~goes_on | self._ring_has_room(state)
        ok[:, self._ids[OPEN]] = (settled & ~opened & (free >= 2) & grows)[:, None]
        inner = ((state.opener >= 0) & (state.frame == state.depth[:, None])).any(axis=1)
        closes = settled & ~opened & (state.depth > 0) & ~inner & self._is_done(state, np.zeros_like(free))
        ok[:, self._ids[CLOSE]] = closes[:, None]

    def _rings(self, state: GrammarState, ok: Bools) -> None:
        rows = np.arange(len(state))
        free, here = self._free(state), self._is_aromatic(state)
        settled = (state.current >= 0) & ((state.last == ATOM) | (state.last == RING))
        numbers = np.flatnonzero(self._ring_id >= 0)
        if not len(numbers):
            return
        # Only the lowest free number may be opened, as canonical SMILES do.
        is_free = state.opener[:, numbers] < 0
        lowest = numbers[np.argmax(is_free, axis=1)]
        may_open = settled & is_free.any(axis=1) & (free >= 2)
        ok[rows, self._ring_id[lowest]] = may_open
        current = np.maximum(state.current, 0)
        height = state.of_current(state.height)
        open_here = self._ring_open_here(state)
        has_closed = np.array([bool(pairs) for pairs in state.closures], dtype=np.bool_)
        for number in numbers.tolist():
            opener = state.opener[:, number]
            at = np.maximum(opener, 0)
            size = np.abs(height - state.height[rows, at]) + 1
            for row in np.flatnonzero(settled & (opener >= 0) & (free >= 1) & has_closed).tolist():
                size[row] = self._distance(state, row, number) + 1
            apart = (opener != state.current) & (state.parent[rows, current] != opener)
            apart &= state.parent[rows, at] != state.current
            both = here & self._table.aromatic[state.token[rows, at]]
            sizes = np.where(
                state.must[:, number], (size >= _AROMATIC_SIZES[0]) & (size <= _AROMATIC_SIZES[1]), size >= 3
            )
            closes = settled & (opener >= 0) & apart & (free >= 1) & sizes & (size <= _LARGEST_RING)
            closes &= here | ~state.must[:, number]
            here_left = open_here - (state.frame[:, number] == state.depth)
            closes &= (free >= 2) | self._may_stop(state, state.net, here_left)
            closes &= ~state.entered
            for row in np.flatnonzero(closes & both).tolist():
                closes[row] = self._closing(state, row, number) != 0
            ok[:, self._ring_id[number]] |= closes

    def _may_end(self, state: GrammarState) -> Bools:
        may = (state.current >= 0) & (state.depth == 0) & (state.last != BOND) & ~state.opened & ~state.entered
        may &= (state.opener < 0).all(axis=1) & (state.net == state.target)
        may &= self._is_done(state, np.zeros_like(state.net))
        for row in np.flatnonzero(may).tolist():
            may[row] = self._kekule(state, row)
        return np.asarray(may)

    def _in_time(self, state: GrammarState, ok: Bools) -> None:
        """Near the longest length, only tokens that bring the end nearer."""
        table = self._table
        open_rings = (state.opener >= 0).sum(axis=1)
        forced = (state.must & (state.opener >= 0)).sum(axis=1)
        missing = np.where(
            np.take_along_axis(table.exact[state.token], np.maximum(state.current, 0)[:, None], axis=1)[:, 0],
            self._free(state), 0,
        )  # fmt: skip
        need = state.depth * 2 + 2 * open_rings + 3 * forced + 2 * missing + 3 * np.abs(state.net - state.target)
        late = state.left <= need + _SLACK
        if not late.any():
            return
        finishing = np.zeros(self._size, dtype=np.bool_)
        finishing[[self._end, *self._ids[CLOSE].tolist()]] = True
        closing = np.zeros_like(ok)
        for number in np.flatnonzero(self._ring_id >= 0).tolist():
            closing[:, self._ring_id[number]] = state.opener[:, number] >= 0
        best = ok & (finishing[None, :] | closing)
        toward = np.zeros_like(ok)
        atoms = self._ids[ATOM]
        gap = state.target - state.net
        simple = (table.valence[atoms][None, :] <= 4) & ~table.exact[atoms][None, :]
        charged = table.charge[atoms][None, :]
        toward[:, atoms] = np.where(gap[:, None] == 0, simple, (charged * gap[:, None] > 0))
        second = ok & toward
        for row in np.flatnonzero(late).tolist():
            if best[row].any():
                ok[row] = best[row]
            elif second[row].any():
                ok[row] = second[row]
            else:
                opening = [self._ring_id[n] for n in np.flatnonzero(state.opener[row] < 0).tolist()]
                rest = ok[row].copy()
                if not state.entered[row]:
                    rest[[i for i in opening if i >= 0]] = False
                ok[row] = rest if rest.any() else ok[row]

    # Aromatic systems -------------------------------------------------------------------------------------------

    def _aromatic_bonds(self, state: GrammarState, row: int) -> dict[int, list[int]]:
        bonds: dict[int, list[int]] = {}
        n = int(state.n_atoms[row])
        aromatic = self._table.aromatic[state.token[row, :n]]
        for atom in np.flatnonzero(aromatic).tolist():
            bonds.setdefault(atom, [])
            if state.ring_bond[row, atom]:
                parent = int(state.parent[row, atom])
                bonds[atom].append(parent)
                bonds.setdefault(parent, []).append(atom)
        for a, b in state.closures[row]:
            if aromatic[a] and aromatic[b]:
                bonds[a].append(b)
                bonds[b].append(a)
        return bonds

    def _distance(self, state: GrammarState, row: int, number: int) -> int:
        """Bonds between the current atom and the opener of a ring, other rings that may close here closed."""
        opener, current = int(state.opener[row, number]), int(state.current[row])
        links: dict[int, list[int]] = {}
        for a, b in state.closures[row]:
            links.setdefault(a, []).append(b)
            links.setdefault(b, []).append(a)
        if state.room[row, current] - state.used[row, current] >= 2:
            links.setdefault(current, []).extend(
                atom for other, atom in enumerate(state.opener[row].tolist()) if atom >= 0 and other != number
            )
        n = int(state.n_atoms[row])
        for atom, parent in enumerate(state.parent[row, :n].tolist()):
            if parent >= 0:
                links.setdefault(atom, []).append(parent)
                links.setdefault(parent, []).append(atom)
        layer, seen, steps = {current}, {current}, 0
        while layer and opener not in seen:
            layer = {b for a in layer for b in links.get(a, ())} - seen
            seen |= layer
            steps += 1
        return steps

    def _kekule(
        self, state: GrammarState, row: int, closure: tuple[int, int] | None = None, substituted: bool = False
    ) -> bool:
        """Whether the aromatic atoms so far have a Kekulé structure, each with two ring bonds at least."""
        bonds = self._aromatic_bonds(state, row)
        if not bonds:
            return True
        if closure is not None:
            bonds[closure[0]].append(closure[1])
            bonds[closure[1]].append(closure[0])
        if any(len(around) < 2 for around in bonds.values()):
            return False
        return self._shares_out(state, row, bonds, {closure[1]: 3 if substituted else 2} if closure else {})

    def _shares_out(self, state: GrammarState, row: int, bonds: dict[int, list[int]], settled: dict[int, int]) -> bool:
        """Whether double bonds can be shared out.

        Args:
            state: the strings.
            row: which.
            bonds: aromatic bonds of each atom.
            settled: of atoms not written yet, their kind 0 or 1; of the current one, if either kind, its bonds (2, 3).
        """
        need: dict[int, list[int]] = {}
        for atom, around in bonds.items():
            kind = int(state.pi[row, atom]) if atom >= 0 else settled[atom]
            if kind == 2:
                kind = int(settled.get(atom, int(state.used[row, atom])) < 3)
            if kind == 1:
                need[atom] = around
        return has_matching(need)

    def _closing(self, state: GrammarState, row: int, number: int) -> int:
        """How an aromatic closure may go on: 0 not at all, 1 without, 2 with a substituent, 3 either way."""
        opener, current = int(state.opener[row, number]), int(state.current[row])
        if not self._is_only_aromatic_opener(state, row, opener):
            return 3  # a ring is still open: too early to tell
        bare = self._kekule(state, row, (opener, current))
        if state.pi[row, current] != 2:
            return 3 if bare else 0
        room = state.room[row, current] - state.used[row, current] >= 2
        return int(bare) + 2 * int(room and self._kekule(state, row, (opener, current), substituted=True))

    # What a token does ------------------------------------------------------------------------------------------

    def advance(self, state: GrammarState, token_ids: TokenIds) -> None:
        """See `ildb.generate.sequence.Mask.advance`."""
        kind = self._table.kind[token_ids]
        state.left -= 1
        for row in np.flatnonzero(kind == RING).tolist():
            self._ring(state, row, int(self._table.ring[token_ids[row]]))
        rows = np.flatnonzero(kind == ATOM)
        self._add_atoms(state, rows, token_ids[rows])
        rows = np.flatnonzero(kind == BOND)
        state.order[rows] = self._table.order[token_ids[rows]]
        rows = np.flatnonzero(kind == OPEN)
        state.stack[rows, state.depth[rows]] = state.current[rows]
        state.depth[rows] += 1
        rows = np.flatnonzero(kind == CLOSE)
        state.depth[rows] -= 1
        state.current[rows] = state.stack[rows, state.depth[rows]]
        state.opened = (kind == OPEN) | (state.opened & (kind == BOND))
        state.last = kind.astype(np.int64)

    def _add_atoms(self, state: GrammarState, rows: Ints, tokens: TokenIds) -> None:
        table = self._table
        new, parent = state.n_atoms[rows], state.current[rows]
        order = np.maximum(state.order[rows], 1)
        aromatic = table.aromatic[tokens]
        bound = parent >= 0
        at = np.maximum(parent, 0)
        from_aromatic = bound & table.aromatic[state.token[rows, at]]
        ring_bond = from_aromatic & aromatic & (state.order[rows] == 0)
        state.token[rows, new] = tokens
        state.room[rows, new] = table.valence[tokens]
        state.full[rows, new] = False
        state.pi[rows, new] = table.pi[tokens]
        state.parent[rows, new] = parent
        state.height[rows, new] = np.where(bound, state.height[rows, at] + 1, 0)
        state.ring_bond[rows, new] = ring_bond
        state.ring_bonds[rows, new] = ring_bond
        state.ring_bonds[rows, at] += ring_bond
        state.used[rows, new] = np.where(bound, np.where(aromatic, 1, order), 0)
        state.used[rows, at] += np.where(bound, np.where(from_aromatic, 1, order), 0)
        # A double bond to a substituent takes the ring atom out of the pi system.
        outside = from_aromatic & (order == 2)
        state.pi[rows[outside], at[outside]] = 0
        state.entered[rows] = aromatic & ~ring_bond
        state.net[rows] += table.charge[tokens]
        state.current[rows] = new
        state.n_atoms[rows] += 1
        state.order[rows] = 0

    def _ring(self, state: GrammarState, row: int, number: int) -> None:
        current, opener = int(state.current[row]), int(state.opener[row, number])
        if opener < 0:
            state.opener[row, number] = current
            state.frame[row, number] = state.depth[row]
            state.must[row, number] = state.entered[row]
            state.entered[row] = False
            state.used[row, current] += 1
            state.ring_bonds[row, current] += 1
            return
        if self._table.aromatic[state.token[row, [opener, current]]].all():
            way = self._closing(state, row, number)
            if way == 1 and state.pi[row, current] == 2:
                state.room[row, current] = state.used[row, current] + 1
            state.full[row, current] |= way == 2
        else:
            # What the other end promised was no aromatic bond.
            state.ring_bonds[row, opener] -= 1
        state.closures[row].append((opener, current))
        state.used[row, current] += 1
        state.ring_bonds[row, current] += 1
        state.height[row, current] = min(state.height[row, current], state.height[row, opener] + 1)
        state.opener[row, number] = -1
        state.must[row, number] = False
