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

from ildb.links.dataset import IntArray
from ildb.links.features import N_FEATURES, GraphFeatures
from ildb.links.fit import Epoch, Judge, pair_loss, reproducible
from ildb.links.messages import SIDES, Convolution, Messages, Side, messages_of
from ildb.links.params import PaperParams
from ildb.links.split import PairSet, uniform_negatives


class PaperNet(nn.Module):
    """Linear in the features: project, convolve, no activation."""

    def __init__(self, params: PaperParams) -> None:
        super().__init__()
        self.project = nn.ModuleDict({side: nn.Linear(N_FEATURES, params.hidden) for side in SIDES})
        self.convolutions = nn.ModuleList(
            Convolution(params.hidden, width) for width in [params.hidden] * (params.layers - 1) + [params.embedding]
        )

    def forward(self, x: dict[Side, Tensor], messages: Messages) -> tuple[Tensor, Tensor]:
        """Vectors of cations and anions; the logit of a pair is the dot product of its two."""
        states: dict[Side, Tensor] = {side: self.project[side](x[side]) for side in SIDES}
        for convolution in self.convolutions:
            states = convolution(states, messages, {})
        return states["cation"], states["anion"]


def fit_paper(features: GraphFeatures, train_edges: IntArray, seed: int, judge: Judge) -> tuple[Tensor, Tensor]:
    """Train as the paper did, and return the vectors of both sides at the epoch that the judge liked best."""
    net, _ = fit_net(features, train_edges, PaperParams(), seed, judge)
    return encode(net, features, train_edges)


def fit_net(
    features: GraphFeatures, train_edges: IntArray, params: PaperParams, seed: int, judge: Judge
) -> tuple[PaperNet, list[Epoch]]:
    """Train, and keep the weights of the epoch that the judge liked best.

    Args:
        features: features of the ions.
        train_edges: pairs that are messages and positives, shape (n, 2).
        params: settings; its seed is not used.
        seed: of weights and negatives.
        judge: validation score, larger is better, of cation and anion vectors.

    Returns:
        The network and the checks made.
    """
    x = _inputs(features)
    n_cations, n_anions = len(x["cation"]), len(x["anion"])
    known = PairSet(train_edges, n_anions)
    rng = np.random.default_rng([seed, 13])
    messages = messages_of(train_edges, n_cations, n_anions)
    with reproducible(seed):
        net = PaperNet(params)
        optimiser = torch.optim.Adam(net.parameters(), lr=params.lr)
        best, best_weights = -np.inf, copy.deepcopy(net.state_dict())
        history: list[Epoch] = []
        for epoch in range(1, params.epochs + 1):
            negatives = uniform_negatives(len(train_edges), known, rng, np.arange(n_cations), np.arange(n_anions))
            optimiser.zero_grad()
            cation, anion = net(x, messages)
            loss = pair_loss(cation, anion, train_edges, negatives)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if epoch % params.check_every and epoch != params.epochs:
                continue
            with torch.no_grad():
                score = judge(*net(x, messages))
            history.append(Epoch(epoch, float(loss.detach()), score))
            if score > best:
                best, best_weights = score, copy.deepcopy(net.state_dict())
        net.load_state_dict(best_weights)
    return net.eval(), history


def encode(net: PaperNet, features: GraphFeatures, message_edges: IntArray) -> tuple[Tensor, Tensor]:
    """Vectors of cations and anions, given the pairings that are messages, shape (n, 2)."""
    with torch.no_grad(), reproducible(0):
        x = _inputs(features)
        cation, anion = net(x, messages_of(message_edges, len(x["cation"]), len(x["anion"])))
    return cation, anion


def _inputs(features: GraphFeatures) -> dict[Side, Tensor]:
    return {"cation": torch.from_numpy(features.cations.x.copy()), "anion": torch.from_numpy(features.anions.x.copy())}
