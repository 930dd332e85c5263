"""Which pairings satisfy a question, page by page or counted.

Ions are searched, never salts: each test becomes a set of ion ids, and the sets select pairings. For a first page even
that is too much work when a pattern is in every other ion, so pairings are first looked at in their order and only the
ions seen are matched; when too few of them match, the pattern is rare, and all ions are searched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Select, func, select

from ildb.db import query as queries
from ildb.db.models import Pairing
from ildb.errors import InputError
from ildb.search import logic, looking, page_token, windows
from ildb.search.conditions import coarse, has_passed, rest, selected
from ildb.search.filters import Filters
from ildb.search.ion_sets import IonSets, Mask
from ildb.search.logic import Clause, Test
from ildb.search.matcher import Matcher
from ildb.search.order import Position, in_order, ordered, parts, satisfying
from ildb.search.windows import Keep, Window

T = TypeVar("T")
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


def _anew(_key: Hashable, work: Callable[[], T]) -> T:
    return work()


class Answer:
    """The answer to a question within one transaction; what was found about ions is kept.

    Args:
        connection: an open transaction; repeatable read where pages must fit together.
        matcher: who matches patterns.
        question: what is asked.
        keep: remembers windows of the order for other questions.
    """

    def __init__(
        self, connection: Connection, matcher: Matcher, question: Question, keep: Keep[Window] = _anew
    ) -> None:
        self._connection = connection
        self._ions = IonSets(connection, matcher)
        self._keep = keep
        self.question = question

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
                looked = found = tried = times = 0
                while not looking.is_in_vain(tried, found) and (
                    n := looking.next_look(looked, tried, found, wanted, times)
                ):
                    window = self._look(part, after, n, right_ions=right_ions)
                    for hits, n_tried in self._hits(window):
                        yield from hits
                        found, tried = found + len(hits), tried + n_tried
                        if found >= wanted:
                            return
                        if looking.is_in_vain(tried, found):
                            break
                    else:
                        if window.is_end:
                            return
                        after, looked, times = window.last or after, looked + n, times + 1
                if looking.is_in_vain(tried, found):
                    # Not one of those asked satisfies the filters: these first, then the ions of what they leave.
                    window = self._look_at_satisfying(part, after, looking.MOST)
                    hits = window.positions(self._hold(window))
                    yield from hits
                    if window.is_end:
                        return
                    after, found = window.last or after, len(hits)
                wanted = max(1, wanted - found)
        yield from self._select(part, after, wanted)

    def _is_worth_a_look(self) -> bool:
        """Whether something is costlier to ask of all pairings than of some."""
        return not self._ions.knows_all(self.question.ions) or self.question.filters.ask_more_than_passed

    def _look(self, part: int, after: Position | None, n: int, *, right_ions: bool) -> Window:
        """The next pairings of the order, whatever they are, or of those with the right ions."""
        if not right_ions:
            return self._keep((part, after, n), lambda: windows.whatever(self._connection, part, after, n))
        pairings = ordered(part, after, Pairing.cation_id, Pairing.anion_id)
        statement = pairings.where(self._ions.condition(self.question.ions)).limit(n)
        return windows.of_rows(part, self._connection.execute(statement).all(), n)

    def _look_at_satisfying(self, part: int, after: Position | None, n: int) -> Window:
        """The next n pairings that satisfy the filters."""
        filters = self.question.filters

        def look() -> Window:
            return windows.of_rows(part, self._connection.execute(satisfying(part, after, filters, n)).all(), n)

        return self._keep((part, after, n, filters), look)

    def _hold(self, window: Window) -> Mask:
        return self._ions.hold(self.question.ions, window.cations, window.anions)

    def _hits(self, window: Window) -> Iterator[tuple[list[Position], int]]:
        """What of a window is of the answer, and of how many the filters were asked, some at a time."""
        right = self._hold(window)
        if not self.question.filters.ask_more_than_passed:
            yield window.positions(right), 0
            return
        candidates = np.flatnonzero(right)
        for start in range(0, len(candidates), looking.AT_A_TIME):
            some = candidates[start : start + looking.AT_A_TIME]
            passing = windows.passing(self._connection, self.question.filters, window.ids[some])
            chosen = np.zeros(len(right), dtype=bool)
            chosen[some[passing]] = True
            yield window.positions(chosen), len(some)

    def _select(self, part: int, after: Position | None, wanted: int | None) -> Iterator[Position]:
        filters = self.question.filters
        statement = ordered(part, after).where(self._ions.condition(self.question.ions))
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

    # --- sets of ions ---

    def know(self, test: Test, ion_ids: Sequence[int]) -> None:
        """Take the ions that satisfy a test as found."""
        self._ions.know(test, ion_ids)

    def has_ion(self, test: Test) -> bool:
        """Whether any ion of the test's side satisfies it."""
        signs = queries.rows(self._connection, "search/ion_signs", ion_ids=self._ions.of(test).tolist())
        return any(test.side in {"either", "cation" if row["is_cation"] else "anion"} for row in signs)

    def _all(self) -> Select[Any]:
        """All pairings of the answer."""
        filters = self.question.filters
        statement = select(Pairing.id).where(self._ions.condition(self.question.ions))
        return selected(statement.where(has_passed()) if filters.passed else statement, filters)


def _first(positions: Iterator[Position], n: int | None) -> Iterator[Position]:
    if n == 0:
        return
    for i, position in enumerate(positions, 1):
        yield position
        if i == n:
            return
