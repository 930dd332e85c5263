"""Fetch PostgreSQL and the cartridge from the machine's own package sources, as any user, installing nothing."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ildb.db.server.bundle import assemble
from ildb.db.server.installation import MIN_MAJOR, WAYS_OUT, write_json
from ildb.errors import DatabaseUnreachableError

# Measured on Debian 12: 19 MB of lists, 60 MB of packages, 210 MB unpacked, 95 MB kept.
_ROOM_BYTES = 600 << 20
_TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "ldd")
# apt reads and writes only here (relative names: apt's own syntax has no way to quote every path), against a list of
# installed packages that is empty, so that the outcome does not depend on what this machine happens to have.
# The hooks that a machine runs around apt are for the machine's own lists.
_CONF = """#clear APT::Update;
#clear DPkg;
Dir::State "./state";
Dir::State::status "./state/status";
Dir::Cache "./cache";
Dir::Log "./log";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""
# Every Debian and Ubuntu has the C and C++ libraries; LLVM is for just-in-time compilation, which is off.
_WANTED = re.compile(r"(lib|zlib|postgresql-(client-)?\d+(-rdkit)?$)")
_NOT_WANTED = re.compile(
    r"libc6$|libc-|libgcc|libstdc\+\+|libllvm|libperl|lib.*-perl$|libpython.*-(stdlib|minimal)$|libx11-data"
)


def bundle_dir(server_dir: Path, major: int) -> Path:
    """Folder of a downloaded server; it exists only when complete."""
    return server_dir / f"postgresql-{major}"


def download(server_dir: Path, major: int | None, progress: Callable[[str], None]) -> Path:
    """Download a server into its `bundle_dir`, or leave nothing.

    Args:
        server_dir: folder of downloaded servers; the caller holds its lock.
        major: the major version to get; None for the newest that has the cartridge.
        progress: told what is going on.

    Returns:
        The folder.

    Raises:
        DatabaseUnreachableError: no apt, no network, no such package, no room. It names the other ways.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise DatabaseUnreachableError(
            f"No PostgreSQL with the RDKit cartridge on this machine, and no '{missing[0]}' to download one with.",
            WAYS_OUT,
        )
    for leftover in server_dir.glob("partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(server_dir).free
    if free < _ROOM_BYTES:
        raise DatabaseUnreachableError(
            f"{server_dir} has {free >> 20} MB free; downloading PostgreSQL takes {_ROOM_BYTES >> 20} MB.",
            f"Free some space or set ILDB_HOME. {WAYS_OUT}",
        )
    work = Path(tempfile.mkdtemp(prefix="partial-", dir=server_dir))
    try:
        return _download(work, server_dir, major, progress)
    except OSError as error:
        reason = "the disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else str(error)
        raise DatabaseUnreachableError(f"Cannot store a PostgreSQL in {server_dir}: {reason}.", WAYS_OUT) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(work: Path, server_dir: Path, major: int | None, progress: Callable[[str], None]) -> Path:
    for folder in ("state/lists/partial", "cache/archives/partial", "log", "tree", "bundle"):
        (work / folder).mkdir(parents=True)
    (work / "state/status").touch()
    (work / "apt.conf").write_text(_CONF, encoding="utf-8")
    progress("reading the package lists of this machine's sources (nothing is installed)")
    # One broken source among several must not matter, so the outcome is judged by what can be had afterwards.
    _, complaint = _apt(work, "apt-get", "-qq", "update")
    chosen = _choose(work, major, complaint)
    code, plan = _apt(work, "apt-get", "-s", "install", f"postgresql-{chosen}", f"postgresql-{chosen}-rdkit")
    if code != 0:
        raise _failed(f"apt cannot work out what postgresql-{chosen}-rdkit needs", plan)
    packages = wanted_packages(plan)
    progress(f"downloading PostgreSQL {chosen} with the RDKit cartridge ({len(packages)} packages)")
    code, output = _apt(work, "apt-get", "-qq", "download", *packages)
    if code != 0:
        raise _failed(f"apt cannot download PostgreSQL {chosen} and the RDKit cartridge", output)
    progress("unpacking")
    for deb in sorted(work.glob("*.deb")):
        code, output = _run(["dpkg-deb", "-x", f"./{deb.name}", "tree"], work)
        if code != 0:
            raise _failed(f"cannot unpack {deb.name}", output)
        deb.unlink()
    assemble(work / "tree", work / "bundle", chosen)
    write_json(work / "bundle" / "packages.json", {"packages": packages})
    target = bundle_dir(server_dir, chosen)
    if target.exists():
        shutil.rmtree(target)
    (work / "bundle").rename(target)
    return target


def wanted_packages(plan: str) -> list[str]:
    """Packages with libraries or programs of the server, as ``name=version``, from a simulated installation.

    Args:
        plan: output of ``apt-get -s install``; its lines of interest read ``Inst NAME (VERSION ...``.
    """
    pairs = re.findall(r"^Inst (\S+) \((\S+)", plan, re.MULTILINE)
    return [f"{name}={version}" for name, version in pairs if _WANTED.match(name) and not _NOT_WANTED.match(name)]


def _choose(work: Path, major: int | None, complaint: str) -> int:
    _, names = _apt(work, "apt-cache", "pkgnames", "postgresql-")
    available = set(names.split())
    majors = [int(number) for number in re.findall(r"^postgresql-(\d+)-rdkit$", names, re.MULTILINE)]
    majors = [number for number in majors if f"postgresql-{number}" in available and number >= MIN_MAJOR]
    if major is not None:
        majors = [number for number in majors if number == major]
    if not majors:
        named = f"postgresql-{major}-rdkit" if major else f"postgresql-N-rdkit (N >= {MIN_MAJOR})"
        raise _failed(f"this machine's package sources have no {named}, or cannot be reached", complaint)
    return max(majors)


def _apt(work: Path, tool: str, *words: str) -> tuple[int, str]:
    return _run([tool, "-c", "./apt.conf", *words], work)


def _run(words: Sequence[str], cwd: Path) -> tuple[int, str]:
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return done.returncode, done.stdout + done.stderr


def _failed(what: str, output: str) -> DatabaseUnreachableError:
    reasons = [line for line in output.splitlines() if re.match(r"E:|Err|W:|dpkg-deb: error", line)]
    detail = f" ({'; '.join(reasons[:2])})" if reasons else ""
    return DatabaseUnreachableError(
        f"No PostgreSQL with the RDKit cartridge on this machine, and {what}{detail}.", WAYS_OUT
    )
