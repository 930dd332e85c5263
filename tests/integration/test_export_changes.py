"""Exports that continue one another, partitioned ones, candidates for other tools, and the check of what is there."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from sqlalchemy import Engine, make_url

from ildb.db import engine as engines
from ildb.errors import IldbError, InputError
from ildb.export import candidates as exports
from ildb.export import server as servers
from ildb.export.changes import latest, read_chain
from ildb.export.manifest import verify_export
from ildb.export.parquet import PARTITIONS, export_parquet
from ildb.export.server import Moment
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, fill, populated  # noqa: F401

TABLES = ["source", "pairing_evidence", "measurement", "quarantine", "link_score", "ion"]


@pytest.fixture
def own_url(new_database: Callable[..., str]) -> Iterator[str]:
    """A filled database that the test may change."""
    url = new_database()
    engine: Engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        fill(connection)
    yield url
    engine.dispose()


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # rows may go without what refers to them
        for statement in statements:
            connection.execute(statement)


def on_server(url: str, table: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT to_jsonb(t)::text FROM ildb.{table} AS t").fetchall()
    return sorted(json.dumps(json.loads(row[0]), sort_keys=True) for row in found)


def in_chain(last: Path, table: str) -> int:
    folders = read_chain(last, TABLES).folders
    with duckdb.connect() as scratch:
        return int(scratch.execute(f"SELECT count(*) FROM ({latest(folders, table)})").fetchall()[0][0])


def column(last: Path, table: str, name: str) -> list[Any]:
    folders = read_chain(last, TABLES).folders
    with duckdb.connect() as scratch:
        return sorted(r[0] for r in scratch.execute(f"SELECT {name} FROM ({latest(folders, table)})").fetchall())


def test_a_chain_of_exports_is_the_database(own_url: str, tmp_path: Path) -> None:
    export_parquet(own_url, tmp_path / "0", TABLES)
    steps = [
        (),
        (
            "INSERT INTO ildb.source (name, sha256) VALUES ('new', 'x')",
            "UPDATE ildb.quarantine SET status = 'rejected', resolved_at = now()",
        ),
        ("DELETE FROM ildb.pairing_evidence WHERE id % 7 = 0", "DELETE FROM ildb.link_score WHERE pairing_id % 3 = 0"),
        ("VACUUM FREEZE",),
        (
            "DELETE FROM ildb.measurement WHERE id % 5 = 1",
            "INSERT INTO ildb.measurement (pairing_id, property, value, unit, source_id, source_key)"
            " SELECT pairing_id, property, value, unit, source_id, 'again' FROM ildb.measurement WHERE id % 5 = 2",
            "UPDATE ildb.ion SET flags = '{seen}' WHERE id % 2 = 0",
        ),
    ]  # fmt: skip
    for n, statements in enumerate(steps, 1):
        if statements == ("VACUUM FREEZE",):
            with psycopg.connect(own_url, autocommit=True) as connection:
                connection.execute("VACUUM FREEZE")
        else:
            change(own_url, *statements)
        result = export_parquet(own_url, tmp_path / str(n), TABLES, since=tmp_path / str(n - 1))
        assert verify_export(tmp_path / str(n)) == []
        for table in TABLES:
            assert in_chain(tmp_path / str(n), table) == len(on_server(own_url, table)) == result.totals[table], table
        if n in {1, 4}:
            assert sum(result.counts.values()) == 0
        if n == 3:
            assert result.deleted["pairing_evidence"] > 0
            assert sum(result.counts.values()) == 0
    with psycopg.connect(own_url) as connection:
        keys = [row[0] for row in connection.execute("SELECT id FROM ildb.measurement ORDER BY id")]
        flags = [row[0] for row in connection.execute("SELECT cardinality(flags) FROM ildb.ion ORDER BY 1")]
    assert column(tmp_path / "5", "measurement", "id") == keys
    assert column(tmp_path / "5", "ion", "len(flags)") == flags
    assert column(tmp_path / "5", "quarantine", "status") == ["rejected"]


def test_a_transaction_that_was_open_is_not_missed(own_url: str, tmp_path: Path) -> None:
    """Its rows have an older number than the export saw, and come to light later; so do rows of a savepoint."""
    with psycopg.connect(own_url) as slow:
        slow.execute("INSERT INTO ildb.source (name, sha256) VALUES ('slow', 'a')")
        with slow.transaction():
            slow.execute("INSERT INTO ildb.source (name, sha256) VALUES ('slow inside', 'b')")
        change(own_url, "INSERT INTO ildb.source (name, sha256) VALUES ('quick', 'c')")
        export_parquet(own_url, tmp_path / "0", TABLES)
        slow.commit()
    result = export_parquet(own_url, tmp_path / "1", TABLES, since=tmp_path / "0")
    assert {"slow", "slow inside"} <= set(column(tmp_path / "1", "source", "name"))
    assert in_chain(tmp_path / "1", "source") == result.totals["source"] == 5


def test_what_cannot_be_continued_is_refused(own_url: str, new_database: Callable[..., str], tmp_path: Path) -> None:
    export_parquet(own_url, tmp_path / "0", TABLES)
    export_parquet(own_url, tmp_path / "p", TABLES, partition=True)
    for since, tables, says in (
        ("none", TABLES, "not an export"),
        ("p", TABLES, "partitioned"),
        ("0", ["model"], "lacks model"),
    ):
        with pytest.raises(InputError, match=says):
            export_parquet(own_url, tmp_path / "1", tables, since=tmp_path / since)
    with pytest.raises(InputError, match="another database"):
        export_parquet(new_database(), tmp_path / "1", TABLES, since=tmp_path / "0")
    with pytest.raises(InputError, match="not partitioned"):
        export_parquet(own_url, tmp_path / "1", TABLES, since=tmp_path / "0", partition=True)
    (tmp_path / "0" / "ion.parquet").write_bytes(b"x")
    with pytest.raises(InputError, match="damaged"):
        export_parquet(own_url, tmp_path / "1", TABLES, since=tmp_path / "0")
    assert {path.name for path in tmp_path.iterdir()} == {"0", "p"}


@pytest.mark.parametrize(
    ("oldest", "next_", "xmin", "newer"),
    [
        (1_000, 2_000, 1_000, True),
        (1_000, 2_000, 999, False),
        (1_000, 2_000, 2, False),
        (2**32 - 10, 2**32 + 10, 2**32 - 11, False),
        (2**32 - 10, 2**32 + 10, 2**32 - 10, True),
        (2**32 - 10, 2**32 + 10, 5, True),
        (2**32 + 4, 2**32 + 10, 3, False),
        (2**32 + 4, 2**32 + 10, 2**32 - 1, False),
    ],
)
def test_transactions_are_told_apart_over_the_wrap(
    database_url: str, oldest: int, next_: int, xmin: int, newer: bool
) -> None:
    said = Moment("1", 1, oldest, oldest).newer(Moment("1", 1, next_, next_))
    with psycopg.connect(database_url) as connection:
        row = connection.execute(f"SELECT {said} FROM (VALUES ({xmin}::bigint)) AS t (xmin)").fetchone()
    assert row == (newer,)
    with pytest.raises(InputError, match="too old"):
        Moment("1", 1, 10, 10).newer(Moment("1", 1, 2**31 + 10, 2**31 + 10))


def test_partitions_and_the_dictionary(database_url: str, populated: Populated, tmp_path: Path) -> None:
    whole, split = tmp_path / "whole", tmp_path / "split"
    export_parquet(database_url, whole)
    result = export_parquet(database_url, split, partition=True)
    assert verify_export(split) == []
    for table, by in PARTITIONS.items():
        expected = pq.read_table(whole / f"{table}.parquet")
        found = ds.dataset(split / table, partitioning="hive").to_table()
        assert found.num_rows == expected.num_rows == result.counts[table] > 0
        assert sorted(map(str, found[by].to_pylist())) == sorted(map(str, expected[by].to_pylist()))
        with duckdb.connect() as scratch:
            rows = scratch.execute(f"SELECT count(*) FROM read_parquet('{split}/{table}/*/*.parquet')").fetchall()
        assert rows == [(expected.num_rows,)]
    words = json.loads((whole / "dictionary.json").read_text())
    assert words["melting_score"]["key"] == ["model_id", "pairing_id"]
    assert words["melting_score"]["columns"]["tm_k"] == {"type": "real", "required": False, "unit": "K"}
    assert words["melting_score"]["columns"]["pairing_id"]["refers_to"] == "pairing.id"
    assert all(table["about"] for table in words.values())
    manifest = json.loads((whole / "manifest.json").read_text())
    assert [source["name"] for source in manifest["sources"]] == ["catalogue", "melting table"]
    assert manifest["runs"][0]["git_commit"] == "abc1234"
    assert manifest["files"]["ion.parquet"]["rows"] == 30
    # An export with folders may be replaced like any other.
    export_parquet(database_url, split, ["ion"], force=True)
    assert {path.name for path in split.iterdir()} == {"ion.parquet", "dictionary.json", "manifest.json"}


def test_verify_sees_every_change(command, database_url: str, populated: Populated, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    export_parquet(database_url, folder, ["ion", "run"])
    assert command("export", "verify", str(folder)).code == 0
    content = (folder / "ion.parquet").read_bytes()
    (folder / "ion.parquet").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (folder / "run.parquet").unlink()
    (folder / "extra").write_text("x")
    done = command("export", "verify", str(folder))
    assert done.code == 3
    assert "ion.parquet is not what was written; run.parquet is missing; extra was added" in done.err
    assert command("export", "verify", str(tmp_path)).code == 3


def test_candidates_in_every_format(command, database_url: str, populated: Populated, tmp_path: Path) -> None:
    for suffix in ("parquet", "csv", "sdf", "smi"):
        done = command("export", "candidates", str(tmp_path / f"c.{suffix}"), "--json")
        assert done.json()["rows"] == len(populated.passed)
    table = pq.read_table(tmp_path / "c.parquet")
    assert table["pairing_id"].to_pylist() == populated.passed
    assert table.schema.field("tm_k").metadata == {b"unit": b"K"}
    note = json.loads(table.schema.metadata[b"ildb"])
    assert (note["choice"]["passed"], note["runs"][0]["id"]) == (True, populated.run_id)
    flat = pc.read_csv(tmp_path / "c.csv")
    assert flat["pairing_id"].to_pylist() == populated.passed
    assert flat["cation_smiles"].to_pylist() == table["cation_smiles"].to_pylist()
    lines = [line.split("\t") for line in (tmp_path / "c.smi").read_text().splitlines()]
    assert [int(line[1]) for line in lines] == populated.passed
    drawn = list(Chem.SDMolSupplier(str(tmp_path / "c.sdf")))
    assert [mol.GetIntProp("pairing_id") for mol in drawn] == populated.passed
    assert [Chem.MolToSmiles(mol) for mol in drawn] == [Chem.MolToSmiles(Chem.MolFromSmiles(line[0])) for line in lines]
    assert [mol.GetDoubleProp("tm_k") for mol in drawn] == pytest.approx(table["tm_k"].to_pylist(), rel=1e-5)
    assert any(abs(mol.GetConformer().GetAtomPosition(0).x) > 0.1 for mol in drawn)
    # Charges and stoichiometry are kept.
    assert all(Chem.GetFormalCharge(mol) == 0 for mol in drawn)


def test_candidates_are_chosen(command, database_url: str, populated: Populated, tmp_path: Path) -> None:
    file = str(tmp_path / "c.parquet")

    def chosen(*options: str) -> list[int]:
        assert command("export", "candidates", file, "--force", *options).code == 0
        return list(pq.read_table(file)["pairing_id"].to_pylist())

    assert chosen("--top", "3") == populated.passed[:3]
    assert chosen("--min-link", "0.95") == populated.passed[:5]
    assert chosen("--tm-below", "302.5") == populated.passed[:3]
    assert len(chosen("--refused")) == 30
    assert chosen("--refused", "--min-p373", "0.5") == populated.passed
    assert set(chosen("--in-domain")) | set(chosen("--out-of-domain")) == set(populated.passed)
    assert chosen("--run", str(populated.run_id)) == populated.passed
    with psycopg.connect(database_url) as connection:
        (other,) = connection.execute(
            "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, code_version)"
            " SELECT 'other', recipe, recipe_sha256, 'other', code_version FROM ildb.run LIMIT 1 RETURNING id"
        ).fetchone()
    assert chosen("--run", str(other)) == []
    assert command("export", "candidates", file).code == 3
    assert command("export", "candidates", str(tmp_path / "c.xyz")).code == 3
    with pytest.raises(InputError):
        exports.Choice(top=0)


def test_a_failed_export_of_candidates_leaves_the_old_file(
    database_url: str, populated: Populated, tmp_path: Path
) -> None:
    file = tmp_path / "c.sdf"
    file.write_text("old")

    def fail(table: str, done: int, total: int) -> None:
        if done:
            raise IldbError("stop")

    with servers.connect(database_url) as server, pytest.raises(IldbError, match="stop"):
        exports.export_candidates(server, exports.Choice(), file, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["c.sdf"]
    assert file.read_text() == "old"
