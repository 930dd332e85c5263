"""The order in which pairings come: passed candidates by rank, then known ones, then the rest, each by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select, tuple_

from ildb.db.models import Pairing, PairingEvidence, ScreeningDecision
from ildb.search.conditions import (
    coarse,
    decision_stands,
    has_evidence,
    has_passed,
    latest_passed,
    latest_run,
    rest,
)
from ildb.search.filters import Filters

N_PARTS = 3


@dataclass(frozen=True, slots=True)
class Position:
    """A pairing's place in the order: passed candidates by rank (part 0), known pairings (1), the rest (2), by id."""

    part: int
    rank: int
    pairing_id: int


def ordered(part: int, after: Position | None, *columns: Any) -> Select[Any]:
    """The pairings of one part in order, from after a position on; the first columns are ``id`` and ``rank``.

    Args:
        part: 0 to 2.
        after: a position; None for the start. One in an earlier part means the start of this.
        columns: further columns of ``Pairing``.
    """
    inside = after is not None and after.part == part
    if part == 0:
        statement = (
            select(Pairing.id, ScreeningDecision.rank, *columns)
            .join(ScreeningDecision, ScreeningDecision.pairing_id == Pairing.id)
            .where(decision_stands())
            .order_by(ScreeningDecision.rank, ScreeningDecision.pairing_id)
        )
        if inside and after is not None:
            key = tuple_(ScreeningDecision.rank, ScreeningDecision.pairing_id)
            statement = statement.where(key > tuple_(after.rank, after.pairing_id))
        return statement
    statement = select(Pairing.id, literal(0).label("rank"), *columns).where(~has_passed())
    statement = statement.where(has_evidence("known") if part == 1 else ~has_evidence("known")).order_by(Pairing.id)
    return statement.where(Pairing.id > after.pairing_id) if inside and after is not None else statement


def satisfying(part: int, after: Position | None, filters: Filters, limit: int) -> Select[Any]:
    """The next pairings of one part that satisfy the filters, with their ions.

    Found by way of the table that makes the part, so it is quick also where next to none of the part satisfies them.
    """
    few = _candidates(part, after if after is not None and after.part == part else None, filters).offset(0).subquery()
    found = select(few.c.id, few.c.rank).where(*rest(filters, few.c.id))
    if part == 0:
        found = found.where(few.c.run_id == latest_run(few.c.id))
    else:
        found = found.where(latest_passed(few.c.id).is_not(True))
    if part == N_PARTS - 1:
        found = found.where(~has_evidence("known", few.c.id))
    page = in_order(found).limit(limit).subquery()
    ions = select(page, Pairing.cation_id, Pairing.anion_id).join(Pairing, Pairing.id == page.c.id)
    return in_order(ions)


def _candidates(part: int, after: Position | None, filters: Filters) -> Select[Any]:
    """Pairings that may be of a part, behind a position, and may satisfy the filters: ``id`` and ``rank``."""
    if part == 0:
        decision = ScreeningDecision
        columns: list[Any] = [decision.pairing_id.label("id"), decision.rank, decision.run_id]
        passed = select(*columns).where(decision.passed)
        if after is not None:
            key = tuple_(decision.rank, decision.pairing_id)
            passed = passed.where(key > tuple_(after.rank, after.pairing_id))
        return passed.where(*coarse(filters, decision.pairing_id))
    rank: Any = literal(0).label("rank")
    if part == 1:
        claimed = PairingEvidence.pairing_id
        known = select(claimed.label("id"), rank).distinct().where(PairingEvidence.kind == "known")
        if after is not None:
            known = known.where(claimed > after.pairing_id)
        ids = known.offset(0).subquery()
        return select(*ids.c).where(*coarse(filters, ids.c.id))
    others = select(Pairing.id, rank).where(*coarse(filters))
    return others if after is None else others.where(Pairing.id > after.pairing_id)


def parts(filters: Filters) -> range:
    """The parts that can have pairings with these filters."""
    if filters.passed:
        return range(1)
    return range(int(filters.refused), 2 if filters.evidence == "known" else N_PARTS)


def in_order(statement: Select[Any]) -> Select[Any]:
    """A statement with the columns of ``ordered`` in their order."""
    return statement.order_by(statement.selected_columns.rank, statement.selected_columns.id)
