"""ildb from Python: one line each, Arrow out, the command line's answers."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

import ildb
from ildb.client import Client
from ildb.config import get_settings
from ildb.errors import DatabaseUnreachableError, InputError, SchemaRevisionError, StructureError
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401


@pytest.fixture(scope="module")
def db(database_url: str, populated: Populated) -> Iterator[Client]:
    with ildb.connect(database_url) as client:
        yield client


def test_candidates(db: Client, populated: Populated) -> None:
    table = db.candidates()
    assert isinstance(table, pa.Table)
    assert table["pairing_id"].to_pylist() == populated.passed
    assert str(table.schema.field("tm_k").type) == "float"
    assert db.candidates(top=2)["rank"].to_pylist() == [1, 2]
    assert db.candidates(passed=None).num_rows == 30
    assert db.candidates(passed=False, min_p_below_373_k=0.5).num_rows == 0
    assert db.candidates(run_id=populated.run_id + 1).num_rows == 0
    with db.stream_candidates() as reader:
        assert sum(batch.num_rows for batch in reader) == len(populated.passed)
    with duckdb.connect() as scratch:
        scratch.register("best", table)
        assert scratch.execute("SELECT count(*) FROM best").fetchall() == [(len(populated.passed),)]
    with pytest.raises(TypeError):
        db.candidates(colour="blue")


def test_pairings_are_those_of_the_command_line(db: Client, command, populated: Populated) -> None:
    hits = command(
        "search", "substructure", "c1c[n+]cn1", "--ion", "cation", "--and", "F", "--ion", "anion", "--json"
    ).json()
    table = db.pairings(cation="c1c[n+]cn1", anion="F")
    assert table["pairing_id"].to_pylist() == [hit["pairing_id"] for hit in hits]
    assert table.column_names == list(hits[0])
    hits = command("search", "substructure", "n", "--or", "anion:F", "--not", "cation:[OX2H]", "--tm-below", "400",
                   "--similar", "cation:CCCCn1cc[n+](C)c1", "--json").json()  # fmt: skip
    table = db.pairings(
        any_of=["n", "anion:F"], none_of="cation:[OX2H]", tm_below_k=400, similar="cation:CCCCn1cc[n+](C)c1"
    )
    assert table["pairing_id"].to_pylist() == [hit["pairing_id"] for hit in hits] != []


def test_pages_and_counts(db: Client, populated: Populated) -> None:
    whole = db.pairings(cation="C", limit=None)
    assert db.count(cation="C") == whole.num_rows
    assert db.count("estimate", cation="C") > 0
    assert db.count(cation="C", evidence="known") == len(populated.known)
    pages, after = [], None
    while True:
        page = db.pairings(cation="C", limit=20, after=after)
        pages.append(page.replace_schema_metadata())
        metadata = page.schema.metadata or {}
        if b"next" not in metadata:
            break
        after = metadata[b"next"].decode()
    assert pa.concat_tables(pages).equals(whole)
    assert db.pairings(cation="[Xe]").num_rows == 0
    assert db.pairings(cation="[Xe]").schema == whole.schema


def test_sql_reads_and_nothing_else(db: Client) -> None:
    table = db.sql(
        "SELECT id, names FROM ildb.ion JOIN LATERAL (SELECT ARRAY['x'] AS names) AS n ON true ORDER BY id", limit=3
    )
    assert table.column_names == ["id", "names"]
    assert table.num_rows == 3
    assert db.sql("SELECT session_user AS who")["who"].to_pylist() == ["ildb_reader"]
    with pytest.raises(InputError):
        db.sql("DELETE FROM ildb.ion")
    with pytest.raises(InputError):
        db.sql("SELECT repeat('C', 5000)::mol")


def test_killers_are_refused_and_the_client_lives(db: Client) -> None:
    with pytest.raises(StructureError):
        db.pairings(cation=".".join(["*"] * 12 + ["[X0]"] * 2))  # every placement is tried
    assert db.pairings(cation="n").num_rows > 0


def test_errors(new_database, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    with pytest.raises(DatabaseUnreachableError):
        ildb.connect("postgresql://x@/x?host=/nowhere")
    with pytest.raises(SchemaRevisionError):
        ildb.connect(new_database(empty=True))
    monkeypatch.setenv("ILDB_DATABASE_URL", database_url)
    get_settings.cache_clear()
    with ildb.connect() as client:
        assert client.sql("SELECT 1 AS one")["one"].to_pylist() == [1]
    get_settings.cache_clear()
