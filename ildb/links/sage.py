"""Heterogeneous GraphSAGE over the cation-anion graph.

GraphSAGE: Hamilton, Ying and Leskovec, NeurIPS 2017 (mean aggregator). Beyond the plain form, ions of one side
exchange messages with their most similar ions (ECFP4), and the number of known partners, as the messages see it, is an
input.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ildb.links.dataset import IntArray
from ildb.links.features import N_FEATURES, CountArray, GraphFeatures, tanimoto
from ildb.links.messages import SIDES, Convolution, Side, mean_matrix, messages_of
from ildb.links.params import SageParams

_BLOCK = 512
_VARIANCE_FLOOR = 0.05  # a bit set in one ion of a thousand must not outweigh all others


class Inputs:
    """What the network reads of a graph apart from its pairings: features and similar ions, as tensors.

    Args:
        features: features of the ions of a graph.
        similar_neighbours: most similar ions that each ion hears.
        n_heard: hear only the first so many cations and anions; all by default. What an ion hears then does not depend
            on which others are described beside it.
    """

    def __init__(
        self, features: GraphFeatures, similar_neighbours: int, n_heard: tuple[int, int] | None = None
    ) -> None:
        self.x: dict[Side, Tensor] = {
            "cation": torch.from_numpy(features.cations.x.copy()),
            "anion": torch.from_numpy(features.anions.x.copy()),
        }
        self.similar: dict[Side, Tensor] = {}
        if similar_neighbours:
            n_cations, n_anions = n_heard or (len(self.x["cation"]), len(self.x["anion"]))
            self.similar["cation"] = _similar_ions(features.cations.counts, similar_neighbours, n_cations)
            self.similar["anion"] = _similar_ions(features.anions.counts, similar_neighbours, n_anions)


class SageNet(nn.Module):
    """Two node types, messages both ways along pairings, one vector per ion; the logit of a pair is a dot product."""

    def __init__(self, params: SageParams, n_features: int = N_FEATURES) -> None:
        super().__init__()
        hidden = params.hidden
        for side in SIDES:
            self.register_buffer(f"{side}_mean", torch.zeros(n_features))
            self.register_buffer(f"{side}_scale", torch.ones(n_features))
        self.project = nn.ModuleDict({side: nn.Linear(n_features + 2, hidden) for side in SIDES})
        self.convolutions = nn.ModuleList(
            Convolution(hidden, hidden, similar=params.similar_neighbours > 0) for _ in range(params.layers)
        )
        self.norms = nn.ModuleList(
            nn.ModuleDict({side: nn.LayerNorm(hidden) for side in SIDES}) for _ in range(params.layers)
        )
        self.head = nn.ModuleDict(
            {side: nn.Linear(hidden * (params.layers + 1), params.embedding + 1) for side in SIDES}
        )
        self.offset = nn.Parameter(torch.tensor(-3.0))  # links are rare: start there
        self.dropout = nn.Dropout(params.dropout)
        self.feature_dropout = nn.Dropout(params.feature_dropout)

    def set_scale(self, inputs: Inputs) -> None:
        """Learn the mean and spread of the features from the ions of the training graph, hidden edges untouched.

        Without it all ions look alike, as most share their commonest substructures, and training stalls at popularity.
        """
        for side, x in inputs.x.items():
            self.get_buffer(f"{side}_mean").copy_(x.mean(0))
            self.get_buffer(f"{side}_scale").copy_((x.var(0, correction=0) + _VARIANCE_FLOOR).rsqrt())

    def forward(self, inputs: Inputs, message_edges: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of both sides.

        Args:
            inputs: features and similar ions.
            message_edges: pairings to pass messages over, int64, shape (2, n): cation indices, anion indices. Both
                directions are made from them here, so neither can carry an edge that the other does not.

        Returns:
            Cation vectors (n_cations, embedding + 2) and anion vectors (n_anions, embedding + 2); two columns carry
            the bias of each ion.
        """
        messages = messages_of(message_edges.T.numpy(), len(inputs.x["cation"]), len(inputs.x["anion"]))
        states = {side: self._first_state(side, inputs.x[side], message_edges[row]) for row, side in enumerate(SIDES)}
        history = {side: [state] for side, state in states.items()}
        for convolution, norms in zip(self.convolutions, self.norms, strict=True):
            heard = convolution({side: self.dropout(state) for side, state in states.items()}, messages, inputs.similar)
            for side, norm in norms.items():  # type: ignore[operator]
                states[side] = states[side] + nn.functional.gelu(norm(heard[side]))
                history[side].append(states[side])
        cation, anion = (self.head[side](self.dropout(torch.cat(history[side], dim=1))) for side in SIDES)
        one = torch.ones(1)
        return (
            torch.cat([cation, one.expand(len(cation), 1)], dim=1),
            torch.cat([anion[:, :-1], one.expand(len(anion), 1), anion[:, -1:] + self.offset], dim=1),
        )

    def _first_state(self, side: Side, x: Tensor, linked: Tensor) -> Tensor:
        """State before any message: scaled features, and how many partners the messages will come from."""
        scaled = (x - self.get_buffer(f"{side}_mean")) * self.get_buffer(f"{side}_scale")
        columns = self.feature_dropout(
            torch.ones(x.shape[1])
        )  # whole columns: cheap, and rows cannot fill each other in
        degree = torch.bincount(linked, minlength=len(x)).to(x.dtype)
        known = torch.stack([torch.log1p(degree), (degree == 0).to(x.dtype)], dim=1)
        state: Tensor = nn.functional.gelu(self.project[side](torch.cat([scaled * columns, known], dim=1)))
        return state


def _similar_ions(counts: CountArray, k: int, n_heard: int) -> Tensor:
    """Matrix of the mean over the k most similar other ions among the first, sparse, shape (n, n)."""
    k = min(k, n_heard - 1)
    sources: list[IntArray] = []
    for start in range(0, len(counts), _BLOCK):
        similarity = tanimoto(counts[start : start + _BLOCK], counts[:n_heard])
        own = np.arange(start, min(start + _BLOCK, n_heard))
        similarity[own - start, own] = -1.0
        sources.append(np.argsort(-similarity, axis=1, kind="stable")[:, :k])
    ions = np.repeat(np.arange(len(counts)), k)
    return mean_matrix(np.stack([ions, np.concatenate(sources).ravel()], axis=1), len(counts), len(counts))
