"""Measurements of any ILThermo property, pulled from its web site into a cache and read from there.

First every entry is fetched, each into a file of its own; then the records are read from the files. So the site may go
away at any moment and nothing fetched is lost, and no transaction waits for the network.
"""

from __future__ import annotations

import difflib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ildb.config import get_settings
from ildb.errors import InputError
from ildb.hashing import sha256_text
from ildb.ingest.ilthermo_entry import Structures, read_entry, unavailable
from ildb.ingest.ilthermo_wire import EntryUnavailableError, Site, SiteError, SiteSettings, connected
from ildb.ingest.record import PairRecord
from ildb.ingest.source import SourceInfo

__all__ = ["ONLINE_CITATION", "Pull", "online_source", "pull", "read_online", "read_pull"]

ONLINE_CITATION: Final = (
    "A. Kazakov, J. W. Magee, R. D. Chirico, E. Paulechka, V. Diky, C. D. Muzny, K. Kroenlein, M. Frenkel, "
    "NIST Standard Reference Database 147: NIST Ionic Liquids Database (ILThermo), version 2.0; "
    "each value names its primary reference"
)
# Names of the site's properties, most likely first; the site's own list decides.
_SITE_NAMES: Final = {
    "melting_point": ("Normal melting temperature",),
    "glass_transition": ("Glass transition temperature",),
    "boiling_point": ("Normal boiling temperature",),
    "density": ("Density", "Specific density"),
    "viscosity": ("Viscosity",),
    "kinematic_viscosity": ("Viscosity",),
    "conductivity": ("Electrical conductivity",),
    "thermal_conductivity": ("Thermal conductivity",),
    "heat_capacity": ("Heat capacity at constant pressure",),
    "surface_tension": ("Surface tension liquid-gas", "Surface tension"),
    "refractive_index": ("Refractive index",),
    "speed_of_sound": ("Speed of sound",),
    "vapor_pressure": ("Vapor or sublimation pressure", "Vapor pressure"),
    "self_diffusion": ("Self-diffusion coefficient", "Self diffusion coefficient"),
}
# So many entries in a row that the site lists but does not send mean that the site is ill.
_MAX_UNAVAILABLE: Final = 3

# (property, entries so far, entries in all)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pull:
    """What was fetched.

    Attributes:
        folder: the cache.
        ids: entries, in the site's order, each once.
        unavailable: of those, the ones that the site does not send, with what it said.
    """

    folder: Path
    ids: tuple[str, ...]
    unavailable: dict[str, str]


def online_source(settings: SiteSettings | None = None) -> SourceInfo:
    """ILThermo as a source. It is one source however often it is pulled, so that an entry is never counted twice."""
    settings = settings or SiteSettings()
    return SourceInfo(
        name="ilthermo-online",
        sha256=sha256_text(settings.url.rstrip("/")),
        citation=ONLINE_CITATION,
        doi="10.18434/T4059J",
        url=settings.url,
        licence="NIST standard reference data",
        retrieved_at=datetime.now(UTC),
    )


def read_online(
    properties: Sequence[str],
    *,
    limit: int | None = None,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    settings: SiteSettings | None = None,
) -> tuple[SourceInfo, Iterator[PairRecord]]:
    """Fetch entries, then read them: what ``ingest(engine, source, records)`` takes.

    Args:
        properties: names of properties here (``melting_point``) or on the site (``Speed of sound``), or its keys.
        limit: at most so many entries of each property.
        resume: go on where an earlier pull stopped: what it fetched is not fetched again.
        progress: told after each entry.
        settings: the site and how to speak to it; by default from ``ILDB_ILTHERMO_*``.

    Returns:
        The source, and the records of every entry.

    Raises:
        InputError: the site has no such property.
        SiteError: the site does not answer; what was fetched is kept.
    """
    settings = settings or SiteSettings()
    pulled = pull(properties, limit=limit, resume=resume, progress=progress, settings=settings)
    return online_source(settings), read_pull(pulled)


def pull(
    properties: Sequence[str],
    *,
    limit: int | None = None,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    settings: SiteSettings | None = None,
    cache: Path | None = None,
) -> Pull:
    """Fetch every entry with some property into the cache; arguments as for ``read_online``."""
    settings = settings or SiteSettings()
    place = sha256_text(settings.url.rstrip("/"))[:12]
    folder = (cache or get_settings().home_dir / "cache" / "ilthermo") / place
    ids: dict[str, None] = {}
    missing: dict[str, str] = {}
    with connected(settings) as site:
        lists = {name: _entry_list(site, name, folder, resume=resume) for name in dict.fromkeys(properties)}
        for name, listed in lists.items():
            wanted = listed[:limit]
            missing |= _fetch(site, name, wanted, folder, resume=resume, done_before=ids, progress=progress)
            ids |= dict.fromkeys(wanted)
    return Pull(folder, tuple(ids), missing)


def read_pull(pulled: Pull) -> Iterator[PairRecord]:
    """The records of what was fetched, in the site's order."""
    # Imported now, because it takes a second; the table of structures is the package's.
    from ilthermopy import GetSavedCompounds

    compounds = GetSavedCompounds()
    structures = Structures(compounds.id2smiles, compounds.name2smiles)
    for entry_id in pulled.ids:
        if entry_id in pulled.unavailable:
            yield unavailable(entry_id, pulled.unavailable[entry_id])
            continue
        stored = _load(_entry_file(pulled.folder, entry_id))
        if stored is None or not isinstance(stored.get("answer"), dict):
            raise InputError(f"The cached entry {entry_id} in {pulled.folder} is gone or damaged.", "Pull it again.")
        yield from read_entry(entry_id, stored["answer"], structures)


def _entry_list(site: Site, name: str, folder: Path, *, resume: bool) -> list[str]:
    file = folder / f"list-{sha256_text(name.casefold())[:24]}.json"
    stored = _load(file) if resume else None
    if stored is not None and isinstance(stored.get("ids"), list):
        return [str(entry_id) for entry_id in stored["ids"]]
    key, site_name = _site_key(name, site.property_keys())
    ids = list(dict.fromkeys(site.entry_ids(key)))
    _save(file, {"property": name, "site_property": site_name, "searched_at": _now(), "ids": ids})
    return ids


def _site_key(name: str, keys: dict[str, str]) -> tuple[str, str]:
    """The site's key and name of a property."""
    by_name = {site_name.casefold(): (key, site_name) for site_name, key in keys.items()}
    for candidate in (*_SITE_NAMES.get(name.casefold(), ()), name):
        if found := by_name.get(candidate.casefold()):
            return found
    for site_name, key in keys.items():
        if key == name:
            return key, site_name
    close = difflib.get_close_matches(name.casefold(), [*by_name, *_SITE_NAMES], n=1)
    guess = f"Did you mean '{close[0]}'? " if close else ""
    raise InputError(f"ILThermo has no property '{name}'.", f"{guess}It has: {', '.join(sorted(keys))}.")


def _fetch(
    site: Site,
    name: str,
    ids: Sequence[str],
    folder: Path,
    *,
    resume: bool,
    done_before: dict[str, None],
    progress: Progress,
) -> dict[str, str]:
    """Fetch entries; the ones that the site does not send."""
    missing: dict[str, str] = {}
    in_a_row = 0
    progress(name, 0, len(ids))
    for n, entry_id in enumerate(ids):
        file = _entry_file(folder, entry_id)
        if entry_id not in done_before and not (resume and _load(file) is not None):
            try:
                answer = site.entry(entry_id)
            except EntryUnavailableError as error:
                missing[entry_id] = error.what
                in_a_row += 1
                if in_a_row == _MAX_UNAVAILABLE:
                    raise SiteError(error.what, _kept(n + 1 - len(missing), len(ids))) from error
            except SiteError as error:
                raise SiteError(error.what, _kept(n - len(missing), len(ids))) from error
            else:
                in_a_row = 0
                _save(file, {"entry": entry_id, "fetched_at": _now(), "answer": answer})
        progress(name, n + 1, len(ids))
    return missing


def _kept(n: int, of: int) -> str:
    return f"{n} of {of} entries are fetched and kept; go on with --resume."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _entry_file(folder: Path, entry_id: str) -> Path:
    # Ids differ in case only, which some file systems do not.
    return folder / "entries" / f"{sha256_text(entry_id)[:24]}.json"


def _load(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _save(file: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(content, stream, ensure_ascii=False)
            Path(draft).replace(file)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write to {file.parent}: {error.strerror}.", "Free some space, or set ILDB_HOME."
        ) from error
