"""Score many pairings in chunks, from features computed once per ion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.melting.domain import Reason, RoleDomain, pair_reasons
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.neighbours import Neighbour, nearest_rows

CHUNK: Final = 4096


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of pairings, all of length n_pairs. Temperatures in kelvin.

    A pairing with an ion that cannot be featurised has NaN in every number and the reason in `reasons`.

    Args:
        p_below_threshold: P(Tm < the model's threshold).
        tm_k: estimate.
        tm_low_k: lower end of the interval.
        tm_high_k: upper end of the interval.
        in_domain: whether the model has seen anything like it; False exactly when `reasons` is not empty.
        reasons: why not, each as ``code: message``.
        neighbours: nearest known ILs with their measured melting point, nearest first.
    """

    p_below_threshold: npt.NDArray[np.float64]
    tm_k: npt.NDArray[np.float64]
    tm_low_k: npt.NDArray[np.float64]
    tm_high_k: npt.NDArray[np.float64]
    in_domain: npt.NDArray[np.bool_]
    reasons: list[list[str]]
    neighbours: list[list[Neighbour]]

    def __len__(self) -> int:
        return len(self.tm_k)


@dataclass(frozen=True)
class _Role:
    """The ions of one role that are asked about, and how they relate to the training ions."""

    ions: IonTable
    position: npt.NDArray[np.int64]  # of each pairing's ion in `ions`
    similarity: npt.NDArray[np.float32]  # (n_ions, n_training_rows)
    distance: npt.NDArray[np.float64]
    usable: npt.NDArray[np.bool_]
    reasons: list[tuple[Reason, ...]]

    @classmethod
    def of(
        cls, domain: RoleDomain, table: IonTable, index: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> _Role:
        used, position = np.unique(index, return_inverse=True)
        ions = table.take(used)
        similarity = domain.similarity(ions)
        return cls(
            ions,
            position,
            similarity[:, rows].astype(np.float32),
            1 - similarity.max(axis=1, initial=0.0),
            np.array([not problem for problem in ions.problem], dtype=np.bool_),
            domain.reasons(ions, similarity),
        )


def score_pairs(
    model: MeltingModel,
    ion_table: IonTable,
    cation_index: npt.NDArray[np.int64],
    anion_index: npt.NDArray[np.int64],
    n_cation: npt.NDArray[np.int64],
    n_anion: npt.NDArray[np.int64],
    chunk: int = CHUNK,
) -> PairScores:
    """Score pairings; every pairing asked about gets a row.

    Memory beyond the result grows with the ions and with `chunk`, not with the pairings.

    Args:
        model: a trained model.
        ion_table: ions of either role.
        cation_index: row of `ion_table` for each pairing's cation, shape (n_pairs,).
        anion_index: the same for anions.
        n_cation: cations per formula unit, shape (n_pairs,).
        n_anion: anions per formula unit, shape (n_pairs,).
        chunk: pairings featurised at a time.

    Raises:
        InputError: the arrays differ in length, or a position lies outside the table.
    """
    n = len(cation_index)
    if not len(anion_index) == len(n_cation) == len(n_anion) == n:
        raise InputError("cation_index, anion_index, n_cation and n_anion must have the same length.")
    for name, index in (("cation_index", cation_index), ("anion_index", anion_index)):
        if n and not 0 <= index.min() <= index.max() < len(ion_table):
            raise InputError(f"{name} points outside the table of {len(ion_table)} ions.")
    cation = _Role.of(model.cation_domain, ion_table, cation_index, model.cation_index)
    anion = _Role.of(model.anion_domain, ion_table, anion_index, model.anion_index)
    numbers = np.full((4, n), np.nan)
    neighbours: list[list[Neighbour]] = []
    for start in range(0, n, chunk):
        piece = slice(start, min(start + chunk, n))
        c, a = cation.position[piece], anion.position[piece]
        ok = np.flatnonzero(cation.usable[c] & anion.usable[a])
        if ok.size:
            raw = model.raw(
                cation.ions.features[c[ok]], anion.ions.features[a[ok]], n_cation[piece][ok], n_anion[piece][ok]
            )
            numbers[:, start + ok] = model.predict(raw, cation.distance[c[ok]], anion.distance[a[ok]])
        rows, values = nearest_rows(cation.similarity[c], anion.similarity[a], model.params.n_neighbours)
        neighbours.extend(
            [model.neighbour(row, value) for row, value in zip(r, v, strict=True) if value > 0]
            for r, v in zip(rows.tolist(), values.tolist(), strict=True)
        )
    reasons = _reasons(model, cation, anion, n_cation, n_anion)
    in_domain = np.array([not found for found in reasons], dtype=np.bool_)
    p, tm_k, low, high = numbers
    return PairScores(p, tm_k, low, high, in_domain, reasons, neighbours)


def _reasons(
    model: MeltingModel,
    cation: _Role,
    anion: _Role,
    n_cation: npt.NDArray[np.int64],
    n_anion: npt.NDArray[np.int64],
) -> list[list[str]]:
    """Texts against each pairing; the strings of an ion are made once."""
    of_cation = [[str(reason) for reason in found] for found in cation.reasons]
    of_anion = [[str(reason) for reason in found] for found in anion.reasons]
    of_pair: dict[tuple[int, int, int, int], list[str]] = {}
    result: list[list[str]] = []
    charges = (cation.ions.charge[cation.position].tolist(), anion.ions.charge[anion.position].tolist())
    for c, a, qc, qa, nc, na in zip(
        cation.position.tolist(), anion.position.tolist(), *charges, n_cation.tolist(), n_anion.tolist(), strict=True
    ):
        key = (qc, qa, nc, na)
        if key not in of_pair:
            of_pair[key] = [str(reason) for reason in pair_reasons(*key, model.stoichiometries)]
        usable = cation.usable[c] and anion.usable[a]
        result.append(of_cation[c] + of_anion[a] + (of_pair[key] if usable else []))
    return result
