"""Facts about the ions that a screen asks for, found once per ion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import FilterCatalog
from rdkit.Chem.Scaffolds import MurckoScaffold

from ildb.chem.fingerprints import MORGAN_BITS, morgan_matrix
from ildb.errors import StructureError
from ildb.melting.features import parse_ion
from ildb.screen.accessibility import sa_score
from ildb.screen.params import ScreenParams

_ACYCLIC: Final = "acyclic"


@dataclass(frozen=True)
class IonFacts:
    """Size, charge, composition, core, accessibility and structural alerts of an ion.

    Args:
        heavy_atoms: number of them.
        charge: formal charge.
        elements: symbols, with hydrogen only where it is written as an atom.
        alerts: entries of the filter catalogs it matches.
        sa_score: synthetic accessibility, 1 (easy) to 10; None where the score means nothing.
        core: what homologues share: the scaffold of the rings, else the charged elements.
        problem: why the ion cannot be read; the rest is empty then.
    """

    heavy_atoms: int = 0
    charge: int = 0
    elements: frozenset[str] = frozenset()
    alerts: tuple[str, ...] = ()
    sa_score: float | None = None
    core: str = ""
    problem: str = ""


class IonInspector:
    """Finds the facts.

    Args:
        params: `alert_catalogs` and `ignored_alerts`.
    """

    def __init__(self, params: ScreenParams) -> None:
        self._ignored = frozenset(params.ignored_alerts)
        self._catalog: FilterCatalog.FilterCatalog | None = None
        if params.alert_catalogs:
            wanted = FilterCatalog.FilterCatalogParams()
            for name in params.alert_catalogs:
                wanted.AddCatalog(getattr(FilterCatalog.FilterCatalogParams.FilterCatalogs, name))
            self._catalog = FilterCatalog.FilterCatalog(wanted)

    def facts(self, smiles: str) -> IonFacts:
        """Facts about the ion with this SMILES."""
        try:
            mol = parse_ion(smiles)
        except StructureError as error:
            return IonFacts(problem=error.what)
        matches = self._catalog.GetMatches(mol) if self._catalog is not None else ()
        alerts = {match.GetDescription() for match in matches} - self._ignored
        return IonFacts(
            heavy_atoms=mol.GetNumHeavyAtoms(),
            charge=Chem.GetFormalCharge(mol),
            elements=frozenset(atom.GetSymbol() for atom in mol.GetAtoms()),
            alerts=tuple(sorted(alerts)),
            sa_score=sa_score(mol),
            core=ion_core(mol),
        )


def ion_core(mol: Chem.Mol) -> str:
    """What the homologues of an ion share: the SMILES of its ring scaffold, else its charged elements.

    Bemis and Murcko, J. Med. Chem. 1996, 39, 2887: rings and what links them.
    """
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)  # type: ignore[no-untyped-call]
    if scaffold.GetNumAtoms():
        return str(Chem.MolToSmiles(scaffold))
    charged = sorted(atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetFormalCharge())
    return " ".join([_ACYCLIC, *charged])


def fingerprints(smiles: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Morgan fingerprints of radius 2, in which homologues hardly differ; zeros for an ion that cannot be read.

    Returns:
        Array of shape (n, 512) with values 0 and 1.
    """
    found = np.zeros((len(smiles), MORGAN_BITS), dtype=np.uint8)
    for i, text in enumerate(smiles):
        try:
            found[i] = morgan_matrix([parse_ion(text)])[0]
        except StructureError:
            continue  # its facts name the problem
    return found
