"""The property model: one estimate from which class, value and interval all follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.melting.blend import Blend, regime
from ildb.melting.calibrate import Calibrator
from ildb.melting.data import MeltingData
from ildb.melting.domain import RoleDomain
from ildb.melting.experts import Experts, RawPrediction, RoleSpace
from ildb.melting.ions import IonTable
from ildb.melting.neighbours import Neighbour
from ildb.melting.params import MeltingParams
from ildb.melting.target import Target
from ildb.melting.uncertainty import ErrorScale, difficulty

__all__ = ["MeltingModel", "MeltingParams", "Prediction", "judge"]


class Prediction(NamedTuple):
    """Calibrated predictions, each of shape (n,). Values are melting points in K, or another property in its unit.

    Args:
        p_below_threshold: probability of a value below the model's threshold; NaN where it has none.
        tm_k: estimate.
        tm_low_k: lower end of the interval.
        tm_high_k: upper end of the interval.
    """

    p_below_threshold: npt.NDArray[np.float64]
    tm_k: npt.NDArray[np.float64]
    tm_low_k: npt.NDArray[np.float64]
    tm_high_k: npt.NDArray[np.float64]


def judge(
    z: npt.NDArray[np.float64],
    half_width: npt.NDArray[np.float64],
    calibrator: Calibrator | None,
    target: Target,
    threshold: float | None,
) -> Prediction:
    """Interval and probability of predictions.

    Args:
        z: predicted standardised values, shape (n,).
        half_width: half of the interval, standardised, shape (n,).
        calibrator: fitted map from the margin in half-widths to a probability; needed where there is a threshold.
        target: maps standardised values back.
        threshold: values below it count, in the property's unit.
    """
    probability = np.full(len(z), np.nan)
    if threshold is not None and calibrator is not None:
        margin = float(target.standard(np.array([threshold]))[0]) - z
        probability = calibrator.probability(margin / half_width)
    low, high = target.value(z - half_width), target.value(z + half_width)
    return Prediction(probability, target.value(z), np.maximum(low, 0.0), high)


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
        spaces: where the known cations and the known anions lie.
        experts: the fitted regressors.
        blend: how much each of them counts.
        scale: the fitted error scale.
        calibrator: the fitted map to a probability; None for a property without a threshold.
        target: standardises values.
        versions: of what computed the features and fitted the experts.
    """

    params: MeltingParams
    data: MeltingData
    cations: IonTable
    anions: IonTable
    cation_index: npt.NDArray[np.int64]
    anion_index: npt.NDArray[np.int64]
    spaces: tuple[RoleSpace, RoleSpace]
    experts: Experts
    blend: Blend
    scale: ErrorScale
    calibrator: Calibrator | None
    target: Target
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

    def predict(
        self,
        raw: RawPrediction,
        cation_distance: npt.NDArray[np.float64],
        anion_distance: npt.NDArray[np.float64],
    ) -> Prediction:
        """Calibrated predictions from the experts' and the distances to the nearest training ions (1 - similarity)."""
        regimes = regime(cation_distance, anion_distance)
        terms = difficulty(raw, cation_distance, anion_distance)
        return judge(
            self.blend.predict(raw.experts, regimes),
            self.scale.half_width(terms, regimes),
            self.calibrator,
            self.target,
            self.params.threshold_k,
        )

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
