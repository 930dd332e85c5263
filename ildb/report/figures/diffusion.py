"""Diffusion over inverse temperature with the fitted shape (the paper's Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ildb.melting.thermodynamics import R_J_MOL_K
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

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]


def mean_d(points: Sequence[Row]) -> Floats:
    """Geometric mean of the diffusion coefficients of cation and anion, m2/s."""
    return np.sqrt([row["d_cation_m2_s"] * row["d_anion_m2_s"] for row in points])


def fitted(simulation: Row, points: Sequence[Row]) -> list[tuple[Floats, Floats]]:
    """The lines of the fit as (temperatures in K, D in m2/s): two with a break, one without.

    The slopes are those of the stored activation energies; where the lines lie follows from the points, upper bounds
    left out.

    Args:
        simulation: of ``report/simulations``.
        points: of ``report/diffusion``, its own.
    """
    sure = [row for row in points if not row["is_subdiffusive"]]
    if len(sure) < 2 or simulation["shape"] in {None, "undetermined"}:
        return []
    t = np.array([row["temperature_k"] for row in sure])
    ends = np.array([row["temperature_k"] for row in points])
    ln_d = np.log(mean_d(sure))
    if simulation["tm_k"] is None:
        if np.unique(t).size < 2:
            return []
        slope, level = np.polyfit(1 / t, ln_d, 1)
        line = np.array([ends.min(), ends.max()])
        return [(line, np.exp(level + slope / line))]
    tm_k = float(simulation["tm_k"])
    hot = t > tm_k
    if not hot.any():
        return []
    steep = {side: -simulation[f"ea_{side}_kj_mol"] * 1000 / R_J_MOL_K for side in ("hot", "cold")}
    at_break = float((ln_d[hot] - steep["hot"] * (1 / t[hot] - 1 / tm_k)).mean())
    lines = []
    for side, span, drop in (
        ("hot", (tm_k, ends.max()), 0.0),
        ("cold", (ends.min(), tm_k), simulation["jump_ln_d"] or 0.0),
    ):
        line = np.array(span)
        lines.append((line, np.exp(at_break - drop + steep[side] * (1 / line - 1 / tm_k))))
    return lines


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
        tm = "no break" if simulation["tm_k"] is None else f"{simulation['tm_k']:.0f} K"
        axis.set_title(f"{_short(simulation)}\n{tm}", fontsize=9, parse_math=False)
    _legend(figure, axes[0], points, is_fitted=any(fitted(row, own[row["id"]]) for row in shown))
    message = "; ".join(f"{_short(row)}: {said(row)}" for row in shown) + "."
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
        notes=(f"{OF_BREAK} {OF_MARKS}",),
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
        _legend(figure, axis, points, is_fitted=bool(fitted(simulation, points)))
    return figure


def said(simulation: Row) -> str:
    """What the fit says of melting, in words."""
    if simulation["shape"] is None:
        return "not fitted yet"
    if simulation["tm_k"] is None:
        reason = f" ({simulation['reason'].rstrip('.')})" if simulation["reason"] else ""
        return f"no apparent melting point{reason}"
    interval = f"{simulation['tm_low_k']:.0f} to {simulation['tm_high_k']:.0f} K"
    return f"apparent Tm {simulation['tm_k']:.0f} K ({interval}), a {simulation['shape']}"


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
    for t, d in fitted(simulation, points):
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
