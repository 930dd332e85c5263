"""Refused records: accepted as corrected, rejected for good, and what a second reading of the file makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.chem.curation import RefusedError
from ildb.chem.findings import Finding
from ildb.errors import InputError, NotFoundError
from ildb.hashing import sha256_json
from ildb.ingest import quarantine
from ildb.ingest.curate import ingest
from ildb.ingest.record import MeasurementRecord, PairRecord
from ildb.ingest.source import SourceInfo
from ildb.ingest.stage import stored_record
from tests.integration.command import Outcome, command

__all__ = ["command"]  # a fixture

# A five-valent carbon among good records; the good one names an ion the corrected one has too.
BAD = "CCCC[N+]1(C)(C)CCCC1.[Cl-]"
GOOD = "CCCC[N+]1(C)CCCC1.[Cl-]"
_numbers = count()


def record(key: str, smiles: str | None, **more: Any) -> PairRecord:
    return PairRecord(source_key=key, salt_smiles=smiles, name=f"salt {key}", reference=f"Paper {key}", **more)


def melting(value: float, **more: Any) -> MeasurementRecord:
    return MeasurementRecord("melting_point", value, "K", reference="Paper of the value", method="DSC", **more)


class File:
    """A source of its own with one bad record between two good ones."""

    def __init__(self, engine: Engine, bad: PairRecord | None = None) -> None:
        self.engine = engine
        n = next(_numbers)
        self.source = SourceInfo(f"file {n}", f"{n:064x}")
        self.records = [
            record("1", "CCn1cc[n+](C)c1.[Br-]"),
            bad or record("2", BAD, measurements=(melting(341.0),)),
            record("3", "CCn1cc[n+](C)c1.[I-]"),
        ]

    def read(self) -> tuple[int, int, int]:
        counted = ingest(self.engine, self.source, self.records)
        return counted.n_inserted, counted.n_existing, counted.n_quarantined

    def row(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT q.*, s.id AS sid FROM ildb.quarantine q JOIN ildb.source s ON s.id = q.source_id"
                    " WHERE s.name = :name"
                ),
                {"name": self.source.name},
            )
            (row,) = found.mappings()
            return dict(row)


@pytest.fixture
def file(engine: Engine) -> File:
    made = File(engine)
    assert made.read() == (2, 0, 1)
    return made


def facts(engine: Engine, pairing_id: int, source_id: int) -> tuple[list[Any], list[Any]]:
    with engine.connect() as connection:
        values = {"p": pairing_id, "s": source_id}
        claims = connection.execute(
            text(
                "SELECT source_key, name, reference FROM ildb.pairing_evidence WHERE pairing_id = :p AND source_id = :s"
            ),
            values,
        )
        points = connection.execute(
            text(
                "SELECT property, value, unit, method, reference, source_key FROM ildb.measurement"
                " WHERE pairing_id = :p AND source_id = :s"
            ),
            values,
        )
        return [tuple(row) for row in claims], [tuple(row) for row in points]


def test_an_accepted_record_keeps_source_key_name_reference_and_values(engine: Engine, file: File) -> None:
    before = file.row()
    accepted = quarantine.accept(engine, before["id"], structure=GOOD, note="one methyl too many")
    claims, points = facts(engine, accepted.pairing_id, before["sid"])
    assert claims == [("2", "salt 2", "Paper 2")]
    assert points == [("melting_point", 341.0, "K", "DSC", "Paper of the value", "2")]
    after = file.row()
    assert (after["status"], after["record"], after["findings"]) == ("accepted", before["record"], before["findings"])
    (decision,) = after["resolution"]["decisions"]
    assert decision["structure"] == GOOD
    assert decision["note"] == "one methyl too many"
    assert decision["pairing_id"] == accepted.pairing_id
    assert decision["by"]
    assert after["resolved_at"] is not None


def test_ions_apart_and_stoichiometry_from_their_charges(engine: Engine, file: File) -> None:
    dication = "C[n+]1ccn(CCCn2cc[n+](C)c2)c1"
    accepted = quarantine.accept(engine, file.row()["id"], structure=("[Br-]", dication))
    assert accepted.smiles.count("[Br-]") == 2


@pytest.mark.parametrize("structure", [BAD, "CCCC", "C[CH2].[Cl-]", "not a smiles"])
def test_a_structure_that_is_still_bad_changes_nothing(engine: Engine, file: File, structure: str) -> None:
    before = file.row()
    with pytest.raises(RefusedError) as refused:
        quarantine.accept(engine, before["id"], structure=structure)
    assert refused.value.findings
    assert file.row() == before


def test_accepting_twice_says_what_happened(engine: Engine, file: File) -> None:
    record_id = file.row()["id"]
    accepted = quarantine.accept(engine, record_id, structure=GOOD)
    with pytest.raises(InputError, match=rf"{record_id} was accepted by .* as pairing {accepted.pairing_id}"):
        quarantine.accept(engine, record_id, structure=GOOD)
    with pytest.raises(InputError, match="was accepted by"):
        quarantine.reject(engine, record_id)


def test_two_curators_at_once(engine: Engine, file: File) -> None:
    record_id = file.row()["id"]

    def decide(anion: str) -> bool:
        try:
            quarantine.accept(engine, record_id, structure=f"CCCC[N+]1(C)CCCC1.{anion}")
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, ["[Cl-]", "[Br-]", "[I-]", "N#C[S-]"])) == 1
    assert len(file.row()["resolution"]["decisions"]) == 1


@pytest.mark.parametrize("decision", ["accepted", "rejected"])
def test_reading_the_file_again_does_not_open_it(engine: Engine, file: File, decision: str) -> None:
    record_id = file.row()["id"]
    if decision == "accepted":
        quarantine.accept(engine, record_id, structure=GOOD)
    else:
        quarantine.reject(engine, record_id)
    assert file.read() == (0, 2, 1)
    file.records.append(record("4", "CCn1cc[n+](C)c1.N#C[S-]"))  # another batch, so nothing is skipped as known
    assert file.read() == (1, 2, 1)
    assert (file.row()["id"], file.row()["status"]) == (record_id, decision)


def test_a_rejection_can_be_taken_back_and_all_decisions_stay(engine: Engine, file: File) -> None:
    record_id = file.row()["id"]
    quarantine.reject(engine, record_id, note="no such salt")
    with pytest.raises(InputError, match=r"was rejected by .*\(no such salt\).*reopen"):
        quarantine.accept(engine, record_id, structure=GOOD)
    quarantine.reopen(engine, record_id, note="there is, see Paper 7")
    assert (file.row()["status"], file.row()["resolved_at"]) == ("open", None)
    quarantine.accept(engine, record_id, structure=GOOD)
    assert [d["decision"] for d in file.row()["resolution"]["decisions"]] == ["rejected", "reopened", "accepted"]
    with pytest.raises(InputError, match="is accepted, not rejected"):
        quarantine.reopen(engine, record_id)


def test_a_corrected_value_takes_the_place_of_the_bad_one(engine: Engine) -> None:
    bad = record("2", BAD, measurements=(melting(68.0), MeasurementRecord("density", 1100.0, "kg/m3")))
    file = File(engine, bad)
    file.read()
    accepted = quarantine.accept(
        engine, file.row()["id"], structure=GOOD, values=[quarantine.parse_value("melting_point=68 °C")]
    )
    _, points = facts(engine, accepted.pairing_id, file.row()["sid"])
    assert {point[:5] for point in points} == {
        ("melting_point", 341.15, "K", "DSC", "Paper of the value"),
        ("density", 1100.0, "kg/m3", None, None),
    }


def test_a_record_refused_for_its_value_needs_a_value(engine: Engine) -> None:
    finding = Finding("bad_value", "line 3, column Tm: 'see text' is not a melting_point.")
    file = File(engine, record("2", GOOD, problem=finding.code, findings=(finding,)))
    file.read()
    record_id = file.row()["id"]
    with pytest.raises(InputError, match="refused for its value"):
        quarantine.accept(engine, record_id, structure=GOOD)
    with pytest.raises(InputError, match="nothing is corrected"):
        quarantine.accept(engine, record_id)
    accepted = quarantine.accept(engine, record_id, values=[quarantine.parse_value("melting_point=350 K")])
    _, points = facts(engine, accepted.pairing_id, file.row()["sid"])
    assert points == [("melting_point", 350.0, "K", None, "Paper 2", "2")]


def test_a_value_that_cannot_be_true_changes_nothing(engine: Engine, file: File) -> None:
    before = file.row()
    value = MeasurementRecord("melting_point", 1e6, "K")
    with pytest.raises(RefusedError, match="melting_point = 1000000"):
        quarantine.accept(engine, before["id"], structure=GOOD, values=[value])
    assert file.row() == before


def test_a_claim_that_was_known_already(engine: Engine) -> None:
    file = File(engine, record("1", BAD, measurements=()))
    file.records[0] = PairRecord(source_key="1", salt_smiles=GOOD, name="salt 1", reference="Paper 1")
    file.read()
    accepted = quarantine.accept(engine, file.row()["id"], structure=GOOD)
    assert accepted.was_known
    claims, _ = facts(engine, accepted.pairing_id, file.row()["sid"])
    assert len(claims) == 1


def test_no_such_record(engine: Engine) -> None:
    with pytest.raises(NotFoundError, match="no quarantined record 999999"):
        quarantine.accept(engine, 999999, structure=GOOD)


def test_the_command_line(command: Callable[..., Outcome], file: File) -> None:
    record_id = str(file.row()["id"])
    listed = command("curate", "quarantine", "list", "--source", file.source.name, "--json").json()
    assert [str(row["id"]) for row in listed] == [record_id]
    refused = command("curate", "quarantine", "accept", record_id, "--smiles", BAD)
    assert refused.code == 3
    assert "valence" in refused.err
    half = command("curate", "quarantine", "accept", record_id, "--cation", "C[N+](C)(C)C")
    assert (half.code, "both --cation and --anion" in half.err) == (3, True)
    accepted = command(
        "curate", "quarantine", "accept", record_id, "--smiles", GOOD, "--value", "density=1.1 g/cm3 @ 25 °C", "--json"
    ).json()
    assert accepted["n_measurements"] == 2
    assert command("curate", "quarantine", "list", "--source", file.source.name, "--json").json() == []
    done = command("curate", "quarantine", "list", "--source", file.source.name, "--status", "accepted", "--json")
    assert [row["status"] for row in done.json()] == ["accepted"]
    shown = command("curate", "quarantine", "show", record_id)
    assert f"pairing {accepted['pairing_id']}" in shown.out
    counts = command("curate", "quarantine", "counts", "--json").json()
    assert [row["accepted"] for row in counts if row["source"] == file.source.name] == [1]
    again = command("curate", "quarantine", "reject", record_id)
    assert (again.code, "was accepted by" in again.err) == (3, True)


def test_decisions_are_plain_json(engine: Engine, file: File) -> None:
    quarantine.accept(engine, file.row()["id"], structure=("CCCC[N+]1(C)CCCC1", "[Cl-]"))
    assert json.loads(json.dumps(file.row()["resolution"])) == file.row()["resolution"]


def as_refused(engine: Engine, record_id: int, stored: dict[str, Any]) -> None:
    """What quarantine would hold if an earlier ildb had refused a record that today's accepts."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE ildb.quarantine SET record = cast(:r AS jsonb), record_sha256 = :h WHERE id = :id"),
            {"r": json.dumps(stored), "h": sha256_json(stored), "id": record_id},
        )
        connection.execute(text("DELETE FROM ildb.ingest_batch"))


@pytest.mark.parametrize("problem", [None, "name_unmatched"])
def test_a_record_that_can_be_read_now_closes_its_row(engine: Engine, file: File, problem: str | None) -> None:
    before = file.row()
    file.records[1] = record("2", GOOD, measurements=(melting(341.0),), raw={"Name": "salt 2"})
    refused = file.records[1] if problem is None else PairRecord("2", raw={"Name": "salt 2"}, problem=problem)
    as_refused(engine, before["id"], stored_record(refused)[0])
    assert file.read() == (1, 2, 0)
    after = file.row()
    assert (after["id"], after["status"]) == (before["id"], "accepted")
    assert [d["by"] for d in after["resolution"]["decisions"]] == ["ingest"]


def test_a_rejected_record_stays_out_even_when_it_can_be_read_now(engine: Engine, file: File) -> None:
    record_id = file.row()["id"]
    quarantine.reject(engine, record_id)
    file.records[1] = record("2", GOOD, measurements=(melting(341.0),))
    as_refused(engine, record_id, stored_record(file.records[1])[0])
    assert file.read() == (0, 2, 1)
    assert file.row()["status"] == "rejected"


def test_another_record_under_the_same_key_does_not_close_a_row(engine: Engine) -> None:
    file = File(engine, PairRecord("2", raw={"Name": "salt 2"}, problem="name_unmatched"))
    file.read()
    file.records.append(record("2", GOOD, raw={"Name": "another"}))
    assert file.read() == (1, 2, 1)
    assert file.row()["status"] == "open"
