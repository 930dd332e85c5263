"""Predicted over measured melting points, with the intervals' coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from ildb.report import style
from ildb.report.figures.predictions import SPLITS, OutOfFold
from ildb.report.section import Section, Table

TITLE: Final = "Melting points: predicted over measured"
_BARS: Final = 600
"""More pairings than this have no bars: they would hide the dots."""
_MARGIN_K: Final = 15.0


def figures(part: OutOfFold) -> dict[str, float]:
    """``mae_k``, ``rmse_k``, ``r2``, ``coverage`` of the 90 % interval and its median ``width_k``."""
    error = part.error_k
    variance = float(part.measured.var())
    return {
        "mae_k": float(np.abs(error).mean()),
        "rmse_k": float(np.sqrt((error**2).mean())),
        "r2": 1 - float((error**2).mean()) / variance if variance else float("nan"),
        "coverage": float(part.inside.mean()),
        "width_k": float(np.median(part.high - part.low)),
    }


def section(parts: Mapping[str, OutOfFold]) -> Section:
    """Section of the parity plots, a panel for each way of splitting.

    Args:
        parts: out-of-fold predictions by split.
    """
    n = len(parts)
    columns = min(n, 3)
    drawing, axes = style.panels(n, width=8.4 if n > 1 else 5.0, height=3.3 * -(-n // columns), columns=columns)
    known = [values for part in parts.values() for values in (part.measured, part.predicted)]
    low, high = (float(at) for at in (np.min([v.min() for v in known]), np.max([v.max() for v in known])))
    low, high = low - _MARGIN_K, high + _MARGIN_K
    said = []
    for axis, (split, part) in zip(axes, parts.items(), strict=True):
        _panel(axis, part)
        found = figures(part)
        axis.plot([low, high], [low, high], color=style.FAINT, linewidth=0.8)
        axis.set(xlim=(low, high), ylim=(low, high), xlabel="measured, K", aspect="equal")
        about = f"MAE {found['mae_k']:.0f} K, intervals hold {found['coverage']:.0%}"
        axis.set_title(f"{SPLITS[split]}\n{about}", fontsize=9)
        said.append(f"{SPLITS[split]}, mean absolute error {found['mae_k']:.1f} K, R² {found['r2']:.2f}, 90 % intervals"
                    f" hold {found['coverage']:.1%} (median width {found['width_k']:.0f} K)")  # fmt: skip
    axes[0].set_ylabel("predicted, K")
    for axis in axes[1:]:
        axis.tick_params(labelleft=False)
    message = f"{_count(parts)} measured pairings, predicted by models that did not see them: {'; '.join(said)}."
    rows = [
        [SPLITS[split], salt, *(round(float(value), 1) for value in values), "yes" if ok else "no"]
        for split, part in parts.items()
        for salt, *values, ok in zip(
            part.salts, part.measured, part.predicted, part.low, part.high, part.inside, strict=True
        )
    ]
    return Section(
        "parity",
        TITLE,
        message,
        drawing,
        f"Scatter plot with {n} panels, points along the diagonal. {message}",
        Table(("split", "pairing (SMILES)", "measured, K", "predicted, K", "low, K", "high, K", "inside"), rows),
        notes=("Bars are 90 % intervals; orange diamonds are measured values that fall outside theirs.",),
    )


def _count(parts: Mapping[str, OutOfFold]) -> str:
    return f"{max(len(part.measured) for part in parts.values()):,}"


def _panel(axis: Axes, part: OutOfFold) -> None:
    if len(part.measured) <= _BARS:
        axis.vlines(part.measured, part.low, part.high, color=style.GRID, linewidth=0.7)
    for rows, colour, mark, size in ((part.inside, style.KNOWN, "o", 9), (~part.inside, style.NEW, "D", 11)):
        axis.scatter(
            part.measured[rows], part.predicted[rows], size, c=colour, marker=mark, linewidths=0, alpha=0.75, zorder=3,
        )  # fmt: skip
