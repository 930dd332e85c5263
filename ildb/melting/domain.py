"""Applicability: whether the model has seen anything like a pairing, and if not, why.

Reasons are found once per ion and shared by its pairings.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.melting.data import ion_key
from ildb.melting.ions import IonTable
from ildb.melting.similarity import count_tanimoto

Role = Literal["cation", "anion"]


class Reason(NamedTuple):
    """Why a pairing lies outside the domain: a stable code and a sentence."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class RoleDomain:
    """What the training data cover in one role.

    Args:
        role: ``cation`` or ``anion``.
        known: distinct training ions in this role.
        quantile: an ion is far when its nearest training ion is less similar than this quantile of their own nearest
            neighbours.
    """

    def __init__(self, role: Role, known: IonTable, quantile: float) -> None:
        self.role: Role = role
        self.known = known
        self.charges = frozenset(known.charge.tolist())
        self.elements = frozenset().union(*known.elements)
        self.max_heavy_atoms = int(known.heavy_atoms.max())
        self.ion_keys = frozenset(ion_key(key) for key in known.inchikey)
        self.min_similarity = self._own_quantile(quantile)

    def _own_quantile(self, quantile: float) -> float:
        if len(self.known) < 2:
            return 0.0
        own = count_tanimoto(self.known.counts, self.known.counts)
        np.fill_diagonal(own, -1.0)
        return float(np.quantile(own.max(axis=1), quantile))

    def reasons(self, ions: IonTable, similarity: npt.NDArray[np.float64]) -> list[tuple[Reason, ...]]:
        """Reasons against each ion; none means that it lies inside.

        Args:
            ions: the ions asked about.
            similarity: count Tanimoto to the known ones, shape (n_ions, n_known); 0 for an ion without features.
        """
        return [self._ion_reasons(ions, i, similarity[i]) for i in range(len(ions))]

    def _ion_reasons(self, ions: IonTable, i: int, similarity: npt.NDArray[np.float64]) -> tuple[Reason, ...]:
        role = self.role
        if ions.problem[i]:
            return (Reason(f"{role}_not_featurised", ions.problem[i]),)
        found: list[Reason] = []
        strange = sorted(ions.elements[i] - self.elements)
        if strange:
            found.append(Reason("unseen_element", f"no measured {role} contains {', '.join(strange)}"))
        if int(ions.charge[i]) not in self.charges:
            found.append(Reason("unseen_charge", f"no measured {role} has charge {ions.charge[i]:+d}"))
        if ions.heavy_atoms[i] > self.max_heavy_atoms:
            found.append(
                Reason(
                    "too_large",
                    f"{ions.heavy_atoms[i]} heavy atoms, the largest measured {role} has {self.max_heavy_atoms}",
                )
            )
        nearest = int(similarity.argmax())
        near = f"the nearest is {_short(self.known.smiles[nearest])} (similarity {similarity[nearest]:.2f})"
        if role == "anion" and ion_key(ions.inchikey[i]) not in self.ion_keys:
            found.append(Reason("unseen_anion", f"no melting point measured with this anion, {near}"))
        if role == "cation" and similarity[nearest] < self.min_similarity:
            found.append(Reason("far_cation", f"no measured cation is like it, {near}"))
        return tuple(found)


def pair_reasons(
    charge_cation: int, charge_anion: int, n_cation: int, n_anion: int, stoichiometries: frozenset[tuple[int, int]]
) -> tuple[Reason, ...]:
    """Reasons that concern the pairing as a whole."""
    net = n_cation * charge_cation + n_anion * charge_anion
    if net != 0:
        return (Reason("not_neutral", f"{n_cation}:{n_anion} of these ions has net charge {net:+d}"),)
    if (n_cation, n_anion) not in stoichiometries:
        return (Reason("unseen_stoichiometry", f"no melting point measured for a {n_cation}:{n_anion} salt"),)
    return ()


def _short(smiles: str, limit: int = 60) -> str:
    return smiles if len(smiles) <= limit else f"{smiles[: limit - 1]}…"
