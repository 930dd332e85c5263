"""Answers of a search, and pairings, as files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from ildb.db import lineage
from ildb.export import rows
from ildb.export.prov import prov_json
from ildb.export.salts import write_sdf
from ildb.search.facts import find_pairing
from ildb.search.pairings import Answer
from ildb.search.substructure import COLUMNS, describe
from ildb.web import asking, context
from ildb.web.database import BusyError
from ildb.web.formats import plain

router = APIRouter()
Format = Literal["csv", "parquet", "sdf", "json"]
Hits = Iterator[Mapping[str, Any]]

_MEDIA = {
    "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet", "sdf": "chemical/x-mdl-sdfile",
    "json": "application/json",
}  # fmt: skip
_MAX_AT_ONCE = 2
_free = threading.BoundedSemaphore(_MAX_AT_ONCE)


def _as_csv(hits: Hits, path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as stream:
        return rows.write_csv(map(_harmless, hits), COLUMNS, stream)


def _harmless(hit: Mapping[str, Any]) -> dict[str, Any]:
    """Names come from files of all kinds; a spreadsheet would take one that begins like a formula for one."""
    names = [f"'{name}" if name[:1] in "=+-@\t\r" else name for name in hit["names"]]
    return {**hit, "names": names}


def _as_parquet(hits: Hits, path: Path) -> int:
    return rows.write_parquet(hits, COLUMNS, path)


def _as_json(hits: Hits, path: Path) -> int:
    with path.open("w", encoding="utf-8") as stream:
        return rows.write_json(hits, COLUMNS, stream)


def _as_sdf(hits: Hits, path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        return write_sdf(hits, stream)


_WRITERS: dict[str, Callable[[Hits, Path], int]] = {
    "csv": _as_csv, "parquet": _as_parquet, "json": _as_json, "sdf": _as_sdf,
}  # fmt: skip


@router.get("/search/download.{form}")
def download(request: Request, form: Format) -> Response:
    """The whole answer of a search, up to the server's limit; ``x-ildb-rows`` says how many rows it has."""
    here = context.of(request)
    limit = here.settings.max_drawn if form == "sdf" else here.settings.max_rows
    if not _free.acquire(blocking=False):
        raise BusyError("Other downloads are being written.", "Try again in a few seconds.")
    try:
        with here.database.reading() as connection:
            question = asking.required(connection, request.query_params)
            hits = Answer(connection, here.database.matcher, question).hits(limit + 1)
            return _written(hits, form, limit, "ildb-search")
    finally:
        _free.release()


def _written(hits: Hits, form: Format, limit: int | None, name: str) -> Response:
    with NamedTemporaryFile(prefix="ildb-", suffix=f".{form}", delete=False) as draft:
        path = Path(draft.name)
    try:
        n_rows = _WRITERS[form](islice(hits, limit), path)
        is_cut = limit is not None and next(iter(hits), None) is not None
    except BaseException:
        path.unlink()
        raise
    return FileResponse(
        path, media_type=_MEDIA[form], filename=f"{name}.{form}", background=BackgroundTask(path.unlink),
        headers={"x-ildb-rows": str(n_rows), "x-ildb-cut": str(is_cut).lower(), "cache-control": "no-store"},
    )  # fmt: skip


@router.get("/pairings/{pairing_id}/download.{form}")
def pairing(request: Request, pairing_id: int, form: Format) -> Response:
    """A pairing as a file of one row."""
    with context.of(request).database.reading() as connection:
        found = find_pairing(connection, str(pairing_id))
        hits = describe(connection, [found["id"]])
    return _written(iter(hits), form, None, f"ildb-pairing-{pairing_id}")


@router.get("/pairings/{pairing_id}/lineage.prov.json")
def provenance(request: Request, pairing_id: int) -> Response:
    """A pairing's lineage as W3C PROV-JSON."""
    with context.of(request).database.reading() as connection:
        found = prov_json(lineage.read(connection, find_pairing(connection, str(pairing_id))))
    name = f'attachment; filename="ildb-pairing-{pairing_id}.prov.json"'
    return JSONResponse(plain(found), headers={"content-disposition": name})
