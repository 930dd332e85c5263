"""Which pairings satisfy a question, page by page or counted.

Ions are searched, never salts: each test becomes a set of ion ids, and the sets select pairings. For a first page even
that is too much work when a pattern is in every other ion, so pairings are first looked at in their order and only the
ions seen are matched; when too few of them match, the pattern is rare, and all ions are searched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    any_,
    bindparam,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from ildb.db import query as queries
from ildb.db.models import Pairing
from ildb.errors import InputError
from ildb.search import logic, looking
from ildb.search.filters import Filters, Position, conditions, has_passed, ordered, parts
from ildb.search.keys import key_of_ion
from ildb.search.logic import All, AnyOf, Clause, Contains, Is, NearestTo, Not, Test
from ildb.search.matcher import Matcher

Hit = dict[str, Any]
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of pairings.

    Attributes:
        ions: what their ions must be.
        filters: what else they must satisfy.
    """

    ions: Clause = logic.EVERYTHING
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class Page:
    """Part of an answer, in order.

    Attributes:
        hits: pairings, each with the columns of ``search/pairings``.
        next: token of the page behind this one; None when nothing comes any more.
    """

    hits: list[Hit]
    next: str | None


class Answer:
    """The answer to a question within one transaction; what was found about ions is kept.

    Args:
        connection: an open transaction; repeatable read where pages must fit together.
        matcher: who matches patterns.
        question: what is asked.
    """

    def __init__(self, connection: Connection, matcher: Matcher, question: Question) -> None:
        self._connection = connection
        self._matcher = matcher
        self.question = question
        self._sets: dict[Test, list[int]] = {}
        self._seen: dict[Contains, dict[int, bool]] = {}

    def page(self, size: int, after: str | None = None) -> Page:
        """The next pairings, best first: passed candidates by rank, then known ones, then the rest by id.

        Pages are told apart by the last pairing's place in that order, so rows that come or go elsewhere neither double
        nor hide a pairing; one whose own place changes, because a screen decides on it meanwhile, may.

        Args:
            size: at most so many, at least 1.
            after: token of the page (``Page.next``); None for the first.

        Raises:
            InputError: the token is of another question, or none at all.
            StructureError: a pattern cannot be matched.
        """
        if size < 1:
            raise InputError(f"A page of {size} pairings makes no sense.", "Give at least 1.")
        start = None if after is None else self._read_token(after)
        # Workers take longer to start than a page takes.
        self._connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        found = list(_first(self._positions(start, size + 1), size + 1))
        self._connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
        hits = self.describe([position.pairing_id for position in found[:size]])
        return Page(hits, self._token(found[size - 1]) if len(found) > size else None)

    def ids(self, limit: int | None = None) -> Iterator[int]:
        """Ids of all pairings of the answer in order, read as they are consumed."""
        for position in _first(self._positions(None, limit), limit):
            yield position.pairing_id

    def hits(self, limit: int | None = None) -> Iterator[Hit]:
        """The same with their columns; memory does not grow with their number."""
        batch: list[int] = []
        for pairing_id in self.ids(limit):
            batch.append(pairing_id)
            if len(batch) == CHUNK:
                yield from self.describe(batch)
                batch.clear()
        yield from self.describe(batch)

    def count(self) -> int:
        """How many pairings the answer has."""
        statement = select(func.count()).select_from(Pairing).where(*self._wanted())
        return int(self._connection.execute(statement).scalar_one())

    def estimate(self) -> int:
        """About how many, from the planner's statistics; only the ions are searched."""
        statement = select(Pairing.id).where(*self._wanted())
        return int(self.explain(statement)["Plan Rows"])

    def explain(self, statement: Select[Any]) -> dict[str, Any]:
        """The planner's tree for a statement."""
        compiled = statement.compile(self._connection, compile_kwargs={"render_postcompile": True})
        plan = self._connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params).scalar_one()
        return dict(plan[0]["Plan"])

    def describe(self, pairing_ids: Sequence[int]) -> list[Hit]:
        """What is shown of pairings, in the given order."""
        if not pairing_ids:
            return []
        return queries.rows(self._connection, "search/pairings", pairing_ids=list(pairing_ids))

    # --- order ---

    def _positions(self, after: Position | None, wanted: int | None) -> Iterator[Position]:
        looks = looking.Looks(wanted) if wanted is not None and wanted <= CHUNK and self._has_open_patterns() else None
        for part in parts(self.question.filters):
            if after is not None and part < after.part:
                continue
            # Looking at pairings one by one ends within the part, or goes on from where it got.
            while looks is not None and (n := looks.next()):
                looked = self._look(part, after, n)
                looks.add(n, len(looked.found))
                yield from looked.found
                after = looked.last or after
                if looked.done:
                    break
            else:
                yield from self._select(part, after, wanted)

    def _has_open_patterns(self) -> bool:
        return any(isinstance(t, Contains) and t not in self._sets for t in logic.tests(self.question.ions))

    def _select(self, part: int, after: Position | None, wanted: int | None) -> Iterator[Position]:
        statement = ordered(part, after).where(self._clause(self.question.ions), *conditions(self.question.filters))
        if wanted is not None and wanted <= CHUNK:
            for row in self._connection.execute(statement.limit(wanted)).all():
                yield Position(part, row.rank, row.id)
            return
        # All rows will be read, so the plan for the first tenth, which a cursor gets otherwise, would be the wrong one.
        self._connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
        with self._connection.execute(statement.execution_options(yield_per=CHUNK)) as result:
            for row in result:
                yield Position(part, row.rank, row.id)

    def _look(self, part: int, after: Position | None, n: int) -> _Looked:
        statement = (
            ordered(part, after, Pairing.cation_id, Pairing.anion_id).where(*conditions(self.question.filters)).limit(n)
        )
        rows = self._connection.execute(statement).all()
        self._match_seen({row.cation_id for row in rows}, {row.anion_id for row in rows})
        found = [
            Position(part, row.rank, row.id)
            for row in rows
            if self._holds(self.question.ions, row.cation_id, row.anion_id)
        ]
        last = Position(part, rows[-1].rank, rows[-1].id) if rows else None
        return _Looked(found, last, done=len(rows) < n)

    def _match_seen(self, cations: set[int], anions: set[int]) -> None:
        for test in logic.tests(self.question.ions):
            if not isinstance(test, Contains):
                self._ids_of(test)
                continue
            seen = self._seen.setdefault(test, {})
            ions = (cations if test.side != "anion" else set()) | (anions if test.side != "cation" else set())
            unseen = sorted(ions - seen.keys())
            if unseen:
                matched = self._matcher.matching_among(self._connection, test.pattern, unseen)
                seen.update((ion, ion in matched) for ion in unseen)

    def _holds(self, clause: Clause, cation: int, anion: int) -> bool:
        if isinstance(clause, All):
            return all(self._holds(part, cation, anion) for part in clause.parts)
        if isinstance(clause, AnyOf):
            return any(self._holds(part, cation, anion) for part in clause.parts)
        if isinstance(clause, Not):
            return not self._holds(clause.part, cation, anion)
        ions = [cation] * (clause.side != "anion") + [anion] * (clause.side != "cation")
        if isinstance(clause, Contains):
            return any(self._seen[clause][ion] for ion in ions)
        return any(ion in self._sets[clause] for ion in ions)

    # --- sets of ions ---

    def know(self, test: Test, ion_ids: Sequence[int]) -> None:
        """Take the ions that satisfy a test as found."""
        self._sets[test] = list(ion_ids)

    def has_ion(self, test: Test) -> bool:
        """Whether any ion of the test's side satisfies it."""
        signs = queries.rows(self._connection, "search/ion_signs", ion_ids=self._ids_of(test))
        return any(test.side in {"either", "cation" if row["is_cation"] else "anion"} for row in signs)

    def _ids_of(self, test: Test) -> list[int]:
        if test not in self._sets:
            if isinstance(test, Contains):
                self._sets[test] = self._matcher.matching(self._connection, test.pattern).tolist()
            elif isinstance(test, Is):
                row = queries.one(self._connection, "ion/find", **key_of_ion(test.ion))
                self._sets[test] = [] if row is None else [row["id"]]
            else:
                threshold, top = (0.0, test.top) if isinstance(test, NearestTo) else (test.threshold, None)
                self._sets[test] = self._matcher.similar(
                    self._connection, test.smiles, test.side, threshold=threshold, top=top
                )
        return self._sets[test]

    def _clause(self, clause: Clause) -> ColumnElement[bool]:
        if isinstance(clause, All):
            return and_(true(), *map(self._clause, clause.parts))
        if isinstance(clause, AnyOf):
            return or_(false(), *map(self._clause, clause.parts))
        if isinstance(clause, Not):
            return not_(self._clause(clause.part))
        ids = self._ids_of(clause)
        sides = [Pairing.cation_id] * (clause.side != "anion") + [Pairing.anion_id] * (clause.side != "cation")
        return or_(*(one_of(side, ids) for side in sides))

    def _wanted(self) -> list[ColumnElement[bool]]:
        filters = self.question.filters
        return [self._clause(self.question.ions), *conditions(filters), *([has_passed()] if filters.passed else [])]

    # --- tokens ---

    def _digest(self) -> str:
        return hashlib.sha256(repr(self.question).encode()).hexdigest()[:12]

    def _token(self, last: Position) -> str:
        content = json.dumps([self._digest(), last.part, last.rank, last.pairing_id])
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    def _read_token(self, token: str) -> Position:
        try:
            digest, part, rank, pairing_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            position = Position(int(part), int(rank), int(pairing_id))
        except (ValueError, TypeError, binascii.Error):
            raise InputError(f"{token!r} is not the token of a page.", "Copy it from the page before.") from None
        if digest != self._digest():
            raise InputError("That page belongs to another search.", "Repeat the search that gave its token.")
        return position


@dataclass(frozen=True)
class _Looked:
    """Pairings of one part looked at: those that match, the last one, and whether there are no more."""

    found: list[Position]
    last: Position | None
    done: bool


def _first(positions: Iterator[Position], n: int | None) -> Iterator[Position]:
    if n == 0:
        return
    for i, position in enumerate(positions, 1):
        yield position
        if i == n:
            return


def one_of(column: Any, ids: Sequence[int]) -> ColumnElement[bool]:
    """The column is one of the ids; one parameter whatever their number."""
    if not len(ids):
        return false()
    array = bindparam(None, np.asarray(ids).tolist(), type_=postgresql.ARRAY(BigInteger), unique=True)
    return cast("ColumnElement[bool]", column == any_(array))
