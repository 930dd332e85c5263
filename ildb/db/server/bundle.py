"""Make a small relocatable server out of unpacked Debian packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ildb.errors import DatabaseUnreachableError

_PROGRAMS = (
    "initdb", "pg_config", "pg_controldata", "pg_ctl", "pg_dump", "pg_isready", "pg_resetwal", "pg_restore", "postgres",
    "psql",
)  # fmt: skip
_NEEDED_MODULES = frozenset({"rdkit.so", "plpgsql.so", "dict_snowball.so"})
# Just-in-time compilation brings 100 MB of LLVM and is off; the rest are headers and makefiles.
_LEFT_OUT = ("bitcode", "pgxs", "llvmjit.so", "llvmjit_types.bc")
_LIBRARY_FOLDERS = ("lib", "usr/lib", "lib/*-linux-*", "usr/lib/*-linux-*")
_OPERATOR = re.compile(r"CREATE OPERATOR @= \(.*?\);", re.DOTALL)


def patch_extension_sql(text: str) -> str:
    """Correct the definition of ``@=`` in the cartridge's SQL; other and corrected texts come back unchanged.

    It names ``=`` as its commutator and ``<>`` as its negator, though those belong to each other. PostgreSQL checks
    this since the minor releases of 2026 (and 17.0; rdkit issue 7459), and then ``CREATE EXTENSION`` fails.
    """

    def corrected(match: re.Match[str]) -> str:
        block = re.sub(r"COMMUTATOR\s*=\s*'?=(?![=@])'?", "COMMUTATOR = '@='", match[0])
        return re.sub(r"\n\s*NEGATOR\s*=\s*'?<>'?,", "", block)

    return _OPERATOR.sub(corrected, text)


def assemble(tree: Path, target: Path, major: int) -> None:
    """Move what the server needs at run time out of unpacked packages.

    The result keeps Debian's relative places (``usr/lib/postgresql/N/bin`` finds ``usr/share/postgresql/N``), with all
    libraries in ``lib``.

    Args:
        tree: the packages, unpacked over each other.
        target: folder to make, on the same file system.
        major: PostgreSQL's major version.

    Raises:
        DatabaseUnreachableError: a library is in no package.
    """
    server, share = Path(f"usr/lib/postgresql/{major}"), Path(f"usr/share/postgresql/{major}")
    for name in _LEFT_OUT:
        path = tree / server / "lib" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (tree / server / "bin").iterdir():
        if path.name not in _PROGRAMS:
            path.unlink()
    roots = [path.relative_to(tree) for folder in ("bin", "lib") for path in sorted((tree / server / folder).iterdir())]
    libraries = _libraries(tree, server, [root for root in roots if (tree / root).is_file()])
    for extension in (tree / share / "extension").glob("rdkit--*.sql"):
        extension.write_text(patch_extension_sql(extension.read_text(encoding="utf-8")), encoding="utf-8")
    for folder in (server / "bin", server / "lib", share):
        shutil.rmtree(tree / folder / "man", ignore_errors=True)
        (target / folder).parent.mkdir(parents=True, exist_ok=True)
        (tree / folder).rename(target / folder)
    (target / "lib").mkdir()
    for name, source in libraries.items():
        shutil.copy2(tree / source, target / "lib" / name)
    # Whatever the caller's umask: root's server runs as another user.
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def _libraries(tree: Path, server: Path, roots: Sequence[Path]) -> dict[str, Path]:
    """Name and place of each library of the tree that a root needs, through any number of others.

    The loader itself is asked, with paths relative to the tree because ``:`` would split an absolute one. A contributed
    module with a library in no package is dropped.
    """
    folders = [folder for pattern in _LIBRARY_FOLDERS for folder in tree.glob(pattern) if folder.is_dir()]
    search = ":".join(str(folder.relative_to(tree)) for folder in folders)
    found: dict[str, Path] = {}
    for root in roots:
        listing = subprocess.run(
            ["ldd", f"./{root}"],
            cwd=tree,
            env={"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": search},
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        missing = re.findall(r"^\s*(\S+) => not found", listing, re.MULTILINE)
        if missing and root.parent == server / "lib" and root.name not in _NEEDED_MODULES:
            (tree / root).unlink()
            continue
        if missing:
            raise DatabaseUnreachableError(
                f"The Debian packages of PostgreSQL lack {', '.join(missing)}, which {root.name} needs."
            )
        for name, place in re.findall(r"^\s*(\S+) => (\S+) \(", listing, re.MULTILINE):
            if not place.startswith("/"):
                found[name] = Path(place)
    return found
