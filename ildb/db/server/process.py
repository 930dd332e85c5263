"""The server as processes: is it alive, start it, stop it, and clear away what a crash left."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.pq import PGconn, Ping

from ildb.db.server.account import Account
from ildb.db.server.installation import Installation
from ildb.db.server.layout import PORT, Layout
from ildb.db.server.locks import open_lock, try_lock
from ildb.errors import DatabaseUnreachableError

# Time for the backends of a killed postmaster to notice: most do at once, one inside a long RDKit call does not.
_ORPHAN_PATIENCE_S = 5.0
_ORPHAN_LIMIT_S = 30.0
# Replaying max_wal_size after a crash takes minutes on a slow disk.
_START_LIMIT_S = 600.0
# PostgreSQL's fast and immediate shutdown, then the kernel's; each with the seconds it gets.
_STOP_SIGNALS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 5.0))
_POLL_S = 0.05


def in_use(layout: Layout) -> bool:
    """Whether any process of a server, postmaster or not, still works on the data directory.

    Every process of the server inherits a lock from its start, which the kernel drops with the last of them. Unlike the
    number in ``postmaster.pid`` this cannot be mistaken for another process, and it holds between containers.
    """
    try:
        handle = open_lock(_life_lock(layout))
    except FileNotFoundError:
        return False
    try:
        return not try_lock(handle, _life_lock(layout), fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _life_lock(layout: Layout) -> Path:
    return layout.root / "server.lock"


def postmaster(layout: Layout) -> int | None:
    """Process id of the running postmaster of this data directory, None where there is none.

    The number in the file may be stale, or by now that of another process: it counts only if that process works in this
    data directory.
    """
    try:
        pid = int((layout.data / "postmaster.pid").read_text(errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if _works_in(pid, layout.data) else None


def _works_in(pid: int, data: Path) -> bool:
    if pid <= 1:
        return False
    proc = Path("/proc", str(pid))
    if Path("/proc/self/cwd").exists():
        try:
            # Somebody's shell may stand in the folder too, and must not be taken for a server.
            return (proc / "cwd").samefile(data) and (proc / "comm").read_text().strip() == "postgres"
        except OSError:  # gone, a zombie, or another user's
            return False
    command = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return str(data) in command


def _orphans(data: Path) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")] if Path("/proc/self").exists() else []
    return [pid for pid in pids if pid != os.getpid() and _works_in(pid, data)]


def answers(layout: Layout) -> Ping:
    """What the server says on its socket."""
    return Ping(PGconn.ping(f"host='{_conninfo(layout.socket_dir)}' port={PORT} connect_timeout=5".encode()))


def running(layout: Layout, *, wait: bool = False) -> bool:
    """Whether the server answers.

    Args:
        layout: where things are.
        wait: give a server that is alive but recovering from a crash the time it needs.
    """
    deadline = time.monotonic() + (_START_LIMIT_S if wait else 0)
    while in_use(layout):
        reply = answers(layout)
        if reply is not Ping.REJECT or time.monotonic() > deadline:
            return reply is Ping.OK
        time.sleep(_POLL_S)
    return False


def _conninfo(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("'", "\\'")


def clear_leftovers(layout: Layout, progress: Callable[[str], None]) -> None:
    """Wait for processes of a server that was killed, and remove the files that announce it.

    Only when nothing of it is left: a second server beside a living backend would destroy the data. The backends of a
    dead postmaster have nobody to answer to and may be killed; the write-ahead log repairs whatever they were at.

    Raises:
        DatabaseUnreachableError: something still holds the data directory.
    """
    start = time.monotonic()
    told = False
    while in_use(layout) or _orphans(layout.data):
        elapsed = time.monotonic() - start
        if elapsed > _ORPHAN_LIMIT_S:
            raise DatabaseUnreachableError(
                f"A server that does not answer, perhaps in another container, still uses {layout.data}.",
                "Stop it and try again.",
            )
        if not told:
            progress("waiting for what a killed server left running")
            told = True
        if elapsed > _ORPHAN_PATIENCE_S:
            for pid in _orphans(layout.data):
                _signal(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    # PostgreSQL itself keeps them while a process of that number exists, be it a zombie or somebody else by now.
    socket = f".s.PGSQL.{PORT}"
    for path in (layout.data / "postmaster.pid", layout.socket_dir / f"{socket}.lock", layout.socket_dir / socket):
        path.unlink(missing_ok=True)


def start(layout: Layout, installation: Installation, account: Account, progress: Callable[[str], None]) -> int:
    """Start the server and wait until it answers.

    Args:
        layout: where things are; nothing uses the data directory.
        installation: the executables.
        account: who runs it.
        progress: told when it takes long.

    Returns:
        The postmaster's process id.

    Raises:
        DatabaseUnreachableError: it did not start; the message quotes its log.
    """
    log = layout.root / "start.log"
    log.unlink(missing_ok=True)  # it may be root's, from a start on this user's behalf
    log.touch()
    read_from = {path: path.stat().st_size for path in (log, *layout.logs.glob("*.log"))}
    lock = open_lock(_life_lock(layout), os.O_CREAT)
    try:
        attempts = 40  # someone asking `in_use` holds it for a moment
        while not try_lock(lock, _life_lock(layout)):
            attempts -= 1
            if not attempts:
                raise DatabaseUnreachableError(f"Another server uses {layout.data}.", "Try again.")
            time.sleep(_POLL_S)
        with log.open("ab") as output:
            pid = _spawn(layout, installation, account, output.fileno(), lock)
    finally:
        os.close(lock)  # the server's own copy keeps it locked
    began = time.monotonic()
    told = False
    while answers(layout) is not Ping.OK:
        if not in_use(layout):
            raise DatabaseUnreachableError(f"PostgreSQL did not start: {_reason(layout, log, read_from)}")
        elapsed = time.monotonic() - began
        if elapsed > 3 and not told:
            progress("PostgreSQL is recovering from a crash, or slow to start")
            told = True
        if elapsed > _START_LIMIT_S:
            raise DatabaseUnreachableError(
                f"PostgreSQL (pid {pid}) has not answered in {elapsed:.0f} s.", f"See {layout.logs}."
            )
        time.sleep(_POLL_S)
    return pid


def _spawn(layout: Layout, installation: Installation, account: Account, output: int, lock: int) -> int:
    """Start the postmaster as nobody's child, in a session of its own, with no file of the caller's open but the lock.

    The shell in between ends at once, so no long-lived caller is left with a zombie to reap.
    """
    command: list[str | Path] = [*account.prefix, installation.bin_dir / "postgres", "-D", layout.data]
    command += ["-c", f"config_file={layout.conf / 'postgresql.conf'}"]
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&2 </dev/null & echo $!', "sh", *command],
        env=installation.environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=output,
        pass_fds=(lock,),
        start_new_session=True,
        check=True,
    )
    return int(done.stdout)


def _reason(layout: Layout, start_log: Path, read_from: dict[Path, int]) -> str:
    """The last complaints of this start: on its standard error, or in the server's own log."""
    lines: list[str] = []
    for path in (start_log, *layout.logs.glob("*.log")):
        with path.open("rb") as stream:
            stream.seek(read_from.get(path, 0))
            lines += stream.read().decode(errors="replace").splitlines()
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return " / ".join((telling or lines)[-2:]) or f"it left no message in {layout.logs}."


def stop(layout: Layout) -> bool:
    """Stop the server: politely (open transactions are rolled back), then at once (as after a crash).

    Returns:
        Whether there was one.

    Raises:
        DatabaseUnreachableError: there is one that cannot be stopped from here.
    """
    pid = postmaster(layout)
    if pid is None:
        if in_use(layout) and answers(layout) is not Ping.NO_RESPONSE:
            raise DatabaseUnreachableError(
                f"The server on {layout.data} is not among the processes seen from here, perhaps in another container.",
                "Stop it there.",
            )
        return False
    for number, limit_s in _STOP_SIGNALS:
        _signal(pid, number)
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if postmaster(layout) is None and not _works_in(pid, layout.data):
                return True
            time.sleep(_POLL_S)
    raise DatabaseUnreachableError(f"The server (pid {pid}) does not stop.", f"See {layout.logs}.")


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise DatabaseUnreachableError(
            f"Process {pid} of the server belongs to another user.", "Run ildb as the user that ran 'ildb db up'."
        ) from error


def connect(address: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection in autocommit mode.

    Raises:
        DatabaseUnreachableError: refused.
    """
    try:
        return psycopg.connect(address, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(f"The embedded server refused a connection: {error}".strip()) from error
