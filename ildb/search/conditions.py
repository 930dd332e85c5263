"""Filters as conditions of SQL, in two forms.

Of many pairings an index finds those that may satisfy a filter (``coarse``), and what remains is looked at exactly
(``rest``). Of a few pairings that are already at hand each is looked at (``each``).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    ColumnElement,
    Exists,
    ScalarSelect,
    Select,
    cast,
    column,
    exists,
    func,
    or_,
    select,
    table,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ildb.db.models import LinkScore, Measurement, MeltingScore, Pairing, PairingEvidence, ScreeningDecision, Source
from ildb.search.filters import Filters

Key = ColumnElement[int] | InstrumentedAttribute[int]
"""The id of a pairing in an enclosing statement."""
Conditions = list[ColumnElement[bool]]

_CONSENSUS = table(
    "consensus_measurement",
    column("pairing_id"), column("property"), column("temperature_k"), column("pressure_kpa"), column("median"),
    schema="ildb",
)  # fmt: skip
_OF_RUNS = (PairingEvidence, LinkScore, MeltingScore, ScreeningDecision)


def coarse(filters: Filters, key: Key = Pairing.id) -> Conditions:
    """What indexes answer for all pairings at once; all but ``passed``, which is a matter of the order."""
    wanted = _facts(filters, key)
    if filters.run_id is not None:
        wanted.append(
            key.in_(union(*(select(rows.pairing_id).where(rows.run_id == filters.run_id) for rows in _OF_RUNS)))
        )
    if filters.refused:
        wanted.append(_exists(ScreeningDecision, key))
    if filters.min_link_probability is not None:
        least = _least(filters.min_link_probability)
        wanted.append(key.in_(select(LinkScore.pairing_id).where(LinkScore.probability >= least)))
    if filters.min_p_below_373_k is not None:
        least = _least(filters.min_p_below_373_k)
        wanted.append(key.in_(select(MeltingScore.pairing_id).where(MeltingScore.p_below_373_k >= least)))
    if filters.in_domain is not None:
        wanted.append(key.in_(select(MeltingScore.pairing_id).where(MeltingScore.in_domain.is_(filters.in_domain))))
    if filters.tm_below_k is not None or filters.tm_above_k is not None:
        wanted.append(key.in_(_might_melt(filters)))
    return wanted


def rest(filters: Filters, key: Key) -> Conditions:
    """What is still to be asked of pairings that satisfy ``coarse``."""
    wanted: Conditions = []
    if filters.refused:
        wanted.append(latest_passed(key).is_(False))
    if filters.min_link_probability is not None:
        wanted.append(_link_probability(key) >= _least(filters.min_link_probability))
    if filters.min_p_below_373_k is not None:
        wanted.append(_melting(MeltingScore.p_below_373_k, key) >= _least(filters.min_p_below_373_k))
    if filters.in_domain is not None:
        wanted.append(_melting(MeltingScore.in_domain, key).is_(filters.in_domain))
    if filters.tm_below_k is not None:
        wanted.append(_tm_k(key) < filters.tm_below_k)
    if filters.tm_above_k is not None:
        wanted.append(_tm_k(key) >= filters.tm_above_k)
    return wanted


def each(filters: Filters, key: Key) -> Conditions:
    """All filters but ``passed``, for pairings looked at one by one."""
    of_run: Conditions = []
    if filters.run_id is not None:
        of_run.append(or_(*(_exists(rows, key, rows.run_id == filters.run_id) for rows in _OF_RUNS)))
    return [*_facts(filters, key), *of_run, *rest(filters, key)]


def selected(statement: Select[Any], filters: Filters) -> Select[Any]:
    """The rows of a statement on ``Pairing`` whose ``id`` satisfies the filters; its order is lost.

    What indexes find comes first, all of it: a plan that tests pairing by pairing in the hope of finding enough of them
    soon would be the wrong one where they are rare.
    """
    found = statement.where(*coarse(filters)).order_by(None).offset(0).subquery()
    return select(found).where(*rest(filters, found.c.id))


def has_evidence(kind: str, key: Key = Pairing.id) -> Exists:
    """The pairing has evidence of a kind."""
    return _exists(PairingEvidence, key, PairingEvidence.kind == kind)


def has_passed(key: Key = Pairing.id) -> Exists:
    """The latest decision on the pairing is ``passed``."""
    return _exists(ScreeningDecision, key, decision_stands())


def decision_stands() -> ColumnElement[bool]:
    """The decision is ``passed`` and no later run has decided on the pairing."""
    later = aliased(ScreeningDecision)
    return ScreeningDecision.passed & ~exists().where(
        later.pairing_id == ScreeningDecision.pairing_id, later.run_id > ScreeningDecision.run_id
    )


def latest_passed(key: Key) -> ScalarSelect[bool]:
    """Whether the latest decision on the pairing is ``passed``, asked of pairings one by one; NULL without any."""
    return _latest("passed", key)


def latest_run(key: Key) -> ScalarSelect[int]:
    """The run that decided on the pairing last."""
    return _latest("run_id", key)


def _facts(filters: Filters, key: Key) -> Conditions:
    """Filters that an index answers exactly."""
    wanted: Conditions = []
    if filters.evidence != "any":
        wanted.append(has_evidence(filters.evidence, key))
    if filters.source is not None:
        of_source = select(Source.id).where(Source.name == filters.source)
        wanted.append(_exists(PairingEvidence, key, PairingEvidence.source_id.in_(of_source)))
    for wish in filters.properties:
        limits = [Measurement.property == wish.property, Measurement.qualifier == "="]
        limits += [Measurement.value >= wish.low] if wish.low is not None else []
        limits += [Measurement.value <= wish.high] if wish.high is not None else []
        wanted.append(_exists(Measurement, key, *limits))
    return wanted


def _exists(rows: Any, key: Key, *conditions: ColumnElement[bool]) -> Exists:
    # Only the key is of the statement around it, however deep this lies in it.
    return exists().where(rows.pairing_id == key, *conditions).correlate_except(rows)


def _least(value: float) -> ColumnElement[float]:
    """In the columns' own precision: a stored 0.8 is at least 0.8."""
    return cast(value, REAL)


def _latest(attribute: str, key: Key) -> ScalarSelect[Any]:
    """A column of the latest decision on the pairing."""
    decision = aliased(ScreeningDecision)
    return (
        select(getattr(decision, attribute))
        .where(decision.pairing_id == key)
        .order_by(decision.run_id.desc())
        .limit(1)
        .correlate_except(decision)
        .scalar_subquery()
    )


def _melting(what: Any, key: Key) -> ScalarSelect[Any]:
    """A figure of the melting score that the latest decision rests on, else of the newest."""
    decided = func.coalesce(MeltingScore.model_id == _latest("melting_model_id", key), False)
    return (
        select(what)
        .where(MeltingScore.pairing_id == key)
        .order_by(decided.desc(), MeltingScore.model_id.desc())
        .limit(1)
        .correlate_except(MeltingScore)
        .scalar_subquery()
    )


def _link_probability(key: Key) -> ScalarSelect[Any]:
    decided = func.coalesce(LinkScore.run_id == _latest("link_run_id", key), False)
    return (
        select(LinkScore.probability)
        .where(LinkScore.pairing_id == key)
        .order_by(decided.desc(), LinkScore.run_id.desc(), LinkScore.round.desc())
        .limit(1)
        .correlate_except(LinkScore)
        .scalar_subquery()
    )


def _tm_k(key: Key) -> ColumnElement[float]:
    """Measured consensus, else the prediction."""
    measured = (
        select(_CONSENSUS.c.median)
        .where(
            _CONSENSUS.c.pairing_id == key,
            _CONSENSUS.c.property == "melting_point",
            _CONSENSUS.c.temperature_k.is_(None),
        )
        .order_by(_CONSENSUS.c.pressure_kpa.nulls_first())
        .limit(1)
        .correlate_except(_CONSENSUS)
        .scalar_subquery()
    )
    return func.coalesce(measured, _melting(MeltingScore.tm_k, key))


def _might_melt(filters: Filters) -> Any:
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
    return union(select(Measurement.pairing_id).where(*measured), select(MeltingScore.pairing_id).where(*predicted))
