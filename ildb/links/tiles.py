"""The best of very many pairs: scores are made tile by tile and all but the best are forgotten at once.

A tile is a block of cations x a block of anions. Once a cation has k candidates, only a pair that beats the worst of
them matters, so nearly every score of a tile is settled by one comparison, and what passes it is sorted in small
batches. Memory is one tile and what is kept, whatever the number of pairs. Tiles lie on a fixed grid, so a pair's score
has the same bits in whatever block of cations it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ildb.links.dataset import IntArray

FloatArray = npt.NDArray[np.float32]

TILE_CATIONS = 256
TILE_ANIONS = 2048
"""A tile of float32 scores fills two megabytes, which the second-level cache of most processors nearly holds."""
_PENDING = 16
"""Candidates per cation that wait before they are sorted in."""
_GROUP = 8
_AT_LEAST = 100_000
_NOTHING = np.iinfo(np.int64).min


class TileScores(Protocol):
    """Scores of cation x anion pairs, made on demand."""

    @property
    def n_cations(self) -> int:
        """Cations that can be asked for."""
        ...

    @property
    def n_anions(self) -> int:
        """Anions that can be asked for."""
        ...

    def tile(self, cations: slice, anions: slice) -> Tensor:
        """Logits of a block, float32, shape (cations, anions); the caller may write to it, the next call may, too."""
        ...


class DotProducts:
    """Scores of a vector model: the dot product of a cation's vector and an anion's.

    Args:
        cations: vectors, float32, shape (n_cations, width).
        anions: vectors, float32, shape (n_anions, width).
        device: where to multiply; by default a GPU where there is one.
    """

    def __init__(self, cations: FloatArray, anions: FloatArray, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._cations = torch.from_numpy(cations).to(self.device)
        self._anions = torch.from_numpy(anions).to(self.device)
        self._buffer = torch.empty(0, device=self.device)

    @property
    def n_cations(self) -> int:
        """Cations with a vector."""
        return len(self._cations)

    @property
    def n_anions(self) -> int:
        """Anions with a vector."""
        return len(self._anions)

    def tile(self, cations: slice, anions: slice) -> Tensor:
        """See `TileScores`."""
        left, right = self._cations[cations], self._anions[anions]
        size = len(left) * len(right)
        if len(self._buffer) < size:
            self._buffer = torch.empty(size, device=self.device)
        return torch.mm(left, right.T, out=self._buffer[:size].view(len(left), len(right)))


@dataclass(frozen=True, eq=False)
class Best:
    """Retained pairs, best first; equal scores in the order of cation, then anion.

    Attributes:
        cations: index of the cation of each, shape (n,).
        anions: index of the anion, shape (n,).
        logits: score, float32, shape (n,).
    """

    cations: IntArray
    anions: IntArray
    logits: FloatArray

    def __len__(self) -> int:
        return len(self.logits)


@dataclass(frozen=True, eq=False)
class Forbidden:
    """Pairs that are never kept: known ones, and those whose formula would hold too many of one ion.

    Attributes:
        known: pairs, shape (n, 2), sorted by cation.
        cation_charges: charges > 0, shape (n_cations,).
        anion_charges: charges < 0, shape (n_anions,).
        max_multiplicity: largest stoichiometric coefficient allowed in the neutral salt.
    """

    known: IntArray
    cation_charges: IntArray
    anion_charges: IntArray
    max_multiplicity: int

    def hide(self, scores: Tensor, cations: slice, anions: slice) -> None:
        """Set the scores of forbidden pairs of a tile to minus infinity."""
        low, high = np.searchsorted(self.known[:, 0], [cations.start, cations.stop])
        known = self.known[low:high]
        known = known[(known[:, 1] >= anions.start) & (known[:, 1] < anions.stop)]
        if len(known):
            place = torch.from_numpy(known - [cations.start, anions.start]).to(scores.device)
            scores[place[:, 0], place[:, 1]] = -torch.inf
        positive, negative = self.cation_charges[cations], self.anion_charges[anions]
        if max(positive.max(initial=1), -negative.min(initial=-1)) <= self.max_multiplicity:
            return
        for charge in np.unique(positive):
            common = np.gcd(charge, negative)
            bad = np.maximum(charge // common, -negative // common) > self.max_multiplicity
            if bad.any():
                rows = torch.from_numpy(np.flatnonzero(positive == charge)).to(scores.device)
                columns = torch.from_numpy(np.flatnonzero(bad)).to(scores.device)
                scores[rows[:, None], columns] = -torch.inf


def best_pairs(
    scores: TileScores,
    *,
    cations: slice | None = None,
    top: int,
    per_cation: int | None = None,
    floor: float = -np.inf,
    forbidden: Forbidden | None = None,
) -> Best:
    """The best pairs of a block of cations with every anion.

    The best of the whole are among the best of the blocks, with the same scores, so blocks may be scored apart.

    Args:
        scores: where the scores come from.
        cations: the block; all by default.
        top: pairs to keep at most.
        per_cation: pairs of one cation to keep at most; no limit by default.
        floor: pairs that score less are not kept.
        forbidden: pairs that are not kept whatever they score.
    """
    first, last = (cations.start, cations.stop) if cations is not None else (0, scores.n_cations)
    overall, reaching = _Overall(top, floor), _Sieve()
    for begin in range(first // TILE_CATIONS * TILE_CATIONS, last, TILE_CATIONS):  # the grid of the whole
        grid = slice(begin, min(begin + TILE_CATIONS, scores.n_cations))
        rows = slice(max(begin, first), min(begin + TILE_CATIONS, last))
        wanted = slice(rows.start - grid.start, rows.stop - grid.start)
        width = None if per_cation is None else min(per_cation, scores.n_anions)
        row_best = None if width is None else _RowBest(rows.stop - rows.start, width, overall.floor)
        for column in range(0, scores.n_anions, TILE_ANIONS):
            columns = slice(column, min(column + TILE_ANIONS, scores.n_anions))
            tile = scores.tile(grid, columns)[wanted]
            if forbidden is not None:
                forbidden.hide(tile, rows, columns)
            if row_best is not None:
                row_best.bound(tile)
            found, others, logits = reaching(tile, overall.floor if row_best is None else row_best.least)
            if row_best is None:
                overall.add(found + rows.start, others + column, logits)
            else:
                row_best.add(found, others + column, logits)
        if row_best is not None:
            kept = row_best.result()
            overall.add(kept.cations + rows.start, kept.anions, kept.logits)
    return overall.result()


class _Sieve:
    """Finds what reaches the least score of its row."""

    def __init__(self) -> None:
        self._reached = np.empty(TILE_CATIONS * TILE_ANIONS, dtype=np.bool_)

    def __call__(self, tile: Tensor, least: FloatArray | float) -> tuple[IntArray, IntArray, FloatArray]:
        """Row, column and score of each; minus infinity never reaches anything.

        Args:
            tile: scores, shape (n, m).
            least: one for each row, shape (n,), or one for all.
        """
        n, m = tile.shape
        bound = np.broadcast_to(np.maximum(least, np.finfo(np.float32).min, dtype=np.float32), n)[:, None]
        if tile.device.type == "cpu":  # numpy's comparison and search are the faster ones
            values = tile.numpy()
            reached = self._reached[: n * m]
            np.greater_equal(values, bound, out=reached.reshape(n, m))
            place = np.flatnonzero(reached)
            rows, columns = np.divmod(place, m)
            return rows, columns, values.reshape(-1)[place]
        found = torch.nonzero(tile >= torch.from_numpy(bound.copy()).to(tile.device))
        rows, columns = found.T.cpu().numpy()
        return rows, columns, tile[found[:, 0], found[:, 1]].cpu().numpy()


class _RowBest:
    """The k best of each row, as sortable numbers: the score's bits, then the column, lower columns first."""

    def __init__(self, n_rows: int, k: int, floor: float) -> None:
        self.k = k
        self.keys: IntArray = np.full((n_rows, k), _NOTHING, dtype=np.int64)
        self.least: FloatArray = np.full(n_rows, floor, dtype=np.float32)
        self._waiting: list[tuple[IntArray, IntArray]] = []
        self._n_waiting = 0
        self._bounded = False

    def bound(self, tile: Tensor) -> None:
        """From the first tile: a score that at least k of each row reach, so that not all of it has to be sorted.

        The k-th best of the maxima of small groups of columns is one, and close to the k-th best of all.
        """
        if self._bounded:
            return
        self._bounded = True
        n_groups = tile.shape[1] // _GROUP
        if n_groups >= self.k:
            maxima = tile[:, : n_groups * _GROUP].reshape(len(tile), n_groups, _GROUP).amax(2).cpu().numpy()
            self.least = np.maximum(self.least, np.partition(maxima, n_groups - self.k, axis=1)[:, n_groups - self.k])

    def add(self, rows: IntArray, columns: IntArray, logits: FloatArray) -> None:
        """Candidates, each reaching the least of its row."""
        self._waiting.append((rows, _keys(logits, columns)))
        self._n_waiting += len(rows)
        if self._n_waiting > _PENDING * len(self.keys):
            self._merge()

    def _merge(self) -> None:
        rows = np.concatenate([rows for rows, _ in self._waiting])
        keys = np.concatenate([keys for _, keys in self._waiting])
        self._waiting, self._n_waiting = [], 0
        order = np.argsort(rows.astype(np.uint16), kind="stable")  # 16 bits: numpy's radix sort
        rows, keys = rows[order], keys[order]
        counts = np.bincount(rows, minlength=len(self.keys))
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        table = np.full((len(self.keys), self.k + int(counts.max(initial=0))), _NOTHING, dtype=np.int64)
        table[:, : self.k] = self.keys
        table[rows, self.k + place] = keys
        table.sort(axis=1)
        self.keys = table[:, -self.k :]
        full = self.keys[:, 0] != _NOTHING
        # Only a better score gets in from now on: of equals the lower column stays, and columns come in order.
        better = np.nextafter(_logits(self.keys[full, 0]), np.float32(np.inf))
        self.least[full] = np.maximum(self.least[full], better)

    def result(self) -> Best:
        """What is kept, in no order."""
        if self._waiting:
            self._merge()
        rows, places = np.nonzero(self.keys != _NOTHING)
        keys = self.keys[rows, places]
        return Best(rows, _columns(keys), _logits(keys))


class _Overall:
    """The best pairs of all, cut whenever twice as many wait."""

    def __init__(self, top: int, floor: float) -> None:
        self.top, self.floor = top, floor
        self._parts: list[Best] = []
        self._n = 0

    def add(self, cations: IntArray, anions: IntArray, logits: FloatArray) -> None:
        """Candidates."""
        self._parts.append(Best(cations, anions, logits))
        self._n += len(logits)
        if self._n > max(2 * self.top, _AT_LEAST):
            self._parts = [_select(self._parts, self.top)]
            self._n = len(self._parts[0])
            if self._n == self.top:
                self.floor = max(self.floor, float(self._parts[0].logits.min(initial=np.inf)))

    def result(self) -> Best:
        """What is kept, best first."""
        return cut(self._parts, self.top)


def cut(parts: Sequence[Best], top: int) -> Best:
    """The best pairs of several lists, best first."""
    kept = _select(parts, top)
    by_pair = np.argsort((kept.cations << 32) | kept.anions)
    keys = np.sort(_keys(kept.logits[by_pair], np.arange(len(kept))))  # several times as fast as sorting by three keys
    order = by_pair[_columns(keys)[::-1]]
    return Best(kept.cations[order], kept.anions[order], kept.logits[order])


def _select(parts: Sequence[Best], top: int) -> Best:
    """What `cut` keeps, in no order."""
    logits = np.concatenate([part.logits for part in parts] or [np.empty(0, np.float32)])
    cations = np.concatenate([part.cations for part in parts] or [np.empty(0, np.int64)])
    anions = np.concatenate([part.anions for part in parts] or [np.empty(0, np.int64)])
    if len(logits) <= top:
        return Best(cations, anions, logits)
    least = np.partition(logits, len(logits) - top)[len(logits) - top] if top else np.float32(np.inf)
    better, equal = np.flatnonzero(logits > least), np.flatnonzero(logits == least)
    equal = equal[np.lexsort((anions[equal], cations[equal]))][: top - len(better)]
    chosen = np.concatenate([better, equal])
    return Best(cations[chosen], anions[chosen], logits[chosen])


def _keys(logits: FloatArray, columns: IntArray) -> IntArray:
    bits = (logits + np.float32(0)).view(np.int32).astype(np.int64)  # + 0: minus zero equals zero
    ordered = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys: IntArray = (ordered << 32) | (0xFFFFFFFF - columns)
    return keys


def _columns(keys: IntArray) -> IntArray:
    columns: IntArray = 0xFFFFFFFF - (keys & 0xFFFFFFFF)
    return columns


def _logits(keys: IntArray) -> FloatArray:
    ordered = (keys >> 32).astype(np.int32)
    bits = np.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).astype(np.int32)
    return bits.view(np.float32)
