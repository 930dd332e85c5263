"""The paper's files: a few made-up lines of their form always, the real ones where ``ILDB_ILGEN_DIR`` has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.chem.curation import resolve_salt
from ildb.ingest.curate import ingest
from ildb.ingest.ilgen import IlgenSummary, find_files, summarise
from ildb.ingest.ilthermo import melting_points_source, read_melting_points
from tests.integration.command import Outcome, command

__all__ = ["command"]

REAL = os.environ.get("ILDB_ILGEN_DIR")
EMIM = ("CCn1cc[n+](C)c1", "CC[n+]1ccn(C)c1")
BMIM = ("CCCCn1cc[n+](C)c1", "CCCC[n+]1ccn(C)c1")

COLLECTED = f"""smiles
{BMIM[0]}.[Br-]
{BMIM[1]}.[Br-]
{EMIM[0]}.[O-][Cl+3]([O-])([O-])[O-]
{EMIM[1]}.[O-]Cl(=O)(=O)=O
C[n+]1ccn(CCCCn2cc[n+](C)c2)c1.[Br-]
C[N+](C)C.[Br-]
CC[C+](C)(C)(C)C.[Br-]
"""
MELTING = f"""smiles,Cation,Anion,Melting point (K)
[Br-].{BMIM[0]},{BMIM[0]},[Br-],351.15
{EMIM[1]}.[Br-],{EMIM[1]},[Br-],352
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "collected-ILs.csv").write_text(COLLECTED)
    (tmp_path / "IL-melting-point.csv").write_text(MELTING)
    return tmp_path


def test_the_files_are_accounted_for_and_summed_up(
    command: Callable[..., Outcome], new_database: Callable[..., str], folder: Path
) -> None:
    url = new_database()
    report = command("ingest", "ilgen", str(folder), "--json", url=url).json()
    collected, melting = report["sources"]
    assert (collected["n_read"], collected["n_inserted"], collected["n_quarantined"]) == (7, 5, 2)
    assert collected["reasons"] == {"radical": 1, "valence": 1}
    assert (melting["n_read"], melting["n_inserted"], melting["n_measurements"]) == (2, 2, 2)
    assert (report["records"], report["claims"], report["pairings"]) == (7, 5, 3)
    assert (report["two_anions"], report["two_anion_claims"], report["compared"]) == (1, 1, 0)
    said = command("ingest", "ilgen", str(folder), url=url)
    assert said.out.count("Nothing new") == 2
    assert "3 distinct pairings of 3 cations and 2 anions from 7 records" in said.out


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    command: Callable[..., Outcome], new_database: Callable[..., str], folder: Path
) -> None:
    url = new_database()
    dry = command("ingest", "ilgen", str(folder), "--dry-run", "--json", url=url).json()
    assert command("stats", "--json", url=url).json()["ions"] == 0
    assert {**command("ingest", "ilgen", str(folder), "--json", url=url).json(), "dry_run": True} == dry
    said = command("ingest", "ilgen", str(folder), "--dry-run", url=url)
    assert said.out.count("nothing was changed") == 2


def test_a_folder_without_the_files_is_refused(command: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = command("ingest", "ilgen", str(tmp_path))
    assert outcome.code == 3
    assert "collected-ILs.csv and IL-melting-point.csv" in outcome.err


@pytest.fixture(scope="module")
def real(engine: Engine) -> IlgenSummary:
    if REAL is None:
        pytest.skip("ILDB_ILGEN_DIR does not say where the paper's files are")
    ingest(engine, melting_points_source(), read_melting_points())
    files = find_files(Path(REAL))
    counts = [ingest(engine, file.source(), file.records()) for file in files]
    assert [c.n_read for c in counts] == [7508, 2206]
    assert all(c.n_inserted + c.n_existing + c.n_quarantined == c.n_read for c in counts)
    again = [ingest(engine, file.source(), file.records()) for file in files]
    assert [c.n_inserted for c in again] == [0, 0]
    with engine.connect() as connection:
        return summarise(connection, files)


def rows(engine: Engine, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), parameters)]


def test_the_real_files_are_accounted_for(real: IlgenSummary, engine: Engine) -> None:
    assert real.records == 7508
    assert 6_800 <= real.pairings < 6_900
    assert (real.two_anion_claims, real.measurements) == (113, 2206)
    assert real.compared > 300
    assert real.within_1_k <= real.within_15_k <= real.compared
    refused = rows(
        engine,
        "SELECT q.reasons, count(*) FROM ildb.quarantine q JOIN ildb.source s ON q.source_id = s.id"
        " WHERE s.name LIKE 'ilgen%' GROUP BY q.reasons",
    )
    by_reason = {reasons[0]: n for reasons, n in refused}
    assert set(by_reason) == {"radical", "valence"}
    assert by_reason["valence"] == 3
    assert real.claims == 7508 - sum(by_reason.values())


@pytest.mark.parametrize("twins", [EMIM, BMIM])
def test_resonance_twins_of_the_real_files_are_one_ion(
    real: IlgenSummary, engine: Engine, twins: tuple[str, str]
) -> None:
    keys = {resolve_salt(f"{smiles}.[Cl-]").cation.inchikey for smiles in twins}
    assert len(keys) == 1
    (key,) = keys
    assert len(rows(engine, "SELECT id FROM ildb.ion WHERE inchikey = :key", key=key)) == 1
    spellings = "SELECT a.value FROM ildb.ion_alias a JOIN ildb.ion i ON a.ion_id = i.id WHERE i.inchikey = :key"
    aliases = {value for (value,) in rows(engine, spellings, key=key)}
    (smiles,) = rows(engine, "SELECT smiles FROM ildb.ion WHERE inchikey = :key", key=key)[0]
    assert set(twins) <= aliases | {smiles}
