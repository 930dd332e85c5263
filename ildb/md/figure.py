"""Pictures: D over 1/T with the chosen shape and density over T of a ladder; apparent over measured melting points."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ildb.errors import InputError
from ildb.md.fit_lines import fit_lines, mean_d, said_of
from ildb.report.structures import formula_unit

FORMATS = (".png", ".svg", ".pdf")
_COLOURS = {"cooling": "#1f5fa8", "heating": "#c0392b"}
_MARKS = {"cooling": "v", "heating": "^"}

_SHOWN = ("measured_tm_k", "apparent_tm_k", "apparent_low_k", "apparent_high_k", "calibrated_tm_k")
_LONGEST_NAME, _TITLE_WIDTH = 110, 70

Row = Mapping[str, Any]


def ladder_figure(simulation: Row, path: Path) -> None:
    """Draw D of both ions over 1000/T and the density over T; open symbols are upper bounds.

    Args:
        simulation: as ``ildb.md.watch.simulation`` gives it.
        path: a PNG, SVG or PDF file.

    Raises:
        InputError: there are no points yet, or the file's ending is none of these.
    """
    points = [point for point in simulation["points"] if point["status"] == "done"]
    if not points:
        raise InputError(
            f"simulation {simulation['id']} has no finished point.",
            simulation["refusal"] or f"See how far it is: ildb md show {simulation['id']}",
        )
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    diffusion, density = figure.subplots(1, 2)
    for point, mean in zip(points, mean_d(points), strict=True):
        colour, mark = _COLOURS[point["direction"]], _MARKS[point["direction"]]
        face = "white" if point["is_subdiffusive"] else colour
        x = 1000 / point["temperature_k"]
        diffusion.plot([x, x], [point["d_cation_m2_s"], point["d_anion_m2_s"]], color=colour, alpha=0.3, lw=3)
        diffusion.plot(x, mean, mark, color=colour, markerfacecolor=face)
        density.errorbar(
            point["temperature_k"], point["density_g_cm3"], point["density_error_g_cm3"], fmt=mark, color=colour, ms=4
        )
    fit = next((fit for fit in simulation["fits"] if fit["direction"] == "all"), None)
    diffusion.set(yscale="log", xlabel="1000 K / T", ylabel="D, m²/s (bar: cation to anion)")
    diffusion.set_title(textwrap.fill(said_of(fit), _TITLE_WIDTH), fontsize=9)
    if fit is not None and fit["tm_k"] is not None:
        span = (1000 / fit["tm_high_k"], 1000 / fit["tm_low_k"])
        diffusion.axvspan(*span, color="grey", alpha=0.25, lw=0, label="95 % interval of the break")
    for i, (t, d_m2_s) in enumerate([] if fit is None else fit_lines(fit, points)):
        label = None if i or fit is None else f"fit: a {fit['shape']}"
        diffusion.plot(1000 / t, d_m2_s, color="black", lw=0.8, label=label)
    density.set(xlabel="T, K", ylabel="density, g/cm³")
    density.set_title(f"preset {simulation['preset']}, grade {simulation['grade']}", fontsize=9)
    for axes in (diffusion, density):
        for name, colour in _COLOURS.items():
            if any(point["direction"] == name for point in points):
                axes.plot([], [], _MARKS[name], color=colour, label=name)
    if any(point["is_subdiffusive"] for point in points):
        diffusion.plot([], [], "o", color="black", markerfacecolor="white", label="upper bound (sub-diffusive)")
    diffusion.legend(fontsize=7)
    figure.suptitle(_shortened(formula_unit(simulation)), fontsize=9, parse_math=False)
    _save(figure, path)


def parity_figure(rows: Sequence[Row], path: Path) -> None:
    """Draw apparent (and calibrated) over measured melting points.

    Args:
        rows: of the view ``md_parity``.
        path: a PNG, SVG or PDF file.

    Raises:
        InputError: no ladder has both, or the file's ending is not known.
    """
    both = [row for row in rows if row["apparent_tm_k"] is not None and row["measured_tm_k"] is not None]
    if not both:
        raise InputError(
            "no ladder has both an apparent and a measured melting point.", "Run: ildb pipeline run md_validation"
        )
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    measured = np.array([row["measured_tm_k"] for row in both])
    apparent = np.array([row["apparent_tm_k"] for row in both])
    ends = [[row["apparent_tm_k"] - row["apparent_low_k"] for row in both],
            [row["apparent_high_k"] - row["apparent_tm_k"] for row in both]]  # fmt: skip
    axes.errorbar(measured, apparent, ends, fmt="o", color="#1f5fa8", ms=4, label="apparent, 95 % interval")
    calibrated = [(row["measured_tm_k"], row["calibrated_tm_k"]) for row in both if row["calibrated_tm_k"] is not None]
    if calibrated:
        axes.plot(*zip(*calibrated, strict=True), "s", color="#c0392b", ms=4, label="calibrated")
    shown = [row[name] for row in both for name in _SHOWN if row[name] is not None]
    low, high = min(shown) - 10, max(shown) + 10
    axes.plot([low, high], [low, high], color="grey", lw=0.8)
    axes.set(xlabel="measured melting point, K", ylabel="from simulation, K", xlim=(low, high), ylim=(low, high))
    axes.legend(fontsize=8)
    _save(figure, path)


def _shortened(text: str) -> str:
    """A name that fits over the picture: both ends of a long one."""
    half = _LONGEST_NAME // 2
    return text if len(text) <= _LONGEST_NAME else f"{text[:half]} … {text[-half:]}"


def _save(figure: Figure, path: Path) -> None:
    if path.suffix not in FORMATS:
        raise InputError(f"{path}: a picture must end in {', '.join(FORMATS)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
