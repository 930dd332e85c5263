"""Read salts written as one SMILES (``cation.anion``) into a graph, merging resonance twins by InChIKey."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rdkit import Chem, rdBase

from ildb.links.dataset import IonRow, LinkGraph, PairingRow, graph_from_rows


def graph_from_salts(salts: Iterable[str], *, unbalanced: bool = False) -> LinkGraph:
    """Graph of the 1:1 salts among some SMILES.

    Molecules, mixtures, salts of more than two ions, salts that are not neutral as written and SMILES that RDKit
    refuses are passed over: this reads catalogues for measuring, while `ildb.ingest` accounts for every record.

    Args:
        salts: SMILES, ions separated by a dot in either order.
        unbalanced: also take pairs whose charges do not cancel as written (the stoichiometry was left out).

    Raises:
        InputError: no salt is left.
    """
    with rdBase.BlockLogs():
        rows = [row for salt in salts if (row := _pairing(salt, unbalanced)) is not None]
    return graph_from_rows(rows)


def _pairing(salt: str, unbalanced: bool) -> PairingRow | None:
    parts = salt.split(".")
    if len(parts) != 2:
        return None
    ions = [_ion(part) for part in parts]
    if ions[0] is None or ions[1] is None:
        return None
    anion, cation = sorted((ions[0], ions[1]), key=lambda ion: ion.charge)
    if cation.charge <= 0 or anion.charge >= 0 or (cation.charge + anion.charge != 0 and not unbalanced):
        return None
    return PairingRow(*cation, *anion)


@cache
def _ion(smiles: str) -> IonRow | None:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        return None
    inchikey: str = Chem.MolToInchiKey(mol)  # type: ignore[no-untyped-call]
    return IonRow(inchikey, Chem.MolToSmiles(mol), Chem.GetFormalCharge(mol))
