"""Which pairings have ions that contain patterns, all joined by AND: the plain form of ``ildb.search.pairings``.

A pattern is matched against thousands of ions instead of millions of salts; the ids of the matching ions then select
pairings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.search.cartridge import CartridgeMatcher
from ildb.search.filters import EVIDENCE, Evidence, Filters
from ildb.search.logic import SIDES, All, Contains, Side, contains
from ildb.search.matcher import Matcher, ProcessMatcher
from ildb.search.pairings import Answer, Hit, Question

__all__ = [
    "COLUMNS", "EVIDENCE", "SIDES", "Condition", "Evidence", "Filters", "Hit", "Matches", "Side", "condition",
    "count_pairings", "describe", "find_pairing_ids", "match_ions", "search",
]  # fmt: skip

COLUMNS = (
    "pairing_id", "cation_smiles", "anion_smiles", "n_cation", "n_anion", "names", "evidence", "tm_k",
    "tm_predicted_k", "link_probability", "p_below_373_k", "passed", "rank",
)  # fmt: skip

Condition = Contains
condition = contains


@dataclass(frozen=True, slots=True)
class Matches:
    """The ions that satisfy one condition."""

    condition: Condition
    cation_ids: list[int]
    anion_ids: list[int]


def match_ions(connection: Connection, wanted: Condition, matcher: Matcher | None = None) -> Matches:
    """Ids of the ions that contain the pattern.

    Args:
        connection: an open transaction.
        wanted: the pattern and its side.
        matcher: who looks; by default the cartridge, and a process for patterns that are not cheap.

    Raises:
        StructureError: the pattern cannot be read, or takes too long.
    """
    if matcher is not None:
        ids = matcher.matching(connection, wanted.pattern)
    else:
        with ProcessMatcher() as process:  # it starts only when asked
            ids = CartridgeMatcher(lambda: process).matching(connection, wanted.pattern)
    rows = query.rows(connection, "search/ion_signs", ion_ids=ids.tolist())
    of_sign: dict[bool, list[int]] = {True: [], False: []}
    for row in rows:
        of_sign[row["is_cation"]].append(row["id"])
    return Matches(
        wanted,
        of_sign[True] if wanted.side != "anion" else [],
        of_sign[False] if wanted.side != "cation" else [],
    )


def _answer(connection: Connection, found: Sequence[Matches], filters: Filters | None) -> Answer:
    question = Question(All(tuple(matches.condition for matches in found)), filters or Filters())
    answer = Answer(connection, CartridgeMatcher(ProcessMatcher), question)
    for matches in found:
        answer.know(matches.condition, [*matches.cation_ids, *matches.anion_ids])
    return answer


def find_pairing_ids(
    connection: Connection, found: Sequence[Matches], filters: Filters | None = None, limit: int | None = None
) -> Iterator[int]:
    """Ids of the pairings that satisfy every condition and filter, best first, read as they are consumed.

    Args:
        connection: an open transaction.
        found: the ions of each condition (``match_ions``); the conditions are joined by AND.
        filters: the other filters.
        limit: at most so many; None for all.
    """
    return _answer(connection, found, filters).ids(limit)


def count_pairings(connection: Connection, found: Sequence[Matches], filters: Filters | None = None) -> int:
    """How many pairings satisfy every condition and filter."""
    return _answer(connection, found, filters).count()


def describe(connection: Connection, pairing_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The columns ``COLUMNS`` of the given pairings, in the given order."""
    return query.rows(connection, "search/pairings", pairing_ids=list(pairing_ids))


def search(
    connection: Connection, found: Sequence[Matches], filters: Filters | None = None, limit: int | None = None
) -> Iterator[Hit]:
    """The pairings that satisfy every condition and filter, best first; memory does not grow with their number."""
    if any(not matches.cation_ids and not matches.anion_ids for matches in found):
        return iter(())
    return _answer(connection, found, filters).hits(limit)
