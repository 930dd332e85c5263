"""Hydrogen bonds from cation to anion, by distance and angle.

A hydrogen on N, O or S, or on an aromatic carbon (imidazolium, pyridinium), bound to an electronegative atom of an
anion nearer than 0.25 nm at an angle above 130 degrees. Few and weak ones go with low melting points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ildb.md.box import Box, Floats, Frame

MAX_NM, MIN_DEG = 0.25, 130.0
_STRONG = frozenset({"N", "O", "S"})
_ACCEPTORS = frozenset({"N", "O", "F", "S", "Cl", "Br", "I"})
_SP2_NEIGHBOURS = 3


@dataclass(frozen=True)
class Donors:
    """Hydrogens that can be given, each with the atom it sits on; and atoms of anions that can take them.

    Attributes:
        hydrogen, heavy: atoms of the box (d).
        is_strong: on N, O or S rather than on carbon (d).
        acceptor: atoms of the box (a).
        n_cations: cations in the box.
    """

    hydrogen: npt.NDArray[np.intp]
    heavy: npt.NDArray[np.intp]
    is_strong: npt.NDArray[np.bool_]
    acceptor: npt.NDArray[np.intp]
    n_cations: int


def find_donors(box: Box) -> Donors:
    """Donors of the cations and acceptors of the anions."""
    hydrogen: list[int] = []
    heavy: list[int] = []
    strong: list[bool] = []
    acceptor: list[int] = []
    n_cations = 0
    for kind, (ion, copies) in enumerate(box.kinds):
        atoms = box.atoms_of(kind)
        elements = [atom.element for atom in ion.atoms]
        if ion.charge < 0:
            acceptor += [int(a) for i, element in enumerate(elements) if element in _ACCEPTORS for a in atoms[:, i]]
            continue
        n_cations += copies
        neighbours = np.bincount([i for bond in ion.bonds for i in (bond.i, bond.j)], minlength=ion.n_atoms)
        for bond in ion.bonds:
            for h, x in ((bond.i, bond.j), (bond.j, bond.i)):
                gives = elements[x] in _STRONG or (elements[x] == "C" and neighbours[x] == _SP2_NEIGHBOURS)
                if elements[h] == "H" and gives:
                    hydrogen += atoms[:, h].tolist()
                    heavy += atoms[:, x].tolist()
                    strong += [elements[x] in _STRONG] * copies
    index = np.intp
    return Donors(
        np.array(hydrogen, index),
        np.array(heavy, index),
        np.array(strong, np.bool_),
        np.array(acceptor, index),
        n_cations,
    )


def count(donors: Donors, frame: Frame) -> tuple[float, float]:
    """Hydrogen bonds per cation in one frame: from N, O and S; from carbon."""
    if not len(donors.hydrogen) or not len(donors.acceptor):
        return 0.0, 0.0
    n_strong = n_weak = 0
    x, box = frame.positions_nm, frame.box_nm
    cosine = np.cos(np.radians(MIN_DEG))
    # In portions, so that memory stays small in a large box.
    for part in np.array_split(np.arange(len(donors.hydrogen)), max(1, len(donors.hydrogen) // 200)):
        to_acceptor = _nearest(x[donors.acceptor][None] - x[donors.hydrogen[part]][:, None], box)
        distance = np.sqrt((to_acceptor**2).sum(axis=2))
        d, a = np.nonzero(distance < MAX_NM)
        to_heavy = _nearest(x[donors.heavy[part]] - x[donors.hydrogen[part]], box)[d]
        away = to_acceptor[d, a]
        angle_cosine = (to_heavy * away).sum(axis=1) / (np.sqrt((to_heavy**2).sum(axis=1)) * distance[d, a])
        bound = donors.is_strong[part][d[angle_cosine < cosine]]
        n_strong += int(bound.sum())
        n_weak += int((~bound).sum())
    return n_strong / donors.n_cations, n_weak / donors.n_cations


def _nearest(apart: Floats, box_nm: Floats) -> Floats:
    nearest: Floats = apart - np.round(apart / box_nm) * box_nm
    return nearest
