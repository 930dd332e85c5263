"""A chart of figures of several methods: a panel for each figure, a line for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ildb.report import style

Figures = Mapping[str, Mapping[str, float]]
"""Method -> name of the figure -> value."""


def chart(figures: Figures, names: Sequence[tuple[str, str]], *, own: str, columns: int = 0) -> Figure:
    """Dots with their values beside them; the methods' names stand on the left once.

    Args:
        figures: to draw; what a method lacks is left out.
        names: key and heading of each panel, all on a scale from 0 to 1.
        own: the method to stand out.
        columns: panels in a row.
    """
    columns = columns or len(names)
    n_rows = -(-len(names) // columns)
    drawing, axes = style.panels(
        len(names), width=8.4, height=n_rows * (1.0 + 0.34 * len(figures)), columns=columns, share_y=True
    )
    methods = list(figures)
    for axis, (key, heading) in zip(axes, names, strict=True):
        for place, method in enumerate(methods):
            value = figures[method].get(key)
            if value is None:
                continue
            colour, mark = (style.NEW, "D") if method == own else (style.KNOWN, "o")
            axis.plot([0, value], [place, place], color=style.GRID, linewidth=1)
            axis.plot(value, place, mark, color=colour, markersize=7)
            # On the side where there is room.
            right = value < 0.6
            axis.annotate(
                f"{value:.3f}", (value, place), xytext=(7 if right else -7, 0), textcoords="offset points",
                ha="left" if right else "right", va="center", fontsize=8,
            )  # fmt: skip
        axis.set(xlim=(0, 1.06), ylim=(len(methods) - 0.5, -0.5), title=heading)
        axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axis.set_yticks(range(len(methods)), methods)
        axis.grid(visible=False, axis="y")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
    return drawing


def table_rows(figures: Figures, names: Sequence[tuple[str, str]]) -> list[list[str | float | None]]:
    """A row for each method, a column for each figure."""
    return [[method, *(values.get(key) for key, _ in names)] for method, values in figures.items()]
