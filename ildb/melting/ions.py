"""A table of ions with everything scoring needs, computed once per ion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from ildb.errors import InputError, StructureError
from ildb.melting.features import DESCRIPTOR_NAMES, ION_FEATURE_NAMES, mol_features, parse_ion


@dataclass(frozen=True, eq=False)
class IonTable:
    """Ions and their features. An ion that cannot be featurised keeps its row: features NaN, the reason in `problem`.

    Args:
        inchikey: standard InChIKey of each ion.
        smiles: SMILES of each ion.
        features: shape (n_ions, len(`ION_FEATURE_NAMES`)), float32.
        charge: formal charge, shape (n_ions,); 0 where it could not be read.
        heavy_atoms: shape (n_ions,).
        elements: symbols in each ion.
        problem: why the ion has no features, empty where it has.
    """

    inchikey: tuple[str, ...]
    smiles: tuple[str, ...]
    features: npt.NDArray[np.float32]
    charge: npt.NDArray[np.int64]
    heavy_atoms: npt.NDArray[np.int64]
    elements: tuple[frozenset[str], ...]
    problem: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.smiles)

    @property
    def counts(self) -> npt.NDArray[np.float32]:
        """The fingerprint's part of `features`, shape (n_ions, n_bins)."""
        return self.features[:, len(DESCRIPTOR_NAMES) :]

    def take(self, rows: npt.NDArray[np.int64]) -> IonTable:
        """The ions at these positions, in this order."""
        positions = rows.tolist()
        return IonTable(
            inchikey=tuple(self.inchikey[i] for i in positions),
            smiles=tuple(self.smiles[i] for i in positions),
            features=self.features[rows],
            charge=self.charge[rows],
            heavy_atoms=self.heavy_atoms[rows],
            elements=tuple(self.elements[i] for i in positions),
            problem=tuple(self.problem[i] for i in positions),
        )

    @classmethod
    def build(cls, smiles: Sequence[str], inchikey: Sequence[str] | None = None) -> IonTable:
        """Compute the table.

        Args:
            smiles: one per ion.
            inchikey: their InChIKeys; computed when left out.

        Raises:
            InputError: the two differ in length.
        """
        if inchikey is not None and len(inchikey) != len(smiles):
            raise InputError(f"{len(smiles)} SMILES but {len(inchikey)} InChIKeys.")
        n = len(smiles)
        features = np.full((n, len(ION_FEATURE_NAMES)), np.nan, dtype=np.float32)
        charge, heavy_atoms = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        keys, problems = list(inchikey) if inchikey is not None else [""] * n, [""] * n
        elements: list[frozenset[str]] = [frozenset()] * n
        for i, text in enumerate(smiles):
            try:
                mol = parse_ion(text)
                charge[i], heavy_atoms[i] = Chem.GetFormalCharge(mol), mol.GetNumHeavyAtoms()
                elements[i] = frozenset(atom.GetSymbol() for atom in mol.GetAtoms())
                if inchikey is None:
                    with rdBase.BlockLogs():
                        keys[i] = str(Chem.MolToInchiKey(mol))  # type: ignore[no-untyped-call]
                features[i] = mol_features(mol)
            except StructureError as error:
                problems[i] = error.what
        return cls(tuple(keys), tuple(smiles), features, charge, heavy_atoms, tuple(elements), tuple(problems))
