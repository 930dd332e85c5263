"""Morgan fingerprints, the same bits as the PostgreSQL cartridge's ``morganbv_fp(mol, 2)``.

The cartridge's default length is 512 bits (``rdkit.morgan_fp_size``), which ildb pins per database.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

MORGAN_RADIUS: Final = 2
MORGAN_BITS: Final = 512


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=MORGAN_RADIUS, fpSize=MORGAN_BITS)


def morgan_fingerprint(mol: Chem.Mol) -> DataStructs.ExplicitBitVect:
    """Morgan fingerprint of radius 2, 512 bits, as the cartridge stores it.

    Args:
        mol: a sanitised molecule.
    """
    fingerprint: DataStructs.ExplicitBitVect = _generator().GetFingerprint(mol)
    return fingerprint


def morgan_bytes(mol: Chem.Mol) -> bytes:
    """The fingerprint as 64 bytes, as the cartridge's ``bfp_to_binary_text``; bit 0 is the lowest of the first byte."""
    return bytes(DataStructs.BitVectToBinaryText(morgan_fingerprint(mol)))


def morgan_matrix(mols: Sequence[Chem.Mol]) -> npt.NDArray[np.uint8]:
    """Fingerprints of many molecules.

    Returns:
        Array of shape (n, 512) with values 0 and 1.
    """
    packed = np.frombuffer(b"".join(map(morgan_bytes, mols)), dtype=np.uint8).reshape(len(mols), MORGAN_BITS // 8)
    return np.unpackbits(packed, axis=1, bitorder="little")


def tanimoto(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Tanimoto similarity of all pairs: shared bits over bits in either (1 for two empty fingerprints).

    Args:
        a: fingerprints, shape (n, bits), values 0 and 1.
        b: fingerprints, shape (m, bits), values 0 and 1.

    Returns:
        Array of shape (n, m), values 0 to 1.
    """
    # float32 counts are exact up to 2**24 bits, and use the fast matrix product.
    shared = (a.astype(np.float32) @ b.astype(np.float32).T).astype(np.float64)
    either = a.sum(axis=1, dtype=np.float64)[:, None] + b.sum(axis=1, dtype=np.float64)[None, :] - shared
    similarity: npt.NDArray[np.float64] = np.divide(shared, either, out=np.ones_like(shared), where=either > 0)
    return similarity
