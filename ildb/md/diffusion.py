"""Diffusion coefficients from mean squared displacements, with an error and a verdict on whether it is diffusion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.md.presets import MIN_FRAMES

Floats = npt.NDArray[np.float64]

WINDOW = (0.1, 0.5)
"""Lags from which D is taken, as shares of the run."""

SUBDIFFUSIVE_BELOW = 0.9
"""Slopes of ln MSD against ln lag that count as diffusion."""

_HUMMER = 2.837297
_NM2_PS_TO_M2_S = 1e-6
_REPEATS = 200
_BLOCKS = 4


@dataclass(frozen=True)
class Diffusion:
    """Diffusion of one kind of ion.

    Attributes:
        d_m2_s: coefficient, m²/s; where ``is_bound``, no more than an upper bound.
        error_m2_s: standard error, m²/s.
        slope: of ln MSD against ln lag.
        is_bound: the motion is not diffusive within the run: the ions are still in their cages.
        d_infinite_m2_s: in an infinite box, by the correction of Yeh and Hummer with a Stokes radius.
    """

    d_m2_s: float
    error_m2_s: float
    slope: float
    is_bound: bool
    d_infinite_m2_s: float


def diffusion(msd_nm2: Floats, frame_ps: float, *, box_nm: float, radius_nm: float, seed: int = 0) -> Diffusion:
    """D = slope of MSD / 6 over 10 to 50 % of the run (Einstein).

    The error is the largest of three: that over ions drawn with replacement, that over the displacements' own growth
    in four parts of the window, and the difference from MSD / 6t at its end. All see one trajectory only, so seeds of a
    ladder say more.

    Args:
        msd_nm2: of each ion (i, f), nm², lag in frames.
        frame_ps: time between frames.
        box_nm: length of the box.
        radius_nm: hydrodynamic radius of the ion, for the correction only.
        seed: of the bootstrap.

    Raises:
        ValueError: there are fewer than ``MIN_FRAMES`` frames.
    """
    n_frames = msd_nm2.shape[1]
    if n_frames < MIN_FRAMES:
        raise ValueError(f"{n_frames} frames are too few for a diffusion coefficient")
    lags = np.arange(max(1, round(WINDOW[0] * n_frames)), max(3, round(WINDOW[1] * n_frames)) + 1)
    time_ps = lags * frame_ps
    of_ions = msd_nm2[:, lags]
    mean = of_ions.mean(axis=0)
    slope = float(np.polyfit(np.log(time_ps), np.log(np.maximum(mean, 1e-12)), 1)[0])
    d = _einstein(time_ps, mean)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(of_ions), (_REPEATS, len(of_ions)))
    error = float(np.std([_einstein(time_ps, of_ions[drawn].mean(axis=0)) for drawn in draws], ddof=1))
    parts = [
        _einstein(t, m) for t, m in zip(np.array_split(time_ps, _BLOCKS), np.array_split(mean, _BLOCKS), strict=True)
    ]
    error = max(error, float(np.std(parts, ddof=1)) / math.sqrt(_BLOCKS))
    is_bound = slope < SUBDIFFUSIVE_BELOW
    over_all = float(mean[-1] / (6 * time_ps[-1]) * _NM2_PS_TO_M2_S)
    if is_bound:
        # In a cage MSD / 6t falls with time, so its last value is the lowest bound that the run can give.
        d = max(d, over_all)
    # Free motion gives the same from the growth in the window and from all of it; few ions or frames do not.
    error = max(error, abs(d - over_all))
    return Diffusion(d, error, slope, is_bound, yeh_hummer(d, box_nm=box_nm, radius_nm=radius_nm))


def _einstein(time_ps: Floats, msd_nm2: Floats) -> float:
    return float(np.polyfit(time_ps, msd_nm2, 1)[0] / 6 * _NM2_PS_TO_M2_S)


def yeh_hummer(d_m2_s: float, *, box_nm: float, radius_nm: float) -> float:
    """D in an infinite box: D + 2.837297 kT / (6 pi eta L) (Yeh, Hummer, J. Phys. Chem. B 2004, 108, 15873).

    The viscosity is the one for which Stokes and Einstein give D with the radius, so the correction is a factor that
    hardly depends on temperature: reported beside D, it moves no break in ln D.
    """
    share = _HUMMER * radius_nm / box_nm
    return d_m2_s / (1 - share) if share < 1 else math.inf
