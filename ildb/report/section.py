"""What a report is made of: sections with a figure, its message in words, the numbers behind it and their origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from matplotlib.figure import Figure

from ildb.report.provenance import Origin

Cell = str | int | float | None
SHOWN_ROWS: Final = 200
"""Rows of a table that the page holds; the file beside it holds all."""


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure.

    Args:
        columns: headings, with units.
        rows: one cell per column.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]

    @property
    def shown(self) -> Sequence[Sequence[Cell]]:
        """The rows that the page holds."""
        return self.rows[:SHOWN_ROWS]


@dataclass(frozen=True)
class Structure:
    """A drawn ion: SVG without a document head, and what it shows."""

    svg: str
    smiles: str
    name: str


@dataclass(frozen=True)
class Card:
    """A candidate: its structures, its figures, why it was chosen and the nearest ionic liquid that was measured."""

    title: str
    pairing_id: int
    structures: tuple[Structure, ...]
    facts: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    nearest: str


@dataclass(frozen=True, eq=False)
class Section:
    """One part of the report.

    Args:
        slug: names the files of the figure and of the table, and the place in the page.
        title: heading.
        message: what there is to see, in words; also why there is nothing where ``figure`` and ``table`` are None.
        figure: drawn with `ildb.report.style`.
        alt: the figure for those who cannot see it.
        table: the numbers behind it.
        cards: candidates.
        notes: how to read it, and what to beware of.
        origin: where the numbers come from.
    """

    slug: str
    title: str
    message: str
    figure: Figure | None = None
    alt: str = ""
    table: Table | None = None
    cards: tuple[Card, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to show."""
        return self.figure is None and self.table is None and not self.cards

    def of(self, origin: Origin) -> Section:
        """The same, with where it comes from."""
        return replace(self, origin=origin)
