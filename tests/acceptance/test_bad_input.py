"""Bad input of every kind: one clear line, the documented exit status, the database untouched, under two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
from sqlalchemy import Engine, text

Ildb = Callable[..., "CompletedProcess[str]"]

# Imports of a cold disk and a loaded machine are not what is promised; the promise is about the answer.
PATIENCE_S = 20.0

BAD_INPUT = [
    (["pipeline", "run", "no_such_recipe"], 3, "no recipe file 'no_such_recipe'"),
    (["pipeline", "run", "quickstart", "--set", "links.colour=3"], 3, "unknown key 'params.colour'"),
    (["pipeline", "run", "quickstart", "--set", "links.epochs=many"], 3, "params.epochs"),
    (["pipeline", "show", "999"], 3, "no run 999"),
    (["pipeline", "resume", "999"], 3, "no run 999"),
    (["pipeline", "show", "abc"], 2, "RUN"),
    (["search", "substructure", "c1ccc"], 3, "c1ccc"),
    (["search", "substructure", ""], 3, "empty"),
    (["search", "similar", "not a molecule"], 3, "not a molecule"),
    (["search", "similar", "C" * 5000], 3, ""),
    (["search", "similar", ""], 3, "empty"),
    (["show", "ion", "[Xx+]"], 3, "Xx"),
    (["show", "pairing", "999"], 3, "999"),
    (["lineage", "pairing", "999"], 3, "999"),
    (["model", "show", "999"], 3, "999"),
    (["export", "duckdb", "/no/such/folder/x.duckdb"], 3, "/no/such/folder"),
    (["db", "upgrade", "nine"], 3, "nine"),
    (["nonsense"], 2, "nonsense"),
]


@pytest.mark.parametrize(("arguments", "status", "said"), BAD_INPUT, ids=lambda value: str(value)[:40])
def test_bad_input(ildb: Ildb, database_url: str, engine: Engine, arguments: list[str], status: int, said: str) -> None:
    begin = time.monotonic()
    done = ildb(*arguments, url=database_url)
    assert time.monotonic() - begin < PATIENCE_S
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if status == 3:
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.strip().splitlines()) == 1
        assert len(done.stderr) < 800
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ildb.run")).scalar_one() == 0


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("nonsense", 3, "not a database URL"),
        ("mysql://me@localhost/x", 3, "mysql"),
        ("postgresql://ildb@127.0.0.1:9/ildb", 4, "No database answers"),
        ("postgresql://ildb:secret@127.0.0.1:9/ildb", 4, "No database answers"),
        ("postgresql://ildb@127.0.0.1:9/ildb?password=secret", 4, "No database answers"),
    ],
)
def test_a_wrong_url(ildb: Ildb, url: str, status: int, said: str) -> None:
    done = ildb("stats", url=url)
    assert done.returncode == status
    assert said in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_server_that_is_down_is_named_with_the_command(ildb: Ildb, tmp_path: object) -> None:
    done = ildb("stats", ILDB_HOME=str(tmp_path))
    assert done.returncode == 4
    assert "ildb db up" in done.stderr


def test_a_missing_or_old_schema_exits_5_and_names_the_command(ildb: Ildb, new_database: Callable[..., str]) -> None:
    url = new_database(empty=True)
    for prepare in ([], ["db", "upgrade", "0001"]):
        if prepare:
            assert ildb(*prepare, url=url).returncode == 0
        done = ildb("stats", url=url)
        assert done.returncode == 5
        assert "ildb db upgrade" in done.stderr
        assert ildb("db", "current", url=url).returncode == 0


def test_debug_shows_the_traceback(ildb: Ildb, database_url: str) -> None:
    done = ildb("--debug", "pipeline", "show", "999", url=database_url)
    assert done.returncode == 3
    assert "Traceback" in done.stderr
