"""Style, scripts and the drawing box: read once, compressed once, told apart by their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).resolve().parent / "static"
_TEXT = ("text/", "application/javascript", "application/json", "image/svg")
_FOREVER = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=3600"


@dataclass(frozen=True)
class Asset:
    """A file as it is sent.

    Attributes:
        content: its bytes.
        media_type: for the header.
        digest: of the bytes; part of the address, so that a browser may keep the file for ever.
    """

    content: bytes
    media_type: str
    digest: str

    @cached_property
    def compressed(self) -> bytes | None:
        """Gzipped; None for what does not shrink."""
        return gzip.compress(self.content, 9, mtime=0) if self.media_type.startswith(_TEXT) else None


class Assets:
    """Every file of ``static/`` by its name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }

    def address(self, name: str) -> str:
        """Where a page finds a file."""
        return f"/static/{name}?v={self._files[name].digest[:12]}"

    def respond(self, name: str, request: Request) -> Response | None:
        """The file; None when there is none of that name."""
        asset = self._files.get(name)
        if asset is None:
            return None
        asked = request.query_params.get("v")
        headers = {
            "etag": f'"{asset.digest[:24]}"',
            "cache-control": _FOREVER if asked and asset.digest.startswith(asked) else _BRIEFLY,
            "vary": "accept-encoding",
        }
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = asset.content
        if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = asset.compressed
            headers["content-encoding"] = "gzip"
        return Response(body, media_type=asset.media_type, headers=headers)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "text/plain"
    kind = {"text/javascript": "application/javascript"}.get(kind, kind)
    return Asset(content, kind, hashlib.sha256(content).hexdigest())
