"""pg_dump and pg_restore, a cartridge that was not corrected, and a new minor release under an existing cluster."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, make_url

from ildb.db import checks, schema, server
from ildb.db import engine as engines
from ildb.db.server import choose
from ildb.db.server.account import server_account
from ildb.db.server.bundle import patch_extension_sql
from ildb.db.server.installation import Installation, problem
from ildb.db.server.layout import Layout
from tests.integration.populate import Populated, fill, populated  # noqa: F401


@pytest.fixture(scope="module")
def installation(server_url: str) -> Installation:
    found = choose.recorded(Layout.of(Path(os.environ["ILDB_TEST_HOME"])))
    assert found is not None
    return found


def tool(installation: Installation, name: str, *arguments: str) -> None:
    done = subprocess.run(
        [installation.bin_dir / name, *arguments],
        env=installation.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_dump_restores_rows_rights_functions_and_indexes(
    database_url: str,
    engine: Engine,
    populated: Populated,
    new_database: Callable[..., str],
    installation: Installation,
    tmp_path: Path,
) -> None:
    dump = str(tmp_path / "ildb.dump")
    tool(installation, "pg_dump", "--format=custom", f"--file={dump}", database_url)
    target = new_database(empty=True)
    tool(installation, "pg_restore", "--exit-on-error", f"--dbname={target}", dump)
    made = engines.create(make_url(target).set(drivername="postgresql+psycopg"))
    with (
        psycopg.connect(database_url) as old,
        psycopg.connect(target) as new,
        made.connect() as connection,
        engine.connect() as before,
    ):
        names = (
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'ildb'::regnamespace AND relkind IN ('r', 'i') ORDER BY relname"
        )
        assert new.execute(names).fetchall() == old.execute(names).fetchall()
        for table in ("ion", "ion_structure", "pairing", "measurement", "screening_decision", "alembic_version"):
            rows = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ildb.{table} AS t"
            assert new.execute(rows).fetchone() == old.execute(rows).fetchone()
        broken = {check.name: check.n_rows for check in checks.run_checks(connection)}
        assert broken == {check.name: check.n_rows for check in checks.run_checks(before)}
        new.execute("SET search_path = ildb, public")
        found = "SELECT pairing_id FROM ildb.find_pairings('c1c[n+]cn1', 'F')"
        assert new.execute(found).fetchall() == old.execute(found).fetchall() != []
        # A reader is still kept from the cartridge, and may still read.
        new.execute("SET ROLE ildb_reader")
        assert new.execute("SELECT count(*) FROM ildb.find_ions('n')").fetchone() != (0,)
        for closed in ("SELECT 'C'::public.mol", "SELECT ('(1,C,00)'::text)::ildb.ion_structure"):
            with pytest.raises(errors.InsufficientPrivilege), new.transaction():
                new.execute(closed)
    made.dispose()


def unpatched(text: str) -> str:
    """The cartridge's SQL as Debian has it, which new minor releases refuse (rdkit issue 7459)."""

    def spoiled(match: re.Match[str]) -> str:
        return re.sub(r"COMMUTATOR = '@='", "COMMUTATOR = '=',\n  NEGATOR = '<>'", match[0])

    return re.sub(r"CREATE OPERATOR @= \(.*?\);", spoiled, text, flags=re.DOTALL)


@pytest.fixture
def copied(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A copy of the downloaded server; its libraries are links."""
    if installation.origin != "downloaded" or installation.lib_dir is None:
        pytest.skip("the server here is the machine's own")
    root = installation.lib_dir.parent
    # Below the home, where the server's account may look.
    copy = Path(os.environ["ILDB_TEST_HOME"]) / "copied" / "postgresql-15"
    shutil.copytree(root, copy, symlinks=True)
    for folder in (copy.parent, copy, *(path for path in copy.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    yield replace(
        installation, bin_dir=copy / installation.bin_dir.relative_to(root),
        cartridge=copy / installation.cartridge.relative_to(root), lib_dir=copy / "lib",
    )  # fmt: skip
    shutil.rmtree(copy.parent)


def test_an_uncorrected_cartridge_is_noticed_before_it_is_used(copied: Installation) -> None:
    scratch = copied.bin_dir.parents[5]
    account = server_account(scratch / "none", [scratch, copied.bin_dir / "postgres", copied.cartridge])
    assert problem(copied, account, scratch) is None
    (script,) = (copied.bin_dir.parents[3] / "share").rglob("rdkit--[0-9].[0-9]*.[0-9].sql")
    corrected = script.read_text(encoding="utf-8")
    spoiled = unpatched(corrected)
    assert spoiled != corrected
    assert patch_extension_sql(spoiled).count("NEGATOR") == corrected.count("NEGATOR")
    script.write_text(spoiled, encoding="utf-8")
    said = problem(copied, account, scratch)
    # Releases of before that check accept it as it is.
    assert said is None or "operator" in said
    script.write_text(patch_extension_sql(spoiled), encoding="utf-8")
    assert problem(copied, account, scratch) is None


def test_a_minor_release_is_put_under_an_existing_cluster(
    copied: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of the server are replaced while it runs, as an upgrade of packages does; the next start uses them."""
    servers = copied.bin_dir.parents[5]
    assert servers.name == "copied"
    home = servers.parent / "minor"
    monkeypatch.setenv("ILDB_SERVER_DIR", str(servers))
    try:
        url = server.up(home).url
        own = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
        with own.connect() as connection:
            schema.upgrade(connection)
        with own.begin() as connection:
            fill(connection)
        own.dispose()
        found = "SELECT count(*) FROM ildb.find_ions('c1c[n+]cn1')"
        with psycopg.connect(url) as connection:
            before = connection.execute(found).fetchone()
        trials = (servers / "trials.json").read_bytes()
        for path in (copied.bin_dir / "postgres", copied.cartridge):
            fresh = path.with_suffix(".new")
            shutil.copy(path, fresh)  # another file with another time, as a package brings it
            fresh.replace(path)
        pid = server.status(home).pid
        assert server.up(home).pid == pid  # it goes on with the files it has open
        with psycopg.connect(url) as connection:
            assert connection.execute(found).fetchone() == before
        server.down(home)
        assert server.up(home).running
        assert (servers / "trials.json").read_bytes() != trials  # tried again before it got the data
        with psycopg.connect(url) as connection:
            assert connection.execute(found).fetchone() == before
            amcheck = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
            assert connection.execute(amcheck).fetchone() == (0,)
    finally:
        server.down(home)
        shutil.rmtree(home, ignore_errors=True)
