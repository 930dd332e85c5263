"""``ildb doctor`` and the checks of ``sql/checks``: what is wrong is found, and nothing else."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from ildb.db import checks
from ildb.pipeline.artifacts import ArtifactStore
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401

# What to spoil so that a check has something to find. Constraints that forbid it are lifted first.
SPOIL = {
    "decision_ranks_doubled": "UPDATE screening_decision SET rank = 1 WHERE rank = 2",
    "decision_without_link_score": "DELETE FROM link_score WHERE pairing_id = :passed",
    "decision_without_melting_score": "DELETE FROM melting_score WHERE pairing_id = :passed",
    "generated_draws_missing": (
        "UPDATE stage_run SET uses = 'generate.sample', status = 'succeeded', result = '{\"n_draws\": 7}' WHERE id = 1"
    ),
    "generated_evidence_without_new_ion": "UPDATE pairing_evidence SET kind = 'generated' WHERE pairing_id = :passed",
    "ion_fingerprint_differs": "UPDATE ion_structure SET mfp2 = morganbv_fp(mol, 1) WHERE ion_id = 1",
    "ion_structure_differs": (
        "UPDATE ion_structure SET mol = mol_from_smiles(CAST('C[NH3+]' AS cstring)) WHERE ion_id = 1"
    ),
    "ion_without_structure": "DELETE FROM ion_structure WHERE ion_id = 1",
    "md_ladder_incomplete": "DELETE FROM md_point WHERE temperature_k = 400",
    "melting_score_not_a_number": (
        "UPDATE melting_score SET tm_k = 'NaN', tm_high_k = 'NaN' WHERE pairing_id = :passed"
    ),
    "pairing_without_evidence": "DELETE FROM pairing_evidence WHERE pairing_id = :passed",
    "predicted_evidence_without_score": "DELETE FROM link_score WHERE pairing_id = :passed",
    "snapshot_size_differs": "DELETE FROM snapshot_row WHERE id = 1",
    "source_without_ingest": "DELETE FROM ingest WHERE source_id = 1",
    "stage_succeeded_with_open_tasks": ("INSERT INTO task (stage_run_id, position, payload) VALUES (1, 0, '{}')"),
    "task_lease_expired": (
        "WITH r AS (UPDATE run SET status = 'running')"
        " INSERT INTO task (stage_run_id, position, payload, status, lease_expires_at)"
        " VALUES (1, 0, '{}', 'running', now() - interval '2 hours')"
    ),
}


@pytest.fixture
def connection(engine: Engine, populated: Populated):
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_sound_database_passes_every_check(connection: Connection) -> None:
    results = checks.run_checks(connection)
    assert {result.name for result in results} == set(SPOIL)
    assert [(result.name, result.sample) for result in results if result.n_rows] == []
    assert all(result.about for result in results)


@pytest.mark.parametrize("name", SPOIL)
def test_each_check_finds_what_it_is_for(connection: Connection, populated: Populated, name: str) -> None:
    statement = text(SPOIL[name])
    connection.execute(statement, {"passed": populated.passed[0]} if ":passed" in SPOIL[name] else {})
    result = checks.run_check(connection, name)
    assert result.n_rows >= 1
    assert 1 <= len(result.sample) <= checks.SAMPLE


def test_many_offending_rows_are_counted_and_sampled(connection: Connection) -> None:
    connection.execute(text("DELETE FROM ion_structure"))
    result = checks.run_check(connection, "ion_without_structure")
    assert (result.n_rows, len(result.sample)) == (30, checks.SAMPLE)


@pytest.fixture
def home(tmp_path: Path, engine: Engine, populated: Populated) -> Path:
    """A home with the model files that the rows name."""
    for kind in ("links", "melting"):
        file = tmp_path / kind
        file.write_bytes(f"weights of {kind}".encode())
        ArtifactStore(tmp_path / "artifacts").put(file)
    return tmp_path


def by_name(findings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in findings}


def test_all_is_well(command, home: Path) -> None:
    outcome = command("doctor", "--json", ILDB_HOME=str(home))
    found = by_name(outcome.json())
    assert {finding["status"] for name, finding in found.items() if name != "home"} == {"ok"}
    assert {"ildb", "python", "rdkit", "torch", "sqlalchemy", "home", "gpu", "database", "schema"} <= found.keys()
    assert "same fingerprints and SMILES for 30 ions" in found["cartridge"]["message"]
    assert found["artifacts"]["message"] == "2 files there, 2 verified"
    assert {f"check {name}" for name in checks.names()} <= found.keys()
    assert "ok   database" in command("doctor", ILDB_HOME=str(home)).out


def test_files_missing_and_damaged(command, home: Path) -> None:
    sha256 = hashlib.sha256(b"weights of links").hexdigest()
    file = home / "artifacts" / sha256[:2] / sha256
    file.chmod(0o644)
    file.write_bytes(b"other weights")
    outcome = command("doctor", ILDB_HOME=str(home))
    assert outcome.code == 6
    assert "1 files in" in outcome.out
    assert "damaged" in outcome.out
    file.unlink()
    outcome = command("doctor", ILDB_HOME=str(home))
    assert outcome.code == 6
    assert "1 model files are missing" in outcome.out


def test_offending_rows_fail(command, engine: Engine, home: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE ion_structure SET mfp2 = morganbv_fp(mol, 1) WHERE ion_id = 1"))
    try:
        outcome = command("doctor", ILDB_HOME=str(home))
        assert outcome.code == 1
        assert "fail cartridge" in outcome.out
        assert "fingerprints differ for 1 of 30 ions" in outcome.out
        assert "fail check ion_fingerprint_differs: 1 rows" in outcome.out
        assert "-> Ions whose fingerprint is not that of their structure" in outcome.out
    finally:
        with engine.begin() as connection:
            connection.execute(text("UPDATE ion_structure SET mfp2 = morganbv_fp(mol, 2) WHERE ion_id = 1"))


@pytest.mark.parametrize(
    "url",
    ["postgresql://x@/x?host=/nowhere", "postgresql://127.0.0.1:1/x", "mysql://x/y", "not a url", "postgresql://h:p/x"],
)
def test_without_a_database_the_rest_is_reported(command, url: str) -> None:
    outcome = command("doctor", url=url)
    assert outcome.code in {3, 4}
    assert "Traceback" not in outcome.out + outcome.err
    assert "ok   rdkit" in outcome.out
    assert "fail database" in outcome.out
    assert "->" in outcome.out


def test_without_a_schema(command, new_database) -> None:
    outcome = command("doctor", url=new_database(empty=True))
    assert outcome.code == 5
    assert "-> Run: ildb db upgrade" in outcome.out


def test_a_home_that_is_a_file(command, home: Path) -> None:
    (home / "file").write_text("")
    outcome = command("doctor", ILDB_HOME=str(home / "file"))
    assert "fail home" in outcome.out
    assert outcome.code == 3


def test_db_check_runs_the_same_checks(ildb, database_url: str, populated: Populated) -> None:
    done = ildb("db", "check", "--json", url=database_url)
    assert {row["check"] for row in json.loads(done.stdout)} == set(SPOIL)
    assert done.returncode == 0
