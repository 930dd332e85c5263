"""Drawings of ions for pages: made once, kept in memory, and known to the browser by their content."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlencode

from ildb.chem.depict import svg

# One is about 2 kB compressed.
MAX_KEPT = 8_192
SIZES = {"small": (220, 150), "large": (380, 260)}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as it is sent.

    Attributes:
        compressed: gzipped SVG.
        etag: its name for the browser's cache.
    """

    compressed: bytes
    etag: str


class Drawings:
    """The drawings made so far, the least recently used going first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Drawing] = OrderedDict()
        self._lock = threading.Lock()

    def kept(self, smiles: str, size: str) -> Drawing | None:
        """A drawing that is in memory."""
        with self._lock:
            found = self._kept.get((smiles, size))
            if found is not None:
                self._kept.move_to_end((smiles, size))
            return found

    def make(self, smiles: str, size: str) -> Drawing:
        """Draw and keep.

        Raises:
            StructureError: the SMILES cannot be read.
        """
        width, height = SIZES[size]
        content = svg(smiles, width=width, height=height).encode()
        made = Drawing(gzip.compress(content, 6, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:24]}"')
        with self._lock:
            self._kept[smiles, size] = made
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return made


def address(smiles: str, size: str = "small") -> str:
    """Where a page finds the drawing of a structure."""
    return "/structure.svg?" + urlencode({"smiles": smiles, **({} if size == "small" else {"size": size})})
