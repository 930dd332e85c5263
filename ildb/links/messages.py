"""Message passing over the cation-anion graph, by sparse matrices.

A product with a matrix whose rows sum to one is the mean aggregator of GraphSAGE (Hamilton, Ying and Leskovec, NeurIPS
2017), at a tenth of the cost of gathering and scattering along edges.
"""

from __future__ import annotations

import warnings
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from ildb.links.dataset import IntArray

Side = Literal["cation", "anion"]
SIDES: tuple[Side, ...] = ("cation", "anion")


class Messages(NamedTuple):
    """Who hears whom along pairings; both directions come from the same pairings."""

    to_cations: Tensor
    """Row means over the anions known with each cation, shape (n_cations, n_anions); an ion without any hears 0."""
    to_anions: Tensor
    """Shape (n_anions, n_cations)."""


def messages_of(edges: IntArray, n_cations: int, n_anions: int) -> Messages:
    """The messages of some pairings, shape (n, 2)."""
    return Messages(mean_matrix(edges, n_cations, n_anions), mean_matrix(edges[:, ::-1], n_anions, n_cations))


def mean_matrix(edges: IntArray, n_rows: int, n_columns: int) -> Tensor:
    """Sparse matrix that takes the mean over the columns that each row is linked with.

    Args:
        edges: distinct (row, column), shape (n, 2).
        n_rows: rows.
        n_columns: columns.
    """
    matrix = sparse.csr_matrix((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), shape=(n_rows, n_columns))
    counts = np.diff(matrix.indptr)
    matrix.data /= np.repeat(counts, counts).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")  # products are all we ask of it
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr), torch.from_numpy(matrix.indices), torch.from_numpy(matrix.data),
            size=(n_rows, n_columns), check_invariants=True,
        )  # fmt: skip


class Convolution(nn.Module):
    """GraphSAGE with weights of its own for either side: W1 mean(partners) + W2 self + b.

    Args:
        width: of the states.
        out: width of the new states.
        similar: also hear similar ions of the same side: + W3 mean(similar).
    """

    def __init__(self, width: int, out: int, *, similar: bool = False) -> None:
        super().__init__()
        self.partners = nn.ModuleDict({side: nn.Linear(width, out) for side in SIDES})
        self.own = nn.ModuleDict({side: nn.Linear(width, out, bias=False) for side in SIDES})
        self.similar = nn.ModuleDict({side: nn.Linear(width, out, bias=False) for side in SIDES} if similar else {})

    def forward(
        self, states: dict[Side, Tensor], messages: Messages, similar: dict[Side, Tensor]
    ) -> dict[Side, Tensor]:
        """New states of both sides.

        Args:
            states: of cations and anions, shape (n, width).
            messages: along pairings.
            similar: matrix of the similar ions of each side; empty for none.
        """
        heard = {
            "cation": self.partners["cation"](messages.to_cations @ states["anion"]),
            "anion": self.partners["anion"](messages.to_anions @ states["cation"]),
        }
        new: dict[Side, Tensor] = {side: heard[side] + self.own[side](states[side]) for side in SIDES}
        return {
            side: state + self.similar[side](similar[side] @ states[side]) if side in similar else state
            for side, state in new.items()
        }
