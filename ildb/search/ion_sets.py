"""Which ions satisfy the tests of a question: those seen so far, or all of them; kept while it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, ColumnElement, Connection, and_, any_, bindparam, false, not_, or_, true
from sqlalchemy.dialects import postgresql

from ildb.db import query
from ildb.db.models import Pairing
from ildb.search import logic
from ildb.search.answers import Known, is_in
from ildb.search.ion_library import Ids
from ildb.search.keys import key_of_ion
from ildb.search.logic import All, AnyOf, Clause, Contains, Is, NearestTo, Not, Test
from ildb.search.matcher import Matcher, State

Mask = npt.NDArray[np.bool_]


class IonSets:
    """The ions of tests, each asked for once.

    Args:
        connection: an open transaction.
        matcher: who matches patterns.
    """

    def __init__(self, connection: Connection, matcher: Matcher) -> None:
        self._connection = connection
        self._matcher = matcher
        self._all: dict[Test, Ids] = {}
        self._seen: dict[Contains, Known] = {}
        self._state: State | None = None

    def know(self, test: Test, ion_ids: Sequence[int]) -> None:
        """Take the ions that satisfy a test as found."""
        self._all[test] = np.unique(np.asarray(ion_ids, dtype=np.int64))

    def knows_all(self, clause: Clause) -> bool:
        """Whether no pattern of it is left to be matched."""
        return all(test in self._all for test in logic.tests(clause) if isinstance(test, Contains))

    def of(self, test: Test) -> Ids:
        """Ids of all ions that satisfy a test, ascending."""
        if test not in self._all:
            self.know(test, self._found(test))
        return self._all[test]

    def _found(self, test: Test) -> Sequence[int]:
        if isinstance(test, Contains):
            return cast("Sequence[int]", self._matcher.matching(self._connection, test.pattern))
        if isinstance(test, Is):
            row = query.one(self._connection, "ion/find", **key_of_ion(test.ion))
            return [] if row is None else [row["id"]]
        threshold, top = (0.0, test.top) if isinstance(test, NearestTo) else (test.threshold, None)
        return self._matcher.similar(self._connection, test.smiles, test.side, threshold=threshold, top=top)

    def hold(self, clause: Clause, cations: Ids, anions: Ids) -> Mask:
        """For which pairings a clause holds; of patterns, only the ions given are matched.

        Args:
            clause: what is asked.
            cations: ids of the pairings' cations, shape (n,).
            anions: ids of their anions, shape (n,).

        Returns:
            Shape (n,).
        """
        if isinstance(clause, Not):
            return ~self.hold(clause.part, cations, anions)
        if isinstance(clause, All | AnyOf):
            # Each part is asked only of the pairings that the parts before it leave open.
            wanted = isinstance(clause, All)
            held = np.full(len(cations), wanted)
            for part in clause.parts:
                still = np.flatnonzero(held == wanted)
                held[still] = self.hold(part, cations[still], anions[still])
            return held
        if clause.side == "either":
            return self._among(clause, cations) | self._among(clause, anions)
        return self._among(clause, cations if clause.side == "cation" else anions)

    def _among(self, test: Test, ions: Ids) -> Mask:
        if not isinstance(test, Contains) or test in self._all:
            return is_in(ions, self.of(test))
        if test not in self._seen:
            self._state = self._state or self._matcher.state(self._connection)
            self._seen[test] = self._matcher.recalled(test.pattern, self._state)
        unknown = self._seen[test].unknown(ions)
        if len(unknown):
            found = self._matcher.matching_among(self._connection, test.pattern, unknown.tolist(), self._state)
            self._seen[test] = self._seen[test].plus(unknown, np.array(sorted(found), dtype=np.int64))
        return is_in(ions, self._seen[test].matched)

    def condition(self, clause: Clause) -> ColumnElement[bool]:
        """The clause as a condition on ``Pairing``; all ions are searched."""
        if isinstance(clause, All):
            return and_(true(), *map(self.condition, clause.parts))
        if isinstance(clause, AnyOf):
            return or_(false(), *map(self.condition, clause.parts))
        if isinstance(clause, Not):
            return not_(self.condition(clause.part))
        ids = self.of(clause)
        sides = [Pairing.cation_id] * (clause.side != "anion") + [Pairing.anion_id] * (clause.side != "cation")
        return or_(*(one_of(side, ids) for side in sides))


def one_of(column: Any, ids: Sequence[int] | Ids) -> ColumnElement[bool]:
    """The column is one of the ids; one parameter whatever their number."""
    if not len(ids):
        return false()
    array = bindparam(None, np.asarray(ids).tolist(), type_=postgresql.ARRAY(BigInteger), unique=True)
    return cast("ColumnElement[bool]", column == any_(array))
