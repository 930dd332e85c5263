"""The link model beside its baselines, on the same hidden pairings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ildb.report.figures import dots
from ildb.report.section import Section, Table

TITLE: Final = "Link prediction beside simpler rankers"
FIGURES: Final = (
    ("auroc_uniform", "AUROC,\nany pair"),
    ("auroc_degree_matched", "AUROC,\npopular anions"),
    ("mrr", "MRR"),
    ("hits_at_10", "hits at 10"),
)
_SPLITS: Final = ("", "core.", "cold_start.", "source_heldout.")
_OF_SPLIT: Final = {
    "": "random pairings hidden", "core.": "of those, both ions known otherwise", "cold_start.": "whole cations hidden",
    "source_heldout.": "a whole source hidden",
}  # fmt: skip
_BASELINES: Final = {
    "ranker": "ranker on pair features",
    "graphsage": "GraphSAGE",
    "kernel_ridge": "kernel ridge",
    "knn": "nearest neighbours",
    "popularity": "popularity",
    "graphsage_paper": "the paper's GraphSAGE",
}
OWN: Final = "this run's model"


def by_method(metrics: Mapping[str, Any], split: str = "") -> dict[str, dict[str, float]]:
    """Figures of the model and of every baseline on one way of hiding pairings.

    Args:
        metrics: of a model of kind ``links``, flat.
        split: prefix of the keys, "" or with a dot at its end.
    """
    found: dict[str, dict[str, float]] = {}
    for prefix, name in [("", OWN), *((f"baselines.{key}.", name) for key, name in _BASELINES.items())]:
        values = {key: metrics.get(f"{prefix}{split}{key}") for key, _ in FIGURES}
        known = {key: float(value) for key, value in values.items() if value is not None}
        if known:
            found[name] = known
    return found


def section(metrics: Mapping[str, Any]) -> Section:
    """Section of the link model.

    Args:
        metrics: of the model, flat.
    """
    figures = by_method(metrics)
    if OWN not in figures:
        return Section("links", TITLE, "The run's link model has none of the figures that this section shows.")
    rows = [
        [_OF_SPLIT[split], *row] for split in _SPLITS for row in dots.table_rows(by_method(metrics, split), FIGURES)
    ]
    return Section(
        "links",
        TITLE,
        _message(figures),
        dots.chart(figures, FIGURES, own=OWN),
        f"Dot chart of {len(figures)} methods and four figures. {_message(figures)}",
        Table(("hidden", "method", *(one_line(heading) for _, heading in FIGURES)), rows),
        notes=(
            "AUROC on any unrecorded pair mostly rewards popular ions; with anions drawn by popularity it no longer"
            " does. MRR: mean of 1 / rank of the true anion among all; hits at 10: how often it is among the first 10.",
            "All figures are of pairings hidden in training. Unrecorded does not mean impossible.",
        ),
    )


def one_line(heading: str) -> str:
    """A heading for where there is room."""
    return heading.replace("\n", " ")


def _message(figures: Mapping[str, Mapping[str, float]]) -> str:
    own, rest = figures[OWN], {name: values for name, values in figures.items() if name != OWN}
    said = []
    for key, heading in FIGURES[1:3]:
        others = {name: values[key] for name, values in rest.items() if key in values}
        if key not in own:
            continue
        if not others:
            said.append(f"{one_line(heading)} {own[key]:.3f}")
            continue
        best = max(others, key=others.__getitem__)
        word = "ahead of" if own[key] > others[best] else "behind" if own[key] < others[best] else "level with"
        said.append(f"{one_line(heading)} {own[key]:.3f}, {word} {best} ({others[best]:.3f})")
    if not said:
        return f"AUROC on any pair: {own['auroc_uniform']:.3f}." if "auroc_uniform" in own else "See the table."
    return f"On hidden pairings the model reaches {'; '.join(said)}."
