from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdMolDescriptors

from ildb.chem.fingerprints import morgan_bytes, morgan_fingerprint, morgan_matrix, tanimoto

SMILES = ["CCn1cc[n+](C)c1", "CCCCn1cc[n+](C)c1", "CCCC[N+](C)(C)C", "F[B-](F)(F)F", "[Cl-]"]


@pytest.fixture(scope="module")
def mols() -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(s) for s in SMILES]


def test_the_bits_are_those_of_the_cartridge(mols: list[Chem.Mol]) -> None:
    # morganbv_fp(mol, 2) of the cartridge is this call with rdkit.morgan_fp_size = 512.
    for mol in mols:
        expected = rdMolDescriptors.GetHashedMorganFingerprint(mol, 2, nBits=512)
        assert set(morgan_fingerprint(mol).GetOnBits()) == set(expected.GetNonzeroElements())


def test_matrix_bytes_and_bit_vectors_agree(mols: list[Chem.Mol]) -> None:
    matrix = morgan_matrix(mols)
    assert matrix.shape == (len(mols), 512)
    for row, mol in zip(matrix, mols, strict=True):
        assert np.flatnonzero(row).tolist() == list(morgan_fingerprint(mol).GetOnBits())
        assert len(morgan_bytes(mol)) == 64


def test_tanimoto_is_rdkits(mols: list[Chem.Mol]) -> None:
    matrix = morgan_matrix(mols)
    fingerprints = [morgan_fingerprint(m) for m in mols]
    expected = [[DataStructs.TanimotoSimilarity(a, b) for b in fingerprints] for a in fingerprints]
    np.testing.assert_allclose(tanimoto(matrix, matrix), expected, atol=1e-12)


def test_tanimoto_of_empty_fingerprints_is_defined() -> None:
    empty = np.zeros((1, 512), dtype=np.uint8)
    assert tanimoto(empty, empty)[0, 0] == 1
    assert morgan_matrix([]).shape == (0, 512)
