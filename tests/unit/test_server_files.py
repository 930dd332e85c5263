"""What the embedded server's files say: patched SQL, package choice, paths, configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from ildb.db import server
from ildb.db.server.bundle import patch_extension_sql
from ildb.db.server.download import wanted_packages
from ildb.db.server.layout import Layout, private_dir
from ildb.db.server.settings import pg_hba_conf, pg_ident_conf, postgresql_conf
from ildb.errors import DatabaseUnreachableError, InputError

BROKEN = """CREATE OPERATOR @> (
    LEFTARG = mol,
    COMMUTATOR = '<@'
);

CREATE OPERATOR @= (
    LEFTARG = mol,
    PROCEDURE = mol_eq,
    COMMUTATOR = '=',
    NEGATOR = '<>',
    RESTRICT = eqsel
);

CREATE OPERATOR = (
    LEFTARG = mol,
    COMMUTATOR = '=',
    NEGATOR = '<>'
);
"""


def test_patch_corrects_the_one_operator_only() -> None:
    broken, good = "COMMUTATOR = '=',\n    NEGATOR = '<>',", "COMMUTATOR = '@=',"
    expected = BROKEN.replace(f"mol_eq,\n    {broken}", f"mol_eq,\n    {good}")
    assert expected != BROKEN
    assert patch_extension_sql(BROKEN) == expected


def test_patch_is_idempotent_and_leaves_a_corrected_release_alone() -> None:
    once = patch_extension_sql(BROKEN)
    assert patch_extension_sql(once) == once
    upstream = once.replace("'@='", "@=")
    assert patch_extension_sql(upstream) == upstream


def test_packages_of_a_plan_are_libraries_and_servers_only() -> None:
    plan = """NOTE: This is only a simulation!
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []
Inst libllvm14 (1:14.0.6-12 Debian:12.15/oldstable [amd64])
Inst libperl5.36 (5.36.0-7 Debian:12.15/oldstable [amd64])
Inst perl (5.36.0-7 Debian:12.15/oldstable [amd64])
Inst tzdata (2026f-0+deb12u1 Debian:12.15/oldstable [all])
Inst zlib1g (1:1.2.13.dfsg-1 Debian:12.15/oldstable [amd64])
Inst libpq5 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst postgresql-common (248+deb12u2 Debian:12.15/oldstable [all])
Inst postgresql-client-15 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst postgresql-15 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst postgresql-15-rdkit (202209.3-1 Debian:12.15/oldstable [amd64])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
"""
    assert wanted_packages(plan) == [
        "zlib1g=1:1.2.13.dfsg-1",
        "libpq5=15.20-0+deb12u1",
        "postgresql-client-15=15.20-0+deb12u1",
        "postgresql-15=15.20-0+deb12u1",
        "postgresql-15-rdkit=202209.3-1",
    ]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=150))
def test_socket_fits_and_url_survives_any_path(name: str) -> None:
    layout = Layout.of(Path("/srv") / name)
    assert len(os.fsencode(layout.socket_dir / ".s.PGSQL.5432")) <= 107
    parsed = conninfo_to_dict(server.url(Path("/srv") / name))
    assert parsed == {"user": "ildb", "dbname": "ildb", "host": str(layout.socket_dir), "port": "5432"}
    assert "," not in str(layout.socket_dir)


def test_short_homes_keep_their_socket_and_long_ones_differ() -> None:
    assert Layout.of(Path("/srv/a")).socket_dir == Path("/srv/a/run")
    long = Path("/srv") / ("x" * 120)
    assert Layout.of(long / "a").socket_dir != Layout.of(long / "b").socket_dir


def test_two_spellings_of_a_home_are_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert server.url(tmp_path / "link") == server.url(tmp_path / "real")
    assert server.url(tmp_path / "real" / ".." / "real") == server.url(tmp_path / "real")


def test_a_line_break_in_the_home_is_refused() -> None:
    with pytest.raises(InputError, match="line break"):
        server.url(Path("/srv/a\nb"))


def test_private_dir_refuses_links_files_and_strangers(tmp_path: Path) -> None:
    uid = os.getuid()
    made = private_dir(tmp_path / "made", owner=uid)
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o777)
    assert private_dir(made, owner=uid).stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(made)
    with pytest.raises(DatabaseUnreachableError, match="not a folder"):
        private_dir(tmp_path / "link", owner=uid)
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnreachableError, match="not a folder"):
        private_dir(tmp_path / "file", owner=uid)
    with pytest.raises(DatabaseUnreachableError, match="belongs to another user"):
        private_dir(_somebody_elses(tmp_path), owner=uid)


def _somebody_elses(tmp_path: Path) -> Path:
    if os.getuid() != 0:
        return Path("/")
    path = tmp_path / "theirs"
    path.mkdir()
    os.chown(path, 1, 1)
    return path


@pytest.mark.parametrize(("gib", "expected"), [(0.2, "32MB"), (2, "256MB"), (4, "512MB"), (512, "1024MB")])
def test_shared_buffers_follow_memory_within_limits(gib: float, expected: str) -> None:
    conf = postgresql_conf(Layout(Path("/srv/a")), int(gib * 2**30))
    assert f"shared_buffers = '{expected}'\n" in conf


def test_configuration_reaches_no_network_and_keeps_commits() -> None:
    conf = postgresql_conf(Layout(Path('/srv/it\'s "odd"')), 2**32)
    assert "listen_addresses = ''\n" in conf
    assert "synchronous_commit = 'on'\n" in conf
    assert "timezone = 'GMT'\n" in conf
    assert """unix_socket_directories = '"/srv/it''s ""odd""/run"'\n""" in conf
    assert [line for line in pg_hba_conf().splitlines() if not line.startswith("#")] == ["local all all peer map=ildb"]
    assert 'ildb "ann" "ildb_reader"' in pg_ident_conf(["ann"]).splitlines()
