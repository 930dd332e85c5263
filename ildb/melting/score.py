"""Score many pairings in chunks, from features computed once per ion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.melting.domain import Reason, RoleDomain, pair_reasons
from ildb.melting.experts import Pairs, RoleInputs, RoleSpace
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.neighbours import Neighbour, nearest_rows

CHUNK: Final = 4096


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of pairings, all of length n_pairs. Temperatures in kelvin.

    A pairing with an ion that cannot be featurised has NaN in every number and the reason in `reasons`.

    Args:
        p_below_threshold: P(Tm < the model's threshold); NaN for a property without one.
        tm_k: estimate.
        tm_low_k: lower end of the interval.
        tm_high_k: upper end of the interval.
        in_domain: whether the model has seen anything like it; False exactly when `reasons` is not empty.
        reasons: why not, each as ``code: message``.
        neighbour_rows: rows of the model's data nearest to each pairing, nearest first, shape (n_pairs, k).
        neighbour_similarity: their similarity; 0 where a row is no neighbour at all.
        model: that scored.
    """

    p_below_threshold: npt.NDArray[np.float64]
    tm_k: npt.NDArray[np.float64]
    tm_low_k: npt.NDArray[np.float64]
    tm_high_k: npt.NDArray[np.float64]
    in_domain: npt.NDArray[np.bool_]
    reasons: list[list[str]]
    neighbour_rows: npt.NDArray[np.int64]
    neighbour_similarity: npt.NDArray[np.float32]
    model: MeltingModel

    def __len__(self) -> int:
        return len(self.tm_k)

    @cached_property
    def neighbours(self) -> list[list[Neighbour]]:
        """Nearest known ILs of each pairing with their measured value, nearest first."""
        return [
            [self.model.neighbour(row, value) for row, value in zip(rows, values, strict=True) if value > 0]
            for rows, values in zip(self.neighbour_rows.tolist(), self.neighbour_similarity.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class _Role:
    """The ions of one role that are asked about, and how they relate to the training ions."""

    ions: IonTable
    position: npt.NDArray[np.int64]  # of each pairing's ion in `ions`
    similarity: npt.NDArray[np.float32]  # (n_ions, n_training_rows)
    distance: npt.NDArray[np.float64]
    usable: npt.NDArray[np.bool_]
    inputs: RoleInputs  # of the usable ones
    usable_position: npt.NDArray[np.int64]  # of each of `ions` in `inputs`
    reasons: list[tuple[Reason, ...]]

    @classmethod
    def of(
        cls,
        domain: RoleDomain,
        space: RoleSpace,
        table: IonTable,
        index: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
    ) -> _Role:
        used, position = np.unique(index, return_inverse=True)
        ions = table.take(used)
        usable = ions.usable
        inputs = space.inputs(ions.take(np.flatnonzero(usable)))
        similarity = np.zeros((len(ions), len(domain.known)))
        similarity[usable] = inputs.kernels["fingerprint"]
        return cls(
            ions,
            position,
            similarity.astype(np.float32)[:, rows],
            1 - similarity.max(axis=1, initial=0.0),
            usable,
            inputs,
            np.cumsum(usable) - 1,
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
        chunk: pairings compared with all measured ones at a time.

    Raises:
        InputError: the arrays differ in length, or a position lies outside the table.
    """
    n = len(cation_index)
    if not len(anion_index) == len(n_cation) == len(n_anion) == n:
        raise InputError("cation_index, anion_index, n_cation and n_anion must have the same length.")
    for name, index in (("cation_index", cation_index), ("anion_index", anion_index)):
        if n and not 0 <= index.min() <= index.max() < len(ion_table):
            raise InputError(f"{name} points outside the table of {len(ion_table)} ions.")
    if n == 0:
        none, no_rows = np.empty(0), np.empty((0, 0))
        flags, similar = none.astype(np.bool_), no_rows.astype(np.float32)
        return PairScores(none, none, none, none, flags, [], no_rows.astype(np.int64), similar, model)
    cation = _Role.of(model.cation_domain, model.spaces[0], ion_table, cation_index, model.cation_index)
    anion = _Role.of(model.anion_domain, model.spaces[1], ion_table, anion_index, model.anion_index)
    numbers = np.full((4, n), np.nan)
    ok = np.flatnonzero(cation.usable[cation.position] & anion.usable[anion.position])
    if ok.size:
        c, a = cation.position[ok], anion.position[ok]
        pairs = Pairs(cation.usable_position[c], anion.usable_position[a], n_cation[ok], n_anion[ok])
        raw = model.experts.predict((cation.inputs, anion.inputs), pairs)
        numbers[:, ok] = model.predict(raw, cation.distance[c], anion.distance[a])
    k = min(model.params.n_neighbours, len(model.data))
    # A simulated value is no reason that a chemist can check: such rows are like nothing.
    simulated = model.data.simulated
    like = np.where(simulated, np.float32(0), cation.similarity) if simulated.any() else cation.similarity
    rows, values = np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)
    for start in range(0, n, chunk):
        piece = slice(start, min(start + chunk, n))
        rows[piece], values[piece] = nearest_rows(
            like[cation.position[piece]], anion.similarity[anion.position[piece]], k
        )
    reasons = _reasons(model, cation, anion, n_cation, n_anion)
    in_domain = np.array([not found for found in reasons], dtype=np.bool_)
    p, tm_k, low, high = numbers
    return PairScores(p, tm_k, low, high, in_domain, reasons, rows, values, model)


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
