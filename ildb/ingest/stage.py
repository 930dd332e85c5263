"""A batch of curated records on its way into the tables: staged by COPY, then added set by set.

Every statement asks the big tables for the batch's rows only, so a batch costs the same in a database of any size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import rdkit
from sqlalchemy import Connection

from ildb.chem.curation import Finding, ResolvedPair
from ildb.chem.findings import RefusedError
from ildb.chem.identity import Ion
from ildb.chem.standardize import ResolvedIon, resolve_ion
from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.db.structures import add_structures
from ildb.hashing import sha256_json
from ildb.ingest.clean import clean_json, clean_optional, clean_text
from ildb.ingest.record import PairRecord
from ildb.ingest.resolve import ion_strings

# Enough for the ions of most databases; what is forgotten is asked for again.
_REMEMBERED: Final = 200_000

_ION = {
    "inchikey": "text", "smiles": "text", "charge": "int2", "formula": "text", "mass_g_mol": "float8",
    "heavy_atoms": "int2", "flags": "text[]", "rdkit_version": "text",
}  # fmt: skip
_ALIAS = {"ion_id": "int8", "kind": "text", "value": "text"}
_RECORD = {
    "record_no": "int8", "cation_id": "int8", "anion_id": "int8", "cation_charge": "int2", "anion_charge": "int2",
    "n_cation": "int2", "n_anion": "int2", "source_key": "text", "name": "text", "reference": "text",
}  # fmt: skip
_MEASUREMENT = {
    "record_no": "int8", "property": "text", "qualifier": "text", "value": "float8", "unit": "text",
    "uncertainty": "float8", "temperature_k": "float8", "pressure_kpa": "float8", "method": "text",
    "reference": "text", "raw": "jsonb",
}  # fmt: skip
_QUARANTINE = {"record": "jsonb", "record_sha256": "text", "reasons": "text[]", "findings": "jsonb"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that stays out, and why."""

    record: PairRecord
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> list[str]:
        """The reasons, each once."""
        return list(dict.fromkeys(finding.code for finding in self.findings))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A record and the pairing it means."""

    record: PairRecord
    pair: ResolvedPair


@dataclass(frozen=True, slots=True)
class BatchCount:
    """What a batch added; ``n_inserted`` counts the records that brought a claim or a value."""

    n_inserted: int
    n_pairings: int
    n_measurements: int


class BatchWriter:
    """Adds batches of one source to the database.

    Args:
        connection: the transaction all batches are part of.
        source_id: the source.
    """

    def __init__(self, connection: Connection, source_id: int) -> None:
        self._connection = connection
        self._source_id = source_id
        self._ion_ids: dict[str, int] = {}
        self._aliases: set[str] = set()

    def add(self, resolved: list[Resolved], refused: list[Refused]) -> BatchCount:
        """Add a batch: its ions with their structures, aliases, pairings, claims, values and refused records."""
        connection, source_id = self._connection, self._source_id
        query.execute(connection, "ingest/plan_anew")
        if refused:
            stage_rows(connection, "stage_quarantine", _QUARANTINE, map(_quarantine_row, refused))
            query.execute(connection, "ingest/add_quarantine", source_id=source_id)
        if not resolved:
            return BatchCount(0, 0, 0)
        spellings, ions = _look_up(resolved)
        ids = self._add_ions(ions)
        self._add_aliases(spellings, ids)
        stage_rows(connection, "stage_record", _RECORD, _record_rows(resolved, ids))
        n_pairings = query.execute(connection, "ingest/add_pairings").rowcount
        inserted = set(query.execute(connection, "ingest/add_evidence", source_id=source_id).scalars())
        n_measurements = 0
        if any(item.record.measurements for item in resolved):
            stage_rows(connection, "stage_measurement", _MEASUREMENT, _measurement_rows(resolved))
            new_values = query.execute(connection, "ingest/add_measurements", source_id=source_id).scalars().all()
            inserted.update(new_values)
            n_measurements = len(new_values)
        return BatchCount(len(inserted), n_pairings, n_measurements)

    def _add_ions(self, ions: dict[str, ResolvedIon]) -> dict[str, int]:
        """Ids of the ions by InChIKey."""
        ids = {key: self._ion_ids[key] for key in ions if key in self._ion_ids}
        missing = [ion for key, ion in ions.items() if key not in ids]
        if missing:
            stage_rows(self._connection, "stage_ion", _ION, map(_ion_row, missing))
            answers = query.execute(self._connection, "ingest/add_ions").all()
            if new := [row.id for row in answers if row.is_new]:
                add_structures(self._connection, new)
            if len(self._ion_ids) > _REMEMBERED:
                self._ion_ids.clear()
            added = {row.inchikey: row.id for row in answers}
            self._ion_ids |= added
            ids |= added
        return ids

    def _add_aliases(self, spellings: dict[str, Ion], ids: dict[str, int]) -> None:
        """Keep the spellings that are not the ions' own, each once."""
        if len(self._aliases) > _REMEMBERED:
            self._aliases.clear()
        rows = [
            (ids[ion.inchikey], "smiles", smiles)
            for smiles, ion in spellings.items()
            if smiles != ion.smiles and smiles not in self._aliases
        ]
        if rows:
            self._aliases.update(smiles for _, _, smiles in rows)
            stage_rows(self._connection, "stage_alias", _ALIAS, rows)
            query.execute(self._connection, "ingest/add_aliases", source_id=self._source_id)


def _look_up(resolved: Iterable[Resolved]) -> tuple[dict[str, Ion], dict[str, ResolvedIon]]:
    """The spellings used in a batch, and its ions by InChIKey."""
    spellings: dict[str, Ion] = {}
    ions: dict[str, ResolvedIon] = {}
    for item in resolved:
        both = item.pair.cation, item.pair.anion
        for smiles in ion_strings(item.record):
            # Of a SMILES whose rings run across its dots the parts alone mean nothing, or something else.
            with suppress(RefusedError):
                found = resolve_ion(smiles)
                if found.ion in both:
                    spellings[smiles] = found.ion
                    ions[found.ion.inchikey] = found
        for ion in both:
            if ion.inchikey not in ions:
                ions[ion.inchikey] = resolve_ion(ion.smiles)
    return spellings, ions


def _ion_row(found: ResolvedIon) -> tuple[Any, ...]:
    ion, flags = found.ion, [finding.code for finding in found.flags]
    return (
        ion.inchikey, ion.smiles, ion.charge, ion.formula, ion.mass_g_mol, ion.heavy_atoms, flags, rdkit.__version__
    )  # fmt: skip


def _record_rows(resolved: Iterable[Resolved], ids: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    for number, item in enumerate(resolved):
        pair, record = item.pair, item.record
        yield (
            number, ids[pair.cation.inchikey], ids[pair.anion.inchikey], pair.cation.charge, pair.anion.charge,
            pair.n_cation, pair.n_anion, clean_text(record.source_key), clean_optional(record.name),
            clean_optional(record.reference),
        )  # fmt: skip


def _measurement_rows(resolved: Iterable[Resolved]) -> Iterator[tuple[Any, ...]]:
    for number, item in enumerate(resolved):
        if not item.record.measurements:
            continue
        raw = clean_json(item.record.raw)
        if item.pair.notes:
            raw["curation_notes"] = list(item.pair.notes)
        for m in item.record.measurements:
            yield (
                number, clean_text(m.property), m.qualifier, m.value, clean_text(m.unit), m.uncertainty,
                m.temperature_k, m.pressure_kpa, clean_optional(m.method), clean_optional(m.reference), raw,
            )  # fmt: skip


def stored_record(record: PairRecord) -> tuple[dict[str, Any], str]:
    """A record as quarantine keeps it, and the hash by which it is known there."""
    written = asdict(record)
    # They stand in a column of their own, and may change with ildb while the record is the same.
    written.pop("findings")
    stored = clean_json(written)
    return stored, sha256_json(stored)


def _quarantine_row(item: Refused) -> tuple[Any, ...]:
    return *stored_record(item.record), item.codes, clean_json([asdict(finding) for finding in item.findings])
