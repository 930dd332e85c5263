"""A table of ions with everything scoring needs, computed once per ion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from ildb.errors import InputError, StructureError
from ildb.melting.features import (
    DESCRIPTOR_NAMES,
    ION_FEATURE_NAMES,
    TORSION_BINS,
    mol_features,
    mol_torsions,
    parse_ion,
)

_KEPT: Final = 8192  # ions, of 9 kB each


@dataclass(frozen=True, eq=False)
class IonTable:
    """Ions and their features. An ion that cannot be featurised keeps its row: features NaN, the reason in `problem`.

    Args:
        inchikey: standard InChIKey of each ion.
        smiles: SMILES of each ion.
        features: shape (n_ions, len(`ION_FEATURE_NAMES`)), float32.
        torsions: counts of topological torsions, shape (n_ions, `TORSION_BINS`), float32.
        charge: formal charge, shape (n_ions,); 0 where it could not be read.
        heavy_atoms: shape (n_ions,).
        elements: symbols in each ion.
        problem: why the ion has no features, empty where it has.
    """

    inchikey: tuple[str, ...]
    smiles: tuple[str, ...]
    features: npt.NDArray[np.float32]
    torsions: npt.NDArray[np.float32]
    charge: npt.NDArray[np.int64]
    heavy_atoms: npt.NDArray[np.int64]
    elements: tuple[frozenset[str], ...]
    problem: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.smiles)

    @property
    def descriptors(self) -> npt.NDArray[np.float32]:
        """The descriptors' part of `features`, shape (n_ions, len(`DESCRIPTOR_NAMES`))."""
        return self.features[:, : len(DESCRIPTOR_NAMES)]

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Which ions have features, shape (n_ions,)."""
        return np.array([not problem for problem in self.problem], dtype=np.bool_)

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
            torsions=self.torsions[rows],
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
        torsions = np.full((n, TORSION_BINS), np.nan, dtype=np.float32)
        charge, heavy_atoms = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        keys, problems = list(inchikey) if inchikey is not None else [""] * n, [""] * n
        elements: list[frozenset[str]] = [frozenset()] * n
        for i, text in enumerate(smiles):
            ion = _describe(text)
            charge[i], heavy_atoms[i], elements[i], problems[i] = ion.charge, ion.heavy_atoms, ion.elements, ion.problem
            if inchikey is None:
                keys[i] = ion.inchikey()
            if ion.features is not None:
                features[i], torsions[i] = ion.features
        return cls(
            tuple(keys), tuple(smiles), features, torsions, charge, heavy_atoms, tuple(elements), tuple(problems)
        )


class _Described(NamedTuple):
    """An ion's row; without features where there is a problem."""

    mol: Chem.Mol | None
    charge: int
    heavy_atoms: int
    elements: frozenset[str]
    features: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None
    problem: str

    def inchikey(self) -> str:
        """Standard InChIKey, empty for what is no structure."""
        if self.mol is None:
            return ""
        with rdBase.BlockLogs():
            return str(Chem.MolToInchiKey(self.mol))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=_KEPT)
def _describe(smiles: str) -> _Described:
    """Kept for the next table: a screen's tasks ask for the same ions again and again."""
    try:
        mol = parse_ion(smiles)
    except StructureError as error:
        return _Described(None, 0, 0, frozenset(), None, error.what)
    facts = (mol, Chem.GetFormalCharge(mol), mol.GetNumHeavyAtoms(), frozenset(a.GetSymbol() for a in mol.GetAtoms()))
    try:
        return _Described(*facts, (mol_features(mol), mol_torsions(mol)), "")
    except StructureError as error:
        return _Described(*facts, None, error.what)
