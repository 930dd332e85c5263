"""Numbers that tell which empty entries of a table of cores and substituents chemists have filled.

Much like predicting links between cations and anions (`ildb.links`): an entry is likely where the core takes many
substituents, where it takes ones that go together with this one elsewhere, or where cores like it take this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from scipy.sparse import csr_matrix

from ildb.errors import InputError
from ildb.generate.cuts import CutTable, Ints

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
FEATURES: Final = (
    "core_degree", "substituent_degree", "bond_count", "substituent_share", "cofilled", "cofilled_mean",
    "cofilled_best", "like_cores", "like_cores_share", "nearest_core", "nearest_substituent", "core_atoms",
    "substituent_atoms", "substituent_hetero", "substituent_alkyl", "substituent_fluorine", "substituent_ring",
    "charge",
)  # fmt: skip
"""What is known of an entry; see `Completion.describe`."""
BLOCK: Final = 512
"""Cores described at a time."""
_MORGAN: Final = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=256)
_SQUARED: Final = 3
"""Times a similarity is squared in a vote: cores that are a little alike must not outvote one that is much alike."""
_ALKYL: Final = re.compile("C+")


@dataclass(frozen=True, eq=False)
class Shapes:
    """What the structures alone tell, of all cores and substituents of a table.

    Attributes:
        core: unit vectors of atom surroundings, shape (n_cores, 256).
        substituent_alike: cosine of those of two substituents, shape (n_substituents, n_substituents).
        core_atoms: heavy atoms, shape (n_cores,).
        substituent: heavy atoms, hetero atoms, 1 for a straight alkyl, fluorines, rings; shape (n_substituents, 5).
    """

    core: Floats
    substituent_alike: Floats
    core_atoms: Floats
    substituent: Floats

    @classmethod
    def of(cls, table: CutTable) -> Shapes:
        """Read every core and substituent once."""
        cores = [_mol(text) for text in table.cores]
        groups = [_mol(f"*{text}") for text in table.substituents]
        alike = _surroundings(groups)
        described = [
            (
                mol.GetNumHeavyAtoms(),
                sum(atom.GetAtomicNum() not in (0, 6) for atom in mol.GetAtoms()),
                bool(_ALKYL.fullmatch(text)),
                text.count("F"),
                mol.GetRingInfo().NumRings(),
            )
            for mol, text in zip(groups, table.substituents, strict=True)
        ]
        return cls(
            _surroundings(cores),
            alike @ alike.T,
            np.array([mol.GetNumHeavyAtoms() for mol in cores], dtype=np.float32),
            np.array(described, dtype=np.float32).reshape(-1, 5),
        )


class Completion:
    """A table of which only some ions are known.

    Args:
        table: cuts of all ions.
        shapes: of the table.
        known: which of the ions are known, shape (n_ions,).
        min_bonds: known ions that must have a bond between two classes of atoms before an entry may.
    """

    def __init__(self, table: CutTable, shapes: Shapes, known: Bools, min_bonds: int) -> None:
        self.table, self._shapes = table, shapes
        cuts = known[table.ion]
        cores, groups = table.core[cuts], table.substituent[cuts]
        shape = len(table.cores), len(table.substituents)
        self._filled = csr_matrix((np.ones(len(cores), dtype=np.float32), (cores, groups)), shape=shape)
        self._filled.sum_duplicates()
        self._filled.data[:] = 1.0
        self._core_degree = np.asarray(self._filled.sum(1), dtype=np.float32).ravel()
        self._degree = np.asarray(self._filled.sum(0), dtype=np.float32).ravel()
        self.cores: Ints = np.flatnonzero(self._core_degree)
        scaled = self._filled.multiply(1 / np.sqrt(np.maximum(self._degree, 1))[None, :]).tocsr()
        self._together = np.asarray((scaled.T @ scaled).todense(), dtype=np.float32)
        np.fill_diagonal(self._together, 0.0)
        n = len(table.classes)
        bonds = np.unique(
            np.stack([table.ion[cuts], table.core_class[cores], table.substituent_class[groups]], axis=1), axis=0
        )
        self._bonds = np.zeros((n, n), dtype=np.float32)
        np.add.at(self._bonds, (bonds[:, 1], bonds[:, 2]), 1.0)
        self._allowed = self._bonds >= min_bonds
        # How often a substituent sits on cores whose atom has the same surroundings.
        self._of_class = np.zeros((n, shape[1]), dtype=np.float32)
        np.add.at(self._of_class, (table.core_class[cores], groups), 1.0)
        self._by_group = self._filled.tocsc()
        self._taken = np.flatnonzero(self._degree)

    def empty(self, cores: Ints) -> tuple[Ints, Ints]:
        """The empty entries that known bonds allow, of some cores: places of core and substituent."""
        allowed = self._allowed[self.table.core_class[cores]][:, self.table.substituent_class]
        allowed &= self._degree > 0
        allowed &= ~self._filled[cores].toarray().astype(np.bool_)
        rows, groups = np.nonzero(allowed)
        return cores[rows], groups

    def popularity(self, cores: Ints, groups: Ints) -> npt.NDArray[np.floating]:
        """What enumeration by frequency makes of an entry: times of the core x share of the substituent at its atom."""
        of_class = self._of_class[self.table.core_class[cores], groups].astype(np.float64)
        return self._core_degree[cores] * (of_class + 0.1 * self._degree[groups].astype(np.float64))

    def blocks(self) -> Iterator[Ints]:
        """The known cores, some at a time."""
        for first in range(0, len(self.cores), BLOCK):
            yield self.cores[first : first + BLOCK]

    def describe(self, block: Ints, cores: Ints, groups: Ints) -> Floats:
        """`FEATURES` of entries of a block's cores, shape (n, len(FEATURES)).

        Args:
            block: cores, ascending.
            cores: of each entry, all of them in the block.
            groups: substituent of each entry.
        """
        own = self._filled[block]
        rows = np.searchsorted(block, cores)
        votes = own @ self._together
        best = _largest(self._together, own)
        nearest_group = _largest(self._shapes.substituent_alike, own)
        alike = np.clip(self._shapes.core[block] @ self._shapes.core[self.cores].T, 0, 1)
        alike[np.arange(len(block)), np.searchsorted(self.cores, block)] = 0.0
        by_group = self._by_group[self.cores]
        nearest_core = np.zeros_like(votes)
        taken = self._taken
        nearest_core[:, taken] = np.maximum.reduceat(alike[:, by_group.indices], by_group.indptr[:-1][taken], axis=1)
        for _ in range(_SQUARED):
            np.square(alike, out=alike)
        like = (by_group.T @ alike.T).T
        like_share = like / np.maximum(alike.sum(1), 1e-6)[:, None]
        table, degree = self.table, self._core_degree[cores]
        class_of = table.core_class[cores]
        of_class = self._of_class[class_of, groups]
        columns = (
            np.log1p(degree),
            np.log1p(self._degree[groups]),
            np.log1p(self._bonds[class_of, table.substituent_class[groups]]),
            np.log((of_class + 0.1) / (self._of_class.sum(1)[class_of] + 1.0)),
            votes[rows, groups],
            votes[rows, groups] / degree,
            best[rows, groups],
            like[rows, groups],
            like_share[rows, groups],
            nearest_core[rows, groups],
            nearest_group[rows, groups],
            self._shapes.core_atoms[cores],
            *self._shapes.substituent[groups].T,
            table.core_charge[cores],
        )
        return np.stack(columns, axis=1).astype(np.float32)


def _largest(alike: Floats, own: csr_matrix) -> Floats:
    """For each row of a table, and each column, the largest likeness of the column to one that the row has."""
    found: Floats = np.maximum.reduceat(alike[own.indices], own.indptr[:-1], axis=0)
    return found


def _mol(text: str) -> Chem.Mol:
    """A part, with a dummy atom where it is open."""
    mol = Chem.MolFromSmiles(text)
    if mol is None:
        raise InputError(f"{text} is no part of an ion.")
    return mol


def _surroundings(mols: list[Chem.Mol]) -> Floats:
    """Counts of atom surroundings as unit vectors, each by the root of its count."""
    counts = np.sqrt(np.stack([_MORGAN.GetCountFingerprintAsNumPy(mol) for mol in mols]).astype(np.float32))
    vectors: Floats = counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-6)
    return vectors
