"""Five regressors of different kinds, fitted on the same pairings; `ildb.melting.blend` weighs them.

- ``kernel``: kernel machine whose kernel has the largest marginal likelihood: best near measured salts.
- ``transfer``: the same with the kernel that best predicts clusters of cations never seen: best far from them.
- ``nets``: small neural networks on the ions' coordinates.
- ``white_nets``: the same on their half-whitened principal components; they err elsewhere.
- ``trees``: gradient boosting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from ildb.melting.features import pair_features
from ildb.melting.ions import IonTable
from ildb.melting.kernel_machine import NEGLIGIBLE, KernelMachine
from ildb.melting.kernel_weights import grouped_weights, marginal_weights
from ildb.melting.kernels import TERMS, IonKernel, IonSpace, pair_gram
from ildb.melting.nets import Coordinates, Nets
from ildb.melting.params import MeltingParams
from ildb.melting.regressor import PairRegressor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EXPERTS: Final = ("kernel", "transfer", "nets", "white_nets", "trees")
_CHUNK: Final = 8192


class RawPrediction(NamedTuple):
    """Standardised predictions before blending.

    Args:
        experts: one column per name in `EXPERTS`, shape (n, 5).
        net_spread: standard deviation over all networks, shape (n,).
    """

    experts: Floats
    net_spread: Floats

    def take(self, rows: Ints) -> RawPrediction:
        """Those of these rows."""
        return RawPrediction(self.experts[rows], self.net_spread[rows])


@dataclass(frozen=True, eq=False)
class RoleInputs:
    """What the experts read of the ions asked about in one role; every ion has features.

    Args:
        features: shape (n, d).
        kernels: with the known ions, each of shape (n, n_known).
        coordinates: of the networks, shape (n, k).
        whitened: `Coordinates.whiten` of them, shape (n, m).
    """

    features: npt.NDArray[np.float32]
    kernels: Mapping[IonKernel, Floats]
    coordinates: npt.NDArray[np.float32]
    whitened: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RoleSpace:
    """The known ions of a role and the maps into their space."""

    space: IonSpace
    coordinates: Coordinates

    @classmethod
    def of(cls, role: str, known: IonTable) -> RoleSpace:
        """The space of these ions; ``role`` is ``cation`` or ``anion``."""
        space = IonSpace.of(known)
        return cls(space, Coordinates.of(space, role))

    def inputs(self, ions: IonTable) -> RoleInputs:
        """Inputs of ions that have features."""
        kernels = self.space.kernels(ions)
        coordinates = self.coordinates.locate(self.space, ions, kernels["fingerprint"])
        return RoleInputs(ions.features, kernels, coordinates, self.coordinates.whiten(coordinates))


class Pairs(NamedTuple):
    """Pairings asked about: cation and anion as rows of the inputs, and the stoichiometry; each of shape (n,)."""

    cation: Ints
    anion: Ints
    n_cation: Ints
    n_anion: Ints

    def take(self, rows: Ints) -> Pairs:
        """Those at these positions."""
        return Pairs(*(column[rows] for column in self))

    def __len__(self) -> int:
        return len(self.cation)


@dataclass(frozen=True, eq=False)
class Experts:
    """The fitted regressors."""

    kernel: KernelMachine
    transfer: KernelMachine
    nets: Nets
    white_nets: Nets
    trees: PairRegressor

    @classmethod
    def fit(
        cls,
        inputs: tuple[RoleInputs, RoleInputs],
        pairs: Pairs,
        z: Floats,
        doubt: Floats,
        groups: Ints,
        params: MeltingParams,
    ) -> Experts:
        """Fit all of them.

        Args:
            inputs: of the known cations and of the known anions.
            pairs: the training rows.
            z: their standardised values, shape (n,).
            doubt: variance of each row's value that its measurements show, standardised, shape (n,).
            groups: cluster of each row's cation, shape (n,).
            params: sizes and the seed.
        """
        cation, anion = inputs
        with threadpool_limits(limits=1):
            rows = np.arange(len(pairs))
            if len(rows) > params.n_kernel_rows:
                rows = np.sort(np.random.default_rng(params.seed).choice(rows, params.n_kernel_rows, replace=False))
            index = (pairs.cation[rows], pairs.anion[rows])
            grams = np.stack([pair_gram(term, cation.kernels, anion.kernels, index, index) for term in TERMS])
            near = marginal_weights(grams, z[rows])
            far = grouped_weights(grams, z[rows], groups[rows], near)
            del grams
            kernel, transfer = (_machine(inputs, pairs, z, doubt, weights) for weights in (near, far))
            nets, white_nets = (
                Nets.fit(np.hstack([c[pairs.cation], a[pairs.anion]]), z, params.n_nets, params.n_epochs, params.seed)
                for c, a in ((cation.coordinates, anion.coordinates), (cation.whitened, anion.whitened))
            )
            features = pair_features(
                cation.features[pairs.cation], anion.features[pairs.anion], pairs.n_cation, pairs.n_anion
            )
            return cls(kernel, transfer, nets, white_nets, PairRegressor.fit(features, z, params))

    def predict(self, inputs: tuple[RoleInputs, RoleInputs], pairs: Pairs) -> RawPrediction:
        """Predict pairings of the ions in ``inputs``."""
        cation, anion = inputs
        columns = self.trees.columns
        with threadpool_limits(limits=1):
            machines = [
                machine.predict(cation.kernels, anion.kernels, pairs.cation, pairs.anion)
                for machine in (self.kernel, self.transfer)
            ]
            nets = [
                self.nets.predict(cation.coordinates, anion.coordinates, pairs.cation, pairs.anion),
                self.white_nets.predict(cation.whitened, anion.whitened, pairs.cation, pairs.anion),
            ]
            trees = np.empty(len(pairs))
            for start in range(0, len(pairs), _CHUNK):
                part = slice(start, start + _CHUNK)
                c, a, n_cation, n_anion = (column[part] for column in pairs)
                trees[part] = self.trees.predict(
                    pair_features(cation.features[c], anion.features[a], n_cation, n_anion, columns)
                )
        experts = np.stack([*machines, *(each.mean(axis=0, dtype=np.float64) for each in nets), trees], axis=1)
        return RawPrediction(experts, np.concatenate(nets).std(axis=0, dtype=np.float64))


def _machine(
    inputs: tuple[RoleInputs, RoleInputs], pairs: Pairs, z: Floats, doubt: Floats, weights: Floats
) -> KernelMachine:
    cation, anion = inputs
    index = (pairs.cation, pairs.anion)
    gram = np.zeros((len(pairs), len(pairs)))
    for term, weight in zip(TERMS, weights[:-1].tolist(), strict=True):
        if weight >= NEGLIGIBLE:
            gram += weight * pair_gram(term, cation.kernels, anion.kernels, index, index)
    shape = (len(cation.coordinates), len(anion.coordinates))
    return KernelMachine.fit(gram, z, weights[:-1], weights[-1] + doubt, index, shape)
