"""The nearest ILs with a measured melting point: the reason a chemist can check."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Neighbour(NamedTuple):
    """A measured IL near a scored pairing.

    Args:
        cation_inchikey: of the measured IL.
        anion_inchikey: of the measured IL.
        cation_smiles: of the measured IL.
        anion_smiles: of the measured IL.
        tm_k: its measured melting point, K.
        similarity: cation similarity times anion similarity, 1 for the same pairing.
    """

    cation_inchikey: str
    anion_inchikey: str
    cation_smiles: str
    anion_smiles: str
    tm_k: float
    similarity: float

    def __str__(self) -> str:
        return f"{self.cation_smiles}.{self.anion_smiles} melts at {self.tm_k:.0f} K (similarity {self.similarity:.2f})"


def nearest_rows(
    cation_similarity: npt.NDArray[np.float32], anion_similarity: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Training rows nearest to each pairing, by the product of the similarities of its ions.

    Args:
        cation_similarity: of each pairing's cation to each training row's cation, shape (n_pairs, n_rows).
        anion_similarity: the same for anions.
        k: how many; fewer where there are fewer rows.

    Returns:
        Row positions and similarities, each of shape (n_pairs, k), nearest first; equal ones in row order.
    """
    k = min(k, cation_similarity.shape[1])
    if k == 0:
        empty = (len(cation_similarity), 0)
        return np.empty(empty, dtype=np.int64), np.empty(empty, dtype=np.float32)
    product = cation_similarity * anion_similarity
    rows = np.empty((len(product), k), dtype=np.int64)
    values = np.empty((len(product), k), dtype=np.float32)
    everyone = np.arange(len(product))
    for j in range(k):  # k is small: repeated argmax is faster than a partial sort, and takes ties in row order
        rows[:, j] = product.argmax(axis=1)
        values[:, j] = product[everyone, rows[:, j]]
        product[everyone, rows[:, j]] = -1.0
    return rows, values
