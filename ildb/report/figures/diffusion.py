"""Diffusion over inverse temperature with the fitted shape (the paper's Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ildb.md.fit_lines import fit_lines, mean_d, said_of
from ildb.report import style
from ildb.report.section import Section, Table
from ildb.report.structures import formula_unit

TITLE: Final = "Diffusion over inverse temperature"
_MARKS: Final = {"cooling": (style.KNOWN, "v"), "heating": (style.NEW, "^")}
_COEFFICIENTS: Final = ("d_cation_m2_s", "d_cation_error_m2_s", "d_anion_m2_s", "d_anion_error_m2_s")
_LONGEST: Final = 38
OF_MARKS: Final = "Symbols are the geometric mean of both ions, bars run from one ion to the other."
OF_BREAK: Final = (
    "The break is an apparent melting point: a packed box does not crystallise in nanoseconds; grey is its 95 %"
    " interval."
)

Row = Mapping[str, Any]


def section(simulations: Sequence[Row], points: Sequence[Row]) -> Section:
    """Section of the ladders, a panel each.

    Args:
        simulations: of ``report/simulations``.
        points: of ``report/diffusion``.
    """
    own = {row["id"]: [point for point in points if point["simulation_id"] == row["id"]] for row in simulations}
    shown = [row for row in simulations if own[row["id"]]]
    if not shown:
        return Section("diffusion", TITLE, "No simulation of this run's pairings has a finished temperature.")
    columns = min(len(shown), 2)
    figure, axes = style.panels(
        len(shown), width=8.4 if columns > 1 else 5.5, height=3.7 * -(-len(shown) // columns), columns=columns
    )
    for axis, simulation in zip(axes, shown, strict=True):
        _panel(axis, simulation, own[simulation["id"]])
        tm = str(simulation["shape"] or "not fitted yet")
        tm += "" if simulation["tm_k"] is None else f", {simulation['tm_k']:.0f} K"
        axis.set_title(f"{_short(simulation)}\n{tm}", fontsize=9, parse_math=False)
    _legend(figure, axes[0], points, is_fitted=any(fit_lines(row, own[row["id"]]) for row in shown))
    message = "; ".join(f"{_short(row)}: {said_of(row)}" for row in shown) + "."
    return Section(
        "diffusion",
        TITLE,
        message,
        figure,
        f"{len(shown)} plots of the diffusion coefficient on a logarithmic scale over 1000 K / T. {message}",
        Table(
            ("SMILES", "T, K", "pass", "seed", "D cation, m²/s", "error", "D anion, m²/s", "error", "upper bound"),
            [
                [
                    formula_unit(row), point["temperature_k"], point["direction"], point["seed"],
                    *(f"{point[key]:.3e}" for key in _COEFFICIENTS),
                    "yes" if point["is_subdiffusive"] else "no",
                ]
                for row in shown
                for point in own[row["id"]]
            ],
        ),
        notes=(OF_MARKS if all(row["tm_k"] is None for row in shown) else f"{OF_BREAK} {OF_MARKS}",),
    )  # fmt: skip


def ladder(simulation: Row, points: Sequence[Row]) -> Figure:
    """One ladder alone, without a title.

    Args:
        simulation: of ``pairing/simulations``.
        points: of ``report/diffusion``, its own; at least one.
    """
    with style.applied():
        # Small, so that its letters can still be read on a telephone.
        figure, (axis,) = style.panels(width=4.4, height=3.5)
        _panel(axis, simulation, points)
        _legend(figure, axis, points, is_fitted=bool(fit_lines(simulation, points)))
    return figure


def _panel(axis: Axes, simulation: Row, points: Sequence[Row]) -> None:
    if simulation["tm_k"] is not None:
        axis.axvspan(
            1000 / simulation["tm_high_k"], 1000 / simulation["tm_low_k"], color=style.GRID, linewidth=0, zorder=0
        )
    for point, value in zip(points, mean_d(points), strict=True):
        colour, mark = _MARKS[point["direction"]]
        x = 1000 / point["temperature_k"]
        axis.plot([x, x], [point["d_cation_m2_s"], point["d_anion_m2_s"]], color=colour, alpha=0.4, linewidth=2)
        axis.plot(
            x, value, mark, color=colour, markersize=6, markerfacecolor="none" if point["is_subdiffusive"] else colour
        )
    for t, d in fit_lines(simulation, points):
        axis.plot(1000 / t, d, color=style.INK, linewidth=1)
    axis.set(yscale="log", xlabel="1000 K / T", ylabel="D, m²/s")


def _legend(figure: Figure, axis: Axes, points: Sequence[Row], *, is_fitted: bool) -> None:
    handles = [
        axis.plot([], [], mark, color=colour, linestyle="none", label=direction)[0]
        for direction, (colour, mark) in _MARKS.items()
        if any(point["direction"] == direction for point in points)
    ]
    if any(point["is_subdiffusive"] for point in points):
        bound = axis.plot([], [], "o", color=style.INK, markerfacecolor="none", linestyle="none", label="upper bound")
        handles += bound
    if is_fitted:
        handles += axis.plot([], [], color=style.INK, linewidth=1, label="fit")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2, handletextpad=0.4)


def _short(row: Row) -> str:
    text = formula_unit(row)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
