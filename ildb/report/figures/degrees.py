"""How many partners ions have, before and after an expansion (Ren et al., Digital Discovery 2026, Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ildb.links.diversity import Distribution, n_edges, top_share
from ildb.report import style
from ildb.report.section import Section, Table

TITLE: Final = "How many partners ions have, before and after"
_SIDES: Final = ("cation", "anion")
_SHIFT: Final = 0.2


def bins(largest: int) -> list[tuple[int, int]]:
    """Ranges of degrees that double in width: 1, 2, 3-4, 5-8, ... up to the one that holds ``largest``."""
    ranges = [(1, 1)]
    while ranges[-1][1] < largest:
        ranges.append((ranges[-1][1] + 1, ranges[-1][1] * 2))
    return ranges


def binned(distribution: Distribution, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Ions in each range of degrees."""
    return [sum(n for degree, n in distribution if low <= degree <= high) for low, high in ranges]


def section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Section of the degree distributions.

    Args:
        rows: of ``links/degrees``: side, pairings (known, new, all), degree, n_ions.
    """
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault((row["side"], row["pairings"]), []).append((row["degree"], row["n_ions"]))
    if not found:
        return Section("degrees", TITLE, "The run retained no pairing and none is known: there is nothing to count.")
    figure, axes = style.panels(2, width=8.4, height=3.9)
    table: list[list[str | int]] = []
    for axis, side in zip(axes, _SIDES, strict=True):
        known, every = found.get((side, "known"), []), found.get((side, "all"), [])
        ranges = bins(max(degree for degree, _ in [*known, *every]))
        counts = binned(known, ranges), binned(every, ranges)
        place = np.arange(len(ranges))
        for shift, values, colour, hatch, label in (
            (-_SHIFT, counts[0], style.KNOWN, "", "known"),
            (_SHIFT, counts[1], style.NEW, "///", "known and predicted"),
        ):
            axis.bar(
                place + shift, values, 2 * _SHIFT, facecolor="none" if hatch else colour, edgecolor=colour, hatch=hatch,
                label=label, linewidth=1,
            )  # fmt: skip
        labels = [str(low) if low == high else f"{low}\u2013{high}" for low, high in ranges]
        axis.set_xticks(place, labels, rotation=45, ha="right", fontsize=8)
        axis.set(yscale="log", title=f"{side.capitalize()}s", xlabel=f"partners of the {side}", ylim=(0.7, None))
        axis.yaxis.set_major_formatter(style.counted())
        axis.grid(visible=False, axis="x")
        table += [[side, *row] for row in zip(labels, *counts, strict=True)]
    axes[0].set_ylabel("number of ions")
    # Above the panels: inside, it would cover bars of some run.
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return Section(
        "degrees",
        TITLE,
        _message(found),
        figure,
        "Two bar charts on a logarithmic scale, ions by number of partners: " + _message(found),
        Table(("ion", "partners", "ions, known pairings", "ions, known and predicted"), table),
        notes=("The paper's Fig. 3. Both axes are logarithmic: each range of partners is twice as wide as the last.",),
    )


def _message(found: Mapping[tuple[str, str], Distribution]) -> str:
    known, every = (found.get(("cation", which), []) for which in ("known", "all"))
    before, after = n_edges(known), n_edges(every)
    lonely = [_share(distribution) for distribution in (known, every)]
    tops = [top_share(found.get(("anion", which), [])) for which in ("known", "all")]
    grown = f"from {before:,} known pairings to {after:,}" if before else f"to {after:,} pairings"
    return (
        f"The expansion takes the graph {grown}. Cations with a single partner: {lonely[0]:.0%} before, "
        f"{lonely[1]:.0%} after; the ten most frequent anions hold {tops[0]:.0%} of the pairings before, "
        f"{tops[1]:.0%} after."
    )


def _share(distribution: Distribution) -> float:
    """Share of the ions that have one partner."""
    total = sum(n for _, n in distribution)
    return sum(n for degree, n in distribution if degree == 1) / total if total else 0.0
