"""GraphSAGE as Ren et al. (Digital Discovery 2026, d5dd00282f) built it, trained and judged without their leaks.

Two mean-aggregating layers each way along the pairings, no non-linearity between them, dot product and cross-entropy
against as many uniform negatives as positives, Adam at 0.01 for 100 epochs. Kept from the paper: all training pairings
are messages and positives at once. Mended: both directions of a pairing belong to one part of the split, messages are
training pairings only, negatives are never training pairings, and the best validation epoch is the one used.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import HeteroConv, SAGEConv

from ildb.links.dataset import IntArray
from ildb.links.features import N_FEATURES, GraphFeatures
from ildb.links.fit import Judge, edge_tensor, pair_loss, reproducible
from ildb.links.sage import PAIRS, REVERSE, SIDES
from ildb.links.split import PairSet, uniform_negatives

HIDDEN, EMBEDDING, EPOCHS, LEARNING_RATE = 128, 64, 100, 0.01
_CHECK_EVERY = 5


class PaperNet(nn.Module):
    """Linear in the features: project, two convolutions, no activation."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.ModuleDict({side: nn.Linear(N_FEATURES, HIDDEN) for side in SIDES})
        self.convolutions = nn.ModuleList(
            HeteroConv({relation: SAGEConv(HIDDEN, width) for relation in (PAIRS, REVERSE)})
            for width in (HIDDEN, EMBEDDING)
        )

    def forward(self, x: dict[str, Tensor], message_edges: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of cations and anions; the logit of a pair is the dot product of its two."""
        edges = {PAIRS: message_edges, REVERSE: message_edges.flip(0)}
        states = {side: self.project[side](x[side]) for side in SIDES}
        for convolution in self.convolutions:
            states = convolution(states, edges)
        return states["cation"], states["anion"]


def fit_paper(features: GraphFeatures, train_edges: IntArray, seed: int, judge: Judge) -> tuple[Tensor, Tensor]:
    """Train, and return the vectors of both sides at the epoch that the judge liked best."""
    x = {"cation": torch.from_numpy(features.cations.x.copy()), "anion": torch.from_numpy(features.anions.x.copy())}
    n_cations, n_anions = len(x["cation"]), len(x["anion"])
    known = PairSet(train_edges, n_anions)
    rng = np.random.default_rng([seed, 13])
    messages = edge_tensor(train_edges)
    with reproducible(seed):
        net = PaperNet()
        optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
        best, best_weights = -np.inf, copy.deepcopy(net.state_dict())
        for epoch in range(1, EPOCHS + 1):
            negatives = uniform_negatives(len(train_edges), known, rng, np.arange(n_cations), np.arange(n_anions))
            optimiser.zero_grad()
            cation, anion = net(x, messages)
            loss = pair_loss(cation, anion, train_edges, negatives)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if epoch % _CHECK_EVERY:
                continue
            with torch.no_grad():
                score = judge(*net(x, messages))
            if score > best:
                best, best_weights = score, copy.deepcopy(net.state_dict())
        net.load_state_dict(best_weights)
        with torch.no_grad():
            cation, anion = net(x, messages)
    return cation, anion
