"""Similarities of ions from unfolded fragment counts: what the ranker knows of structure.

MinMax kernel (Ralaivola et al., Neural Networks 2005, 18, 1093): sum of minima over sum of maxima, the Tanimoto
similarity of count vectors. Fragments are not folded into a fixed length, so they do not collide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from scipy import sparse

from ildb.errors import StructureError
from ildb.links.features import atom_invariants

FloatArray = npt.NDArray[np.float32]

KERNELS = ("ecfp", "atom_pair")
"""Charge-free ECFP4 counts, and counts of atom pairs at a topological distance."""
_MAX_COUNT = 31
_PAIR_INVARIANTS = 509  # RDKit keeps 9 bits of an atom's invariant in an atom pair
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2)
_ATOM_PAIR = rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=20)


@dataclass(frozen=True, eq=False)
class Fragments:
    """Fragment counts of some ions in unary code, one matrix for each of `KERNELS`.

    Attributes:
        columns: for each kernel, the (fragment, level) code of each column; sorted, shape (n_columns,).
        codes: for each kernel, ones where an ion has a fragment at least level + 1 times; shape (n_ions, n_columns).
    """

    columns: tuple[npt.NDArray[np.uint64], ...]
    codes: tuple[sparse.csr_matrix, ...]

    def __len__(self) -> int:
        return int(self.codes[0].shape[0])

    def take(self, rows: npt.NDArray[np.int64]) -> Fragments:
        """The same columns, some of the ions."""
        return Fragments(self.columns, tuple(code[rows] for code in self.codes))


@lru_cache(maxsize=8)
def fragments(smiles: tuple[str, ...]) -> Fragments:
    """Fragment counts of some ions; the last few results are remembered within the process.

    Raises:
        StructureError: RDKit refuses a SMILES.
    """
    found: tuple[list[dict[int, int]], ...] = ([], [])
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        if mol is None or mol.GetNumAtoms() == 0:
            raise StructureError(f"RDKit cannot read the ion {text!r}.", "Correct its SMILES before linking.")
        invariants = atom_invariants(mol)
        ecfp = _MORGAN.GetSparseCountFingerprint(mol, customAtomInvariants=invariants)
        found[0].append(ecfp.GetNonzeroElements())
        reduced = [value % _PAIR_INVARIANTS for value in invariants]
        pairs = _ATOM_PAIR.GetSparseCountFingerprint(mol, customAtomInvariants=reduced)
        # A single atom has no pair; itself stands in, so that halides compare with halides.
        found[1].append(pairs.GetNonzeroElements() or {(1 << 40) + invariants[0]: 1})
    coded = [_unary(counts) for counts in found]
    return Fragments(tuple(columns for columns, _ in coded), tuple(code for _, code in coded))


def similarity(left: Fragments, right: Fragments, kernel: int) -> FloatArray:
    """MinMax similarities in 0..1 for one of `KERNELS`, shape (len(left), len(right))."""
    one, two = left.codes[kernel], right.codes[kernel]
    if left.columns[kernel] is not right.columns[kernel]:
        shared, at_left, at_right = np.intersect1d(
            left.columns[kernel], right.columns[kernel], assume_unique=True, return_indices=True
        )
        minima = one[:, at_left] @ two[:, at_right].T if len(shared) else sparse.csr_matrix((len(left), len(right)))
    else:
        minima = one @ two.T
    # Counts below 2**24 are exact in single precision, so the quotient is the same in whatever block it is computed.
    shared_counts = minima.toarray().astype(np.float32)
    sizes = (np.asarray(one.sum(1)).ravel(), np.asarray(two.sum(1)).ravel())
    union = sizes[0][:, None].astype(np.float32) + sizes[1][None, :].astype(np.float32) - shared_counts
    result: FloatArray = np.divide(shared_counts, union, out=np.zeros_like(union), where=union > 0)
    return result


def _unary(counts: Sequence[dict[int, int]]) -> tuple[npt.NDArray[np.uint64], sparse.csr_matrix]:
    rows = np.repeat(np.arange(len(counts)), [len(row) for row in counts])
    fragment = np.array([key for row in counts for key in row], dtype=np.uint64)
    times = np.minimum(np.array([value for row in counts for value in row.values()], dtype=np.int64), _MAX_COUNT)
    level = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    code = np.repeat(fragment, times) * np.uint64(_MAX_COUNT + 1) + level.astype(np.uint64)
    columns, inverse = np.unique(code, return_inverse=True)
    matrix = sparse.csr_matrix(
        (np.ones(len(code), dtype=np.int32), (np.repeat(rows, times), inverse)), shape=(len(counts), len(columns))
    )
    return columns, matrix
