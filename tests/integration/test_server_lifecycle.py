"""The embedded server for real: up, down, crashes, odd places, other users."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ildb.config import get_settings
from ildb.db import server
from ildb.db.server.account import server_account
from ildb.db.server.layout import Layout
from ildb.errors import DatabaseUnreachableError

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="becoming another user takes root")
needs_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")


@pytest.fixture(scope="module", autouse=True)
def _shared_server() -> Iterator[None]:
    """All homes share one downloaded server, so that it is fetched once, not per test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ILDB_SERVER_DIR", os.environ.get("ILDB_SERVER_DIR") or str(get_settings().home_dir / "server"))
        yield


@pytest.fixture(scope="module")
def public_dir() -> Iterator[Path]:
    """A folder every user may pass, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="ildb-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server tests start, stop and kill as they like."""
    path = tmp_path_factory.mktemp("killed") / "home"
    yield path
    server.down(path)


@pytest.fixture(scope="module")
def running(public_dir: Path) -> Iterator[Path]:
    """A running server for tests that leave it running and empty."""
    path = public_dir / "running"
    server.up(path)
    yield path
    server.down(path)


def ask(home: Path, query: str) -> object:
    with psycopg.connect(server.url(home), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def run(home: Path, statement: str) -> None:
    with psycopg.connect(server.url(home), autocommit=True) as connection:
        connection.execute(statement.encode())


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target)


def copy_servers(target: Path) -> None:
    ignored = shutil.ignore_patterns("lock", "partial-*")
    shutil.copytree(os.environ["ILDB_SERVER_DIR"], target, ignore=ignored, copy_function=link_or_copy)


def processes(home: Path) -> list[int]:
    data = Layout.of(home).data
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").samefile(data):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def as_user(name: str, code: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    entry = pwd.getpwnam(name)
    command = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]
    return subprocess.run(
        [*command, sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(server.__file__).parents[3],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **env},
    )


def test_running_server_is_private_and_has_the_cartridge(running: Path) -> None:
    state = server.status(running)
    assert state.initialised
    assert state.running
    assert state.version is not None
    assert int(state.version.split(".")[0]) >= 15
    assert state.url == server.url(running)
    assert state.bin_dir is not None
    assert (state.bin_dir / "postgres").is_file()
    assert ask(running, "SHOW listen_addresses") == ""
    assert ask(running, "SELECT current_database() || ' ' || current_user") == "ildb ildb"
    assert (
        ask(running, "SELECT pg_encoding_to_char(encoding) || datcollate FROM pg_database WHERE datname = 'ildb'")
        == "UTF8C"
    )
    assert ask(running, "SELECT inet_server_addr() IS NULL")
    assert ask(running, "SELECT count(*) FROM pg_extension WHERE extname = 'rdkit'") == 0
    with psycopg.connect(server.url(running)) as connection:
        connection.execute("CREATE EXTENSION rdkit")
        row = connection.execute("SELECT mol_from_smiles('C[n+]1ccn(C)c1') @> mol_from_smiles('CN')").fetchone()
        connection.rollback()
    assert row == (True,)


def test_up_again_changes_nothing(running: Path) -> None:
    before = server.status(running)
    told: list[str] = []
    assert server.up(running, progress=told.append) == before
    assert told == []


def test_down_and_status_of_nothing(tmp_path: Path) -> None:
    state = server.status(tmp_path / "none")
    assert (state.initialised, state.running, state.pid, state.bin_dir) == (False, False, None, None)
    assert server.down(tmp_path / "none") is False
    server.destroy(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DatabaseUnreachableError, match="db up"):
        server.environment(tmp_path / "none")


@needs_linux
def test_server_outlives_its_starter_and_holds_none_of_its_files(home: Path, tmp_path: Path) -> None:
    with (tmp_path / "open.txt").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        pid = server.up(home).pid
        assert pid is not None
        opened = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        assert str(tmp_path / "open.txt") not in opened
        assert not any(name.startswith("/dev/pts") for name in opened)
    assert os.getsid(pid) != os.getsid(0)
    parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    assert parent != os.getpid()
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PYTEST" not in environment


def test_a_path_with_every_awkward_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: Path) -> None:
    """Home and, where one was downloaded, the server itself."""
    home = tmp_path / 'it\'s "odd" $HOME `x` \\ é:ü;漢'
    if server.status(running).origin == "downloaded":
        shutil.copytree(
            os.environ["ILDB_SERVER_DIR"], home / "server", ignore=shutil.ignore_patterns("lock", "partial-*")
        )
        monkeypatch.delenv("ILDB_SERVER_DIR")
    try:
        assert server.up(home).running
        assert ask(home, "SHOW data_directory") == str(home / "postgres" / "data")
        done = subprocess.run(
            ["psql", "-Atc", "SELECT 42", server.url(home)],
            env={**os.environ, **server.environment(home)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "42\n"
    finally:
        server.destroy(home)
    assert not Layout.of(home).alias_dir.exists()


def test_tools_of_the_same_installation_run(running: Path) -> None:
    env = {**os.environ, **server.environment(running)}
    version = server.status(running).version
    for tool in ("psql", "pg_dump"):
        done = subprocess.run([tool, "--version"], env=env, capture_output=True, text=True, check=True)
        assert f" {version}" in done.stdout
    dump = subprocess.run(["pg_dump", server.url(running)], env=env, capture_output=True, text=True, check=True)
    assert "PostgreSQL database dump complete" in dump.stdout


@needs_linux
def test_committed_rows_survive_kill_9_of_every_process(home: Path) -> None:
    server.up(home)
    run(home, "DROP TABLE IF EXISTS t; CREATE TABLE t (n int)")
    with psycopg.connect(server.url(home), autocommit=True) as connection:
        for number in range(50):
            connection.execute("INSERT INTO t VALUES (%s)", [number])
        for pid in processes(home):
            os.kill(pid, signal.SIGKILL)
    assert not server.status(home).running
    assert server.up(home).running
    assert ask(home, "SELECT count(*) FROM t") == 50


@needs_linux
def test_kill_9_of_the_postmaster_with_a_busy_backend(home: Path) -> None:
    pid = server.up(home).pid
    assert pid is not None
    run(home, "DROP TABLE IF EXISTS t; CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
    sleeper = threading.Thread(target=_sleep_until_killed, args=(home,))
    sleeper.start()
    # An endless C loop would not notice that its postmaster is gone: a stopped process stands for it.
    backend = _wait_for_sleeper(home)
    os.kill(backend, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    try:
        told: list[str] = []
        state = server.up(home, progress=told.append)
    finally:
        sleeper.join()
    assert state.running
    assert state.pid != pid
    assert any("killed server" in line for line in told)
    assert backend not in processes(home)
    assert ask(home, "SELECT count(*) FROM t") == 1


def _sleep_until_killed(home: Path) -> None:
    with pytest.raises(psycopg.OperationalError):
        ask(home, "SELECT pg_sleep(600)")


def _wait_for_sleeper(home: Path) -> int:
    for _ in range(200):
        found = ask(home, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
        if isinstance(found, int):
            return found
        time.sleep(0.05)
    raise AssertionError("the query did not start")


def test_a_stale_pid_file_with_the_pid_of_another_process(home: Path) -> None:
    """Even of one that stands in the data directory, such as a shell."""
    server.up(home)
    server.down(home)
    layout = Layout.of(home)
    account = server_account(layout.data, [layout.root])
    bystander = subprocess.Popen([*account.prefix, "sleep", "300"], cwd=layout.data)
    try:
        pid_file = layout.data / "postmaster.pid"
        pid_file.write_text(f"{bystander.pid}\n{layout.data}\n1\n5432\n{layout.socket_dir}\n\n  1 2\nready   \n")
        account.own(pid_file)
        assert not server.status(home).running
        assert server.down(home) is False
        state = server.up(home)
        assert state.running
        assert state.pid != bystander.pid
        server.down(home)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_two_first_starts_at_once_in_a_long_path_after_an_interrupted_one(tmp_path: Path) -> None:
    home = tmp_path / ("long-" + "x" * 100)
    left = Layout.of(home).new_data
    (left / "base").mkdir(parents=True)
    (left / "PG_VERSION").write_text("15\n")
    assert not server.status(home).initialised
    code = "import sys, pathlib; from ildb.db import server; print(server.up(pathlib.Path(sys.argv[1])).pid)"
    words = [sys.executable, "-c", code, str(home)]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        results = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [0, 0], results
        assert results[0][0] == results[1][0]
        assert int(results[0][0]) == server.status(home).pid
        assert not left.exists()
        assert ask(home, "SHOW data_directory") == str(home / "postgres" / "data")
        assert server.down(home) is True
        assert server.down(home) is False
        assert not server.status(home).running
        assert server.status(home).initialised
        assert not Layout.of(home).socket_dir.exists()
    finally:
        server.down(home)


def test_data_of_another_major_version_is_an_error_that_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = server.up(home).version
    server.down(home)
    marker = Layout.of(home).data / "PG_VERSION"
    right = marker.read_text()
    marker.write_text("14\n")
    tools = tmp_path / "tools"  # all but apt, so that version 14 is not looked for on the network
    tools.mkdir()
    for name in ("setpriv", "test"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(DatabaseUnreachableError) as caught:
        server.up(home)
    assert "PostgreSQL 14" in caught.value.what
    assert str(version) in caught.value.what
    assert "conda-forge" in caught.value.hint
    assert not server.status(home).running
    marker.write_text(right)


def test_destroy_removes_the_data_only(home: Path) -> None:
    server.up(home)
    (home / "artifacts").mkdir()
    server.destroy(home)
    assert not server.status(home).initialised
    assert sorted(path.name for path in home.iterdir()) == ["artifacts", "logs", "postgres", "run"]
    assert not list(Layout.of(home).root.glob("data*"))
    assert processes(home) == []


@needs_root
def test_root_hands_over_below_a_folder_only_root_may_enter(running: Path) -> None:
    closed = running.parent
    server.down(running)
    closed.chmod(0o700)
    try:
        pid = server.up(running).pid
        owner = Path(f"/proc/{pid}").stat().st_uid
        assert owner != 0
        assert Layout.of(running).data.stat().st_uid == owner
        assert (closed.stat().st_mode & 0o777, closed.stat().st_uid) == (0o700, 0)
        assert ask(running, "SELECT 1") == 1
        assert ask(running, "SELECT count(*) FROM pg_ident_file_mappings WHERE sys_name <> 'root'") == 0
    finally:
        closed.chmod(0o755)
        server.down(running)
        server.up(running)


@needs_root
def test_another_user_is_kept_out_even_where_it_reaches_the_socket(running: Path) -> None:
    connecting = """import sys, psycopg
try:
    psycopg.connect(sys.argv[1])
except psycopg.OperationalError as error:
    print(error)
"""
    managing = """import sys, pathlib
from ildb.db import server
from ildb.errors import DatabaseUnreachableError
for call in (server.up, server.down, server.status, server.destroy):
    try:
        call(pathlib.Path(sys.argv[1]))
    except DatabaseUnreachableError as error:
        print(call.__name__)
"""
    layout = Layout.of(running)
    refused = as_user("daemon", connecting, server.url(running))
    assert "Permission denied" in refused.stdout, refused
    done = as_user("daemon", managing, str(running), ILDB_SERVER_DIR=os.environ["ILDB_SERVER_DIR"])
    assert done.stdout.split() == ["up", "down", "status", "destroy"], done
    layout.socket_dir.chmod(0o755)
    (layout.socket_dir / ".s.PGSQL.5432").chmod(0o777)
    for user in ("ildb", "ildb_reader", "daemon"):
        refused = as_user("daemon", connecting, server.url(running).replace("ildb@", f"{user}@"))
        assert "Peer authentication failed" in refused.stdout, refused
    layout.socket_dir.chmod(0o700)
    assert server.status(running).running


@needs_root
def test_an_ordinary_user_does_it_all(public_dir: Path) -> None:
    code = """import sys, pathlib, psycopg
from ildb.db import server
home = pathlib.Path(sys.argv[1])
state = server.up(home)
assert state.running and server.up(home) == state
with psycopg.connect(state.url) as connection:
    connection.execute("CREATE EXTENSION rdkit")
assert server.down(home) and not server.status(home).running
server.destroy(home)
print("done")
"""
    home = public_dir / "ordinary"
    home.mkdir()
    entry = pwd.getpwnam("nobody")
    os.chown(home, entry.pw_uid, entry.pw_gid)
    if as_user("nobody", "import ildb.db.server, psycopg").returncode != 0:
        pytest.skip("this checkout is closed to other users")
    shared = public_dir / "server"
    copy_servers(shared)
    done = as_user("nobody", code, str(home), ILDB_SERVER_DIR=str(shared))
    assert done.stdout == "done\n", done.stderr
    strangers = [path for path in home.rglob("*") if path.lstat().st_uid != entry.pw_uid]
    assert strangers == []
