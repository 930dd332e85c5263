"""Between a property's values and the standardised ones that everything is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """z = (f(value) - centre) / spread with f the identity or the decimal logarithm.

    Args:
        scale: which f.
        centre: median of f over the training rows.
        spread: standard deviation of f over the training rows, 1 where that is zero.
    """

    scale: Literal["linear", "log10"]
    centre: float
    spread: float

    @classmethod
    def of(cls, values: Floats, scale: Literal["linear", "log10"]) -> Target:
        """The one that standardises these values; above zero for ``log10``."""
        on_scale = values if scale == "linear" else np.log10(values)
        return cls(scale, float(np.median(on_scale)), float(on_scale.std()) or 1.0)

    def on_scale(self, values: Floats) -> Floats:
        """f of values: where errors are judged."""
        return values if self.scale == "linear" else np.asarray(np.log10(values), dtype=np.float64)

    def standard(self, values: Floats) -> Floats:
        """z of values in the property's unit."""
        return (self.on_scale(values) - self.centre) / self.spread

    def value(self, z: Floats) -> Floats:
        """Values in the property's unit of z."""
        on_scale = self.centre + self.spread * z
        return on_scale if self.scale == "linear" else np.asarray(10.0**on_scale, dtype=np.float64)

    def spread_of(self, values: Floats, spreads: Floats) -> Floats:
        """How far apart values are that lie within a range around others, standardised.

        Args:
            values: in the property's unit.
            spreads: largest less smallest of the measurements of each, in the same unit.
        """
        if self.scale == "linear":
            return spreads / self.spread
        return np.asarray(np.log10(1 + spreads / values) / self.spread, dtype=np.float64)
