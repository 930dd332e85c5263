"""Which PostgreSQL a home uses: the one it used before, one of the machine's, a downloaded one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from ildb.db.server.account import Account
from ildb.db.server.download import bundle_dir, download
from ildb.db.server.installation import (
    WAYS_OUT,
    Installation,
    Trials,
    inspect,
    read_json,
    system_installations,
    write_json,
)
from ildb.db.server.layout import Layout, private_dir
from ildb.db.server.locks import locked
from ildb.errors import DatabaseUnreachableError

# initdb hands paths to a shell inside double quotes, and the loader splits LD_LIBRARY_PATH at ':' and ';' and expands
# '$'. Other characters, spaces and letters of any script among them, are safe.
_AWKWARD = re.compile(r'["$`\\:;]')


def choose(
    layout: Layout, account_for: Callable[[Installation], Account], progress: Callable[[str], None]
) -> Installation:
    """Find, or download, an installation that is proven to work.

    Args:
        layout: where things are; its data directory, if any, sets the major version.
        account_for: the account that would run it.
        progress: told what is going on.

    Raises:
        DatabaseUnreachableError: there is none; the message names the other ways.
    """
    major = layout.data_major
    rejected: list[str] = []
    trials = Trials(layout.server_dir / "trials.json")
    for candidate in _candidates(layout):
        if major is not None and candidate.major != major:
            rejected.append(f"{candidate.bin_dir} is version {candidate.version}")
            continue
        problem = trials.problem(candidate, account_for(candidate), layout.root)
        if problem is None:
            return candidate
        rejected.append(f"{candidate.bin_dir} failed a trial: {problem}")
    for reason in rejected:
        progress(f"not used: {reason}")
    try:
        with locked(layout.server_dir / "lock", lambda: progress("waiting for another ildb that is downloading")):
            # That other one may have left just what is wanted.
            found = _downloaded(layout, major) or _unpacked(download(layout.server_dir, major, progress), layout)
    except DatabaseUnreachableError as error:
        if major is None:
            raise
        detail = f" ({'; '.join(rejected)})" if rejected else ""
        raise DatabaseUnreachableError(
            f"The data directory {layout.data} was made by PostgreSQL {major}, "
            f"and none of that version can be had{detail}: {error.what}",
            f"Install version {major}, or start again with 'ildb db reset --yes'. {WAYS_OUT}",
        ) from error
    problem = trials.problem(found, account_for(found), layout.root)
    if problem is not None:
        raise DatabaseUnreachableError(
            f"The PostgreSQL in {found.bin_dir} does not work on this machine: {problem}.",
            f"Remove {layout.server_dir} to download it again. {WAYS_OUT}",
        )
    return found


def record(layout: Layout, installation: Installation) -> None:
    """Note what this home uses."""
    fields: dict[str, object] = {"bin_dir": str(installation.bin_dir), "origin": installation.origin}
    if installation.lib_dir is not None:
        fields["lib_dir"] = str(installation.lib_dir)
    write_json(layout.root / "installation.json", fields)


def recorded(layout: Layout) -> Installation | None:
    """What this home used last, None where it is gone."""
    fields = read_json(layout.root / "installation.json")
    bin_dir, origin, lib_dir = (fields.get(key) for key in ("bin_dir", "origin", "lib_dir"))
    if not isinstance(bin_dir, str):
        return None
    kind: Literal["system", "downloaded"] = "downloaded" if origin == "downloaded" else "system"
    return inspect(Path(bin_dir), kind, Path(lib_dir) if isinstance(lib_dir, str) else None)


def _candidates(layout: Layout) -> Iterator[Installation]:
    """Installations at hand. The one used before comes first: another cartridge may compute other fingerprints."""
    seen = set()
    used = recorded(layout)
    if used is not None:
        seen.add(used.bin_dir)
        yield used
    for found in system_installations():
        if found.bin_dir not in seen:
            yield found
    ready = _downloaded(layout, layout.data_major)
    if ready is not None and ready.bin_dir not in seen:
        yield ready


def _downloaded(layout: Layout, major: int | None) -> Installation | None:
    """A complete downloaded server of a major version, the newest for None."""
    bundles = [bundle_dir(layout.server_dir, major)] if major else layout.server_dir.glob("postgresql-*")
    ready = [path for path in bundles if re.fullmatch(r"postgresql-\d+", path.name) and path.is_dir()]
    newest = max(ready, key=lambda path: int(path.name.split("-")[1]), default=None)
    return None if newest is None else _unpacked(newest, layout)


def _unpacked(bundle: Path, layout: Layout) -> Installation:
    if _AWKWARD.search(str(bundle)):
        bundle = _alias(bundle, layout)
    major = bundle_major(bundle)
    found = inspect(bundle / f"usr/lib/postgresql/{major}/bin", "downloaded", bundle / "lib")
    if found is None:
        raise DatabaseUnreachableError(
            f"The downloaded PostgreSQL in {bundle} is damaged.", f"Remove {layout.server_dir} and try again."
        )
    return found


def bundle_major(bundle: Path) -> int:
    """Major version of the server in a bundle."""
    return int(next((bundle / "usr/lib/postgresql").iterdir()).name)


def _alias(bundle: Path, layout: Layout) -> Path:
    """The same server under a harmless path: links to its folders, and copies of the programs, which resolve links."""
    major = bundle_major(bundle)
    top = private_dir(layout.alias_dir, owner=os.geteuid(), mode=0o755)
    alias = top / bundle.name
    bin_dir = alias / f"usr/lib/postgresql/{major}/bin"
    source = bundle / f"usr/lib/postgresql/{major}/bin"
    if bin_dir.is_dir() and (bin_dir / "postgres").stat().st_mtime_ns == (source / "postgres").stat().st_mtime_ns:
        return alias
    shutil.rmtree(alias, ignore_errors=True)
    making = top / f"making-{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    target = making / bin_dir.relative_to(alias)
    target.parent.mkdir(parents=True)
    (making / "usr/share").mkdir()
    (making / "lib").symlink_to(bundle / "lib")
    (target.parent / "lib").symlink_to(source.parent / "lib")
    (making / "usr/share/postgresql").symlink_to(bundle / "usr/share/postgresql")
    shutil.copytree(source, target)
    for folder in (making, *(path for path in making.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o755)
    making.rename(alias)
    return alias
