"""Facts about an ion that a screen asks for, found once per ion."""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import FilterCatalog

from ildb.errors import StructureError
from ildb.melting.features import parse_ion
from ildb.screen.params import ScreenParams


@dataclass(frozen=True)
class IonFacts:
    """Size, charge, composition and structural alerts of an ion.

    Args:
        heavy_atoms: number of them.
        charge: formal charge.
        elements: symbols, with hydrogen only where it is written as an atom.
        alerts: entries of the filter catalogs it matches.
        problem: why the ion cannot be read; the rest is empty then.
    """

    heavy_atoms: int = 0
    charge: int = 0
    elements: frozenset[str] = frozenset()
    alerts: tuple[str, ...] = ()
    problem: str = ""


class IonInspector:
    """Looks up facts and remembers them.

    Args:
        params: `alert_catalogs` and `ignored_alerts`.
    """

    def __init__(self, params: ScreenParams) -> None:
        self._facts: dict[str, IonFacts] = {}
        self._ignored = frozenset(params.ignored_alerts)
        self._catalog: FilterCatalog.FilterCatalog | None = None
        if params.alert_catalogs:
            wanted = FilterCatalog.FilterCatalogParams()
            for name in params.alert_catalogs:
                wanted.AddCatalog(getattr(FilterCatalog.FilterCatalogParams.FilterCatalogs, name))
            self._catalog = FilterCatalog.FilterCatalog(wanted)

    def facts(self, smiles: str) -> IonFacts:
        """Facts about the ion with this SMILES."""
        if smiles not in self._facts:
            self._facts[smiles] = self._inspect(smiles)
        return self._facts[smiles]

    def _inspect(self, smiles: str) -> IonFacts:
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
        )
