"""How far generated ions are from held-out ones in what chemists look at: size, polarity, rings, chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors
from scipy.stats import wasserstein_distance

from ildb.generate.tokens import split_smiles

PROPERTIES: Final = ("heavy_atoms", "logp", "tpsa", "rings", "rotatable", "hetero_share")
_DEGENERATE_RUN: Final = 16
Floats = npt.NDArray[np.float64]


def describe(smiles: str) -> list[float]:
    """`PROPERTIES` of an ion."""
    mol = Chem.MolFromSmiles(smiles)
    heavy = mol.GetNumHeavyAtoms()
    hetero = sum(atom.GetAtomicNum() not in (1, 6) for atom in mol.GetAtoms())
    return [
        float(heavy),
        float(Descriptors.MolLogP(mol)),  # type: ignore[attr-defined]
        float(rdMolDescriptors.CalcTPSA(mol)),
        float(rdMolDescriptors.CalcNumRings(mol)),
        float(rdMolDescriptors.CalcNumRotatableBonds(mol)),
        hetero / heavy,
    ]


def distances(generated: Sequence[str], reference: Sequence[str]) -> dict[str, float]:
    """Wasserstein distance of each property, in standard deviations of the reference's.

    Args:
        generated: SMILES of distinct new ions.
        reference: SMILES of ions nobody showed the generator.
    """
    ours = np.array([describe(text) for text in generated], dtype=np.float64)
    theirs = np.array([describe(text) for text in reference], dtype=np.float64)
    width = np.maximum(theirs.std(axis=0), 1e-9)
    return {
        name: float(wasserstein_distance(ours[:, i] / width[i], theirs[:, i] / width[i]))
        for i, name in enumerate(PROPERTIES)
    }


def is_degenerate(smiles: str) -> bool:
    """Whether a string is a run of one token: a generator that has lost its way writes CCCCCCCC... to the end."""
    longest, run, last = 0, 0, ""
    for token in split_smiles(smiles, "atom"):
        run = run + 1 if token == last else 1
        longest, last = max(longest, run), token
    return longest >= _DEGENERATE_RUN
