"""Stretches of the order of pairings, read from the database and held as arrays.

What is next in the order, and what of it satisfies some filters, does not depend on the pattern asked for; so whoever
answers many questions may keep the windows for as long as the database does not change (``Keep``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, Connection, Dialect, Row, bindparam, column, func, select
from sqlalchemy.dialects import postgresql

from ildb.db import query
from ildb.search.answers import is_in
from ildb.search.conditions import each
from ildb.search.filters import Filters
from ildb.search.ion_library import Ids
from ildb.search.order import Position

T = TypeVar("T")
Keep = Callable[[Hashable, Callable[[], T]], T]
"""Gives what the work makes; it may be remembered under the key while the database does not change."""

_ORDER = ("search/order_passed", "search/order_known", "search/order_rest")
_N_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Window:
    """Pairings of one part in order.

    Attributes:
        part: of the order, 0 to 2.
        ids: of the pairings, shape (n,).
        ranks: their ranks, shape (n,).
        cations: ids of their cations, shape (n,).
        anions: ids of their anions, shape (n,).
        last: where reading ended; None where nothing was read.
        is_end: the part has nothing behind it.
    """

    part: int
    ids: Ids
    ranks: Ids
    cations: Ids
    anions: Ids
    last: Position | None
    is_end: bool

    def positions(self, chosen: npt.NDArray[np.bool_]) -> list[Position]:
        """Places of those chosen; shape (n,)."""
        pairs = zip(self.ranks[chosen].tolist(), self.ids[chosen].tolist(), strict=True)
        return [Position(self.part, rank, pairing_id) for rank, pairing_id in pairs]


def whatever(connection: Connection, part: int, after: Position | None, n: int) -> Window:
    """Of the next n candidates for a part those that belong to it, whatever their ions."""
    inside = after if after is not None and after.part == part else None
    values = {"after_id": 0 if inside is None else inside.pairing_id, "n": n}
    if part == 0:
        values["after_rank"] = 0 if inside is None else inside.rank
    content = query.execute(connection, _ORDER[part], **values).scalar_one() or b""
    read = np.frombuffer(content, dtype=">i8").astype(np.int64).reshape(-1, _N_COLUMNS)
    return _window(part, read, n)


def of_rows(part: int, rows: Sequence[Row[Any]], n: int) -> Window:
    """The rows of a statement with ``id``, ``rank``, ``cation_id`` and ``anion_id``, of which n were asked for."""
    read = np.array([(row.id, row.rank, row.cation_id, row.anion_id, 1) for row in rows], dtype=np.int64)
    return _window(part, read.reshape(-1, _N_COLUMNS), n)


def _window(part: int, read: npt.NDArray[np.int64], n: int) -> Window:
    last = Position(part, int(read[-1, 1]), int(read[-1, 0])) if len(read) else None
    ids, ranks, cations, anions = np.ascontiguousarray(read[read[:, 4] == 1, :4].T)
    return Window(part, ids, ranks, cations, anions, last, is_end=len(read) < n)


def passing(connection: Connection, filters: Filters, ids: Ids) -> npt.NDArray[np.bool_]:
    """Which of some pairings satisfy all filters but ``passed``, which is a matter of the order; shape (n,)."""
    sql, values = _passing(filters, connection.dialect)
    found = connection.exec_driver_sql(sql, {**values, "ids": ids.tolist()}).scalars().all()
    return is_in(ids, np.sort(np.array(found, dtype=np.int64)))


@lru_cache(maxsize=256)
def _passing(filters: Filters, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """As text: putting the statement together takes longer than the server needs for it."""
    ids = bindparam("ids", type_=postgresql.ARRAY(BigInteger))
    # Read before anything is asked of it; a plan that began with the filters would read all there is.
    asked = select(column("id")).select_from(func.unnest(ids).alias("id")).offset(0).subquery()
    statement = select(asked.c.id).where(*each(filters, cast("Any", asked.c.id)))
    made = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(made), dict(made.params)
