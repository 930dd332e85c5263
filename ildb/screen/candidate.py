"""Scored pairings as a screen sees them, column by column, and the reasons it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError

Value = float | int | str | bool | None
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class CandidateIon(NamedTuple):
    """An ion of some candidates.

    Args:
        smiles: of it.
        known: whether the literature has an ionic liquid with it.
    """

    smiles: str
    known: bool


@dataclass(frozen=True, eq=False)
class Candidates:
    """Scored pairings, all columns of length n; a number that is not known is NaN.

    Args:
        ions: the distinct ions of all of them.
        pairing_id: identifies a candidate in the result; ties in the ranking go to the smaller one.
        cation: position of its cation in `ions`.
        anion: position of its anion.
        known: whether the literature has it.
        link_probability: that it forms an IL.
        p_below_373_k: P(Tm < 373.15 K).
        tm_k: predicted melting point, K.
        tm_low_k: lower end of its interval, K.
        tm_high_k: upper end of its interval, K.
        in_domain: whether the melting model has seen anything like it.
        domain_reasons: why not.
        nearest: the nearest IL with a measured melting point, as text; empty for none.
        nearest_similarity: of that IL, cation's times anion's, in [0, 1]; NaN for none.

    Raises:
        InputError: the columns differ in length, a position is outside `ions`, or an id occurs twice.
    """

    ions: Sequence[CandidateIon]
    pairing_id: Ints
    cation: Ints
    anion: Ints
    known: Bools
    link_probability: Floats
    p_below_373_k: Floats
    tm_k: Floats
    tm_low_k: Floats
    tm_high_k: Floats
    in_domain: Bools
    domain_reasons: Sequence[str]
    nearest: Sequence[str]
    nearest_similarity: Floats

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)[1:]}
        if len(set(lengths.values())) > 1:
            raise InputError(f"The columns of the candidates differ in length: {lengths}.")
        for index in (self.cation, self.anion):
            if len(index) and not 0 <= index.min() <= index.max() < len(self.ions):
                raise InputError(f"A candidate names an ion outside the {len(self.ions)} given.")
        ids, times = np.unique(self.pairing_id, return_counts=True)
        if (times > 1).any():
            raise InputError(
                f"Pairing {ids[times > 1][0]} occurs twice among the candidates.", "Give each pairing once."
            )

    def __len__(self) -> int:
        return len(self.pairing_id)

    @property
    def link(self) -> Floats:
        """Link probability, 1 for a known pairing."""
        return np.where(self.known, 1.0, self.link_probability)


NOTES = frozenset({"tm_k", "nearest_known"})
"""Codes of reasons that are for the record, and speak neither for nor against a candidate."""


@dataclass(frozen=True)
class Reason:
    """What one check found, for or against.

    Args:
        code: stable name of the check.
        ok: whether it speaks for the candidate.
        message: a sentence for a chemist.
        value: what was compared with the limit, None where there is nothing to compare.
        limit: the limit, None where there is none.
    """

    code: str
    ok: bool
    message: str
    value: Value = None
    limit: Value = None

    def to_json(self) -> dict[str, Value]:
        """A dictionary of plain values."""
        return {"code": self.code, "ok": self.ok, "message": self.message, "value": self.value, "limit": self.limit}


@dataclass(frozen=True, eq=False)
class Findings:
    """One check's reasons about all candidates: few distinct ones, however many candidates there are.

    Args:
        distinct: the distinct reasons.
        index: position of each candidate's reason in `distinct`, shape (n,).
    """

    distinct: Sequence[Reason]
    index: Ints

    @property
    def ok(self) -> Bools:
        """Whether the check speaks for each candidate."""
        return np.array([reason.ok for reason in self.distinct], dtype=np.bool_)[self.index]

    def to_json(self) -> list[str]:
        """Each candidate's reason as JSON text, shared between equal ones."""
        texts = [json.dumps(reason.to_json(), allow_nan=False) for reason in self.distinct]
        return [texts[i] for i in self.index.tolist()]

    @classmethod
    def of(cls, make: Callable[..., Reason], *columns: npt.NDArray[np.generic]) -> Findings:
        """The reasons that a function makes of the values of some columns, called once for each combination."""
        code = np.zeros(len(columns[0]), dtype=np.int64)
        for column in columns:
            values, position = np.unique(column, return_inverse=True)
            # Renumbered after each column, so that the product of many does not overflow.
            _, code = np.unique(code * len(values) + position, return_inverse=True)
        _, first, index = np.unique(code, return_index=True, return_inverse=True)
        rows = zip(*(column[first].tolist() for column in columns), strict=True)
        return cls([make(*row) for row in rows], index.astype(np.int64))


def numbered(values: Sequence[Hashable]) -> Ints:
    """A number for each value, the same for equal ones, in order of their first occurrence."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.int64)
