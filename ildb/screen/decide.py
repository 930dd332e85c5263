"""Turn scored candidates into ranked decisions, one for each, with every reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf

from ildb.errors import InputError
from ildb.screen.candidate import Candidate, Decision, Reason
from ildb.screen.checks import Subject, checks_of, number
from ildb.screen.ions import IonInspector
from ildb.screen.params import ScreenParams


def combined_score(candidate: Candidate, link_weight: float) -> float:
    """Weighted geometric mean of the two probabilities: link ** w * melting ** (1 - w).

    A known pairing counts as link = 1. Without a link probability the score is the melting probability alone; without a
    melting probability it is 0.

    Args:
        candidate: the scored pairing.
        link_weight: w, between 0 and 1.
    """
    melting = number(candidate.p_below_373_k)
    if melting is None:
        return 0.0
    link = 1.0 if candidate.known else number(candidate.link_probability)
    if link is None:
        return melting
    return float(link**link_weight * melting ** (1 - link_weight))


def decide(candidates: Sequence[Candidate], params: ScreenParams) -> list[Decision]:
    """Judge candidates.

    Every check is made on every candidate. Those that pass them all are taken in order of score, then predicted melting
    point, then id, as long as the limits per cation, per anion and in all allow; a candidate that comes too late does
    not pass and says so.

    Args:
        candidates: scored pairings with distinct ids.
        params: limits.

    Returns:
        One decision for each candidate, in the order given.

    Raises:
        InputError: two candidates have the same id.
    """
    doubled = [key for key, times in Counter(c.pairing_id for c in candidates).items() if times > 1]
    if doubled:
        raise InputError(f"Pairing {doubled[0]} occurs twice among the candidates.", "Give each pairing once.")
    inspector, checks = IonInspector(params), checks_of(params)
    reasons: list[list[Reason]] = []
    for candidate in candidates:
        subject = Subject(candidate, inspector.facts(candidate.cation_smiles), inspector.facts(candidate.anion_smiles))
        reasons.append([check(subject) for check in checks])
    scores = [combined_score(candidate, params.link_weight) for candidate in candidates]
    order = sorted(
        (i for i, found in enumerate(reasons) if all(reason.ok for reason in found)),
        key=lambda i: (-scores[i], _or_inf(candidates[i].tm_k), candidates[i].pairing_id),
    )
    ranks = _pick(candidates, order, reasons, params)
    return [
        Decision(candidate.pairing_id, i in ranks, ranks.get(i), scores[i], tuple(reasons[i]))
        for i, candidate in enumerate(candidates)
    ]


def _pick(
    candidates: Sequence[Candidate], order: Iterable[int], reasons: list[list[Reason]], params: ScreenParams
) -> dict[int, int]:
    """Ranks of the candidates picked greedily in this order; adds the reason of each limit to all of them."""
    ranks: dict[int, int] = {}
    cations: Counter[str] = Counter()
    anions: Counter[str] = Counter()
    for i in order:
        candidate = candidates[i]
        limits = (
            ("per_cation", "with this cation", cations[candidate.cation_inchikey], params.max_per_cation),
            ("per_anion", "with this anion", anions[candidate.anion_inchikey], params.max_per_anion),
            ("top", "in all", len(ranks), params.top),
        )
        found = [
            Reason(
                code, before < limit, f"{before} better candidates {what} passed, at most {limit} may", before, limit
            )
            for code, what, before, limit in limits
            if limit is not None
        ]
        reasons[i].extend(found)
        if all(reason.ok for reason in found):
            ranks[i] = len(ranks) + 1
            cations[candidate.cation_inchikey] += 1
            anions[candidate.anion_inchikey] += 1
    return ranks


def _or_inf(value: float | None) -> float:
    known = number(value)
    return inf if known is None else known
