"""What else a pairing must satisfy, besides what its ions are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from ildb.errors import InputError

Evidence = Literal["known", "predicted", "generated", "any"]
EVIDENCE: tuple[str, ...] = get_args(Evidence)


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

    @property
    def ask_more_than_passed(self) -> bool:
        """Whether anything must be looked up of each pairing; ``passed`` is a matter of the order."""
        return replace(self, passed=False) != Filters()

    def __post_init__(self) -> None:
        """Refuse what no pairing can be asked for.

        Raises:
            InputError: an unknown kind of evidence, or a decision that is both.
        """
        if self.passed and self.refused:
            raise InputError("No pairing has both passed and been refused.", "Ask for one of them.")
        if self.evidence not in EVIDENCE:
            raise InputError(f"The evidence {self.evidence!r} is unknown.", f"Give one of {', '.join(EVIDENCE)}.")
