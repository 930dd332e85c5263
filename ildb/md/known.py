"""Parameters of an ion as a person asks for them: the stored ones if there are any, else derived on the spot."""

from __future__ import annotations

from dataclasses import dataclass

from ildb.errors import DatabaseUnreachableError, SchemaRevisionError
from ildb.md.parameters import IonParameters
from ildb.md.settings import ChargeMethod, ForceFieldSettings
from ildb.md.trouble import IonRefusedError


@dataclass(frozen=True)
class KnownParameters:
    """Parameters, and the row of ``md_parameters`` they are from; None if they were derived for this answer."""

    ion: IonParameters
    row_id: int | None


def parameters_of(smiles: str, *, charges: ChargeMethod = "resp", fresh: bool = False) -> KnownParameters:
    """Parameters of an ion.

    Args:
        smiles: any SMILES of it.
        charges: how charges are made where none are published.
        fresh: derive anew, whatever is stored.

    Raises:
        StructureError: the SMILES cannot be read.
        IonRefusedError: no back end can describe the ion.
        ToolMissingError: nothing is stored and a program or package of the extra ``md`` is not installed.
    """
    from ildb.chem.standardize import resolve_ion

    ion = resolve_ion(smiles).ion
    settings = ForceFieldSettings(charges=charges)
    if not fresh:
        stored = _stored(ion.inchikey, settings)
        if stored is not None:
            return stored
    from ildb.md.forcefield import parametrise

    return KnownParameters(parametrise(ion.smiles, settings), None)


def _stored(inchikey: str, settings: ForceFieldSettings) -> KnownParameters | None:
    from ildb.config import get_settings
    from ildb.db import query
    from ildb.pipeline.artifacts import ArtifactStore
    from ildb.search.session import reading

    try:
        with reading() as connection:
            row = query.one(connection, "md/parameters_by_inchikey", inchikey=inchikey, method_key=settings.key)
    except (DatabaseUnreachableError, SchemaRevisionError):
        # Parameters can be had without a database.
        return None
    if row is None:
        return None
    if row["refusal"]:
        raise IonRefusedError(row["smiles"], row["refusal"].split("; "))
    file = ArtifactStore(get_settings().artifacts_dir).get(row["artifact_sha256"])
    return KnownParameters(IonParameters.from_json(file.read_text(encoding="utf-8")), row["id"])
