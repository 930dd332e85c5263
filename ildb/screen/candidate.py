"""A pairing with its scores, as a screen sees it, and the decision about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Candidate:
    """A scored pairing.

    Args:
        pairing_id: identifies it in the result; ties in the ranking go to the smaller one.
        cation_inchikey: of its cation.
        anion_inchikey: of its anion.
        cation_smiles: of its cation.
        anion_smiles: of its anion.
        known: whether the literature has it.
        link_probability: that it forms an IL; None where no link model was asked.
        p_below_373_k: P(Tm < 373.15 K); None or NaN where it could not be predicted.
        tm_k: predicted melting point, K; None or NaN likewise.
        tm_low_k: lower end of its interval, K.
        tm_high_k: upper end of its interval, K.
        in_domain: whether the melting model has seen anything like it.
        domain_reasons: why not.
        nearest: nearest known ILs as text.
    """

    pairing_id: int
    cation_inchikey: str
    anion_inchikey: str
    cation_smiles: str
    anion_smiles: str
    known: bool
    link_probability: float | None
    p_below_373_k: float | None
    tm_k: float | None
    tm_low_k: float | None
    tm_high_k: float | None
    in_domain: bool
    domain_reasons: Sequence[str] = ()
    nearest: Sequence[str] = ()


@dataclass(frozen=True)
class Reason:
    """What one check found, for or against.

    Args:
        code: stable name of the check.
        ok: whether it speaks for the candidate.
        message: a sentence for a chemist.
        value: what was compared with the limit, None where there is nothing to compare.
        limit: the limit, None where there is none.
    """

    code: str
    ok: bool
    message: str
    value: Value = None
    limit: Value = None

    def to_json(self) -> dict[str, Value]:
        """A dictionary of plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """What a screen decided about a candidate.

    Args:
        pairing_id: of the candidate.
        passed: whether every reason is ok.
        rank: 1 for the best passed candidate; None exactly when not passed.
        score: see `ildb.screen.decide.combined_score`.
        reasons: of every check, in the order they were made.
    """

    pairing_id: int
    passed: bool
    rank: int | None
    score: float
    reasons: tuple[Reason, ...]

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons that are not ok."""
        return tuple(reason for reason in self.reasons if not reason.ok)
