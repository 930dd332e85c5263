"""Decisions on refused records, as the pages and the API take them."""

from __future__ import annotations

from collections.abc import Mapping

from ildb.chem.findings import RefusedError
from ildb.chem.standardize import ResolvedIon, examine_ion
from ildb.errors import InputError, StructureError
from ildb.ingest import quarantine
from ildb.ingest.quarantine import Accepted
from ildb.ingest.record import MeasurementRecord
from ildb.web.context import Context

FIELDS = ("smiles", "cation", "anion", "values", "note")
_MAX_NOTE = 2_000


class FieldError(InputError):
    """A field of the decision is wrong.

    Args:
        field: its name.
        error: what is wrong with it.
    """

    def __init__(self, field: str, error: InputError) -> None:
        super().__init__(error.what, error.hint)
        self.field = field


def accept(here: Context, record_id: int, form: Mapping[str, str]) -> Accepted:
    """Bring a record in as corrected.

    Args:
        here: the server's parts.
        record_id: its id.
        form: ``smiles``, or ``cation`` and ``anion``; ``values``, one ``property=value unit`` a line; ``note``.

    Raises:
        FieldError: a field is wrong.
        InputError: the record was resolved before, or nothing is corrected.
        NotFoundError: there is no such record.
    """
    filled = {name: form.get(name, "").strip() for name in FIELDS}
    smiles, cation, anion = filled["smiles"], filled["cation"], filled["anion"]
    if bool(cation) != bool(anion):
        missing = "anion" if cation else "cation"
        raise FieldError(missing, InputError(f"The {missing} is missing.", "Give both ions, or the whole salt."))
    if smiles and cation:
        raise FieldError("smiles", InputError("The structure is given twice.", "Give the salt, or its two ions."))
    structure: str | tuple[str, str] | None = (cation, anion) if cation else smiles or None
    values = [_value(line) for line in filled["values"].splitlines() if line.strip()]
    try:
        return quarantine.accept(
            here.database.writer(), record_id, structure=structure, values=values, note=_note(filled["note"])
        )
    except StructureError as error:
        codes = set(error.codes) if isinstance(error, RefusedError) else set()
        of_value = any("value" in code for code in codes)
        raise FieldError("values" if of_value else _guilty(cation, anion) if cation else "smiles", error) from error


def _guilty(cation: str, anion: str) -> str:
    """The ion that is none; the first where both are, for then they do not fit together."""
    return (
        "anion"
        if isinstance(examine_ion(cation), ResolvedIon) and not isinstance(examine_ion(anion), ResolvedIon)
        else "cation"
    )


def reject(here: Context, record_id: int, note: str) -> None:
    """Refuse a record for good.

    Raises:
        InputError: it was resolved before.
    """
    quarantine.reject(here.database.writer(), record_id, note=_note(note))


def reopen(here: Context, record_id: int, note: str) -> None:
    """Take a rejection back.

    Raises:
        InputError: it is not rejected.
    """
    quarantine.reopen(here.database.writer(), record_id, note=_note(note))


def _value(line: str) -> MeasurementRecord:
    try:
        return quarantine.parse_value(line.strip())
    except InputError as error:
        raise FieldError("values", error) from error


def _note(text: str) -> str | None:
    text = text.strip()
    if len(text) > _MAX_NOTE or "\0" in text:
        raise FieldError("note", InputError(f"A note has at most {_MAX_NOTE:,} characters.", "Shorten it."))
    return text or None
