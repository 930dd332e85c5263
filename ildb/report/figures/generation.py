"""Table 1 of the paper with this run's generator beside it, and what became of every string drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ildb.report import style
from ildb.report.figures import dots
from ildb.report.section import Section, Table

TITLE: Final = "Table 1: generated ionic liquids"
OUTCOMES_TITLE: Final = "What became of every generated string"
FIGURES: Final = (
    ("validity", "valid"),
    ("uniqueness", "unique"),
    ("novelty", "novel"),
    ("reconstruction", "reconstructed"),
)
PAPER: Final[Mapping[str, float]] = {"validity": 0.84, "uniqueness": 0.99, "novelty": 0.78, "reconstruction": 0.90}
"""Ren et al., Digital Discovery 2026 (d5dd00282f), Table 1."""
OWN: Final = "this run's generator"
_ROWS: Final = {
    "": OWN,
    "baselines.ngram.": "n-gram model",
    "baselines.enumeration.": "known fragments recombined",
    "baselines.shuffle.": "known ions shuffled",
}
_GOOD: Final = "novel"


def by_method(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The paper's figures, the model's and those of its baselines.

    Args:
        metrics: of a model of kind ``vae``, flat.
    """
    found: dict[str, dict[str, float]] = {"the paper": dict(PAPER)}
    for prefix, name in _ROWS.items():
        values = {key: float(metrics[prefix + key]) for key in PAPER if metrics.get(prefix + key) is not None}
        if values:
            found[name] = values
    return found


def section(metrics: Mapping[str, Any]) -> Section:
    """Table 1.

    Args:
        metrics: of the model, flat.
    """
    figures = by_method(metrics)
    if OWN not in figures:
        return Section("table1", TITLE, "The run's generator was not judged by the paper's figures.")
    own = figures[OWN]
    said = ", ".join(f"{own[key]:.0%} {heading} (paper {PAPER[key]:.0%})" for key, heading in FIGURES if key in own)
    return Section(
        "table1",
        TITLE,
        f"By the paper's own definitions: {said}.",
        dots.chart(figures, FIGURES, own=OWN),
        f"Dot chart of the paper's Table 1 and of {len(figures) - 1} methods here: {said}.",
        Table(("method", *(heading for _, heading in FIGURES)), dots.table_rows(figures, FIGURES)),
        notes=(
            "Valid: of all strings drawn, neutral pairs of two molecules. Unique: distinct, of the valid. Novel: not in"
            " the training set, of the distinct.",
            "These figures are easily had: shuffling known cations with known anions reaches 99 %. Stricter ones are in"
            " ildb model show.",
        ),
    )


def outcomes(rows: Sequence[Mapping[str, Any]]) -> Section:
    """What became of the strings.

    Args:
        rows: of ``report/generated_outcomes``: method, outcome, n_drawn.
    """
    if not rows:
        return Section("outcomes", OUTCOMES_TITLE, "The run drew no strings.")
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + int(row["n_drawn"])
    names = sorted(totals, key=lambda name: (name != _GOOD, -totals[name], name))
    n_drawn = sum(totals.values())
    figure, (axis,) = style.panels(1, width=7.5, height=1.0 + 0.32 * len(names))
    place = np.arange(len(names))
    axis.barh(
        place, [totals[name] for name in names], 0.6, color=[style.NEW, *[style.KNOWN] * len(names)][: len(names)]
    )
    for at, name in zip(place, names, strict=True):
        axis.annotate(
            f"{totals[name]:,} ({totals[name] / n_drawn:.1%})", (totals[name], at), xytext=(5, 0),
            textcoords="offset points", va="center", fontsize=9,
        )  # fmt: skip
    axis.set_yticks(place, [name.replace("_", " ") for name in names])
    axis.set(xlabel="strings", ylim=(len(names) - 0.5, -0.5), xlim=(0, 1.25 * max(totals.values())))
    axis.xaxis.set_major_formatter(style.counted())
    axis.grid(visible=False, axis="y")
    n_good = totals.get(_GOOD, 0)
    message = f"Of {n_drawn:,} strings drawn, {n_good:,} ({n_good / n_drawn:.1%}) are new, sane and drawn first."
    return Section(
        "outcomes",
        OUTCOMES_TITLE,
        message,
        figure,
        f"Bar chart of {len(names)} outcomes. {message}",
        Table(
            ("method", "outcome", "strings"),
            [[row["method"], row["outcome"].replace("_", " "), int(row["n_drawn"])] for row in rows],
        ),
        notes=("Every string drawn is counted once, with the first reason that speaks against it.",),
    )
