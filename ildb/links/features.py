"""Features of single ions: charge-free ECFP4 counts and a few descriptors, the same for an ion in whatever data set.

Nothing here is fitted, so an ion never seen before is described exactly like the known ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors
from scipy import sparse

from ildb.errors import StructureError
from ildb.links.dataset import LinkGraph

FloatArray = npt.NDArray[np.float32]
CountArray = npt.NDArray[np.uint8]

ECFP_BITS = 1024
"""Length of the folded ECFP4 count vector."""
DESCRIPTORS = (
    "charge",
    "log_heavy_atoms",
    "log_methylenes",
    "log_rings",
    "log_aromatic_atoms",
    "log_hydrogen_bond_donors",
    "log_rotatable_bonds",
    "log_halogens",
    "log_oxygens",
    "log_nitrogens",
    "log_sulphurs",
    "crippen_log_p_tenth",
)
"""Names of the descriptor columns, which follow the ECFP4 columns; ``log_`` columns are ln(1 + count)."""
N_FEATURES = ECFP_BITS + len(DESCRIPTORS)
"""Columns of a feature row."""

_MAX_COUNT = 31  # longer alkyl chains than this say nothing new, and a bounded count keeps the unary code short
_HALOGENS = frozenset({9, 17, 35, 53})
_METHYLENE = Chem.MolFromSmarts("[CX4;H2]")
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=ECFP_BITS)


@dataclass(frozen=True, eq=False)
class IonFeatures:
    """Features of a list of ions.

    Attributes:
        x: ln(1 + count) of the ECFP4 columns, then `DESCRIPTORS`; float32, shape (n_ions, N_FEATURES).
        counts: ECFP4 counts for similarities; uint8, shape (n_ions, ECFP_BITS).
    """

    x: FloatArray
    counts: CountArray


@dataclass(frozen=True, eq=False)
class GraphFeatures:
    """Features of both sides of a graph, in the order of its ions."""

    cations: IonFeatures
    anions: IonFeatures


def graph_features(graph: LinkGraph) -> GraphFeatures:
    """Features of every ion of a graph; the last few results are remembered within the process."""
    return GraphFeatures(ion_features(graph.cation_smiles), ion_features(graph.anion_smiles))


@lru_cache(maxsize=8)
def ion_features(smiles: tuple[str, ...]) -> IonFeatures:
    """Features of some ions.

    ECFP4 (Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742) uses element, degree, hydrogens, ring membership and
    aromaticity as atom invariants, not the formal charge: the resonance forms of one ion then look alike.

    Raises:
        StructureError: RDKit refuses a SMILES.
    """
    counts = np.zeros((len(smiles), ECFP_BITS), dtype=np.uint8)
    descriptors = np.zeros((len(smiles), len(DESCRIPTORS)), dtype=np.float32)
    for row, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        if mol is None or mol.GetNumAtoms() == 0:
            raise StructureError(f"RDKit cannot read the ion {text!r}.", "Correct its SMILES before linking.")
        raw = _MORGAN.GetCountFingerprintAsNumPy(mol, customAtomInvariants=atom_invariants(mol))
        counts[row] = np.minimum(raw, _MAX_COUNT)
        descriptors[row] = _descriptors(mol)
    x = np.concatenate([np.log1p(counts.astype(np.float32)), descriptors], axis=1)
    for array in (x, counts):
        array.setflags(write=False)  # shared by every caller of the cache
    return IonFeatures(x, counts)


def tanimoto(left: CountArray, right: CountArray) -> FloatArray:
    """Tanimoto similarity of count vectors, sum of minima over sum of maxima.

    Counts rather than bits, because bits cannot tell a decyl from a dodecyl chain.

    Args:
        left: counts, shape (n, bits).
        right: counts, shape (m, bits).

    Returns:
        Similarities in 0..1, float32, shape (n, m); 0 where both are empty.
    """
    minima = (_unary(left) @ _unary(right).T).toarray().astype(np.float32)
    maxima = left.sum(1, dtype=np.float32)[:, None] + right.sum(1, dtype=np.float32)[None, :] - minima
    similarity: FloatArray = np.divide(minima, maxima, out=np.zeros_like(minima), where=maxima > 0)
    return similarity


def _unary(counts: CountArray) -> sparse.csr_matrix:
    """Unary code: a dot product of codes is the sum of the minima of the counts."""
    rows, columns = np.nonzero(counts)
    repeats = counts[rows, columns].astype(np.int64)
    levels = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    code = np.repeat(columns, repeats) * (_MAX_COUNT + 1) + levels
    ones = np.ones(len(code), dtype=np.int32)
    return sparse.csr_matrix(
        (ones, (np.repeat(rows, repeats), code)), shape=(len(counts), ECFP_BITS * (_MAX_COUNT + 1))
    )


def atom_invariants(mol: Chem.Mol) -> list[int]:
    """Element, degree, hydrogens, ring membership and aromaticity of each atom as one number; no formal charge."""
    return [
        (atom.GetAtomicNum() << 16)
        | (atom.GetTotalDegree() << 8)
        | (atom.GetTotalNumHs() << 4)
        | (int(atom.IsInRing()) << 1)
        | int(atom.GetIsAromatic())
        for atom in mol.GetAtoms()
    ]


def _descriptors(mol: Chem.Mol) -> Sequence[float]:
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    counts = (
        mol.GetNumHeavyAtoms(),
        len(mol.GetSubstructMatches(_METHYLENE, maxMatches=10_000)),
        rdMolDescriptors.CalcNumRings(mol),
        sum(atom.GetIsAromatic() for atom in mol.GetAtoms()),
        rdMolDescriptors.CalcNumHBD(mol),
        rdMolDescriptors.CalcNumRotatableBonds(mol),
        sum(number in _HALOGENS for number in numbers),
        numbers.count(8),
        numbers.count(7),
        numbers.count(16),
    )
    return [Chem.GetFormalCharge(mol), *np.log1p(counts), rdMolDescriptors.CalcCrippenDescriptors(mol)[0] / 10.0]
