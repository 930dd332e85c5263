"""What the ranker derives from the structures of a graph alone: computed once, used for every set of known pairings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import cho_factor, lapack

from ildb.links.dataset import IntArray, LinkGraph
from ildb.links.features import DESCRIPTORS, ion_features
from ildb.links.kernels import KERNELS, FloatArray, Fragments, fragments, similarity

RIDGES: Final = ((0, 0.3), (0, 3.0), (1, 0.5))
"""(kernel, penalty) of each kernel ridge on the cations."""
ANION_RIDGE: Final = (0, 0.3)
SMOOTHERS: Final = ((0, 0.3), (0, 1.0), (1, 0.5))
"""(kernel, penalty) of the anion smoother that goes with each of `RIDGES`."""
NEAREST: Final = 400
"""Most similar cations remembered for each cation."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Similarities among the ions of a graph. Cations without any known pairing are not in it: they cannot vouch.

    Attributes:
        graph: the graph; which of its pairings are known is asked of `ildb.links.planes.Planes`, not of this.
        cations: graph indices of the cations in the basis, ascending, shape (n,).
        place: place of each cation of the graph in the basis, -1 for none, shape (n_cations,).
        kernels: for each of `KERNELS`, similarities of the basis cations, float32, shape (n, n).
        nearest: for each kernel, the most similar other basis cations of each, best first, shape (n, <= NEAREST).
        anion_kernels: for each kernel, similarities of all anions, float32, shape (n_anions, n_anions).
    """

    graph: LinkGraph
    cations: IntArray
    place: IntArray
    kernels: tuple[FloatArray, ...]
    nearest: tuple[npt.NDArray[np.int32], ...]
    anion_kernels: tuple[FloatArray, ...]

    def __len__(self) -> int:
        return len(self.cations)

    @cached_property
    def fragments(self) -> Fragments:
        """Fragments of the basis cations."""
        return fragments(tuple(self.graph.cation_smiles[i] for i in self.cations))

    @cached_property
    def inverses(self) -> tuple[npt.NDArray[np.float64], ...]:
        """(K + penalty I)^-1 for each of `RIDGES`."""
        return tuple(inverse(self.kernels[kernel], penalty) for kernel, penalty in RIDGES)

    @cached_property
    def anion_inverse(self) -> npt.NDArray[np.float64]:
        """(K + penalty I)^-1 of the anions for `ANION_RIDGE`."""
        return inverse(self.anion_kernels[ANION_RIDGE[0]], ANION_RIDGE[1])

    @cached_property
    def smoothers(self) -> tuple[FloatArray, ...]:
        """K (K + penalty I)^-1 of the anions for each of `SMOOTHERS`."""
        return tuple(
            (self.anion_kernels[kernel].astype(np.float64) @ inverse(self.anion_kernels[kernel], penalty)).astype(
                np.float32
            )
            for kernel, penalty in SMOOTHERS
        )

    @cached_property
    def anion_descriptors(self) -> FloatArray:
        """`DESCRIPTORS` of the anions."""
        return ion_features(self.graph.anion_smiles).x[:, -len(DESCRIPTORS) :]

    @cached_property
    def _cation_descriptors(self) -> FloatArray:
        return ion_features(tuple(self.graph.cation_smiles[i] for i in self.cations)).x[:, -len(DESCRIPTORS) :]

    def cation_descriptors(self, cations: IntArray) -> FloatArray:
        """`DESCRIPTORS` of some cations of the graph, shape (len(cations), len(DESCRIPTORS))."""
        places = self.place[cations]
        inside = places >= 0
        rows = np.empty((len(cations), len(DESCRIPTORS)), dtype=np.float32)
        rows[inside] = self._cation_descriptors[places[inside]]
        if not inside.all():
            strange = tuple(self.graph.cation_smiles[i] for i in cations[~inside])
            rows[~inside] = ion_features(strange).x[:, -len(DESCRIPTORS) :]
        return rows

    def to_basis(self, cations: IntArray, kernel: int) -> FloatArray:
        """Similarities of some cations of the graph to the basis, 0 to itself; shape (len(cations), n)."""
        places = self.place[cations]
        inside = places >= 0
        rows = np.empty((len(cations), len(self)), dtype=np.float32)
        rows[inside] = self.kernels[kernel][places[inside]]
        rows[np.flatnonzero(inside), places[inside]] = 0.0
        if not inside.all():
            strange = fragments(tuple(self.graph.cation_smiles[i] for i in cations[~inside]))
            rows[~inside] = similarity(strange, self.fragments, kernel)
        return rows


@lru_cache(maxsize=2)
def build_basis(graph: LinkGraph) -> Basis:
    """Similarities among the ions of a graph; memory grows with the square of its cations that have a pairing.

    The last two graphs (the very objects) are remembered within the process.
    """
    cations = np.unique(graph.edges[:, 0])
    place = np.full(graph.n_cations, -1, dtype=np.int64)
    place[cations] = np.arange(len(cations))
    known = fragments(tuple(graph.cation_smiles[i] for i in cations))
    anions = fragments(graph.anion_smiles)
    kernels = tuple(similarity(known, known, kernel) for kernel in range(len(KERNELS)))
    return Basis(
        graph,
        cations,
        place,
        kernels,
        tuple(_nearest(kernel) for kernel in kernels),
        tuple(similarity(anions, anions, kernel) for kernel in range(len(KERNELS))),
    )


def inverse(kernel: FloatArray, penalty: float) -> npt.NDArray[np.float64]:
    """(K + penalty I)^-1 of a positive semidefinite kernel, float64."""
    shifted = kernel.astype(np.float64)
    shifted[np.diag_indices_from(shifted)] += penalty
    factor, _ = cho_factor(shifted, lower=True, overwrite_a=True)
    lower = np.tril(lapack.dpotri(factor, lower=1, overwrite_c=1)[0])
    full: npt.NDArray[np.float64] = lower + np.tril(lower, -1).T
    return full


def leave_out_ridge(
    kernel: FloatArray,
    inverted: npt.NDArray[np.float64],
    labels: sparse.csr_matrix,
    absent: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Kernel ridge regression in which no row is predicted from its own labels.

    Exact and without refitting: with G = (K + penalty I)^-1, leaving a set of rows out of the fit is a Schur complement
    of G, and the prediction of row i without its labels is y_i - (G y)_i / G_ii (Allen's PRESS; Rasmussen and Williams,
    Gaussian Processes for Machine Learning, 2006, section 5.4.2).

    Args:
        kernel: K, shape (n, n).
        inverted: G, shape (n, n).
        labels: shape (n, m); absent rows are empty.
        absent: rows that no fit may use, shape (n,).

    Returns:
        Predictions, shape (n, m), and the coefficients that predict ions outside the kernel, shape (n, m), zero for
        the absent rows.
    """
    coefficients = np.asarray((labels.T @ inverted).T)  # the inverse is symmetric
    diagonal = inverted.diagonal().copy()
    if absent.any():
        across = inverted[:, absent]
        solved = np.linalg.solve(inverted[np.ix_(absent, absent)], np.hstack([coefficients[absent], across.T]))
        width = labels.shape[1]
        coefficients = coefficients - across @ solved[:, :width]
        coefficients[absent] = 0.0
        diagonal -= np.einsum("ij,ji->i", across, solved[:, width:])
        diagonal[absent] = 1.0
    predictions = np.asarray(labels.todense()) - coefficients / diagonal[:, None]
    predictions[absent] = kernel[absent].astype(np.float64) @ coefficients
    return predictions, coefficients


def _nearest(kernel: FloatArray) -> npt.NDArray[np.int32]:
    others = kernel.copy()
    np.fill_diagonal(others, -1.0)
    order = np.argsort(-others, axis=1, kind="stable")[:, : min(NEAREST, len(kernel) - 1)]
    return order.astype(np.int32)
