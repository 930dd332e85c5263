"""The recurrent variational autoencoder.

Encoder and decoder are stacks of GRUs, as in the paper; z and the charge enter the decoder as its first state and at
every step, so that they cannot be forgotten along the string.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ildb.generate.params import NetworkParams

_LOGVAR = (-10.0, 4.0)


class Batch(NamedTuple):
    """Strings of about the same length, time first, padded with zeros.

    Attributes:
        inputs: what the encoder reads, int64, shape (time, n).
        lengths: number of input tokens, int64, shape (n,).
        targets: what the decoder writes, each ending with eos, int64, shape (time, n).
        conditions: row of the charge, int64, shape (n,).
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor
    conditions: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


class VaeNetwork(nn.Module):
    """p(string | z, charge) and q(z | string, charge).

    Args:
        params: sizes.
        n_tokens: tokens of the vocabulary; 0 is padding, 1 starts a string.
        n_charges: charges that can be asked for.
    """

    def __init__(self, params: NetworkParams, n_tokens: int, n_charges: int) -> None:
        super().__init__()
        self.params = params
        known = params.latent + params.condition
        self.embed = nn.Embedding(n_tokens, params.embedding)
        self.condition = nn.Embedding(n_charges, params.condition)
        self.encoder = nn.GRU(params.embedding, params.encoder_hidden, params.encoder_layers)
        self.posterior = nn.Linear(2 * params.encoder_hidden + params.condition, 2 * params.latent)
        self.first = nn.Linear(known, params.decoder_layers * params.decoder_hidden)
        self.decoder = nn.GRU(params.embedding + known, params.decoder_hidden, params.decoder_layers)
        self.output = nn.Linear(params.decoder_hidden, n_tokens)

    def encode(self, inputs: Tensor, lengths: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q, float32, shape (n, latent) each."""
        states, _ = self.encoder(self.embed(inputs))
        n_steps, n = inputs.shape
        states = states.float()
        within = (torch.arange(n_steps, device=inputs.device)[:, None] < lengths).to(states.dtype)[..., None]
        mean = (states * within).sum(0) / lengths[:, None]
        last = states[lengths - 1, torch.arange(n, device=inputs.device)]
        both = self.posterior(torch.cat([mean, last, self.condition(conditions)], dim=1)).float()
        mu, logvar = both.chunk(2, dim=1)
        return mu, logvar.clamp(*_LOGVAR)

    def known(self, z: Tensor, conditions: Tensor) -> Tensor:
        """What the decoder knows at every step, shape (n, latent + condition)."""
        return torch.cat([z, self.condition(conditions)], dim=1)

    def first_states(self, known: Tensor) -> Tensor:
        """First states of the decoder, float32, shape (layers, n, hidden)."""
        states = torch.tanh(self.first(known).float())
        layers = self.params.decoder_layers
        return states.view(len(known), layers, -1).transpose(0, 1).contiguous()

    def token_losses(self, z: Tensor, conditions: Tensor, targets: Tensor, shown: Tensor) -> Tensor:
        """-log p of each target token, in nats, float32, shape (time, n), zero in the padding.

        Args:
            z: shape (n, latent).
            conditions: shape (n,).
            targets: shape (time, n), ending with eos, then padding.
            shown: the tokens before each of them as the decoder gets to see them, shape (time, n).
        """
        known = self.known(z, conditions)
        steps = torch.cat([self.embed(shown), known.expand(len(targets), -1, -1)], dim=2)
        states, _ = self.decoder(steps, self.first_states(known))
        real = targets != 0
        losses = functional.cross_entropy(self.output(states[real]).float(), targets[real], reduction="none")
        return torch.zeros(targets.shape, device=losses.device).masked_scatter(real, losses)


def shifted(targets: Tensor, bos: int = 1) -> Tensor:
    """The token before each target, the first being bos."""
    return torch.cat([torch.full_like(targets[:1], bos), targets[:-1]])


def divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q || standard normal) of each string, in nats, shape (n,)."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
