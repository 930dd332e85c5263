"""What else a pairing must satisfy, as conditions of SQL; and the order in which pairings come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import (
    REAL,
    ColumnElement,
    Select,
    and_,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from ildb.db.models import LinkScore, Measurement, MeltingScore, Pairing, PairingEvidence, ScreeningDecision, Source
from ildb.errors import InputError

Evidence = Literal["known", "predicted", "generated", "any"]
EVIDENCE: tuple[str, ...] = get_args(Evidence)
N_PARTS = 3

_MELTING = table(
    "consensus_measurement",
    column("pairing_id"), column("property"), column("temperature_k"), column("pressure_kpa"), column("median"),
    schema="ildb",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PropertyRange:
    """Some exact measured value of a property lies in a range, whatever its temperature and pressure.

    Attributes:
        property: its name, for example ``viscosity``.
        low: least value in the property's unit (``K``, ``Pa.s``, ``kg/m3``); None for no limit.
        high: greatest value.
    """

    property: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What else a pairing must satisfy.

    Attributes:
        evidence: the pairing has evidence of this kind.
        tm_below_k: its melting point is lower, in kelvin: the measured consensus where there is one, else the
            predicted value. Pairings with neither are left out.
        passed: the latest screening decision on it is "passed".
        refused: the latest screening decision on it is "refused".
        tm_above_k: its melting point is at least this, in kelvin, told as above.
        min_link_probability: least link probability, of the run that the latest decision rests on, else the newest.
        min_p_below_373_k: least P(Tm < 373 K), of the model that the latest decision rests on, else the newest.
        in_domain: that melting model has seen the like (or, False, has not).
        source: a source of this name vouches for it.
        run_id: the run claimed, scored or judged it.
        properties: measured values it must have.
    """

    evidence: Evidence = "any"
    tm_below_k: float | None = None
    passed: bool = False
    tm_above_k: float | None = None
    min_link_probability: float | None = None
    min_p_below_373_k: float | None = None
    in_domain: bool | None = None
    source: str | None = None
    run_id: int | None = None
    properties: tuple[PropertyRange, ...] = ()
    refused: bool = False

    def __post_init__(self) -> None:
        """Refuse what no pairing can be asked for.

        Raises:
            InputError: an unknown kind of evidence, or a decision that is both.
        """
        if self.passed and self.refused:
            raise InputError("No pairing has both passed and been refused.", "Ask for one of them.")
        if self.evidence not in EVIDENCE:
            raise InputError(f"The evidence {self.evidence!r} is unknown.", f"Give one of {', '.join(EVIDENCE)}.")


def has_evidence(kind: str) -> ColumnElement[bool]:
    """The pairing has evidence of a kind."""
    return exists().where(PairingEvidence.pairing_id == Pairing.id, PairingEvidence.kind == kind)


def _decision_stands(*, passed: bool = True) -> ColumnElement[bool]:
    """The decision is ``passed`` (or not) and no later run has decided on the pairing."""
    later = aliased(ScreeningDecision)
    decided = ScreeningDecision.passed if passed else ~ScreeningDecision.passed
    return decided & ~exists().where(
        later.pairing_id == ScreeningDecision.pairing_id, later.run_id > ScreeningDecision.run_id
    )


def has_passed() -> ColumnElement[bool]:
    """The latest decision on the pairing is ``passed``."""
    return exists().where(ScreeningDecision.pairing_id == Pairing.id, _decision_stands())


def _was_refused() -> ColumnElement[bool]:
    """The latest decision on the pairing is not ``passed``."""
    return exists().where(ScreeningDecision.pairing_id == Pairing.id, _decision_stands(passed=False))


def _latest(attribute: Any) -> Any:
    """A column of the latest decision on the pairing."""
    decision = aliased(ScreeningDecision)
    return (
        select(getattr(decision, attribute))
        .where(decision.pairing_id == Pairing.id)
        .order_by(decision.run_id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _melting(what: Any) -> Any:
    """A figure of the melting score that the latest decision rests on, else of the newest."""
    decided = func.coalesce(MeltingScore.model_id == _latest("melting_model_id"), False)
    return (
        select(what)
        .where(MeltingScore.pairing_id == Pairing.id)
        .order_by(decided.desc(), MeltingScore.model_id.desc())
        .limit(1)
        .correlate(Pairing)
        .scalar_subquery()
    )


def _link_probability() -> Any:
    decided = func.coalesce(LinkScore.run_id == _latest("link_run_id"), False)
    return (
        select(LinkScore.probability)
        .where(LinkScore.pairing_id == Pairing.id)
        .order_by(decided.desc(), LinkScore.run_id.desc(), LinkScore.round.desc())
        .limit(1)
        .correlate(Pairing)
        .scalar_subquery()
    )


def _tm_k() -> Any:
    """Measured consensus, else the prediction."""
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
    return func.coalesce(measured, _melting(MeltingScore.tm_k))


def _might_melt(filters: Filters) -> ColumnElement[bool]:
    """Pairings with any value, measured or predicted, in the range: few, found by index, and never too few.

    Without this the exact condition would be computed for every pairing.
    """
    measured, predicted = [Measurement.property == "melting_point"], []
    if filters.tm_below_k is not None:
        measured.append(Measurement.value < filters.tm_below_k)
        predicted.append(MeltingScore.tm_k < filters.tm_below_k)
    if filters.tm_above_k is not None:
        measured.append(Measurement.value >= filters.tm_above_k)
        predicted.append(MeltingScore.tm_k >= filters.tm_above_k)
    if filters.tm_below_k is not None and filters.tm_above_k is not None:
        # The median of values on either side of a narrow range may lie in it.
        measured = measured[:1]
    return Pairing.id.in_(
        union_all(select(Measurement.pairing_id).where(*measured), select(MeltingScore.pairing_id).where(*predicted))
    )


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """The filters as conditions on ``Pairing``; all but ``passed``, which is a matter of the order."""
    wanted: list[ColumnElement[bool]] = []
    if filters.evidence != "any":
        wanted.append(has_evidence(filters.evidence))
    if filters.source is not None:
        wanted.append(
            exists().where(
                PairingEvidence.pairing_id == Pairing.id,
                PairingEvidence.source_id == Source.id,
                Source.name == filters.source,
            )
        )
    if filters.run_id is not None:
        wanted.append(
            Pairing.id.in_(
                union_all(
                    *(
                        select(rows.pairing_id).where(rows.run_id == filters.run_id)
                        for rows in (PairingEvidence, LinkScore, MeltingScore, ScreeningDecision)
                    )
                )
            )
        )
    for wish in filters.properties:
        limits = [Measurement.property == wish.property, Measurement.qualifier == "="]
        limits += [Measurement.value >= wish.low] if wish.low is not None else []
        limits += [Measurement.value <= wish.high] if wish.high is not None else []
        wanted.append(exists().where(Measurement.pairing_id == Pairing.id, *limits))
    if filters.refused:
        wanted.append(_was_refused())
    wanted += _of_scores(filters)
    return wanted


def _of_scores(filters: Filters) -> list[ColumnElement[bool]]:
    # Each has a coarse condition that an index answers before the exact one.
    wanted: list[ColumnElement[bool]] = []
    least: ColumnElement[float]
    if filters.min_link_probability is not None:
        # In the column's own precision: a stored 0.8 is at least 0.8.
        least = cast(filters.min_link_probability, REAL)
        wanted.append(Pairing.id.in_(select(LinkScore.pairing_id).where(LinkScore.probability >= least)))
        wanted.append(_link_probability() >= least)
    if filters.min_p_below_373_k is not None:
        least = cast(filters.min_p_below_373_k, REAL)
        wanted.append(Pairing.id.in_(select(MeltingScore.pairing_id).where(MeltingScore.p_below_373_k >= least)))
        wanted.append(_melting(MeltingScore.p_below_373_k) >= least)
    if filters.in_domain is not None:
        wanted.append(
            Pairing.id.in_(select(MeltingScore.pairing_id).where(MeltingScore.in_domain.is_(filters.in_domain)))
        )
        wanted.append(_melting(MeltingScore.in_domain).is_(filters.in_domain))
    if filters.tm_below_k is not None or filters.tm_above_k is not None:
        wanted.append(_might_melt(filters))
        tm_k = _tm_k()
        wanted.append(
            and_(
                *([tm_k < filters.tm_below_k] if filters.tm_below_k is not None else []),
                *([tm_k >= filters.tm_above_k] if filters.tm_above_k is not None else []),
            )
        )
    return wanted


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
            .where(_decision_stands())
            .order_by(ScreeningDecision.rank, ScreeningDecision.pairing_id)
        )
        if inside and after is not None:
            key = tuple_(ScreeningDecision.rank, ScreeningDecision.pairing_id)
            statement = statement.where(key > tuple_(after.rank, after.pairing_id))
        return statement
    statement = select(Pairing.id, literal(0).label("rank"), *columns).where(~has_passed())
    statement = statement.where(has_evidence("known") if part == 1 else ~has_evidence("known")).order_by(Pairing.id)
    return statement.where(Pairing.id > after.pairing_id) if inside and after is not None else statement


def parts(filters: Filters) -> range:
    """The parts that can have pairings with these filters."""
    if filters.passed:
        return range(1)
    return range(int(filters.refused), 2 if filters.evidence == "known" else N_PARTS)
