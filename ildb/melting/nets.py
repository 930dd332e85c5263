"""Small neural networks on the coordinates of both ions, several trained at once and averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from torch.nn import functional

from ildb.melting.ions import IonTable
from ildb.melting.kernels import IonSpace
from ildb.melting.similarity import count_tanimoto

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_WIDTHS: Final = (128, 64)
_GAINS: Final = (0.7, 1.0, 0.3)
_AXES: Final = {"cation": (128, 6.0), "anion": (48, 4.0)}
"""How many axes of the fingerprint kernel, and their weight beside the deviates, which have unit variance."""

_LEVEL: Final = 0.8
_MIN_SHARE: Final = 1e-6
_BATCH: Final = 96
_RATE: Final = 4e-3
_DECAY: Final = 0.05
_DROP: Final = 0.1
_DROP_INPUT: Final = 0.05
_HUBER: Final = 0.3
_CHUNK: Final = 4096


@dataclass(frozen=True, eq=False)
class Coordinates:
    """An ion's coordinates: its deviates, and its place along the principal axes of the fingerprint kernel.

    Args:
        axes: from similarities to the known ions to coordinates, shape (n_known, k).
        rotation: from the coordinates to their half-whitened principal components, shape (n_deviates + k, m).
        shift: of those components, shape (m,).
    """

    axes: Singles
    rotation: Singles
    shift: Singles

    @classmethod
    def of(cls, space: IonSpace, role: str) -> Coordinates:
        """The principal axes of the known ions (Schölkopf, Smola and Müller, Neural Comput. 1998, 10, 1299)."""
        n_axes, weight = _AXES[role]
        values, vectors = np.linalg.eigh(count_tanimoto(space.known.counts, space.known.counts))
        kept = np.flatnonzero(values > _MIN_SHARE * values[-1])[::-1][:n_axes]
        axes = weight * vectors[:, kept] / np.sqrt(values[kept])
        known = np.hstack([space.deviates, vectors[:, kept] * np.sqrt(values[kept]) * weight])
        mean = known.mean(axis=0)
        _, spreads, directions = np.linalg.svd(known - mean, full_matrices=False)
        used = np.flatnonzero(spreads > _MIN_SHARE * max(spreads[0], 1e-12))[:n_axes]
        rms = spreads[used] / math.sqrt(len(known))
        # Half: each component's weight becomes the root of what it was, so small ones are heard but do not shout.
        level = _LEVEL / math.sqrt(float(rms.mean())) if rms.size else 1.0  # one ion alone has no components
        rotation = directions[used].T / np.sqrt(rms) * level
        return cls(axes.astype(np.float32), rotation.astype(np.float32), (-mean @ rotation).astype(np.float32))

    def locate(self, space: IonSpace, ions: IonTable, fingerprint: Floats) -> Singles:
        """Coordinates of ions that have features, shape (n, n_deviates + k).

        Args:
            space: of the role.
            ions: the ions.
            fingerprint: their ``fingerprint`` kernel with the known ions.
        """
        along = fingerprint.astype(np.float32) @ self.axes
        return np.hstack([space.locate(ions).astype(np.float32), along])

    def whiten(self, coordinates: Singles) -> Singles:
        """Half-whitened principal components of coordinates, shape (n, m)."""
        return np.asarray(coordinates @ self.rotation + self.shift, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Nets:
    """Fitted networks: weights and biases of three layers, each with the network as the first axis."""

    weights: tuple[Singles, Singles, Singles]
    biases: tuple[Singles, Singles, Singles]

    @classmethod
    def fit(cls, x: Singles, z: Floats, n_nets: int, n_epochs: int, seed: int) -> Nets:
        """Train on pairings.

        Args:
            x: coordinates of the cation, then of the anion, shape (n, d).
            z: standardised values, shape (n,).
            n_nets: how many, each from its own start and order.
            n_epochs: passes over the rows.
            seed: of everything random.
        """
        with torch.random.fork_rng(devices=[]):  # dropout knows the global generator only
            torch.manual_seed(seed)
            weights, biases = _fit(torch.from_numpy(x), torch.from_numpy(z.astype(np.float32)), n_nets, n_epochs)
        first, second, last = (weight.detach().numpy() for weight in weights)
        one, two, three = (bias.detach().numpy() for bias in biases)
        return cls((first, second, last), (one, two, three))

    def predict(self, cation: Singles, anion: Singles, cation_index: Ints, anion_index: Ints) -> Singles:
        """Standardised predictions of each network, shape (n_nets, n_pairs).

        The first layer is linear, so its sums are taken once per ion.

        Args:
            cation: coordinates of the cations asked about.
            anion: the same for anions.
            cation_index: row of `cation` for each pairing.
            anion_index: row of `anion` for each pairing.
        """
        width = cation.shape[1]
        result = np.empty((len(self.weights[0]), len(cation_index)), dtype=np.float32)
        for i, (first, second, last) in enumerate(zip(*self.weights, strict=True)):
            one, two, three = (bias[i, 0] for bias in self.biases)
            of_cation, of_anion = cation @ first[:width] + one, anion @ first[width:]
            for start in range(0, len(cation_index), _CHUNK):
                part = slice(start, start + _CHUNK)
                hidden = _silu(of_cation[cation_index[part]] + of_anion[anion_index[part]])
                result[i, part] = _silu(hidden @ second + two) @ last[:, 0] + three
        return result


def _fit(
    inputs: torch.Tensor, target: torch.Tensor, n_nets: int, n_epochs: int
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    n, sizes = len(inputs), (inputs.shape[1], *_WIDTHS, 1)
    weights = [
        (torch.randn(n_nets, i, o) * gain * math.sqrt(2 / i)).requires_grad_()
        for i, o, gain in zip(sizes[:-1], sizes[1:], _GAINS, strict=True)
    ]
    biases = [torch.zeros(n_nets, 1, o, requires_grad=True) for o in sizes[1:]]
    optimiser = torch.optim.AdamW([*weights, *biases], lr=_RATE, weight_decay=_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=_RATE, total_steps=n_epochs * math.ceil(n / _BATCH), pct_start=0.15
    )
    for _ in range(n_epochs):
        order = torch.stack([torch.randperm(n) for _ in range(n_nets)])
        for start in range(0, n, _BATCH):
            rows = order[:, start : start + _BATCH]
            hidden = functional.dropout(inputs[rows], _DROP_INPUT)
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                hidden = functional.dropout(functional.silu(torch.baddbmm(bias, hidden, weight)), _DROP)
            output = torch.baddbmm(biases[-1], hidden, weights[-1])[..., 0]
            losses = functional.huber_loss(output, target[rows], delta=_HUBER, reduction="none")
            optimiser.zero_grad()
            losses.mean(dim=1).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return weights, biases


def _silu(x: Singles) -> Singles:
    return np.asarray(x * expit(x), dtype=np.float32)
