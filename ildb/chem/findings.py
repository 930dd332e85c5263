"""What is wrong, or notable, about a structure: findings with machine-readable codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ildb.errors import StructureError

Severity = Literal["refuse", "flag"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason a structure is refused, or one fact worth a flag.

    Attributes:
        code: machine-readable reason, for example ``radical``; stored in ``quarantine`` and never renamed.
        message: what is wrong and where, for a person.
        suggestion: a SMILES that is probably meant, when the repair is evident; else None.
        severity: ``refuse`` keeps the record out, ``flag`` lets it in marked.
        hint: what to do about it when there is no evident repair.
    """

    code: str
    message: str
    suggestion: str | None = None
    severity: Severity = "refuse"
    hint: str = ""

    @property
    def advice(self) -> str:
        """What to do: the suggested SMILES, or the hint."""
        return f"Did you mean {self.suggestion} ?" if self.suggestion else self.hint


class RefusedError(StructureError):
    """A structure cannot be accepted; ``findings`` holds every reason.

    Args:
        findings: one or more findings of severity ``refuse``.
    """

    def __init__(self, findings: list[Finding]) -> None:
        if not findings:
            raise ValueError("RefusedError needs at least one finding.")
        self.findings = list(findings)
        advice = dict.fromkeys(f.advice for f in findings if f.advice)
        super().__init__(" ".join(f.message for f in findings), " ".join(advice))

    def __reduce__(self) -> tuple[type[RefusedError], tuple[list[Finding]]]:
        return type(self), (self.findings,)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, in order."""
        return tuple(f.code for f in self.findings)


def refuse(code: str, message: str, *, suggestion: str | None = None, hint: str = "") -> RefusedError:
    """A ``RefusedError`` with one finding."""
    return RefusedError([Finding(code, message, suggestion, "refuse", hint)])
