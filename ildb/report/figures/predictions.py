"""Out-of-fold predictions of measured melting points, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]

SPLITS: Final = {
    "random": "random folds",
    "cation_cluster": "new cations",
    "anion_group": "new anions",
    "anion_family": "new families of anions",
    "source": "a new source",
}


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models said of n measured pairings that they did not see, split by one rule.

    Args:
        salts: SMILES of each.
        measured: K.
        predicted: K.
        low: lower end of the 90 % interval, K.
        high: upper end, K.
        p_below: P(Tm < 373.15 K).
    """

    salts: Sequence[str]
    measured: Floats
    predicted: Floats
    low: Floats
    high: Floats
    p_below: Floats

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether the interval holds the measured value."""
        return (self.low <= self.measured) & (self.measured <= self.high)

    @property
    def error_k(self) -> Floats:
        """Predicted less measured."""
        return self.predicted - self.measured


def of_table(table: pa.Table) -> dict[str, OutOfFold]:
    """The predictions of each split, in the order of `SPLITS`, without those of simulated values: nobody measured them.

    Args:
        table: the file ``melting_out_of_fold`` of ``melting.train``.
    """
    if "simulated" in table.column_names:  # files of older models hold measured values only, or do not tell
        table = table.filter(pc.invert(table.column("simulated")))
    names = table.column("split").to_numpy(zero_copy_only=False)
    found: dict[str, OutOfFold] = {}
    for split in (name for name in SPLITS if name in set(names)):
        part = table.filter(pa.array(names == split))
        ions = (part.column(name).to_pylist() for name in ("cation_smiles", "n_cation", "anion_smiles", "n_anion"))
        numbers = (part.column(name).to_numpy() for name in ("measured", "predicted", "low", "high", "p_below"))
        salts = [".".join([c] * n + [a] * m) for c, n, a, m in zip(*ions, strict=True)]
        found[split] = OutOfFold(salts, *numbers)
    return found


def headline(parts: Mapping[str, OutOfFold]) -> str:
    """The split that is shown first: the random one, or whatever there is."""
    return next(iter(parts))
