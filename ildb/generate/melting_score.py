"""How likely an ion makes low-melting ionic liquids, by a melting model: its mean over common counter-ions."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.score import score_pairs


class CounterIon(NamedTuple):
    """An ion to pair with: SMILES and charge, e."""

    smiles: str
    charge: int


class MeltingScore:
    """Mean P(Tm < 373 K) of an ion with the counter-ions of the other sign; a `ildb.generate.steer.Score`.

    A pairing outside the model's domain counts as 0.

    Args:
        model: of melting points.
        counter_ions: of both signs.
    """

    def __init__(self, model: MeltingModel, counter_ions: Sequence[CounterIon]) -> None:
        self._model, self._counters = model, list(counter_ions)

    def __call__(self, smiles: Sequence[str]) -> npt.NDArray[np.float64]:
        """Scores of ions, 0..1, shape (n,); NaN where no pairing can be scored."""
        charges = [Chem.GetFormalCharge(Chem.MolFromSmiles(text)) for text in smiles]
        ions = [*smiles, *(counter.smiles for counter in self._counters)]
        every = np.array([*charges, *(counter.charge for counter in self._counters)], dtype=np.int64)
        pairs = [
            (i, len(smiles) + j)
            for i, charge in enumerate(charges)
            for j, counter in enumerate(self._counters)
            if charge * counter.charge < 0
        ]
        found = np.full(len(smiles), np.nan)
        if not pairs:
            return found
        own, other = np.array(pairs, dtype=np.int64).T
        positive = every[own] > 0
        cation, anion = np.where(positive, own, other), np.where(positive, other, own)
        common = np.array([gcd(int(c), int(-a)) for c, a in zip(every[cation], every[anion], strict=True)])
        scores = score_pairs(
            self._model, IonTable.build(ions), cation, anion, -every[anion] // common, every[cation] // common
        )
        # What the model has seen nothing like does not pass a screen, whatever it says of it.
        p = np.where(scores.in_domain, scores.p_below_threshold, 0.0)
        usable = np.isfinite(p)
        total = np.bincount(own[usable], weights=p[usable], minlength=len(smiles))
        count = np.bincount(own[usable], minlength=len(smiles))
        np.divide(total, count, out=found, where=count > 0)
        return found
