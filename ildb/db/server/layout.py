"""Where the embedded cluster keeps its files and its socket."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ildb.errors import DatabaseUnreachableError, InputError

PORT = 5432
DATABASE = "ildb"
SUPERUSER = "ildb"
# sun_path holds 108 bytes on Linux (104 on macOS) with the terminating zero.
_SOCKET_PATH_MAX = 103
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - a folder of ours below it is checked by `private_dir`


@dataclass(frozen=True)
class Layout:
    """Paths of one ``ILDB_HOME``; nothing is created by asking for them."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> Layout:
        """Layout of a home given in any spelling, so that two spellings never mean two servers.

        Raises:
            InputError: the path has a line break, which PostgreSQL's files cannot hold.
        """
        if "\n" in str(home) or "\r" in str(home):
            raise InputError(f"ILDB_HOME {str(home)!r} has a line break in it.", "Choose another folder.")
        return cls(Path(os.path.realpath(home.expanduser())))

    @property
    def root(self) -> Path:
        """Everything of the cluster but logs and sockets; owned by whoever ran ``up``."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory; owned by the server's account."""
        return self.root / "data"

    @property
    def new_data(self) -> Path:
        """A data directory in the making; whatever is here was interrupted."""
        return self.root / "data.new"

    @property
    def conf(self) -> Path:
        """Configuration, outside the data directory: root never writes where a lesser account may plant links."""
        return self.root / "conf"

    @property
    def logs(self) -> Path:
        """The server's logs."""
        return self.home / "logs" / "postgres"

    @property
    def server_dir(self) -> Path:
        """Downloaded servers; ``ILDB_SERVER_DIR`` lets many homes share one."""
        shared = os.environ.get("ILDB_SERVER_DIR")
        return Path(os.path.realpath(Path(shared).expanduser())) if shared else self.home / "server"

    @property
    def short_dir(self) -> Path:
        """A short folder name that depends on the user and the home only, not on the session."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return _SHORT_ROOT / f"ildb-{os.getuid()}-{digest}"

    @property
    def alias_dir(self) -> Path:
        """Where a downloaded server is reached if its own path is one that a shell would misread."""
        return self.short_dir.with_name(f"{self.short_dir.name}-server")

    @property
    def socket_dir(self) -> Path:
        """Folder of the socket: ``ILDB_HOME/run`` unless no client could be given that path.

        Too long for a socket address, or with a comma, which separates hosts in libpq. ``XDG_RUNTIME_DIR`` is not used
        because it differs between sessions of one user and goes at logout, and the server stays.
        """
        run = self.home / "run"
        too_long = len(os.fsencode(run / f".s.PGSQL.{PORT}")) > _SOCKET_PATH_MAX
        return self.short_dir if too_long or "," in str(run) else run

    @property
    def initialised(self) -> bool:
        """Whether there is a complete data directory."""
        try:
            return self.data.is_dir()
        except PermissionError as error:
            raise DatabaseUnreachableError(
                f"No permission to look into {self.root}.", "Run ildb as the user that ran 'ildb db up'."
            ) from error

    @property
    def data_major(self) -> int | None:
        """Major version that made the data directory, None where there is none (or it may not be read)."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DatabaseUnreachableError(
                f"The data directory {self.data} cannot be read ({error}).",
                "Run ildb as the user that ran 'ildb db up', or start again with 'ildb db reset --yes'.",
            ) from error


def url(home: Path) -> str:
    """Address of the embedded server's database, whether it runs or not.

    Args:
        home: ``ILDB_HOME``.

    Returns:
        ``postgresql://ildb@/ildb?host=<socket folder, percent-encoded>&port=5432``.
    """
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(Layout.of(home).socket_dir), safe='')}&port={PORT}"


def private_dir(path: Path, *, owner: int, mode: int = 0o700) -> Path:
    """Make a folder of ours, or check that the one there is ours.

    In a place where anyone may write, another user could have made the folder (or a link) first.

    Args:
        path: the folder; its parent exists.
        owner: user id that owns it.
        mode: its permission bits.

    Raises:
        DatabaseUnreachableError: something else is there.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner != os.geteuid():
            os.chown(path, owner, -1)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise DatabaseUnreachableError(f"{path} is not a folder.", "Remove it and try again.")
    if found.st_uid not in {owner, os.geteuid()}:
        raise DatabaseUnreachableError(
            f"{path} belongs to another user (uid {found.st_uid}), so it cannot be trusted.",
            "Remove it, or choose a shorter ILDB_HOME without commas.",
        )
    if found.st_uid != owner:
        os.chown(path, owner, -1)
    path.chmod(mode)
    return path
