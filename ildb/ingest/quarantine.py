"""Decisions on refused records: accept one as corrected, reject it for good, or take a rejection back.

An accepted record goes through the same door as every other, with its own source, key, name, reference and values. The
refused record stays as it was read; beside it stands every decision ever made on it.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Engine

from ildb import __version__
from ildb.chem.curation import RefusedError, ResolvedPair, resolve_salt
from ildb.db import query
from ildb.errors import InputError, NotFoundError
from ildb.ingest.claims import find_claim_problems
from ildb.ingest.curate import ingest
from ildb.ingest.record import MeasurementRecord, PairRecord
from ildb.ingest.source import SourceInfo
from ildb.ingest.values import read_plain, read_value
from ildb.units import CONDITIONS, get_property

__all__ = ["Accepted", "accept", "parse_value", "reject", "reopen"]

Status = Literal["open", "accepted", "rejected"]

# Reasons that another structure does not mend.
_VALUE_REASONS: Final = frozenset(
    {"bad_value", "value_out_of_range", "value_not_finite", "bad_uncertainty", "formula_without_value"}
)


@dataclass(frozen=True)
class Accepted:
    """What an accepted record became.

    Attributes:
        pairing_id: the pairing.
        smiles: its formula unit.
        n_measurements: values that are new.
        was_known: the source had made this very claim before, so that nothing was added.
    """

    pairing_id: int
    smiles: str
    n_measurements: int
    was_known: bool


def parse_value(text: str) -> MeasurementRecord:
    """A value as a curator types it: ``melting_point=350 K``, ``density=1.21 g/cm3 @ 298.15 K, 101 kPa``.

    Without a unit the number is in the property's canonical one.

    Raises:
        InputError: unknown property or unit, no number, or one that cannot be true.
    """
    name, equals, rest = text.partition("=")
    if not equals:
        raise InputError(f"'{text}' is not a value.", "Expected PROPERTY=VALUE UNIT, as in: melting_point=350 K")
    prop = get_property(name.strip())
    cell, _, state = rest.partition("@")
    reading = read_value(cell.strip(), prop, prop.unit, ".")
    if reading is None:
        raise InputError(f"'{text}' has no number.", "Expected PROPERTY=VALUE UNIT, as in: melting_point=350 K")
    temperature, _, pressure = state.partition(",")
    return MeasurementRecord(
        property=reading.property,
        value=reading.value,
        unit=reading.unit,
        qualifier=reading.qualifier,
        uncertainty=reading.uncertainty,
        method=reading.note,
        temperature_k=_condition("temperature", temperature),
        pressure_kpa=_condition("pressure", pressure),
    )


def _condition(name: str, text: str) -> float | None:
    return read_plain(text.strip(), CONDITIONS[name], CONDITIONS[name].unit, ".")


def accept(
    engine: Engine,
    record_id: int,
    *,
    structure: str | tuple[str, str] | None = None,
    values: Sequence[MeasurementRecord] = (),
    note: str | None = None,
) -> Accepted:
    """Bring a refused record in as corrected, in one transaction.

    Args:
        engine: the database.
        record_id: its id in ``quarantine``.
        structure: the SMILES of the salt, or of cation and anion; None to keep the record's own.
        values: corrected values; each takes the place of the record's value of that property, if it has one.
        note: why, for those who come later.

    Raises:
        NotFoundError: there is no such record.
        RefusedError: the structure or a value is still not acceptable, with every finding; nothing is changed.
        InputError: the record was resolved before, or what was wrong with it is not corrected.
    """
    with engine.begin() as connection:
        row = _open_record(connection, record_id)
        record = _corrected(_read_record(row["record"]), structure, values, set(row["reasons"]), record_id)
        pair = _resolve(record, record_id)
        source = SourceInfo(row["source"], row["source_sha256"])
        query.execute(connection, "quarantine/claim", id=record_id)
        count = ingest(connection, source, [record])
        if count.n_quarantined:
            raise InputError(
                f"Record {record_id} is still refused: {', '.join(count.reasons)}.", "Nothing was changed."
            )
        found = query.one(connection, "quarantine/pairing", cation=pair.cation.inchikey, anion=pair.anion.inchikey)
        assert found is not None  # it was just inserted  # noqa: S101
        accepted = Accepted(
            pairing_id=found["id"],
            smiles=".".join([pair.cation.smiles] * pair.n_cation + [pair.anion.smiles] * pair.n_anion),
            n_measurements=count.n_measurements,
            was_known=count.n_inserted == 0,
        )
        decision = {
            "structure": list(structure) if isinstance(structure, tuple) else structure,
            "values": [asdict(value) for value in values],
            **asdict(accepted),
        }
        _decide(connection, record_id, "accepted", "accepted", decision, note)
    return accepted


def reject(engine: Engine, record_id: int, *, note: str | None = None) -> None:
    """Refuse a record for good: it stays, and reading its file again does not open it.

    Raises:
        NotFoundError: there is no such record.
        InputError: it was resolved before.
    """
    with engine.begin() as connection:
        _open_record(connection, record_id)
        _decide(connection, record_id, "rejected", "rejected", {}, note)


def reopen(engine: Engine, record_id: int, *, note: str | None = None) -> None:
    """Take a rejection back. What an acceptance brought in stays in, so that is not taken back.

    Raises:
        NotFoundError: there is no such record.
        InputError: it is not rejected.
    """
    with engine.begin() as connection:
        row = _locked(connection, record_id)
        if row["status"] != "rejected":
            raise InputError(f"Record {record_id} is {row['status']}, not rejected.", "Only a rejection is taken back.")
        _decide(connection, record_id, "open", "reopened", {}, note)


def _locked(connection: Connection, record_id: int) -> dict[str, Any]:
    query.execute(connection, "quarantine/lock", id=record_id)
    row = query.one(connection, "quarantine/get", id=record_id)
    if row is None:
        raise NotFoundError(f"There is no quarantined record {record_id}.", "See: ildb curate quarantine list")
    return row


def _open_record(connection: Connection, record_id: int) -> dict[str, Any]:
    row = _locked(connection, record_id)
    if row["status"] == "open":
        return row
    last: Mapping[str, Any] = ((row["resolution"] or {}).get("decisions") or [{}])[-1]
    became = f", as pairing {last['pairing_id']}" if "pairing_id" in last else ""
    by, at = last.get("by", "somebody"), str(last.get("at", ""))[:19].replace("T", " ")
    note = f" ({last['note']})" if last.get("note") else ""
    raise InputError(
        f"Record {record_id} was {row['status']} by {by} on {at} UTC{became}{note}.",
        f"Take that back with: ildb curate quarantine reopen {record_id}" if row["status"] == "rejected" else "",
    )


def _read_record(stored: Mapping[str, Any]) -> PairRecord:
    """The record as its reader gave it; whatever a reader of another version stored beside is left out."""
    measured = {field.name for field in fields(MeasurementRecord)}
    measurements = tuple(
        MeasurementRecord(**{key: value for key, value in item.items() if key in measured})
        for item in stored.get("measurements") or ()
    )
    known = {field.name for field in fields(PairRecord)} - {"measurements", "problem", "findings"}
    return PairRecord(**{key: stored[key] for key in known if key in stored}, measurements=measurements)


def _corrected(
    record: PairRecord,
    structure: str | tuple[str, str] | None,
    values: Sequence[MeasurementRecord],
    reasons: set[str],
    record_id: int,
) -> PairRecord:
    if structure is None and not values:
        raise InputError(
            f"Record {record_id}: nothing is corrected.", "Give --smiles, --cation and --anion, or --value."
        )
    if not values and reasons <= _VALUE_REASONS:
        raise InputError(
            f"Record {record_id} was refused for its value.", "Give --value PROPERTY=VALUE UNIT, or reject it."
        )
    if structure is not None:
        cation, anion = structure if isinstance(structure, tuple) else (None, None)
        salt = structure if isinstance(structure, str) else None
        record = replace(record, cation_smiles=cation, anion_smiles=anion, salt_smiles=salt)
    for value in values:
        record = replace(record, measurements=_with_value(record, value))
    if record.structure is None:
        raise InputError(f"Record {record_id} has no structure.", "Give --smiles, or --cation and --anion.")
    return record


def _with_value(record: PairRecord, value: MeasurementRecord) -> tuple[MeasurementRecord, ...]:
    old = [m for m in record.measurements if m.property == value.property]
    if len(old) > 1:
        raise InputError(f"The record has {len(old)} values of {value.property}.", "Ingest a corrected file instead.")
    others = tuple(m for m in record.measurements if m.property != value.property)
    if not old:
        return (*others, replace(value, reference=record.reference))
    (was,) = old
    new = replace(
        value,
        reference=was.reference,
        method="; ".join(part for part in (was.method, value.method) if part) or None,
        temperature_k=was.temperature_k if value.temperature_k is None else value.temperature_k,
        pressure_kpa=was.pressure_kpa if value.pressure_kpa is None else value.pressure_kpa,
    )
    return (*others, new)


def _resolve(record: PairRecord, record_id: int) -> ResolvedPair:
    if record.structure is None:
        raise InputError(f"Record {record_id} has no structure.", "Give --smiles, or --cation and --anion.")
    if problems := find_claim_problems(record):
        raise RefusedError(problems)
    return resolve_salt(record.structure, derive_stoichiometry=record.derive_stoichiometry)


def _decide(
    connection: Connection, record_id: int, status: Status, decision: str, more: Mapping[str, Any], note: str | None
) -> None:
    entry = {
        "decision": decision,
        "by": _user(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": __version__,
        "note": note,
        **more,
    }
    query.execute(connection, "quarantine/resolve", id=record_id, status=status, decision=json.dumps(entry))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return f"uid {os.getuid()}"
