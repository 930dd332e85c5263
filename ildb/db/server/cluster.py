"""The embedded cluster: up, down, status, destroy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from ildb.db.server import choose, process
from ildb.db.server.account import Account, caller_name, database_logins, server_account
from ildb.db.server.installation import Installation, initdb
from ildb.db.server.layout import DATABASE, SUPERUSER, Layout, private_dir, url
from ildb.db.server.locks import locked
from ildb.db.server.settings import memory_bytes, pg_hba_conf, pg_ident_conf, postgresql_conf
from ildb.errors import DatabaseUnreachableError


@dataclass(frozen=True)
class ServerStatus:
    """State of the embedded server of one ``ILDB_HOME``.

    Attributes:
        initialised: whether there is a data directory.
        running: whether the server answers.
        pid: the postmaster's process id.
        version: PostgreSQL's version, for example ``15.18``.
        home: ``ILDB_HOME``.
        socket_dir: folder of the Unix socket.
        url: address of the database ``ildb``.
        bin_dir: the server's executables, None before the first ``up``.
        origin: ``system`` or ``downloaded``, None before the first ``up``.
    """

    initialised: bool
    running: bool
    pid: int | None
    version: str | None
    home: Path
    socket_dir: Path
    url: str
    bin_dir: Path | None
    origin: str | None


def _silent(_message: str) -> None:
    return None


def up(home: Path, *, progress: Callable[[str], None] = _silent) -> ServerStatus:
    """Start the embedded server, making whatever is missing: executables, cluster, the database ``ildb``.

    Safe to repeat and to run twice at once. The extension and the schema are left to the migrations.

    Args:
        home: ``ILDB_HOME``.
        progress: told, in a few words, of each step that takes time.

    Raises:
        DatabaseUnreachableError: it cannot be done here; says why and names the other ways.
    """
    layout = Layout.of(home)
    caller_name()
    try:
        _make_folders(layout)
        with locked(layout.root / "start.lock", lambda: progress("waiting for another ildb")):
            if not process.running(layout, wait=True):
                _start(layout, progress)
            _ensure_database(layout)
    except OSError as error:
        raise DatabaseUnreachableError(f"Cannot set up a database in {home}: {error}.", "Set ILDB_HOME.") from error
    return status(home)


def _start(layout: Layout, progress: Callable[[str], None]) -> None:
    process.stop(layout)  # one that lives but does not answer, say without its socket
    shutil.rmtree(layout.new_data, ignore_errors=True)

    def account_for(candidate: Installation) -> Account:
        return server_account(layout.data, [layout.root, candidate.bin_dir / "postgres", candidate.cartridge])

    installation = choose.choose(layout, account_for, progress)
    account = account_for(installation)
    layout.logs.mkdir(parents=True, exist_ok=True)
    account.own(layout.logs)
    private_dir(layout.socket_dir, owner=account.uid)
    if not layout.initialised:
        progress(f"making a PostgreSQL {installation.version} cluster in {layout.data}")
        _init(layout, installation, account)
    process.clear_leftovers(layout, progress)
    texts = {
        "postgresql.conf": postgresql_conf(layout, memory_bytes()),
        "pg_hba.conf": pg_hba_conf(),
        "pg_ident.conf": pg_ident_conf(database_logins(account)),
    }
    for name, text in texts.items():
        new = layout.conf / f"{name}.new"
        new.unlink(missing_ok=True)
        new.write_bytes(os.fsencode(text))
        new.chmod(0o644)
        new.replace(layout.conf / name)
    choose.record(layout, installation)
    process.start(layout, installation, account, progress)


def _make_folders(layout: Layout) -> None:
    layout.home.mkdir(parents=True, exist_ok=True)
    # Root's server runs as another user and passes through here; what is secret has its own mode.
    mode = 0o755 if os.geteuid() == 0 else 0o700
    for folder in (layout.root, layout.conf):
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    layout.server_dir.mkdir(parents=True, exist_ok=True)


def _init(layout: Layout, installation: Installation, account: Account) -> None:
    """Make the data directory under another name first, so that it is there only when complete."""
    layout.new_data.mkdir(mode=0o700)
    account.own(layout.new_data)
    problem = initdb(installation, account, layout.new_data)
    if problem is not None:
        shutil.rmtree(layout.new_data, ignore_errors=True)
        raise DatabaseUnreachableError(f"initdb failed in {layout.root}: {problem}.", "See that the disk has room.")
    layout.new_data.rename(layout.data)


def _ensure_database(layout: Layout) -> None:
    address = url(layout.home).replace(f"@/{DATABASE}?", "@/postgres?")
    with process.connect(address) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                    sql.Identifier(DATABASE), sql.Identifier(SUPERUSER)
                )
            )


def down(home: Path) -> bool:
    """Stop the server; nothing is lost, unfinished transactions are rolled back.

    Args:
        home: ``ILDB_HOME``.

    Returns:
        Whether one was running.

    Raises:
        DatabaseUnreachableError: it does not stop, or belongs to another user.
    """
    layout = Layout.of(home)
    if not layout.initialised:
        return False
    with locked(layout.root / "start.lock", lambda: None):
        stopped = process.stop(layout)
        _remove_short_dir(layout)
        return stopped


def status(home: Path) -> ServerStatus:
    """State of the server, looked up without changing or starting anything.

    Args:
        home: ``ILDB_HOME``.

    Raises:
        DatabaseUnreachableError: another user's home.
    """
    layout = Layout.of(home)
    initialised = layout.initialised
    running = initialised and process.running(layout)
    used = choose.recorded(layout)
    return ServerStatus(
        initialised=initialised,
        running=running,
        pid=process.postmaster(layout) if running else None,
        version=used.version if used else None,
        home=layout.home,
        socket_dir=layout.socket_dir,
        url=url(home),
        bin_dir=used.bin_dir if used else None,
        origin=used.origin if used else None,
    )


def destroy(home: Path) -> None:
    """Stop the server and remove its data directory; downloads, logs and artifacts stay.

    Args:
        home: ``ILDB_HOME``.

    Raises:
        DatabaseUnreachableError: it does not stop, or belongs to another user.
    """
    layout = Layout.of(home)
    if not layout.initialised:
        return
    with locked(layout.root / "start.lock", lambda: None):
        process.stop(layout)
        process.clear_leftovers(layout, _silent)
        # Renamed first: what an interruption leaves is no data directory.
        layout.data.rename(layout.new_data)
        shutil.rmtree(layout.new_data)
        _remove_short_dir(layout)
        if layout.alias_dir.is_dir():
            shutil.rmtree(layout.alias_dir)


def _remove_short_dir(layout: Layout) -> None:
    """Leave nothing outside the home, unless something still uses it."""
    with suppress(OSError):
        layout.short_dir.rmdir()


def environment(home: Path) -> dict[str, str]:
    """Variables with which ``psql`` and ``pg_dump`` of the server's own installation run.

    Args:
        home: ``ILDB_HOME``.

    Returns:
        ``PATH`` (its programs before the caller's) and, for a downloaded server, ``LD_LIBRARY_PATH``; add them to
        ``os.environ``.

    Raises:
        DatabaseUnreachableError: no server has been set up.
    """
    used = choose.recorded(Layout.of(home))
    if used is None:
        raise DatabaseUnreachableError(f"No PostgreSQL has been set up in {home}.", "Run 'ildb db up'.")
    return {"PATH": f"{used.bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}"} | used.library_path()
