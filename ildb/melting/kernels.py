"""Kernels between ions, and from them between pairings: sums of products of one kernel of each ion.

A pairing's kernel is a weighted sum of the terms `TERMS`, each a kernel of the cations times a kernel of the anions, or
one of them alone. So everything about a million pairings follows from two small matrices of ions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist, pdist

from ildb.melting.data import ion_key
from ildb.melting.features import DESCRIPTOR_NAMES, SHAPE_NAMES
from ildb.melting.ions import IonTable
from ildb.melting.quantiles import Quantiles
from ildb.melting.similarity import count_tanimoto

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
IonKernel = Literal["fingerprint", "torsions", "descriptors", "shape", "linear", "linear_shape", "same"]

ION_KERNELS: Final[tuple[IonKernel, ...]] = (
    "fingerprint",
    "torsions",
    "descriptors",
    "shape",
    "linear",
    "linear_shape",
    "same",
)
TERMS: Final[tuple[tuple[IonKernel | None, IonKernel | None], ...]] = (
    ("descriptors", None),
    (None, "descriptors"),
    (None, "shape"),
    ("fingerprint", "fingerprint"),
    ("torsions", "shape"),
    ("descriptors", "descriptors"),
    ("shape", "descriptors"),
    ("same", "same"),
    ("linear", None),
    (None, "linear_shape"),
    ("linear", "linear_shape"),
)
"""(cation kernel, anion kernel). The linear ones let a trend go on beyond the measured ions; the others do not."""


@dataclass(frozen=True, eq=False)
class IonSpace:
    """Where the known ions of one role lie; nothing in it comes from a measured value.

    Args:
        known: the ions that kernels compare with.
        columns: positions in `DESCRIPTOR_NAMES` of the descriptors that vary among them.
        quantiles: maps those descriptors to normal deviates.
        deviates: of the known ions, shape (n_known, len(columns)).
        lengths: length scale of the ``descriptors`` and of the ``shape`` kernel: the median distance of known ions.
    """

    known: IonTable
    columns: Ints
    quantiles: Quantiles
    deviates: Floats
    lengths: tuple[float, float]

    @classmethod
    def of(cls, known: IonTable) -> IonSpace:
        """The space of these ions."""
        descriptors = known.descriptors.astype(np.float64)
        columns = np.flatnonzero(np.ptp(descriptors, axis=0) > 0)
        if not columns.size:  # one ion only
            columns = np.arange(len(DESCRIPTOR_NAMES))
        quantiles = Quantiles.of(descriptors[:, columns])
        deviates = quantiles.deviates(descriptors[:, columns])
        lengths = tuple(_median_distance(deviates[:, part]) for part in (slice(None), _shape_columns(columns)))
        return cls(known, columns, quantiles, deviates, (lengths[0], lengths[1]))

    def locate(self, ions: IonTable) -> Floats:
        """Normal deviates of ions that have features, shape (n, len(columns))."""
        return self.quantiles.deviates(ions.descriptors[:, self.columns].astype(np.float64))

    def kernels(self, ions: IonTable) -> dict[IonKernel, Floats]:
        """Every kernel of ions that have features with the known ones, each of shape (n, n_known)."""
        at, shape = self.locate(ions), _shape_columns(self.columns)
        keys = np.array([ion_key(key) for key in ions.inchikey])
        known = np.array([ion_key(key) for key in self.known.inchikey])
        return {
            "fingerprint": count_tanimoto(ions.counts, self.known.counts),
            "torsions": count_tanimoto(ions.torsions, self.known.torsions),
            "descriptors": _rbf(at, self.deviates, self.lengths[0]),
            "shape": _rbf(at[:, shape], self.deviates[:, shape], self.lengths[1]),
            "linear": _linear(at, self.deviates),
            "linear_shape": _linear(at[:, shape], self.deviates[:, shape]),
            "same": (keys[:, None] == known[None, :]).astype(np.float64),
        }


def pair_gram(
    term: tuple[IonKernel | None, IonKernel | None],
    cation: Mapping[IonKernel, Floats],
    anion: Mapping[IonKernel, Floats],
    rows: tuple[Ints, Ints],
    columns: tuple[Ints, Ints],
) -> Floats:
    """A term between pairings, shape (n_rows, n_columns).

    Args:
        term: of `TERMS`.
        cation: kernels of the cations.
        anion: kernels of the anions.
        rows: cation and anion of each pairing, as rows of the kernels.
        columns: the same for the pairings compared with, as columns of the kernels.
    """
    parts = [
        kernels[name][np.ix_(rows[role], columns[role])]
        for role, (kernels, name) in enumerate(zip((cation, anion), term, strict=True))
        if name is not None
    ]
    product = parts[0]
    for part in parts[1:]:
        product *= part
    return product


def _shape_columns(columns: Ints) -> Ints:
    wanted = {DESCRIPTOR_NAMES.index(name) for name in SHAPE_NAMES}
    return np.array([i for i, column in enumerate(columns.tolist()) if column in wanted], dtype=np.int64)


def _median_distance(points: Floats) -> float:
    return max(float(np.median(pdist(points))), 1e-6) if len(points) > 1 and points.shape[1] else 1.0


def _rbf(a: Floats, b: Floats, length: float) -> Floats:
    return np.asarray(np.exp(-0.5 * cdist(a, b, "sqeuclidean") / length**2), dtype=np.float64)


def _linear(a: Floats, b: Floats) -> Floats:
    return np.asarray(a @ b.T / max(a.shape[1], 1), dtype=np.float64)
