"""How anions stand around cations: the radial distribution of centres of mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BIN_NM = 0.02


@dataclass(frozen=True)
class Shell:
    """The first shell of anions around a cation.

    Attributes:
        r_nm: middles of the bins (b).
        g: radial distribution function (b).
        peak_nm: distance of its highest point.
        coordination: anions nearer than the minimum behind it.
    """

    r_nm: Floats
    g: Floats
    peak_nm: float
    coordination: float


class RadialDistribution:
    """Adds up frames; distances to half the smallest box only."""

    def __init__(self, max_nm: float) -> None:
        self.edges_nm = np.arange(0, max_nm + 1e-9, _BIN_NM)
        self.counts = np.zeros(len(self.edges_nm) - 1)
        self.ideal = np.zeros_like(self.counts)
        self.n_centres = 0

    def add(self, cations_nm: Floats, anions_nm: Floats, box_nm: Floats) -> None:
        """One frame of centres (c, 3) and (a, 3)."""
        apart = cations_nm[:, None, :] - anions_nm[None, :, :]
        apart -= np.round(apart / box_nm) * box_nm
        self.counts += np.histogram(np.sqrt((apart**2).sum(axis=2)), self.edges_nm)[0]
        shells = 4 / 3 * np.pi * np.diff(self.edges_nm**3)
        self.ideal += shells * len(cations_nm) * len(anions_nm) / box_nm.prod()
        self.n_centres += len(cations_nm)

    def shell(self) -> Shell:
        """What the frames so far amount to."""
        g = self.counts / np.maximum(self.ideal, 1e-12)
        middle = (self.edges_nm[1:] + self.edges_nm[:-1]) / 2
        peak = int(g.argmax())
        # Averaged over a tenth of a nanometre, so that noise makes no minimum; the next shell begins 0.4 nm on.
        smooth = np.convolve(np.pad(g, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        behind = smooth[peak : peak + round(0.4 / _BIN_NM)]
        valley = peak + int(behind.argmin())
        per_cation = self.counts[: valley + 1].sum() / max(self.n_centres, 1)
        return Shell(middle, g, float(middle[peak]), float(per_cation))
