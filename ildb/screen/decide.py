"""Turn scored candidates into ranked decisions, one for each, with every reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ildb.screen.candidate import Bools, Candidates, Findings, Floats, Ints, Reason, numbered
from ildb.screen.checks import Subject, checks_of, sa_scores
from ildb.screen.diversity import diverse_pick
from ildb.screen.ions import IonInspector, fingerprints
from ildb.screen.params import ScreenParams
from ildb.screen.pareto import crowding_distances, non_dominated_ranks


@dataclass(frozen=True, eq=False)
class Decisions:
    """What a screen decided about candidates, all of length n in their order; 0 and NaN where a figure is missing.

    Args:
        passed: whether every reason is ok.
        rank: 1 for the passed candidate of the highest score.
        score: see `combined_scores`.
        sa_score: see `ildb.screen.checks.sa_scores`.
        pareto_rank: front of a passed candidate among the passed.
        crowding: of a passed candidate in its front.
        pick_order: 1 for the first one of the diverse pick.
        findings: of each check.
        limits: reasons of the limits on numbers, of the candidates that passed every check.
    """

    passed: Bools
    rank: Ints
    score: Floats
    sa_score: Floats
    pareto_rank: Ints
    crowding: Floats
    pick_order: Ints
    findings: tuple[Findings, ...]
    limits: dict[int, list[Reason]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.passed)

    def reasons(self, i: int) -> list[Reason]:
        """Every reason about one candidate, in the order the checks were made."""
        return [found.distinct[found.index[i]] for found in self.findings] + self.limits.get(i, [])

    def reasons_json(self) -> list[str]:
        """Every candidate's reasons as a JSON array."""
        columns = [found.to_json() for found in self.findings]
        rows = [", ".join(texts) for texts in zip(*columns, strict=True)]
        for i, more in self.limits.items():
            rows[i] = ", ".join([rows[i], *(json.dumps(reason.to_json()) for reason in more)])
        return [f"[{row}]" for row in rows]


def combined_scores(candidates: Candidates, link_weight: float) -> Floats:
    """Weighted geometric mean of the two probabilities: link ** w * melting ** (1 - w).

    A known pairing counts as link = 1. Without a link probability the score is the melting probability alone; without a
    melting probability it is 0.

    Args:
        candidates: the scored pairings.
        link_weight: w, between 0 and 1.
    """
    melting, link = candidates.p_below_373_k, candidates.link
    both = np.where(np.isnan(link), melting, link**link_weight * melting ** (1 - link_weight))
    return np.where(np.isnan(melting), 0.0, both)


def decide(candidates: Candidates, params: ScreenParams) -> Decisions:
    """Judge candidates.

    Every check is made on every candidate. Those that pass them all are taken in order of score, then predicted melting
    point, then id, as long as the limits per cation, per anion and in all allow; a candidate that comes too late does
    not pass and says so. The passed get a Pareto rank, and the best of them that differ are picked.

    Args:
        candidates: scored pairings.
        params: limits.
    """
    inspector = IonInspector(params)
    subject = Subject(candidates, [inspector.facts(ion.smiles) for ion in candidates.ions])
    findings = tuple(check(subject) for check in checks_of(params))
    fit = np.logical_and.reduce([found.ok for found in findings])
    scores = combined_scores(candidates, params.link_weight)
    order = np.lexsort((candidates.pairing_id, _nan_last(candidates.tm_k), -scores))
    rank, limits = _within_limits(candidates, order[fit[order]], params)
    passed = rank > 0
    sa = sa_scores(subject)
    pareto_rank, crowding = _pareto(candidates, sa, np.flatnonzero(passed), params)
    pick_order = np.zeros(len(candidates), dtype=np.int64)
    if params.pick is not None:
        # Front by front, in each the best score first.
        preferred = np.flatnonzero(passed)
        preferred = preferred[np.lexsort((rank[preferred], pareto_rank[preferred]))]
        cores = numbered([facts.core for facts in subject.facts])
        picked = diverse_pick(
            candidates.cation[preferred],
            candidates.anion[preferred],
            cores[candidates.cation[preferred]],
            fingerprints([ion.smiles for ion in candidates.ions]),
            budget=params.pick,
            max_similarity=params.pick_max_similarity,
            per_core=params.pick_per_core,
            per_anion=params.pick_per_anion,
        )
        pick_order[preferred[picked]] = np.arange(1, len(picked) + 1)
    return Decisions(passed, rank, scores, sa, pareto_rank, crowding, pick_order, findings, limits)


def _within_limits(candidates: Candidates, order: Ints, params: ScreenParams) -> tuple[Ints, dict[int, list[Reason]]]:
    """Ranks of the candidates taken greedily in this order, and the reasons of the limits about all of them."""
    rank = np.zeros(len(candidates), dtype=np.int64)
    reasons: dict[int, list[Reason]] = {}
    if params.max_per_cation is None and params.max_per_anion is None and params.top is None:
        rank[order] = np.arange(1, len(order) + 1)
        return rank, reasons
    passed, cations, anions = 0, Counter[int](), Counter[int]()
    for i, cation, anion in zip(
        order.tolist(), candidates.cation[order].tolist(), candidates.anion[order].tolist(), strict=True
    ):
        reasons[i] = [
            Reason(
                code, before < limit, f"{before} better candidates {what} passed, at most {limit} may", before, limit
            )
            for code, what, before, limit in (
                ("per_cation", "with this cation", cations[cation], params.max_per_cation),
                ("per_anion", "with this anion", anions[anion], params.max_per_anion),
                ("top", "in all", passed, params.top),
            )
            if limit is not None
        ]
        if all(reason.ok for reason in reasons[i]):
            passed += 1
            rank[i] = passed
            cations[cation] += 1
            anions[anion] += 1
    return rank, reasons


def _pareto(candidates: Candidates, sa: Floats, rows: Ints, params: ScreenParams) -> tuple[Ints, Floats]:
    """Front and crowding of these rows among each other; a missing figure counts as the worst."""
    smaller_is_better = {
        "link_probability": -candidates.link,
        "p_below_373_k": -candidates.p_below_373_k,
        "tm_k": candidates.tm_k,
        "sa_score": sa,
    }
    ranks, crowding = np.zeros(len(candidates), dtype=np.int64), np.full(len(candidates), np.nan)
    worst = 1e9  # finite, so that the crowding stays a number
    objectives = np.stack([np.nan_to_num(smaller_is_better[name][rows], nan=worst) for name in params.pareto], axis=1)
    ranks[rows] = non_dominated_ranks(objectives)
    crowding[rows] = crowding_distances(objectives, ranks[rows])
    return ranks, crowding


def _nan_last(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)
