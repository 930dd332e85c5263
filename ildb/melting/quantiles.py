"""Values to normal deviates by their rank among known ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import QuantileTransformer

Floats = npt.NDArray[np.float64]

_CLIP: Final = 3.0
_N_QUANTILES: Final = 200


@dataclass(frozen=True, eq=False)
class Quantiles:
    """scikit-learn's transformer reduced to the numbers in it, which can be stored as such.

    Args:
        quantiles: evenly spaced ones of each column, shape (n_quantiles, n_columns).
    """

    quantiles: Floats

    @classmethod
    def of(cls, values: Floats) -> Quantiles:
        """Those of values of shape (n, n_columns)."""
        fitted = QuantileTransformer(n_quantiles=min(len(values), _N_QUANTILES), subsample=None).fit(values)
        return cls(np.asarray(fitted.quantiles_, dtype=np.float64))

    def deviates(self, values: Floats) -> Floats:
        """Normal deviates of values of shape (n, n_columns), at most three either way."""
        if not len(values):
            return np.zeros(values.shape)
        transformer = QuantileTransformer(output_distribution="normal")
        transformer.quantiles_ = self.quantiles
        transformer.references_ = np.linspace(0, 1, len(self.quantiles))
        transformer.n_quantiles_ = len(self.quantiles)
        transformer.n_features_in_ = self.quantiles.shape[1]
        return np.asarray(np.clip(transformer.transform(values), -_CLIP, _CLIP), dtype=np.float64)
