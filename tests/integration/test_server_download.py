"""Getting a server from package sources: what happens where there are none, and (slow) a real download."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ildb.db import server
from ildb.db.server.account import server_account
from ildb.db.server.bundle import patch_extension_sql
from ildb.db.server.choose import bundle_major
from ildb.db.server.download import download
from ildb.db.server.installation import Trials, inspect, problem, system_installations
from ildb.errors import DatabaseUnreachableError

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="not a Debian or Ubuntu")


def silent(_message: str) -> None:
    return None


def assert_other_ways_are_named(error: DatabaseUnreachableError) -> None:
    assert error.exit_code == 4
    for word in ("conda install -c conda-forge postgresql rdkit-postgresql", "Docker", "ILDB_DATABASE_URL"):
        assert word in error.hint


def test_without_apt_the_error_names_the_other_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatabaseUnreachableError, match="apt-get") as caught:
        download(tmp_path, None, silent)
    assert_other_ways_are_named(caught.value)


@needs_apt
def test_without_sources_nothing_is_left_and_the_error_names_the_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "server"
    (target / "partial-of-an-interrupted-one").mkdir(parents=True)
    none = tmp_path / "none"
    none.mkdir()
    (tmp_path / "apt.conf").write_text(f'Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "{none}";')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(DatabaseUnreachableError, match="postgresql-N-rdkit") as caught:
        download(target, None, silent)
    assert_other_ways_are_named(caught.value)
    assert list(target.iterdir()) == []


@needs_apt
def test_an_unreachable_source_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = tmp_path / "none"
    none.mkdir()
    (tmp_path / "sources.list").write_text("deb [trusted=yes] http://127.0.0.1:9/debian none main\n")
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "{none}"; '
        'Acquire::http::Proxy "DIRECT";'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(DatabaseUnreachableError, match=r"127\.0\.0\.1") as caught:
        download(tmp_path, None, silent)
    assert_other_ways_are_named(caught.value)


def test_an_installation_without_the_cartridge_is_passed_over() -> None:
    assert all(found.cartridge.is_file() for found in system_installations())
    assert inspect(Path("/usr/bin"), "system") is None


@needs_apt
@pytest.mark.slow
def test_a_download_is_complete_small_and_corrected(tmp_path: Path) -> None:
    place = tmp_path / "server"
    place.mkdir()
    bundle = download(place, None, silent)
    assert [path.name for path in place.iterdir()] == [bundle.name]
    major = bundle_major(bundle)
    assert major >= 15
    size = sum(path.lstat().st_size for path in bundle.rglob("*") if path.is_file())
    assert size < 150e6
    scripts = list((bundle / f"usr/share/postgresql/{major}/extension").glob("rdkit--*.sql"))
    assert scripts
    assert all(patch_extension_sql(path.read_text()) == path.read_text() for path in scripts)
    found = inspect(bundle / f"usr/lib/postgresql/{major}/bin", "downloaded", bundle / "lib")
    assert found is not None
    account = server_account(tmp_path / "none", [found.bin_dir / "postgres"])
    assert Trials(tmp_path / "trials.json").problem(found, account, tmp_path) is None
    # Remembered: with the SQL spoilt a new trial fails, the verdict on unchanged programs stays.
    for path in scripts:
        path.write_text("SELECT broken;")
    assert Trials(tmp_path / "trials.json").problem(found, account, tmp_path) is None
    failure = problem(found, account, tmp_path)
    assert failure is not None
    assert "broken" in failure
    assert not list(tmp_path.glob("trial-*"))


@needs_apt
@pytest.mark.slow
def test_up_downloads_where_the_machine_has_none_and_the_library_path_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ILDB_SERVER_DIR", raising=False)
    home = tmp_path / "home"
    try:
        state = server.up(home)
        if state.origin == "system":
            pytest.skip("this machine has a working server")
        assert state.bin_dir is not None
        assert state.bin_dir.is_relative_to(home)
        libraries = subprocess.run(
            ["ldd", state.bin_dir / "postgres"],
            env={**os.environ, **server.environment(home)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "not found" not in libraries
        assert str(home / "server") in libraries
    finally:
        server.down(home)
