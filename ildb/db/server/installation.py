"""PostgreSQL servers with the RDKit cartridge: those the machine has, and the proof that one works."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ildb.db.server.account import Account
from ildb.db.server.layout import SUPERUSER
from ildb.errors import DatabaseUnreachableError

MIN_MAJOR = 15
WAYS_OUT = (
    "Any PostgreSQL >= 15 with the RDKit cartridge will do: 'conda install -c conda-forge postgresql rdkit-postgresql' "
    "(its pg_config on PATH is found by itself), or a server of your own, for example a Docker image with "
    "postgresql-15-rdkit installed, named by ILDB_DATABASE_URL."
)
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_SYSTEM_BIN_DIRS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")
# Makes the cartridge load its libraries, build a molecule and compare with the operators that broken releases lack.
_TRIAL_SQL = "CREATE EXTENSION rdkit; SELECT 1 / (mol_from_smiles('CCO') @> mol_from_smiles('CO'))::int;\n"
_TRIAL_TIMEOUT_S = 300


@dataclass(frozen=True)
class Installation:
    """Executables of one PostgreSQL.

    Attributes:
        bin_dir: folder of ``postgres``, ``initdb``, ``psql``, ``pg_dump``.
        origin: the machine's own, or downloaded by ildb.
        version: for example ``15.18``.
        cartridge: its ``rdkit.so`` (``.dylib``).
        lib_dir: shared libraries that only this copy sees.
    """

    bin_dir: Path
    origin: Literal["system", "downloaded"]
    version: str
    cartridge: Path
    lib_dir: Path | None = None

    @property
    def major(self) -> int:
        """Major version, which a data directory is bound to."""
        return int(self.version.split(".")[0])

    def environment(self) -> dict[str, str]:
        """The whole environment of the server: nothing of the caller's (PG*, TZ, locale) leaks into it."""
        return {"PATH": f"{self.bin_dir}:{_SYSTEM_PATH}", "LC_ALL": "C"} | self.library_path()

    def library_path(self) -> dict[str, str]:
        """``LD_LIBRARY_PATH`` where this copy has libraries of its own."""
        return {} if self.lib_dir is None else {"LD_LIBRARY_PATH": str(self.lib_dir)}

    def fingerprint(self) -> list[int | str]:
        """Changes whenever the server or the cartridge is replaced, or the home is used from another system."""
        found = [path.stat() for path in (self.bin_dir / "postgres", self.cartridge)]
        return [platform.platform(), *(number for entry in found for number in (entry.st_mtime_ns, entry.st_size))]


def system_installations() -> Iterator[Installation]:
    """Installations of the machine that have the cartridge's files, likeliest first; not yet proven."""
    pg_config = shutil.which("pg_config")
    bin_dirs = [Path(_output([pg_config, "--bindir"]))] if pg_config else []
    for pattern in _SYSTEM_BIN_DIRS:
        bin_dirs += sorted(Path("/").glob(pattern), key=_number_in, reverse=True)
    seen: set[Path] = set()
    for bin_dir in bin_dirs:
        if bin_dir not in seen:
            seen.add(bin_dir)
            found = inspect(bin_dir, "system")
            if found is not None and found.major >= MIN_MAJOR:
                yield found


def inspect(bin_dir: Path, origin: Literal["system", "downloaded"], lib_dir: Path | None = None) -> Installation | None:
    """Installation whose executables lie in a folder, None where a server or the cartridge is missing there.

    Args:
        bin_dir: the folder.
        origin: whose it is.
        lib_dir: see `Installation`.
    """
    if not all(os.access(bin_dir / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    env = {"PATH": _SYSTEM_PATH, "LC_ALL": "C"} | ({"LD_LIBRARY_PATH": str(lib_dir)} if lib_dir else {})
    version = re.search(r"\) (\d+)(\.\d+)?", _output([str(bin_dir / "postgres"), "--version"], env))
    cartridge = _cartridge(bin_dir)
    if version is None or cartridge is None:
        return None
    return Installation(bin_dir, origin, "".join(group or "" for group in version.groups()), cartridge, lib_dir)


def _cartridge(bin_dir: Path) -> Path | None:
    """``rdkit.so`` beside the server: Debian's, conda's and PGDG's trees have it at one of these places."""
    for library in ("../lib", "../lib/postgresql"):
        for suffix in ("so", "dylib"):
            path = bin_dir / library / f"rdkit.{suffix}"
            if path.is_file():
                return path
    return None


def _number_in(path: Path) -> int:
    digits = re.search(r"(\d+)", str(path))
    return int(digits[1]) if digits else 0


def _output(words: Sequence[str], env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=env, timeout=30)
    except (OSError, subprocess.TimeoutExpired):  # a wrapper without its interpreter, another architecture
        return ""
    return done.stdout.strip()


def problem(installation: Installation, account: Account, scratch: Path) -> str | None:
    """Why an installation cannot serve ildb, None when a throw-away cluster with the cartridge worked.

    A single-user server runs the SQL, so no socket and no port is needed.

    Args:
        installation: what to try.
        account: who runs the server.
        scratch: folder for the throw-away cluster.
    """
    trial = Path(tempfile.mkdtemp(prefix="trial-", dir=scratch))
    try:
        account.own(trial)
        init = initdb(installation, account, trial, "--no-sync")
        if init is not None:
            return init
        words: list[str | Path] = [*account.prefix, installation.bin_dir / "postgres", "--single", "-j", "-D", trial]
        for setting in ("exit_on_error=on", "fsync=off", "jit=off", "timezone=GMT", "log_timezone=GMT"):
            words += ["-c", setting]
        return _failure([*words, "template1"], installation, _TRIAL_SQL)
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def initdb(installation: Installation, account: Account, data: Path, *extra: str) -> str | None:
    """Run ``initdb`` on an empty folder owned by the account; returns what went wrong, or None."""
    words: list[str | Path] = [*account.prefix, installation.bin_dir / "initdb", "--pgdata", data]
    words += [f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--auth=peer", "--data-checksums", *extra]
    return _failure(words, installation)


def _failure(words: Sequence[str | Path], installation: Installation, text: str = "") -> str | None:
    try:
        done = subprocess.run(
            words,
            input=text,
            env=installation.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TRIAL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else _gist(done.stderr, done.stdout)


def _gist(*outputs: str) -> str:
    """The telling lines of a program that failed."""
    lines = [line.strip() for output in outputs for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"FATAL|ERROR|PANIC|error", line)]
    return "; ".join((telling or lines)[-3:]) or "it failed without a word"


class Trials:
    """Remembers which installations worked, so that the trial is not repeated until their files change.

    A failure is not remembered: it may have been a full disk, or the SQL may be corrected under the same programs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def problem(self, installation: Installation, account: Account, scratch: Path) -> str | None:
        """As the function `problem`, from memory where the same files worked before."""
        place = installation.bin_dir
        key = str(place.relative_to(self._path.parent) if place.is_relative_to(self._path.parent) else place)
        passed = read_json(self._path)
        fingerprint = installation.fingerprint()
        if passed.get(key) == fingerprint:
            return None
        found = problem(installation, account, scratch)
        if found is None:
            with suppress(DatabaseUnreachableError):  # a shared folder may be somebody else's
                write_json(self._path, passed | {key: fingerprint})
        return found


def read_json(path: Path) -> dict[str, object]:
    """A JSON object from a file; empty where there is none or it is damaged, since all can be found out again."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, object]) -> None:
    """Replace a JSON file in one step.

    Raises:
        DatabaseUnreachableError: the folder cannot be written to.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DatabaseUnreachableError(f"Cannot write {path}: {error}.", "Free space or set ILDB_HOME.") from error
