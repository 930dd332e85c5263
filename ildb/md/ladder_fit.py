"""From the points of a ladder to its apparent melting point: of all passes, and of each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.md.bootstrap import interval
from ildb.md.melting_fit import MIN_TEMPERATURES, Design, Fit, Floats, Shape, curve_gain, fit
from ildb.md.presets import Pass

_FLOOR = 0.1
"""Scatter of ln D between packings of a small box, which no single trajectory knows of."""


@dataclass(frozen=True)
class LadderPoint:
    """Diffusion at one temperature, in m²/s; ``is_bound`` where it is no diffusion yet."""

    temperature_k: float
    direction: Pass
    d_cation_m2_s: float
    d_cation_error_m2_s: float
    d_anion_m2_s: float
    d_anion_error_m2_s: float
    is_bound: bool

    @property
    def ln_d(self) -> float:
        """Mean of ln D of both ions, D in m²/s."""
        return float(np.log(max(self.d_cation_m2_s, 1e-20)) + np.log(max(self.d_anion_m2_s, 1e-20))) / 2

    @property
    def sigma(self) -> float:
        """Standard error of ``ln_d``, the floor included."""
        cation = self.d_cation_error_m2_s / max(self.d_cation_m2_s, 1e-20)
        anion = self.d_anion_error_m2_s / max(self.d_anion_m2_s, 1e-20)
        return float(np.clip(np.hypot(np.hypot(cation, anion) / 2, _FLOOR), _FLOOR, 1.0))


@dataclass(frozen=True)
class LadderFit:
    """What one set of points says.

    Attributes:
        fit: the chosen shape; None where too few points move by diffusion.
        low_k, high_k: 95 % interval of the apparent melting point; None without one.
        curve_gain: gain of a mere curve over the line; above ``fit.gain`` the break is doubtful.
        n_points: points the fit rests on.
        n_bounds: points that are upper bounds only, used or not.
        reason: why there is no melting point, in words; empty where there is one.
    """

    fit: Fit | None
    low_k: float | None
    high_k: float | None
    curve_gain: float | None
    n_points: int
    n_bounds: int
    reason: str


def fit_points(points: Sequence[LadderPoint], *, false_rate: float = 0.04, seed: int = 0) -> LadderFit:
    """Fit a set of points.

    A point whose ions are still in their cages gives an upper bound of D. Where the bound lies below the line through
    the points that do diffuse, the true D lies lower still: the point speaks of a slowdown and is used as it is.
    Where it lies above, it says nothing and is left out.

    Args:
        points: of one or several passes and seeds.
        false_rate: at which straight lines may be taken for transitions.
        seed: of the bootstrap.
    """
    bounds = np.array([point.is_bound for point in points], dtype=np.bool_)
    n_bounds = int(bounds.sum())
    ln_d, sigma = np.array([p.ln_d for p in points]), np.array([p.sigma for p in points])
    temperature_k = np.array([p.temperature_k for p in points])
    levels = len(np.unique(temperature_k[~bounds]))
    if levels < 3:
        found = (
            "no temperature shows diffusion" if levels == 0 else f"diffusion shows at {levels} of the temperatures only"
        )
        reason = f"{found}, {n_bounds} of {len(points)} points are sub-diffusive: run longer"
        return LadderFit(None, None, None, None, 0, n_bounds, reason)
    used = ~bounds | _tells(temperature_k, ln_d, sigma, bounds)
    levels = len(np.unique(temperature_k[used]))
    if levels < MIN_TEMPERATURES:
        reason = f"{levels} temperatures are too few for a transition; at least {MIN_TEMPERATURES} are needed"
        return LadderFit(None, None, None, None, int(used.sum()), n_bounds, reason)
    design = Design(temperature_k[used], sigma[used])
    chosen = fit(design, ln_d[used], false_rate=false_rate)
    curve = curve_gain(design, ln_d[used])
    if chosen.tm_k is None:
        reason = "ln D follows one line: no transition between the temperatures of the ladder"
        return LadderFit(chosen, None, None, curve, int(used.sum()), n_bounds, reason)
    around = interval(design, ln_d[used], chosen, seed=seed)
    low, high = min(around.low_k, chosen.tm_k), max(around.high_k, chosen.tm_k)
    return LadderFit(chosen, low, high, curve, int(used.sum()), n_bounds, "")


def _tells(temperature_k: Floats, ln_d: Floats, sigma: Floats, bounds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Bounds that lie below what the diffusing points lead to expect."""
    moving = ~bounds
    slope, at = np.polyfit(1000 / temperature_k[moving], ln_d[moving], 1, w=1 / sigma[moving])
    below: npt.NDArray[np.bool_] = ln_d < at + slope * 1000 / temperature_k
    return bounds & below


def fit_ladder(points: Sequence[LadderPoint], *, false_rate: float = 0.04, seed: int = 0) -> dict[str, LadderFit]:
    """Fits of all points ('all') and of each pass for itself, by name."""
    fits = {"all": fit_points(points, false_rate=false_rate, seed=seed)}
    passes = sorted({point.direction for point in points})
    if len(passes) > 1:
        for name in passes:
            of_pass = [point for point in points if point.direction is name]
            fits[name.value] = fit_points(of_pass, false_rate=false_rate, seed=seed)
    return fits


def hysteresis_k(fits: dict[str, LadderFit]) -> float | None:
    """Apparent melting point on heating less that on cooling; None unless both passes have one."""
    both = [fits[name].fit for name in (Pass.HEATING, Pass.COOLING) if name in fits]
    if len(both) < 2 or both[0] is None or both[1] is None or both[0].tm_k is None or both[1].tm_k is None:
        return None
    return both[0].tm_k - both[1].tm_k


def shape_name(ladder: LadderFit) -> str:
    """``line``, ``kink``, ``jump``, or ``undetermined`` where nothing could be fitted."""
    return "undetermined" if ladder.fit is None else ladder.fit.shape.value


__all__ = ["LadderFit", "LadderPoint", "Shape", "fit_ladder", "fit_points", "hysteresis_k", "shape_name"]
