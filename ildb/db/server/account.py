"""The operating-system account the server runs as; PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ildb.errors import DatabaseUnreachableError

# Both let a process pass folders it may not search; the first only reads, the second is all that many containers have.
_SEARCH_CAPABILITIES = ("dac_read_search", "dac_override")


@dataclass(frozen=True)
class Account:
    """Who runs the server.

    Attributes:
        uid: user id.
        gid: its primary group.
        name: its login name.
        prefix: command words that turn the caller into this account; empty when it is the caller.
        capability: the Linux capability the prefix grants, if any.
    """

    uid: int
    gid: int
    name: str
    prefix: tuple[str, ...] = ()
    capability: str | None = None

    def own(self, path: Path) -> None:
        """Give one file or folder to this account."""
        if self.prefix:
            os.chown(path, self.uid, self.gid)


def caller_name() -> str:
    """Login name of the caller, as PostgreSQL's peer authentication will see it.

    Raises:
        DatabaseUnreachableError: the user id has no name, which PostgreSQL does not accept.
    """
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as error:
        raise DatabaseUnreachableError(
            f"User id {uid} has no entry in /etc/passwd, and PostgreSQL does not start without one.",
            "In a container: run as a user of the image, or add the line with 'useradd'.",
        ) from error


def server_account(data: Path, reads: Sequence[Path]) -> Account:
    """Account for the server: the caller, or for root the owner of the data, else ``postgres``, else ``nobody``.

    Args:
        data: the data directory, which may not exist yet.
        reads: existing paths that the server must be able to reach.

    Raises:
        DatabaseUnreachableError: the data is another user's, or root has nobody to hand over to.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise DatabaseUnreachableError(
                f"The data directory {data} belongs to uid {owner}.", "Run ildb as the user (or root) that made it."
            )
        return Account(os.geteuid(), os.getegid(), caller_name())
    entry = next(_candidates(owner), None)
    if entry is None:
        raise DatabaseUnreachableError(
            "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as.",
            "Run ildb as an ordinary user.",
        )
    if shutil.which("setpriv") is None:
        raise DatabaseUnreachableError(
            "The program 'setpriv' (package util-linux) is missing; root needs it to start PostgreSQL as another user.",
            "Install util-linux, or run ildb as an ordinary user.",
        )
    problem = None
    for capability in (None, *_SEARCH_CAPABILITIES):
        prefix = _prefix(entry.pw_uid, entry.pw_gid, capability)
        problem = _reach_problem(prefix, reads)
        if problem is None:
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, prefix, capability)
    raise DatabaseUnreachableError(
        f"User '{entry.pw_name}', as which root runs PostgreSQL, cannot reach its files: {problem}.",
        "Set ILDB_HOME to a folder every user may pass through, or run ildb as an ordinary user.",
    )


def _candidates(owner: int | None) -> Iterator[pwd.struct_passwd]:
    if owner:
        try:
            yield pwd.getpwuid(owner)
        except KeyError as error:
            raise DatabaseUnreachableError(
                f"The data directory belongs to uid {owner}, which has no entry in /etc/passwd.",
                "Give it to a user of this machine with 'chown -R'.",
            ) from error
    for name in ("postgres", "nobody"):
        try:
            yield pwd.getpwnam(name)
        except KeyError:
            continue


def _prefix(uid: int, gid: int, capability: str | None) -> tuple[str, ...]:
    words = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
    if capability is not None:
        # access(2), by which PostgreSQL looks at its own executable, ignores capabilities without the secure bit.
        words += [f"--{kind}-caps=+{capability}" for kind in ("inh", "ambient")] + ["--securebits=+no_setuid_fixup"]
    return (*words, "--")


def _reach_problem(prefix: Sequence[str], paths: Sequence[Path]) -> str | None:
    for path in paths:
        done = subprocess.run([*prefix, "test", "-r", path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stderr.strip() or f"{path} is out of reach"
    return None


def database_logins(account: Account) -> list[str]:
    """OS users that may log in: the caller, and the server's account where that gives it nothing new.

    It owns the data anyway. But where root lent it a capability, another process of that account could make the server
    read any file of the machine for it.
    """
    names = [caller_name()]
    if account.name not in names and account.capability is None:
        names.append(account.name)
    return names
