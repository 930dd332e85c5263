"""A ladder's fit as every picture draws it: the lines of D over temperature, and what they say of melting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ildb.md.melting_fit import GAS_CONSTANT_KJ_MOL_K

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]


def mean_d(points: Sequence[Row]) -> Floats:
    """Geometric mean of the diffusion coefficients of cation and anion, m2/s."""
    return np.sqrt([row["d_cation_m2_s"] * row["d_anion_m2_s"] for row in points])


def fit_lines(fit: Row, points: Sequence[Row]) -> list[tuple[Floats, Floats]]:
    """The lines of a fit as (temperatures in K, D in m2/s): two with a break, hot one first; one without.

    The slopes are those of the stored activation energies; where the lines lie follows from the points, upper bounds
    left out.

    Args:
        fit: columns of ``md_melting_point``.
        points: columns of ``md_point``, of the same ladder.
    """
    sure = [row for row in points if not row["is_subdiffusive"]]
    if len(sure) < 2 or fit["shape"] in {None, "undetermined"}:
        return []
    t = np.array([row["temperature_k"] for row in sure])
    ends = np.array([row["temperature_k"] for row in points])
    ln_d = np.log(mean_d(sure))
    if fit["tm_k"] is None:
        if np.unique(t).size < 2:
            return []
        slope, level = np.polyfit(1 / t, ln_d, 1)
        line = np.array([ends.min(), ends.max()])
        return [(line, np.exp(level + slope / line))]
    tm_k = float(fit["tm_k"])
    hot = t > tm_k
    if not hot.any():
        return []
    steep = {side: -fit[f"ea_{side}_kj_mol"] / GAS_CONSTANT_KJ_MOL_K for side in ("hot", "cold")}
    at_break = float((ln_d[hot] - steep["hot"] * (1 / t[hot] - 1 / tm_k)).mean())
    lines = []
    for side, span, drop in (
        ("hot", (tm_k, ends.max()), 0.0),
        ("cold", (ends.min(), tm_k), fit["jump_ln_d"] or 0.0),
    ):
        line = np.array(span)
        lines.append((line, np.exp(at_break - drop + steep[side] * (1 / line - 1 / tm_k))))
    return lines


def said_of(fit: Row | None) -> str:
    """What a fit says of melting, in words; None where there is none yet."""
    if fit is None or fit["shape"] is None:
        return "not fitted yet"
    if fit["tm_k"] is None:
        reason = f": {fit['reason'].rstrip('.')}" if fit["reason"] else ""
        return f"no apparent melting point{reason}"
    return f"apparent Tm {fit['tm_k']:.0f} K ({fit['tm_low_k']:.0f} to {fit['tm_high_k']:.0f} K), a {fit['shape']}"
