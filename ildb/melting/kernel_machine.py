"""Regression on the pair kernel: a Gaussian process with Student-t noise, averaged with a support vector machine.

Both predict a weighted sum of kernels to the training rows, so their mean is one such sum, and its coefficients gather
into a matrix over training cations and anions: a million pairings cost a few small matrix products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from sklearn.svm import SVR

from ildb.melting.kernels import TERMS, IonKernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FREEDOM: Final = 4.0
_ROUNDS: Final = 5
_TUBE: Final = 0.1
_CHUNK: Final = 4096
NEGLIGIBLE: Final = 1e-5
"""A term of a smaller weight is left out; values have unit variance."""


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """A fitted machine.

    Args:
        weights: of each of `TERMS`.
        coefficients: of the training pairings, shape (n_known_cations, n_known_anions), zero where there is none.
        offset: added to every prediction.
    """

    weights: Floats
    coefficients: Floats
    offset: float

    @classmethod
    def fit(
        cls,
        gram: Floats,
        z: Floats,
        weights: Floats,
        noise: Floats,
        index: tuple[Ints, Ints],
        shape: tuple[int, int],
    ) -> KernelMachine:
        """Fit on training rows.

        Args:
            gram: weighted sum of the terms, shape (n, n).
            z: standardised values, shape (n,).
            weights: of the terms.
            noise: variance of each row's noise, shape (n,).
            index: cation and anion of each row.
            shape: numbers of known cations and anions.
        """
        alpha = student_process(gram, z, noise)
        vectors = SVR(kernel="precomputed", C=0.6 / max(float(np.median(noise)), 0.05), epsilon=_TUBE).fit(gram, z)
        alpha *= 0.5
        alpha[vectors.support_] += 0.5 * vectors.dual_coef_[0]
        coefficients = np.zeros(shape)
        np.add.at(coefficients, index, alpha)
        return cls(weights, coefficients, 0.5 * float(vectors.intercept_[0]))

    def predict(
        self,
        cation: Mapping[IonKernel, Floats],
        anion: Mapping[IonKernel, Floats],
        cation_index: Ints,
        anion_index: Ints,
    ) -> Floats:
        """Standardised predictions, shape (n_pairs,).

        Args:
            cation: kernels of the cations asked about with the known ones.
            anion: the same for anions.
            cation_index: row of the cation kernels for each pairing.
            anion_index: row of the anion kernels for each pairing.
        """
        of_cation = np.zeros(len(cation["same"]))
        of_anion = np.zeros(len(anion["same"]))
        left, right = [], []
        for (c, a), weight in zip(TERMS, self.weights.tolist(), strict=True):
            if weight < NEGLIGIBLE:
                continue
            if c is None and a is not None:
                of_anion += weight * (anion[a] @ self.coefficients.sum(axis=0))
            elif a is None and c is not None:
                of_cation += weight * (cation[c] @ self.coefficients.sum(axis=1))
            elif a is not None and c is not None:
                left.append(weight * (cation[c] @ self.coefficients))
                right.append(anion[a])
        result = self.offset + of_cation[cation_index] + of_anion[anion_index]
        if left:
            stacked, others = np.concatenate(left, axis=1), np.concatenate(right, axis=1)
            for start in range(0, len(result), _CHUNK):
                part = slice(start, start + _CHUNK)
                result[part] += np.einsum("ij,ij->i", stacked[cation_index[part]], others[anion_index[part]])
        return result


def student_process(gram: Floats, z: Floats, noise: Floats) -> Floats:
    """Coefficients of a Gaussian process whose noise has Student's t distribution with four degrees of freedom.

    Expectation maximisation (Kuss, PhD thesis, Darmstadt 2006, section 5.3): a row far from its prediction gets a
    larger variance, so a wrong value in the literature moves its neighbours little.

    Args:
        gram: shape (n, n).
        z: shape (n,).
        noise: prior variance of each row's noise, shape (n,).
    """
    variance, scale = noise.copy(), 0.5 * noise
    for _ in range(_ROUNDS):
        inverse = _inverse(gram, variance)
        residual = variance * (inverse @ z)
        square = residual**2 + variance - variance**2 * np.diag(inverse)
        share = (_FREEDOM + 1) / (_FREEDOM + square / scale)
        scale = noise * float((share * square / noise).mean())
        variance = scale / share
    return np.asarray(_inverse(gram, variance) @ z, dtype=np.float64)


def _inverse(gram: Floats, variance: Floats) -> Floats:
    full = gram.copy()
    full[np.diag_indices(len(full))] += variance
    lower, info = lapack.dpotrf(full, lower=True, overwrite_a=True)
    if info:
        raise np.linalg.LinAlgError("The kernel matrix is not positive definite.")
    inverse, _ = lapack.dpotri(lower, lower=True, overwrite_c=True)
    inverse += np.tril(inverse, -1).T - np.triu(inverse, 1)
    return np.asarray(inverse, dtype=np.float64)
