"""The plain way to train and sample a recurrent VAE of SMILES: every string padded to the full length.

What the published code does, written from the paper's description with the same widths: single precision, no packing,
no lengths, and a sampler that asks the whole module for one step at a time until the last of all steps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ildb.generate.params import NetworkParams


class PlainVae(nn.Module):
    """Encoder, latent vector, decoder; batch first, zero is padding, one starts and two ends a string."""

    def __init__(self, params: NetworkParams, n_tokens: int) -> None:
        super().__init__()
        self.params = params
        self.embed = nn.Embedding(n_tokens, params.embedding, padding_idx=0)
        self.encoder = nn.GRU(params.embedding, params.encoder_hidden, params.encoder_layers, batch_first=True)
        self.mean = nn.Linear(params.encoder_hidden, params.latent)
        self.logvar = nn.Linear(params.encoder_hidden, params.latent)
        self.start = nn.Linear(params.latent, params.decoder_hidden)
        self.decoder = nn.GRU(
            params.embedding + params.latent, params.decoder_hidden, params.decoder_layers, batch_first=True
        )
        self.output = nn.Linear(params.decoder_hidden, n_tokens)

    def loss(self, strings: Tensor) -> Tensor:
        """Reconstruction and KL terms of padded strings, int64, shape (n, length)."""
        _, last = self.encoder(self.embed(strings))
        mean, logvar = self.mean(last[-1]), self.logvar(last[-1])
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        shown = torch.cat([torch.ones_like(strings[:, :1]), strings[:, :-1]], dim=1)
        repeated = z[:, None].expand(-1, strings.shape[1], -1)
        states, _ = self.decoder(torch.cat([self.embed(shown), repeated], dim=2), self._first(z))
        logits = self.output(states)
        entropy = functional.cross_entropy(logits.transpose(1, 2), strings, ignore_index=0, reduction="sum")
        kl = -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum()
        return (entropy + 0.1 * kl) / len(strings)

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """Draw strings of the full length, int64, shape (n, max_length)."""
        z = torch.randn(n, self.params.latent)
        state = self._first(z)
        token = torch.ones(n, 1, dtype=torch.int64)
        drawn = []
        for _ in range(self.params.max_length):
            step = torch.cat([self.embed(token), z[:, None]], dim=2)
            out, state = self.decoder(step, state)
            token = torch.multinomial(torch.softmax(self.output(out[:, 0]), dim=1), 1)
            drawn.append(token)
        return torch.cat(drawn, dim=1)

    def _first(self, z: Tensor) -> Tensor:
        return torch.tanh(self.start(z))[None].repeat(self.params.decoder_layers, 1, 1)
