"""The melting-point model: one regressor from which class, temperature and interval all follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.melting.calibrate import Calibrator
from ildb.melting.data import MeltingData
from ildb.melting.domain import RoleDomain
from ildb.melting.features import pair_features
from ildb.melting.ions import IonTable
from ildb.melting.neighbours import Neighbour
from ildb.melting.params import MeltingParams
from ildb.melting.regressor import PairRegressor, RawPrediction
from ildb.melting.uncertainty import ErrorScale, difficulty

__all__ = ["MeltingModel", "MeltingParams", "Prediction", "judge"]


class Prediction(NamedTuple):
    """Calibrated predictions, each of shape (n,).

    Args:
        p_below_threshold: probability that the IL melts below the model's threshold.
        tm_k: melting point, K.
        tm_low_k: lower end of the interval, K.
        tm_high_k: upper end of the interval, K.
    """

    p_below_threshold: npt.NDArray[np.float64]
    tm_k: npt.NDArray[np.float64]
    tm_low_k: npt.NDArray[np.float64]
    tm_high_k: npt.NDArray[np.float64]


def judge(
    tm_k: npt.NDArray[np.float64],
    terms: npt.NDArray[np.float64],
    scale: ErrorScale,
    calibrator: Calibrator,
    threshold_k: float,
) -> Prediction:
    """Interval and probability of predicted temperatures.

    Args:
        tm_k: predicted melting points, K, shape (n,).
        terms: their `difficulty`, shape (n, k).
        scale: fitted error scale.
        calibrator: fitted map from z to probability.
        threshold_k: melting below this counts, K.
    """
    scale_k = scale.scale_k(terms)
    half = scale.quantile * scale_k
    probability = calibrator.probability((threshold_k - tm_k) / scale_k)
    return Prediction(probability, tm_k, np.maximum(tm_k - half, 0.0), tm_k + half)


@dataclass(frozen=True, eq=False)
class MeltingModel:
    """A trained model together with what it was trained on.

    Args:
        params: how it was trained.
        data: the training rows, sorted by InChIKey.
        cations: their distinct cations.
        anions: their distinct anions.
        cation_index: row of `cations` for each row of `data`.
        anion_index: row of `anions` for each row of `data`.
        regressor: the fitted trees.
        scale: the fitted error scale.
        calibrator: the fitted map to a probability.
        versions: of what computed the features and the trees.
    """

    params: MeltingParams
    data: MeltingData
    cations: IonTable
    anions: IonTable
    cation_index: npt.NDArray[np.int64]
    anion_index: npt.NDArray[np.int64]
    regressor: PairRegressor
    scale: ErrorScale
    calibrator: Calibrator
    versions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def cation_domain(self) -> RoleDomain:
        """What the training cations cover."""
        return RoleDomain("cation", self.cations, self.params.domain_quantile)

    @cached_property
    def anion_domain(self) -> RoleDomain:
        """What the training anions cover."""
        return RoleDomain("anion", self.anions, self.params.domain_quantile)

    @cached_property
    def stoichiometries(self) -> frozenset[tuple[int, int]]:
        """(n_cation, n_anion) of the training pairings."""
        return frozenset(zip(self.data.n_cation.tolist(), self.data.n_anion.tolist(), strict=True))

    def raw(
        self,
        cation_features: npt.NDArray[np.float32],
        anion_features: npt.NDArray[np.float32],
        n_cation: npt.NDArray[np.int64],
        n_anion: npt.NDArray[np.int64],
    ) -> RawPrediction:
        """What the ensembles say, before calibration; arguments as for `pair_features`."""
        columns = self.regressor.columns
        return self.regressor.predict(pair_features(cation_features, anion_features, n_cation, n_anion, columns))

    def predict(
        self,
        raw: RawPrediction,
        cation_distance: npt.NDArray[np.float64],
        anion_distance: npt.NDArray[np.float64],
    ) -> Prediction:
        """Calibrated predictions from `raw` and the distances to the nearest training ions (1 - similarity)."""
        terms = difficulty(raw, cation_distance, anion_distance)
        return judge(raw.tm_k, terms, self.scale, self.calibrator, self.params.threshold_k)

    def neighbour(self, row: int, similarity: float) -> Neighbour:
        """The training row at this position, as the reason for a score."""
        d = self.data
        return Neighbour(
            d.cation_inchikey[row],
            d.anion_inchikey[row],
            d.cation_smiles[row],
            d.anion_smiles[row],
            float(d.tm_k[row]),
            similarity,
        )
