"""The checks of a screen: small classes, each giving one reason for or against a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import ClassVar, NamedTuple, Protocol

from ildb.screen.candidate import Candidate, Reason
from ildb.screen.ions import IonFacts
from ildb.screen.params import ScreenParams


class Subject(NamedTuple):
    """A candidate and the facts about its two ions."""

    candidate: Candidate
    cation: IonFacts
    anion: IonFacts


class Check(Protocol):
    """One question about one candidate."""

    code: ClassVar[str]

    def __call__(self, subject: Subject) -> Reason:
        """The reason for or against, with the value and the limit it was compared with."""
        ...


@dataclass(frozen=True)
class Readable:
    """Both ions can be read as structures."""

    code: ClassVar[str] = "readable"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        problem = subject.cation.problem or subject.anion.problem
        return Reason(self.code, not problem, problem or "both ions are readable structures")


@dataclass(frozen=True)
class LinkProbability:
    """The pairing is known, or likely enough."""

    minimum: float
    code: ClassVar[str] = "link_probability"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        p = number(subject.candidate.link_probability)
        if subject.candidate.known:
            return Reason(self.code, True, "a known ionic liquid", p, self.minimum)
        if p is None:
            return Reason(self.code, False, "no link model has scored this pairing", None, self.minimum)
        ok = p >= self.minimum
        message = f"link probability {p:.3f}, {'at least' if ok else 'below'} {self.minimum:g}"
        return Reason(self.code, ok, message, p, self.minimum)


@dataclass(frozen=True)
class MeltsBelow:
    """It is likely enough to melt below 373.15 K."""

    minimum: float
    code: ClassVar[str] = "p_below_373_k"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        p = number(subject.candidate.p_below_373_k)
        if p is None:
            return Reason(self.code, False, "its melting point could not be predicted", None, self.minimum)
        ok = p >= self.minimum
        message = f"P(Tm < 373.15 K) = {p:.3f}, {'at least' if ok else 'below'} {self.minimum:g}"
        return Reason(self.code, ok, message + _interval(subject.candidate), p, self.minimum)


@dataclass(frozen=True)
class InDomain:
    """The melting model has seen something like it."""

    required: bool
    code: ClassVar[str] = "in_domain"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        if subject.candidate.in_domain:
            return Reason(self.code, True, "inside the melting model's domain", True, self.required)
        why = "; ".join(subject.candidate.domain_reasons) or "no reason given"
        accepted = "" if self.required else " (accepted by this screen)"
        message = f"outside the melting model's domain{accepted}: {why}"
        return Reason(self.code, not self.required, message, False, self.required)


@dataclass(frozen=True)
class HeavyAtoms:
    """Neither ion is too large."""

    maximum: int
    code: ClassVar[str] = "heavy_atoms"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        largest = max(subject.cation.heavy_atoms, subject.anion.heavy_atoms)
        ok = largest <= self.maximum
        message = f"its larger ion has {largest} heavy atoms, {'at most' if ok else 'more than'} {self.maximum}"
        return Reason(self.code, ok, message, largest, self.maximum)


@dataclass(frozen=True)
class AbsoluteCharge:
    """Neither ion is charged too highly."""

    maximum: int
    code: ClassVar[str] = "charge"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        charge = max(subject.cation.charge, subject.anion.charge, key=abs)
        ok = abs(charge) <= self.maximum
        message = f"highest charge {charge:+d}, {'within' if ok else 'beyond'} ±{self.maximum}"
        return Reason(self.code, ok, message, abs(charge), self.maximum)


@dataclass(frozen=True)
class Elements:
    """Both ions consist of allowed elements."""

    allowed: frozenset[str]
    code: ClassVar[str] = "elements"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        strange = ", ".join(sorted((subject.cation.elements | subject.anion.elements) - self.allowed - {"H"}))
        limit = ", ".join(sorted(self.allowed))
        message = f"contains {strange}, not allowed here" if strange else "contains only allowed elements"
        return Reason(self.code, not strange, message, strange or None, limit)


@dataclass(frozen=True)
class Alerts:
    """Neither ion matches a structural alert."""

    catalogs: tuple[str, ...]
    code: ClassVar[str] = "alerts"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        found = ", ".join(sorted({*subject.cation.alerts, *subject.anion.alerts}))
        catalogs = ", ".join(self.catalogs)
        message = f"structural alerts: {found}" if found else f"no structural alert of {catalogs}"
        return Reason(self.code, not found, message, found or None, catalogs)


@dataclass(frozen=True)
class NearestKnown:
    """Names the nearest ILs with a measured melting point; never against a subject.candidate."""

    code: ClassVar[str] = "nearest_known"

    def __call__(self, subject: Subject) -> Reason:
        """See `Check`."""
        message = "; ".join(subject.candidate.nearest) or "no known ionic liquid is near"
        return Reason(self.code, True, message, len(subject.candidate.nearest))


def checks_of(params: ScreenParams) -> tuple[Check, ...]:
    """The checks that these limits ask for, in the order of their reasons."""
    checks: list[Check] = [Readable()]
    if params.min_link_probability is not None:
        checks.append(LinkProbability(params.min_link_probability))
    if params.min_p_below_373 is not None:
        checks.append(MeltsBelow(params.min_p_below_373))
    checks.append(InDomain(params.require_in_domain))
    if params.max_heavy_atoms is not None:
        checks.append(HeavyAtoms(params.max_heavy_atoms))
    if params.max_abs_charge is not None:
        checks.append(AbsoluteCharge(params.max_abs_charge))
    if params.allowed_elements is not None:
        checks.append(Elements(frozenset(params.allowed_elements)))
    if params.alert_catalogs:
        checks.append(Alerts(params.alert_catalogs))
    return (*checks, NearestKnown())


def number(value: float | None) -> float | None:
    """The value, or None where it is missing or NaN."""
    return None if value is None or isnan(value) else value


def _interval(candidate: Candidate) -> str:
    tm_k, low, high = (number(v) for v in (candidate.tm_k, candidate.tm_low_k, candidate.tm_high_k))
    if tm_k is None:
        return ""
    return f"; Tm {tm_k:.0f} K" + ("" if low is None or high is None else f" ({low:.0f} to {high:.0f} K)")
