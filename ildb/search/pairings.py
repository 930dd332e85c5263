"""Which pairings satisfy a question, page by page or counted.

Ions are searched, never salts: each test becomes a set of ion ids, and the sets select pairings. For a first page even
that is too much work when a pattern is in every other ion, so pairings are first looked at in their order and only the
ions seen are matched; when too few of them match, the pattern is rare, and all ions are searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
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
from ildb.search import logic, looking, page_token
from ildb.search.conditions import coarse, each, has_passed, rest, selected
from ildb.search.filters import Filters
from ildb.search.keys import key_of_ion
from ildb.search.logic import All, AnyOf, Clause, Contains, Is, NearestTo, Not, Test
from ildb.search.matcher import Matcher
from ildb.search.order import Position, in_order, ordered, parts, satisfying

Hit = dict[str, Any]
CHUNK = 2_000
_IONS = (Pairing.cation_id, Pairing.anion_id)


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
        self._members: dict[Test, frozenset[int]] = {}
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
        start = None if after is None else page_token.read(after, self.question)
        # Workers take longer to start than a page takes.
        self._connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        found = list(_first(self._positions(start, size + 1), size + 1))
        self._connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
        hits = self.describe([position.pairing_id for position in found[:size]])
        return Page(hits, page_token.write(self.question, found[size - 1]) if len(found) > size else None)

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
        statement = select(func.count()).select_from(self._all().subquery())
        return int(self._connection.execute(statement).scalar_one())

    def estimate(self) -> int:
        """About how many, from the planner's statistics; only the ions are searched."""
        return int(self.explain(self._all())["Plan Rows"])

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
        few = wanted if wanted is not None and wanted <= CHUNK else None
        for part in parts(self.question.filters):
            if after is not None and part < after.part:
                continue
            for position in self._of_part(part, after, few):
                few = few and max(1, few - 1)
                yield position

    def _of_part(self, part: int, after: Position | None, wanted: int | None) -> Iterator[Position]:
        if wanted is not None and self._is_worth_a_look():
            # First at pairings whatever their ions, then at those of the right ions.
            for right_ions in (False, True):
                looks = looking.Looks(wanted)
                while n := looks.next():
                    looked = self._look(part, after, n, right_ions=right_ions)
                    yield from looked.found
                    if looked.is_end:
                        return
                    looks.add(n, looked.n_passed_filters, len(looked.found))
                    after = looked.last or after
                if not looks.any_passed_filters and not right_ions:
                    # Not one of those looked at satisfied the filters: these first, then the ions of what they leave.
                    looked = self._look_at_satisfying(part, after, looking.MAX_LOOK)
                    yield from looked.found
                    if looked.is_end:
                        return
                    after = looked.last or after
        yield from self._select(part, after, wanted)

    def _is_worth_a_look(self) -> bool:
        """Whether something is costlier to ask of all pairings than of some."""
        patterns = any(isinstance(t, Contains) and t not in self._sets for t in logic.tests(self.question.ions))
        return patterns or bool(coarse(self.question.filters))

    def _select(self, part: int, after: Position | None, wanted: int | None) -> Iterator[Position]:
        filters = self.question.filters
        statement = ordered(part, after).where(self._clause(self.question.ions))
        if wanted is not None:
            for row in self._connection.execute(in_order(selected(statement, filters)).limit(wanted)).all():
                yield Position(part, row.rank, row.id)
            return
        if rest(filters, Pairing.id):
            statement = in_order(selected(statement, filters))
        else:
            statement = statement.where(*coarse(filters))
        # All rows will be read, so the plan for the first tenth, which a cursor gets otherwise, would be the wrong one.
        self._connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
        with self._connection.execute(statement.execution_options(yield_per=CHUNK)) as result:
            for row in result:
                yield Position(part, row.rank, row.id)

    def _look(self, part: int, after: Position | None, n: int, *, right_ions: bool) -> _Looked:
        """The next n pairings of the order, whatever they are, or of those with the right ions."""
        pairings = ordered(part, after, *_IONS)
        window = (pairings.where(self._clause(self.question.ions)) if right_ions else pairings).limit(n).subquery()
        satisfies = and_(true(), *each(self.question.filters, window.c.id)).label("satisfies")
        rows = self._connection.execute(in_order(select(window, satisfies))).all()
        return self._looked([row for row in rows if row.satisfies], part, rows, n)

    def _look_at_satisfying(self, part: int, after: Position | None, n: int) -> _Looked:
        """The next n pairings that satisfy the filters."""
        rows = self._connection.execute(satisfying(part, after, self.question.filters, n)).all()
        return self._looked(rows, part, rows, n)

    def _looked(self, hits: Sequence[Row[Any]], part: int, rows: Sequence[Row[Any]], n: int) -> _Looked:
        self._match_seen({row.cation_id for row in hits}, {row.anion_id for row in hits})
        found = [
            Position(part, row.rank, row.id)
            for row in hits
            if self._holds(self.question.ions, row.cation_id, row.anion_id)
        ]
        last = Position(part, rows[-1].rank, rows[-1].id) if rows else None
        return _Looked(found, len(hits), last, is_end=len(rows) < n)

    def _match_seen(self, cations: set[int], anions: set[int]) -> None:
        for test in logic.tests(self.question.ions):
            if not isinstance(test, Contains) or test in self._sets:
                if test not in self._members:
                    self._members[test] = frozenset(self._ids_of(test))
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
        if isinstance(clause, Contains) and clause not in self._members:
            return any(self._seen[clause][ion] for ion in ions)
        return any(ion in self._members[clause] for ion in ions)

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

    def _all(self) -> Select[Any]:
        """All pairings of the answer."""
        filters = self.question.filters
        statement = select(Pairing.id).where(self._clause(self.question.ions))
        return selected(statement.where(has_passed()) if filters.passed else statement, filters)


@dataclass(frozen=True)
class _Looked:
    """Pairings of one part looked at: those that match, how many satisfied the filters, the last one, and the end."""

    found: list[Position]
    n_passed_filters: int
    last: Position | None
    is_end: bool


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
