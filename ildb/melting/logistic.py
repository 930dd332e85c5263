"""The published classifier: logistic regression on five thermodynamic features of a salt.

Ren, Mroz, Philippi, Welton and Jelfs (Digital Discovery 2026, d5dd00282f) ask whether a salt melts below 373 K from the
lattice Gibbs energy of Krossing et al. (2006) and the flexibility and the accessible surface of each ion. Here the
features are per ion and combined per salt; theirs know 1:1 salts only, and take the gas entropy from the curvature of a
van der Waals surface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, cast

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from ildb.errors import InputError
from ildb.melting.ion_properties import IonProperties
from ildb.melting.thermodynamics import lattice

PAPER_FEATURE_NAMES: Final = (
    "cation_effective_torsions",
    "anion_effective_torsions",
    "cation_skeleton_surface_a2",
    "anion_skeleton_surface_a2",
    "lattice_gibbs_kj_mol",
)
_MAX_ITERATIONS: Final = 1_000

Floats = npt.NDArray[np.float64]


def paper_features(
    ions: Sequence[IonProperties],
    cation: npt.NDArray[np.int64],
    anion: npt.NDArray[np.int64],
    n_cation: npt.NDArray[np.int64],
    n_anion: npt.NDArray[np.int64],
) -> Floats:
    """Features of salts from those of their ions, in the order of `PAPER_FEATURE_NAMES`.

    Args:
        ions: properties of the distinct ions (`ildb.melting.ion_properties.describe_ions`).
        cation: position of each salt's cation in `ions`, shape (n,).
        anion: the same for anions.
        n_cation: cations per formula unit.
        n_anion: anions per formula unit.

    Returns:
        Array of shape (n, 5); NaN where an ion lacks a property.
    """

    def column(name: str) -> Floats:
        values = (getattr(ion, name) for ion in ions)
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)

    volume, entropy, freedom = column("volume_nm3"), column("gas_entropy_j_mol_k"), column("freedom")
    charge = np.array([ion.charge or 0 for ion in ions], dtype=np.int64)
    gibbs = lattice(
        n_cation * volume[cation] + n_anion * volume[anion],
        n_cation * entropy[cation] + n_anion * entropy[anion],
        n_cation,
        charge[cation],
        n_anion,
        charge[anion],
        freedom[cation],
        freedom[anion],
    ).gibbs_kj_mol
    torsions, surface = column("effective_torsions"), column("skeleton_surface_a2")
    return np.stack([torsions[cation], torsions[anion], surface[cation], surface[anion], gibbs], axis=1)


@dataclass(frozen=True, eq=False)
class PaperLogistic:
    """A fitted classifier.

    Args:
        mean: of each feature in the training rows.
        scale: standard deviation of each, 1 for a constant one.
        weights: of the standardised features.
        intercept: in logits.
        prior: share of the training rows below the threshold: the answer where a feature is missing.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float
    prior: float

    def predict_proba(self, features: Floats) -> Floats:
        """P(Tm below the threshold), shape (n,), from features of shape (n, 5).

        A row with a missing feature gets the share of the training rows; `predicts` says which rows those are.
        """
        logit = ((features - self.mean) / self.scale) @ self.weights + self.intercept
        return np.where(self.predicts(features), 1 / (1 + np.exp(-logit)), self.prior)

    @staticmethod
    def predicts(features: Floats) -> npt.NDArray[np.bool_]:
        """Which rows have all features, shape (n,)."""
        return np.asarray(np.isfinite(features).all(axis=1), dtype=np.bool_)

    def to_json(self) -> dict[str, list[float] | float]:
        """As plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights")}
        return {**arrays, "intercept": self.intercept, "prior": self.prior}

    @classmethod
    def from_json(cls, values: Mapping[str, list[float] | float]) -> Self:
        """From `to_json`."""
        mean, scale, weights = (np.array(values[name], dtype=np.float64) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, cast("float", values["intercept"]), cast("float", values["prior"]))


def fit_paper_logistic(features: Floats, below: npt.NDArray[np.bool_]) -> PaperLogistic:
    """Fit on the rows that have all features.

    Args:
        features: `paper_features`, shape (n, 5).
        below: whether each salt melts below the threshold.

    Raises:
        InputError: fewer than two rows are usable, or all are of one class.
    """
    usable = PaperLogistic.predicts(features)
    rows, labels = features[usable], below[usable]
    if len(np.unique(labels)) < 2:
        raise InputError("The logistic regression needs described salts on both sides of the threshold.")
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    fitted = LogisticRegression(max_iter=_MAX_ITERATIONS).fit((rows - mean) / scale, labels)
    return PaperLogistic(mean, scale, fitted.coef_[0], float(fitted.intercept_[0]), float(labels.mean()))
