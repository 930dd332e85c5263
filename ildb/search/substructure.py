"""Which pairings have an ion that contains a pattern: ions first, then their pairings.

A pattern is matched against thousands of ions instead of millions of salts; the ids of the matching ions then select
pairings. The best come first: passed candidates by rank, then known pairings, then all others, each by id. Every part
is read in that order from the database, so that the first page does not cost a sort of everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    any_,
    bindparam,
    column,
    exists,
    false,
    func,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from ildb.chem.parse import Pattern, parse_smarts
from ildb.db import query
from ildb.db.models import MeltingScore, Pairing, PairingEvidence, ScreeningDecision
from ildb.errors import StructureError

Side = Literal["cation", "anion", "either"]
Evidence = Literal["known", "predicted", "generated", "any"]

SIDES: tuple[str, ...] = get_args(Side)
EVIDENCE: tuple[str, ...] = get_args(Evidence)
COLUMNS = (
    "pairing_id", "cation_smiles", "anion_smiles", "n_cation", "n_anion", "names", "evidence", "tm_k",
    "tm_predicted_k", "link_probability", "p_below_373_k", "passed", "rank",
)  # fmt: skip
CHUNK = 2_000

Hit = dict[str, Any]

_MELTING = table(
    "consensus_measurement",
    column("pairing_id"), column("property"), column("temperature_k"), column("pressure_kpa"), column("median"),
    schema="ildb",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A pattern and the ion it must be found in; ``either`` means the cation, the anion or both."""

    pattern: Pattern
    side: Side


@dataclass(frozen=True, slots=True)
class Filters:
    """What else a pairing must satisfy.

    Attributes:
        evidence: the pairing has evidence of this kind.
        tm_below_k: its melting point is lower, in kelvin: the measured consensus where there is one, else the
            predicted value. Pairings with neither are left out.
        passed: the latest screening decision on it is "passed".
    """

    evidence: Evidence = "any"
    tm_below_k: float | None = None
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """The ions that satisfy one condition."""

    condition: Condition
    cation_ids: list[int]
    anion_ids: list[int]


def condition(smarts: str, side: Side = "either") -> Condition:
    """A condition from text.

    Raises:
        StructureError: the pattern is not SMARTS, or could keep the server busy for too long.
    """
    return Condition(parse_smarts(smarts), side)


def match_ions(connection: Connection, wanted: Condition) -> Matches:
    """Ids of the ions that contain the pattern, through the GiST index.

    Raises:
        StructureError: Python's RDKit reads the pattern but the server's, an older one, does not.
    """
    smarts = wanted.pattern.text
    readable = query.one(connection, "search/can_read_smarts", smarts=smarts)
    if readable is None or not readable["readable"]:
        raise StructureError(
            f"The server's RDKit cartridge cannot read the SMARTS '{smarts}'.", "Write it with older SMARTS features."
        )
    ids: dict[bool, list[int]] = {True: [], False: []}
    for row in query.execute(connection, "search/ions_with_substructure", smarts=smarts):
        ids[row.is_cation].append(row.ion_id)
    return Matches(
        wanted,
        ids[True] if wanted.side != "anion" else [],
        ids[False] if wanted.side != "cation" else [],
    )


def _one_of(ion: ColumnElement[Any] | Any, ids: Sequence[int]) -> ColumnElement[bool]:
    return false() if not ids else ion == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger), unique=True))


def _has_ions(matches: Matches) -> ColumnElement[bool]:
    return or_(_one_of(Pairing.cation_id, matches.cation_ids), _one_of(Pairing.anion_id, matches.anion_ids))


def _is_known() -> ColumnElement[bool]:
    return _has_evidence("known")


def _has_evidence(kind: str) -> ColumnElement[bool]:
    return exists().where(PairingEvidence.pairing_id == Pairing.id, PairingEvidence.kind == kind)


def _decision_stands() -> ColumnElement[bool]:
    """The decision is ``passed`` and no later run has decided on the pairing."""
    later = aliased(ScreeningDecision)
    return ScreeningDecision.passed & ~exists().where(
        later.pairing_id == ScreeningDecision.pairing_id, later.run_id > ScreeningDecision.run_id
    )


def _has_passed() -> ColumnElement[bool]:
    return exists().where(ScreeningDecision.pairing_id == Pairing.id, _decision_stands())


def _tm_k() -> ColumnElement[float]:
    """Measured consensus, else the prediction that the latest decision rests on, else the newest prediction."""
    measured = (
        select(_MELTING.c.median)
        .where(
            _MELTING.c.pairing_id == Pairing.id,
            _MELTING.c.property == "melting_point",
            _MELTING.c.temperature_k.is_(None),
        )
        .order_by(_MELTING.c.pressure_kpa.nulls_first())
        .limit(1)
        .scalar_subquery()
    )
    predicted = (
        select(MeltingScore.tm_k)
        .outerjoin(
            ScreeningDecision,
            (ScreeningDecision.pairing_id == MeltingScore.pairing_id)
            & (ScreeningDecision.melting_model_id == MeltingScore.model_id),
        )
        .where(MeltingScore.pairing_id == Pairing.id)
        .order_by(ScreeningDecision.run_id.desc().nulls_last(), MeltingScore.model_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(measured, predicted)


def _conditions(found: Sequence[Matches], filters: Filters) -> list[ColumnElement[bool]]:
    wanted = [_has_ions(matches) for matches in found]
    if filters.evidence != "any":
        wanted.append(_has_evidence(filters.evidence))
    if filters.tm_below_k is not None:
        wanted.append(_tm_k() < filters.tm_below_k)
    return wanted


def _parts(found: Sequence[Matches], filters: Filters) -> Iterator[Select[int]]:
    """Statements whose rows, one after the other, are the answer in order."""
    wanted = _conditions(found, filters)
    yield (
        select(Pairing.id)
        .join(ScreeningDecision, ScreeningDecision.pairing_id == Pairing.id)
        .where(*wanted, _decision_stands())
        .order_by(ScreeningDecision.rank, Pairing.id)
    )
    if filters.passed:
        return
    others = select(Pairing.id).where(*wanted, ~_has_passed()).order_by(Pairing.id)
    yield others.where(_is_known())
    if filters.evidence != "known":
        yield others.where(~_is_known())


def find_pairing_ids(
    connection: Connection, found: Sequence[Matches], filters: Filters, limit: int | None = None
) -> Iterator[int]:
    """Ids of the pairings that satisfy every condition and filter, best first, read as they are consumed.

    Args:
        connection: an open transaction.
        found: the ions of each condition (``match_ions``); the conditions are joined by AND.
        filters: the other filters.
        limit: at most so many; None for all.
    """
    left = limit
    for part in _parts(found, filters):
        if left is not None and left <= 0:
            return
        with connection.execute(part.limit(left).execution_options(yield_per=CHUNK)) as result:
            for row in result:
                yield row.id
                if left is not None:
                    left -= 1


def count_pairings(connection: Connection, found: Sequence[Matches], filters: Filters) -> int:
    """How many pairings satisfy every condition and filter."""
    wanted = _conditions(found, filters) + ([_has_passed()] if filters.passed else [])
    return connection.execute(select(func.count()).select_from(Pairing).where(*wanted)).scalar_one()


def describe(connection: Connection, pairing_ids: Sequence[int]) -> list[Hit]:
    """The columns ``COLUMNS`` of the given pairings, in the given order."""
    return [dict(row) for row in query.rows(connection, "search/pairings", pairing_ids=list(pairing_ids))]


def search(
    connection: Connection, found: Sequence[Matches], filters: Filters | None = None, limit: int | None = None
) -> Iterator[Hit]:
    """The pairings that satisfy every condition and filter, best first; memory does not grow with their number."""
    filters = filters or Filters()
    if any(not matches.cation_ids and not matches.anion_ids for matches in found):
        return
    ids = find_pairing_ids(connection, found, filters, limit)
    while chunk := list(islice(ids, CHUNK)):
        yield from describe(connection, chunk)
