"""Measured melting points, one row per pairing."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.hashing import sha256_json

SIMULATED: Final = "md run "
"""What the source of a simulated value begins with (``sql/queries/property/training_set.sql``)."""


def ion_key(inchikey: str) -> str:
    """An InChIKey without stereochemistry and isotopes: connectivity block and protonation flag."""
    return inchikey[:14] + inchikey[-1:]


class MeltingMeasurement(NamedTuple):
    """One measured melting point of one pairing, as read; temperatures in kelvin."""

    cation_inchikey: str
    anion_inchikey: str
    cation_smiles: str
    anion_smiles: str
    n_cation: int
    n_anion: int
    tm_k: float
    source: str = ""


@dataclass(frozen=True, eq=False)
class MeltingData:
    """Melting points to train on: one row per pairing, all sequences of the same length.

    Args:
        cation_inchikey: standard InChIKey of each row's cation.
        anion_inchikey: standard InChIKey of each row's anion.
        cation_smiles: SMILES of the cation.
        anion_smiles: SMILES of the anion.
        n_cation: cations per formula unit.
        n_anion: anions per formula unit.
        tm_k: melting point, K: the median where a pairing was measured more than once. For another property its value
            in the canonical unit, as for `spread_k`.
        n_values: number of values behind `tm_k`.
        spread_k: largest minus smallest of those values, K; 0 for a single one.
        source: where each row's values come from; empty where that is not known.

    Raises:
        InputError: lengths differ, a value is missing or not a temperature, or a pairing occurs twice.
    """

    cation_inchikey: Sequence[str]
    anion_inchikey: Sequence[str]
    cation_smiles: Sequence[str]
    anion_smiles: Sequence[str]
    n_cation: npt.NDArray[np.int64]
    n_anion: npt.NDArray[np.int64]
    tm_k: npt.NDArray[np.float64]
    n_values: npt.NDArray[np.int64]
    spread_k: npt.NDArray[np.float64]
    source: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not len(self.source):
            object.__setattr__(self, "source", ("",) * len(self.tm_k))
        for name in ("cation_inchikey", "anion_inchikey", "cation_smiles", "anion_smiles", "source"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("n_cation", "n_anion", "n_values"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        for name in ("tm_k", "spread_k"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        lengths = {name: len(getattr(self, name)) for name in self.__dataclass_fields__}
        if len(set(lengths.values())) > 1:
            raise InputError(f"The columns of the melting points differ in length: {lengths}.")
        bad = np.flatnonzero(~(np.isfinite(self.tm_k) & (self.tm_k > 0)))
        if bad.size:
            raise InputError(
                f"{bad.size} melting points are missing or not above 0 K, the first in row {bad[0]} "
                f"({self.cation_smiles[bad[0]]} with {self.anion_smiles[bad[0]]}: {self.tm_k[bad[0]]}).",
                "Leave those rows out before training.",
            )
        if (self.n_cation < 1).any() or (self.n_anion < 1).any():
            raise InputError("A pairing has at least one cation and one anion per formula unit.")
        if not np.isfinite(self.spread_k).all():
            raise InputError("spread_k must be finite.", "Use 0 where a pairing was measured once.")
        seen: dict[tuple[str, str, int, int], int] = {}
        for i, key in enumerate(self.keys):
            if key in seen:
                raise InputError(
                    f"Rows {seen[key]} and {i} are the same pairing ({key[0]} with {key[1]}).",
                    "Reduce repeated measurements to their median first (reduce_measurements).",
                )
            seen[key] = i

    def __len__(self) -> int:
        return len(self.tm_k)

    @cached_property
    def simulated(self) -> npt.NDArray[np.bool_]:
        """Which rows nobody measured: calibrated apparent melting points from simulation."""
        return np.array([source.startswith(SIMULATED) for source in self.source], dtype=np.bool_)

    @cached_property
    def keys(self) -> tuple[tuple[str, str, int, int], ...]:
        """What identifies each row: both InChIKeys and the stoichiometry."""
        return tuple(
            zip(
                self.cation_inchikey,
                self.anion_inchikey,
                self.n_cation.tolist(),
                self.n_anion.tolist(),
                strict=True,
            )
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the rows, whatever order they are in."""
        rows = zip(
            self.keys,
            self.cation_smiles,
            self.anion_smiles,
            self.tm_k.tolist(),
            self.n_values.tolist(),
            self.spread_k.tolist(),
            self.source,
            strict=True,
        )
        return sha256_json(sorted([*key, *rest] for key, *rest in rows))

    def take(self, rows: npt.NDArray[np.int64]) -> MeltingData:
        """The rows at these positions, in this order."""
        positions = rows.tolist()
        return MeltingData(
            cation_inchikey=[self.cation_inchikey[i] for i in positions],
            anion_inchikey=[self.anion_inchikey[i] for i in positions],
            cation_smiles=[self.cation_smiles[i] for i in positions],
            anion_smiles=[self.anion_smiles[i] for i in positions],
            n_cation=self.n_cation[rows],
            n_anion=self.n_anion[rows],
            tm_k=self.tm_k[rows],
            n_values=self.n_values[rows],
            spread_k=self.spread_k[rows],
            source=[self.source[i] for i in positions],
        )


def reduce_measurements(measurements: Iterable[MeltingMeasurement]) -> MeltingData:
    """One row per pairing: the median of its measured melting points and their spread.

    Rows are sorted by InChIKey. SMILES and source kept are the first in alphabetical order.

    Raises:
        InputError: a measured value is not a temperature.
    """
    groups: dict[tuple[str, str, int, int], list[MeltingMeasurement]] = defaultdict(list)
    for m in measurements:
        groups[m.cation_inchikey, m.anion_inchikey, m.n_cation, m.n_anion].append(m)
    keys = sorted(groups)
    values = [[m.tm_k for m in groups[key]] for key in keys]
    return MeltingData(
        cation_inchikey=[key[0] for key in keys],
        anion_inchikey=[key[1] for key in keys],
        cation_smiles=[min(m.cation_smiles for m in groups[key]) for key in keys],
        anion_smiles=[min(m.anion_smiles for m in groups[key]) for key in keys],
        n_cation=np.array([key[2] for key in keys], dtype=np.int64),
        n_anion=np.array([key[3] for key in keys], dtype=np.int64),
        tm_k=np.array([statistics.median(v) for v in values], dtype=np.float64),
        n_values=np.array([len(v) for v in values], dtype=np.int64),
        spread_k=np.array([max(v) - min(v) for v in values], dtype=np.float64),
        source=[min(m.source for m in groups[key]) for key in keys],
    )
