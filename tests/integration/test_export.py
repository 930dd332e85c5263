"""``ildb export``: complete, consistent, atomic."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import json
import resource
import signal
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from ildb.db import schema
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError
from ildb.export import server as servers
from ildb.export.duckdb import VIEWS, analytics, export_duckdb
from ildb.export.parquet import export_parquet
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401


def server_rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(text(f"SELECT * FROM ildb.{table}")).mappings()]
        kinds = connection.execute(
            text("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t"), {"t": table}
        )
        # The driver reads a real as its shortest decimal, Arrow as the exact value.
        single = {name for name, kind in kinds if kind == "real"}
    return sorted(({k: _single(v) if k in single else v for k, v in row.items()} for row in rows), key=repr)


def _single(value: float | None) -> float | None:
    return None if value is None else float(np.float32(value))


def plain(rows: list[dict[str, Any]], json_columns: set[str]) -> list[dict[str, Any]]:
    """Rows with JSON text read, sorted."""
    read = ({k: json.loads(v) if k in json_columns and v is not None else v for k, v in row.items()} for row in rows)
    return sorted(read, key=repr)


@pytest.fixture(scope="module")
def folder(database_url: str, populated: Populated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parquet") / "export"
    export_parquet(database_url, path)
    return path


@pytest.fixture(scope="module")
def exported(database_url: str, populated: Populated, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("duckdb") / "il.duckdb"
    export_duckdb(database_url, path)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def test_every_table_but_the_derived_ones() -> None:
    tables = servers.exportable()
    assert {"ion", "pairing", "pairing_evidence", "measurement", "link_score", "run", "quarantine"} <= set(tables)
    assert not {"ion_structure", "task", "alembic_version"} & set(tables)


@pytest.mark.parametrize("table", servers.exportable())
def test_parquet_holds_the_servers_rows(engine: Engine, folder: Path, table: str) -> None:
    read = pq.read_table(folder / f"{table}.parquet")
    content = {f.name for f in read.schema if (f.metadata or {}).get(b"content") == b"json"}
    rows = server_rows(engine, table)
    assert rows, "an empty table proves nothing"
    assert plain(read.to_pylist(), content) == rows


@pytest.mark.parametrize("table", [*servers.exportable(), *VIEWS])
def test_duckdb_holds_the_servers_rows(engine: Engine, exported: duckdb.DuckDBPyConnection, table: str) -> None:
    types = exported.sql(f"DESCRIBE {table}").fetchall()
    content = {name for name, kind, *_ in types if kind == "JSON"}
    read = exported.sql(f"FROM {table}").to_arrow_table().to_pylist()
    assert plain(read, content) == server_rows(engine, table)


def test_manifest_and_units(folder: Path, engine: Engine) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["revision"] == schema.head()
    assert manifest["counts"] == {table: len(server_rows(engine, table)) for table in servers.exportable()}
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "dictionary.json", *(f"{table}.parquet" for table in servers.exportable()),
    }  # fmt: skip
    fields = pq.read_schema(folder / "melting_score.parquet")
    assert fields.field("tm_k").metadata[b"unit"] == b"K"
    assert b"unit" not in (fields.field("p_below_373_k").metadata or {})
    assert pq.read_schema(folder / "ion.parquet").field("flags").type.value_type == "string"


def test_analytics(exported: duckdb.DuckDBPyConnection, engine: Engine, populated: Populated) -> None:
    (views,) = exported.sql("SELECT views FROM _ildb_export").fetchone()
    assert views == analytics()
    assert len(views) >= 3
    n_screened, n_passed = exported.sql("SELECT sum(n_screened), sum(n_passed) FROM anion_enrichment").fetchone()
    assert (n_screened, n_passed) == (30, len(populated.passed))
    weighted = exported.sql(
        "SELECT sum(enrichment * n_screened) / sum(n_screened), bool_and(share BETWEEN share_low AND share_high)"
        " FROM anion_enrichment"
    )
    assert weighted.fetchone() == (pytest.approx(1.0), True)
    spread = exported.sql("SELECT score, sum(n_pairings), sum(n_passed) FROM score_distribution GROUP BY 1 ORDER BY 1")
    assert spread.fetchall() == [("link_probability", 30, 12), ("p_below_373_k", 30, 12)]
    assert exported.sql("FROM refusal_reasons").fetchall() == [("melting", 18, 18)]
    comments = dict(exported.sql("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall())
    assert set(comments) == set(views)
    assert all(comments.values())
    totals = "SELECT sum(n_pairings), sum(n_known), sum(n_proposed), sum(n_screened), sum(n_passed) FROM ion_coverage"
    n_known, n_proposed = len(populated.known), len(populated.predicted)
    assert exported.sql(totals).fetchone() == tuple(
        2 * n for n in (len(populated.pairings), n_known, n_proposed, 30, len(populated.passed))
    )
    origin = exported.sql(
        "SELECT DISTINCT run_id, code_version, link_model_id, melting_model_id FROM candidate_lineage"
    )
    assert origin.fetchall() == [(populated.run_id, "0.1.0", populated.links_model_id, populated.melting_model_id)]
    assert exported.sql("SELECT count(*) FROM candidate_lineage").fetchone() == (30,)
    known, measured = exported.sql("SELECT sum(n_known), sum(n_measured) FROM measurement_coverage").fetchone()
    assert (known, measured) == (len(populated.known), len({n for n in range(len(populated.known)) if n % 4 != 3}))
    families = dict(exported.sql("SELECT family, n_known FROM measurement_coverage").fetchall())
    assert families == {
        "borate": 15, "phosphorus": 15, "fluorinated sulfonylamide": 15, "cyano": 15, "sulfur": 15,
    }  # fmt: skip
    compared = "SELECT count(*), count(apparent_tm_k), avg(abs(apparent_error_k))::float8 FROM {}md_parity"
    with engine.connect() as connection:
        expected = tuple(connection.execute(text(compared.format("ildb."))).one())
    assert expected[0] > 0
    assert exported.sql(compared.format("")).fetchone() == expected
    agreement = "SELECT sum(n_ladders), sum(n_melting), avg(apparent_mae_k) FROM md_agreement"
    assert exported.sql(agreement).fetchone() == expected


def test_one_state_of_the_database(database_url: str, engine: Engine, populated: Populated, tmp_path: Path) -> None:
    """Rows committed while an export runs are in none of its tables."""
    before = len(server_rows(engine, "quarantine"))
    added = threading.Event()

    def add(table: str, done: int, total: int) -> None:
        if table == "ion" and not added.is_set():
            added.set()
            with psycopg.connect(database_url) as other:
                other.execute(
                    "INSERT INTO ildb.quarantine (source_id, record, record_sha256, reasons, findings)"
                    " VALUES (%s, '{}', 'late', '{late}', '[]')",
                    [populated.sources["catalogue"]],
                )

    try:
        result = export_parquet(database_url, tmp_path / "export", progress=add)
        assert added.is_set()
        assert len(server_rows(engine, "quarantine")) == before + 1
        assert result.counts["quarantine"] == before
        assert pq.read_metadata(tmp_path / "export" / "quarantine.parquet").num_rows == before
    finally:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM ildb.quarantine WHERE record_sha256 = 'late'"))


def test_a_failed_export_leaves_nothing(database_url: str, populated: Populated, tmp_path: Path) -> None:
    def fail(table: str, done: int, total: int) -> None:
        if table == "pairing" and done:
            raise RuntimeError("stop")

    for export in (export_parquet, export_duckdb):
        with pytest.raises(RuntimeError, match="stop"):
            export(database_url, tmp_path / "export", progress=fail)
        assert list(tmp_path.iterdir()) == []
    export_parquet(database_url, tmp_path / "export")
    with pytest.raises(RuntimeError, match="stop"):
        export_parquet(database_url, tmp_path / "export", progress=fail, force=True)
    assert (tmp_path / "export" / "manifest.json").is_file()  # the earlier one stays


def test_a_cut_connection_is_an_error_of_the_database(database_url: str, populated: Populated, tmp_path: Path) -> None:
    def cut(table: str, done: int, total: int) -> None:
        if table == "pairing" and not done:
            with psycopg.connect(database_url) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state = 'idle in transaction'"
                )

    for export in (export_parquet, export_duckdb):
        with pytest.raises(DatabaseUnreachableError):
            export(database_url, tmp_path / "export", progress=cut)
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(database_url: str, populated: Populated, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for export in (export_parquet, export_duckdb):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            with pytest.raises(InputError, match=r"Cannot write .*export: .*File too large"):
                export(database_url, tmp_path / "export")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.iterdir()) == []
    signal.signal(signal.SIGXFSZ, ignored)


def test_nothing_is_overwritten_by_accident(database_url: str, populated: Populated, tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(InputError, match="not an export"):
            export_parquet(database_url, mine, force=force)
    export_parquet(database_url, tmp_path / "export", ["ion"])
    with pytest.raises(InputError, match="--force"):
        export_parquet(database_url, tmp_path / "export")
    (tmp_path / "export" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not an export"):
        export_parquet(database_url, tmp_path / "export", force=True)
    (tmp_path / "export" / "notes.txt").unlink()
    assert set(export_parquet(database_url, tmp_path / "export", ["pairing"], force=True).counts) == {"pairing"}
    assert not (tmp_path / "export" / "ion.parquet").exists()
    export_duckdb(database_url, tmp_path / "il.duckdb", ["ion"])
    with pytest.raises(InputError, match="--force"):
        export_duckdb(database_url, tmp_path / "il.duckdb", ["ion"])
    assert export_duckdb(database_url, tmp_path / "il.duckdb", ["candidate"], force=True).views == [
        "anion_enrichment", "refusal_reasons", "score_distribution",
    ]  # fmt: skip
    with pytest.raises(InputError, match="is a folder"):
        export_duckdb(database_url, mine, force=True)


@pytest.mark.parametrize("tables", [["ion", "nonsense"], ["ion_structure"], ["ion; DROP TABLE ildb.ion"], []])
def test_unknown_tables(database_url: str, populated: Populated, tmp_path: Path, tables: list[str]) -> None:
    for export in (export_parquet, export_duckdb):
        with pytest.raises(InputError, match="Cannot export"):
            export(database_url, tmp_path / "export", tables)


def test_unreachable_and_wrong_revision(new_database, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachableError):
        export_parquet("postgresql://x@/x?host=/nowhere", tmp_path / "export")
    with pytest.raises(SchemaRevisionError):
        export_parquet(new_database(empty=True), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database(new_database, tmp_path: Path) -> None:
    url = new_database()
    assert set(export_parquet(url, tmp_path / "export").counts.values()) == {0}
    result = export_duckdb(url, tmp_path / "il.duckdb")
    with duckdb.connect(str(tmp_path / "il.duckdb"), read_only=True) as connection:
        for view in result.views:
            assert connection.sql(f"FROM {view}").fetchall() == []


def test_commands(command, populated: Populated, tmp_path: Path) -> None:
    outcome = command("export", "duckdb", str(tmp_path / "il.duckdb"))
    assert outcome.code == 0
    assert f"Views: {', '.join(analytics())}" in outcome.out
    assert command("export", "duckdb", str(tmp_path / "il.duckdb")).code == 3
    shown = command(
        "export", "parquet", str(tmp_path / "il"), "--only", "ion,pairing", "--only", "run", "--json"
    ).json()
    assert shown["counts"] == {"ion": 30, "run": 1, "pairing": len(populated.pairings)}
    missing = command("export", "parquet", str(tmp_path / "no" / "il"))
    assert (missing.code, missing.err.count("\n")) == (3, 1)
    assert "does not exist" in missing.err
    assert command("export", "parquet", str(tmp_path / "x"), url="postgresql://x@/x?host=/nowhere").code == 4
