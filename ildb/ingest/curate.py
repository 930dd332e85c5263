"""The one way into the database: every record read is inserted, found to exist, or quarantined with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import rdkit
from sqlalchemy import Connection, Engine

from ildb import __version__
from ildb.chem.curation import Finding, RefusedError, ResolvedPair, resolve_salt
from ildb.chem.standardize import resolve_ion
from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.db.structures import add_structures
from ildb.hashing import sha256_json
from ildb.ingest.record import PairRecord
from ildb.ingest.source import SourceInfo

BATCH = 5_000

_PROBLEMS = {
    "name_unmatched": "The name stands for no structure that is known.",
    "name_ambiguous": "The name stands for more than one structure.",
}

_ION = {
    "inchikey": "text", "smiles": "text", "charge": "int2", "formula": "text", "mass_g_mol": "float8",
    "heavy_atoms": "int2", "flags": "text[]", "rdkit_version": "text",
}  # fmt: skip
_ALIAS = {"inchikey": "text", "kind": "text", "value": "text"}
_RECORD = {
    "record_no": "int8", "cation_inchikey": "text", "anion_inchikey": "text", "n_cation": "int2", "n_anion": "int2",
    "source_key": "text", "name": "text", "reference": "text",
}  # fmt: skip
_MEASUREMENT = {
    "record_no": "int8", "property": "text", "qualifier": "text", "value": "float8", "unit": "text",
    "uncertainty": "float8", "temperature_k": "float8", "pressure_kpa": "float8", "method": "text",
    "reference": "text", "raw": "jsonb",
}  # fmt: skip
_QUARANTINE = {"record": "jsonb", "record_sha256": "text", "reasons": "text[]", "findings": "jsonb"}


@dataclass
class IngestCount:
    """What became of the records of one ingest; ``reasons`` counts those of the quarantined ones."""

    source: str
    n_read: int = 0
    n_inserted: int = 0
    n_existing: int = 0
    n_quarantined: int = 0
    n_pairings: int = 0
    n_measurements: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Refused:
    record: PairRecord
    findings: list[dict[str, Any]]


@dataclass(frozen=True)
class _Resolved:
    record_no: int
    record: PairRecord
    pair: ResolvedPair


def ingest(
    engine: Engine,
    source: SourceInfo,
    records: Iterable[PairRecord],
    *,
    progress: Callable[[IngestCount], None] = lambda _: None,
) -> IngestCount:
    """Curate records of one source into the database, in one transaction.

    Args:
        engine: the database.
        source: who says so.
        records: read once, in batches, so that a long file does not fill memory.
        progress: called after each batch.

    Returns:
        Counts with ``n_inserted + n_existing + n_quarantined == n_read``.
    """
    started = datetime.now(UTC)
    count = IngestCount(source.name)
    with engine.begin() as connection:
        query.execute(connection, "ingest/lock")
        source_id: int = query.execute(connection, "source/add", **asdict(source)).scalar_one()
        for batch in _batches(records, BATCH):
            _ingest_batch(connection, source_id, batch, count)
            progress(count)
        query.execute(
            connection,
            "ingest/add",
            source_id=source_id,
            n_read=count.n_read,
            n_inserted=count.n_inserted,
            n_existing=count.n_existing,
            n_quarantined=count.n_quarantined,
            code_version=__version__,
            started_at=started,
        )
    return count


def _batches(records: Iterable[PairRecord], size: int) -> Iterator[list[PairRecord]]:
    iterator = iter(records)
    while batch := list(islice(iterator, size)):
        yield batch


def _ingest_batch(connection: Connection, source_id: int, batch: list[PairRecord], count: IngestCount) -> None:
    resolved: list[_Resolved] = []
    refused: list[_Refused] = []
    for record_no, record in enumerate(batch):
        outcome = _resolve(record_no, record)
        if isinstance(outcome, _Resolved):
            resolved.append(outcome)
        else:
            refused.append(outcome)
    stage_rows(connection, "stage_ion", _ION, (row for item in resolved for row in _ion_rows(item.pair)))
    stage_rows(connection, "stage_alias", _ALIAS, (row for item in resolved for row in _alias_rows(item)))
    stage_rows(connection, "stage_record", _RECORD, map(_record_row, resolved))
    stage_rows(
        connection, "stage_measurement", _MEASUREMENT, (row for item in resolved for row in _measurement_rows(item))
    )
    stage_rows(connection, "stage_quarantine", _QUARANTINE, map(_quarantine_row, refused))

    if query.execute(connection, "ingest/add_ions").rowcount:
        add_structures(connection)
    query.execute(connection, "ingest/add_aliases", source_id=source_id)
    count.n_pairings += query.execute(connection, "ingest/add_pairings").rowcount
    new_claims = query.execute(connection, "ingest/add_evidence", source_id=source_id).scalars().all()
    new_values = query.execute(connection, "ingest/add_measurements", source_id=source_id).scalars().all()
    query.execute(connection, "ingest/add_quarantine", source_id=source_id)

    inserted = {*new_claims, *new_values}
    count.n_measurements += len(new_values)
    count.n_read += len(batch)
    count.n_inserted += len(inserted)
    count.n_existing += len(resolved) - len(inserted)
    count.n_quarantined += len(refused)
    count.reasons.update(code for item in refused for code in {finding["code"] for finding in item.findings})


def _resolve(record_no: int, record: PairRecord) -> _Resolved | _Refused:
    structure = record.structure
    if structure is None:
        code = record.problem or "no_structure"
        message = _PROBLEMS.get(code, "The record has no structure.")
        return _Refused(record, [asdict(Finding(code, message))])
    try:
        pair = resolve_salt(structure)
    except RefusedError as error:
        return _Refused(record, [asdict(finding) for finding in error.findings])
    return _Resolved(record_no, record, pair)


def _ion_rows(pair: ResolvedPair) -> Iterator[tuple[Any, ...]]:
    for ion in (pair.cation, pair.anion):
        flags = [finding.code for finding in resolve_ion(ion.smiles).flags]
        yield (
            ion.inchikey, ion.smiles, ion.charge, ion.formula, ion.mass_g_mol, ion.heavy_atoms, flags, rdkit.__version__
        )  # fmt: skip


def _alias_rows(item: _Resolved) -> Iterator[tuple[str, str, str]]:
    structure = item.record.structure
    parts = structure.split(".") if isinstance(structure, str) else structure or ()
    for part in dict.fromkeys(parts):
        # Of a SMILES whose rings run across its dots the parts alone mean nothing.
        with suppress(RefusedError):
            yield resolve_ion(part).ion.inchikey, "smiles", part


def _record_row(item: _Resolved) -> tuple[Any, ...]:
    pair, record = item.pair, item.record
    return (
        item.record_no, pair.cation.inchikey, pair.anion.inchikey, pair.n_cation, pair.n_anion,
        record.source_key, record.name, record.reference,
    )  # fmt: skip


def _measurement_rows(item: _Resolved) -> Iterator[tuple[Any, ...]]:
    for m in item.record.measurements:
        yield (
            item.record_no, m.property, m.qualifier, m.value, m.unit, m.uncertainty, m.temperature_k, m.pressure_kpa,
            m.method, m.reference, dict(item.record.raw),
        )  # fmt: skip


def _quarantine_row(item: _Refused) -> tuple[Any, ...]:
    record = _record_json(item.record)
    codes = list(dict.fromkeys(finding["code"] for finding in item.findings))
    return record, sha256_json(record), codes, item.findings


def _record_json(record: PairRecord) -> dict[str, Any]:
    """The record whole, as JSON; NUL, which PostgreSQL's JSON cannot hold, is written out."""
    written: dict[str, Any] = _without_nul(asdict(record))
    return written


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\\u0000")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    return value
