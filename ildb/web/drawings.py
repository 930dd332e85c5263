"""Drawings for pages: made once, kept in memory, and known to the browser by their content."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ildb.chem.depict import svg
from ildb.web.security import SVG_CSP

# One is about 2 kB compressed.
MAX_KEPT = 8_192
SIZES = {"small": (220, 150), "large": (380, 260)}
FOR_A_DAY = "public, max-age=86400"
"""For a drawing whose address says all that is in it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as it is sent.

    Attributes:
        compressed: gzipped SVG.
        etag: its name for the browser's cache.
    """

    compressed: bytes
    etag: str

    def respond(self, request: Request, cache_control: str) -> Response:
        """The drawing, or word that the browser has it already."""
        headers = {"etag": self.etag, "cache-control": cache_control}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        headers |= {"content-security-policy": SVG_CSP, "vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(self.compressed), media_type="image/svg+xml", headers=headers)
        return Response(self.compressed, media_type="image/svg+xml", headers=headers | {"content-encoding": "gzip"})


class Drawings:
    """The drawings made so far, the least recently used going first.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._kept: OrderedDict[Hashable, Drawing] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def kept(self, *key: Hashable) -> Drawing | None:
        """A drawing that is in memory."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, text: str, *key: Hashable) -> Drawing:
        """Take an SVG into memory."""
        content = text.encode()
        made = Drawing(gzip.compress(content, 6, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:24]}"')
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def make(self, smiles: str, size: str) -> Drawing:
        """Draw a structure and keep it as ``kept(smiles, size)``.

        Raises:
            StructureError: the SMILES cannot be read.
        """
        width, height = SIZES[size]
        return self.keep(svg(smiles, width=width, height=height), smiles, size)


def address(smiles: str, size: str = "small") -> str:
    """Where a page finds the drawing of a structure."""
    return "/structure.svg?" + urlencode({"smiles": smiles, **({} if size == "small" else {"size": size})})
