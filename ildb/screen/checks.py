"""The checks of a screen: small classes, each giving one reason for or against every candidate."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from ildb.screen.candidate import Candidates, Findings, Floats, Reason, numbered
from ildb.screen.ions import IonFacts
from ildb.screen.params import ScreenParams

_DECIMALS = 4


class Subject(NamedTuple):
    """The candidates and the facts about their ions, in the order of `Candidates.ions`."""

    candidates: Candidates
    facts: Sequence[IonFacts]

    def findings(self, of_ion: Sequence[Hashable], make: Callable[[int, int], Reason]) -> Findings:
        """Reasons that depend on the ions alone.

        Args:
            of_ion: what the reason depends on, for each ion; ions that are equal in it share reasons.
            make: the reason, from the positions of a cation and an anion.
        """
        number = numbered(of_ion)
        first = np.unique(number, return_index=True)[1]
        return Findings.of(
            lambda cation, anion: make(int(first[cation]), int(first[anion])),
            number[self.candidates.cation],
            number[self.candidates.anion],
        )


class Check(Protocol):
    """One question about every candidate."""

    code: ClassVar[str]

    def __call__(self, subject: Subject) -> Findings:
        """The reasons for or against, with the value and the limit it was compared with."""
        ...


@dataclass(frozen=True)
class Readable:
    """Both ions can be read as structures."""

    code: ClassVar[str] = "readable"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        problems = [facts.problem for facts in subject.facts]

        def make(cation: int, anion: int) -> Reason:
            problem = problems[cation] or problems[anion]
            return Reason(self.code, not problem, problem or "both ions are readable structures")

        return subject.findings(problems, make)


@dataclass(frozen=True)
class LinkProbability:
    """The pairing is known, or likely enough."""

    minimum: float
    code: ClassVar[str] = "link_probability"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        p, known = subject.candidates.link_probability, subject.candidates.known

        def make(known: bool, value: float, ok: bool) -> Reason:
            if known:
                return Reason(self.code, True, "a known ionic liquid", number(value), self.minimum)
            if isnan(value):
                return Reason(self.code, False, "no link model has scored this pairing", None, self.minimum)
            message = f"link probability {value:.3f}, {'at least' if ok else 'below'} {self.minimum:g}"
            return Reason(self.code, ok, message, value, self.minimum)

        return Findings.of(make, known, p.round(_DECIMALS), p >= self.minimum)


@dataclass(frozen=True)
class MeltsBelow:
    """It is likely enough to melt below 373.15 K."""

    minimum: float
    code: ClassVar[str] = "p_below_373_k"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        p = subject.candidates.p_below_373_k

        def make(value: float, ok: bool) -> Reason:
            if isnan(value):
                return Reason(self.code, False, "its melting point could not be predicted", None, self.minimum)
            message = f"P(Tm < 373.15 K) = {value:.3f}, {'at least' if ok else 'below'} {self.minimum:g}"
            return Reason(self.code, ok, message, value, self.minimum)

        return Findings.of(make, p.round(_DECIMALS), p >= self.minimum)


@dataclass(frozen=True)
class MeltingPoint:
    """Says the predicted melting point and its interval; never against a candidate."""

    code: ClassVar[str] = "tm_k"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        asked = subject.candidates

        def make(tm_k: float, low: float, high: float) -> Reason:
            if isnan(tm_k):
                return Reason(self.code, True, "no melting point predicted")
            interval = "" if isnan(low) or isnan(high) else f" ({low:.0f} to {high:.0f} K)"
            return Reason(self.code, True, f"Tm {tm_k:.0f} K{interval}", tm_k)

        return Findings.of(make, asked.tm_k.round(), asked.tm_low_k.round(), asked.tm_high_k.round())


@dataclass(frozen=True)
class InDomain:
    """The melting model has seen something like it."""

    required: bool
    code: ClassVar[str] = "in_domain"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        why = subject.candidates.domain_reasons
        index = numbered(why)
        first = np.unique(index, return_index=True)[1]

        def make(inside: bool, at: int) -> Reason:
            if inside:
                return Reason(self.code, True, "inside the melting model's domain", True, self.required)
            accepted = "" if self.required else " (accepted by this screen)"
            message = f"outside the melting model's domain{accepted}: {why[int(first[at])] or 'no reason given'}"
            return Reason(self.code, not self.required, message, False, self.required)

        return Findings.of(make, subject.candidates.in_domain, index)


@dataclass(frozen=True)
class HeavyAtoms:
    """Neither ion is too large."""

    maximum: int
    code: ClassVar[str] = "heavy_atoms"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        sizes = np.array([facts.heavy_atoms for facts in subject.facts], dtype=np.int64)

        def make(largest: int) -> Reason:
            ok = largest <= self.maximum
            message = f"its larger ion has {largest} heavy atoms, {'at most' if ok else 'more than'} {self.maximum}"
            return Reason(self.code, ok, message, largest, self.maximum)

        return Findings.of(make, np.maximum(sizes[subject.candidates.cation], sizes[subject.candidates.anion]))


@dataclass(frozen=True)
class AbsoluteCharge:
    """Neither ion is charged too highly."""

    maximum: int
    code: ClassVar[str] = "charge"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        charges = [facts.charge for facts in subject.facts]

        def make(cation: int, anion: int) -> Reason:
            charge = max(charges[cation], charges[anion], key=abs)
            ok = abs(charge) <= self.maximum
            message = f"highest charge {charge:+d}, {'within' if ok else 'beyond'} ±{self.maximum}"
            return Reason(self.code, ok, message, abs(charge), self.maximum)

        return subject.findings(charges, make)


@dataclass(frozen=True)
class Elements:
    """Both ions consist of allowed elements."""

    allowed: frozenset[str]
    code: ClassVar[str] = "elements"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        limit = ", ".join(sorted(self.allowed))
        strange = [facts.elements - self.allowed - {"H"} for facts in subject.facts]

        def make(cation: int, anion: int) -> Reason:
            found = ", ".join(sorted(strange[cation] | strange[anion]))
            message = f"contains {found}, not allowed here" if found else "contains only allowed elements"
            return Reason(self.code, not found, message, found or None, limit)

        return subject.findings(strange, make)


@dataclass(frozen=True)
class Accessible:
    """Each ion is in a known IL, or looks easy enough to make."""

    maximum: float
    code: ClassVar[str] = "sa_score"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""

        def make(value: float) -> Reason:
            if value == KNOWN_ION:
                return Reason(self.code, True, "both ions are known, or too small to score", None, self.maximum)
            ok = value <= self.maximum
            message = f"synthetic accessibility {value:.1f} of its new ion, {'at most' if ok else 'above'}"
            return Reason(self.code, ok, f"{message} {self.maximum:g}", value, self.maximum)

        return Findings.of(make, sa_scores(subject).round(2))


@dataclass(frozen=True)
class Alerts:
    """Neither ion matches a structural alert."""

    catalogs: tuple[str, ...]
    code: ClassVar[str] = "alerts"

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        catalogs = ", ".join(self.catalogs)
        alerts = [facts.alerts for facts in subject.facts]

        def make(cation: int, anion: int) -> Reason:
            found = ", ".join(sorted({*alerts[cation], *alerts[anion]}))
            message = f"structural alerts: {found}" if found else f"no structural alert of {catalogs}"
            return Reason(self.code, not found, message, found or None, catalogs)

        return subject.findings(alerts, make)


@dataclass(frozen=True)
class NearestKnown:
    """Names the nearest IL with a measured melting point, if there is one near; never against a candidate."""

    code: ClassVar[str] = "nearest_known"
    minimum: ClassVar[float] = 0.2
    """Similarity below which the nearest says nothing: a cation and an anion that are both 0.45 alike are at it."""

    def __call__(self, subject: Subject) -> Findings:
        """See `Check`."""
        asked = subject.candidates
        is_near = (asked.nearest_similarity >= self.minimum).tolist()  # not for NaN
        nearest = [text if near else "" for text, near in zip(asked.nearest, is_near, strict=True)]
        index = numbered(nearest)
        first = np.unique(index, return_index=True)[1]
        return Findings.of(
            lambda at: Reason(self.code, True, nearest[int(first[at])] or "no measured ionic liquid is near"), index
        )


KNOWN_ION = 1.0
"""The best synthetic accessibility, given to an ion that is in a known ionic liquid."""


def sa_scores(subject: Subject) -> Floats:
    """Synthetic accessibility of each candidate's harder ion, shape (n,); `KNOWN_ION` for known and tiny ones."""
    per_ion = np.array(
        [
            KNOWN_ION if ion.known or facts.sa_score is None else facts.sa_score
            for ion, facts in zip(subject.candidates.ions, subject.facts, strict=True)
        ],
        dtype=np.float64,
    )
    return np.maximum(per_ion[subject.candidates.cation], per_ion[subject.candidates.anion])


def checks_of(params: ScreenParams) -> tuple[Check, ...]:
    """The checks that these limits ask for, in the order of their reasons."""
    checks: list[Check] = [Readable()]
    if params.min_link_probability is not None:
        checks.append(LinkProbability(params.min_link_probability))
    if params.min_p_below_373 is not None:
        checks.append(MeltsBelow(params.min_p_below_373))
    checks += [MeltingPoint(), InDomain(params.require_in_domain)]
    if params.max_heavy_atoms is not None:
        checks.append(HeavyAtoms(params.max_heavy_atoms))
    if params.max_abs_charge is not None:
        checks.append(AbsoluteCharge(params.max_abs_charge))
    if params.allowed_elements is not None:
        checks.append(Elements(frozenset(params.allowed_elements)))
    if params.max_sa_score is not None:
        checks.append(Accessible(params.max_sa_score))
    if params.alert_catalogs:
        checks.append(Alerts(params.alert_catalogs))
    return (*checks, NearestKnown())


def number(value: float) -> float | None:
    """The value, or None for NaN."""
    return None if isnan(value) else value
