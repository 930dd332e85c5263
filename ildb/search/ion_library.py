"""A part of the ions as a substructure library in a file; needs no database.

Files appear whole or not at all and are checked before they are used, so that processes may share them.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdSubstructLibrary

from ildb.chem.fingerprints import MORGAN_BITS, morgan_bytes

_MAGIC = b"ildb-ions-2\n"
_HEAD = struct.Struct("<32sQ")

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LibraryPart:
    """Ions with ids of one range.

    Attributes:
        ids: shape (n,), ascending.
        fingerprints: Morgan fingerprints as the server stores them, shape (n, 8), 64 bits each.
        serialized: the library, which takes longer to read than the rest.
    """

    ids: Ids
    fingerprints: npt.NDArray[np.uint64]
    serialized: bytes

    def library(self) -> rdSubstructLibrary.SubstructLibrary:
        """The ions as a substructure library."""
        library: rdSubstructLibrary.SubstructLibrary = rdSubstructLibrary.SubstructLibrary(
            self.serialized  # type: ignore[call-overload]
        )
        return library


def write_part(path: Path, ids: Sequence[int], smiles: Sequence[str]) -> None:
    """Make a part; an ion that RDKit cannot read is left out."""
    library = rdSubstructLibrary.SubstructLibrary(
        rdSubstructLibrary.CachedMolHolder(), rdSubstructLibrary.PatternHolder()
    )
    kept, bits = [], []
    with rdBase.BlockLogs():
        for ion_id, text in zip(ids, smiles, strict=True):
            mol = Chem.MolFromSmiles(text)
            if mol is not None:
                library.AddMol(mol)
                kept.append(ion_id)
                bits.append(morgan_bytes(mol))
    head = struct.pack("<Q", len(kept)) + np.array(kept, dtype="<i8").tobytes()
    body = head + b"".join(bits) + bytes(library.Serialize())
    # Not under its own name until complete: several processes may make the same part.
    with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".partial", delete=False) as draft:
        temporary = Path(draft.name)
        draft.write(_MAGIC + _HEAD.pack(hashlib.sha256(body).digest(), len(body)) + body)
    temporary.replace(path)


def read_part(path: Path) -> LibraryPart:
    """A part from its file.

    Raises:
        ValueError: the file is damaged.
    """
    content = path.read_bytes()
    start = len(_MAGIC) + _HEAD.size
    if content[: len(_MAGIC)] != _MAGIC or len(content) < start:
        raise ValueError(f"{path} is not a part of an ion library")
    digest, length = _HEAD.unpack_from(content, len(_MAGIC))
    body = content[start:]
    if len(body) != length or hashlib.sha256(body).digest() != digest:
        raise ValueError(f"{path} is damaged")
    (n_ions,) = struct.unpack_from("<Q", body)
    ids = np.frombuffer(body, dtype="<i8", count=n_ions, offset=8).astype(np.int64)
    words = MORGAN_BITS // 64
    fingerprints = np.frombuffer(body, dtype="<u8", count=n_ions * words, offset=8 + 8 * n_ions).astype(np.uint64)
    return LibraryPart(ids, fingerprints.reshape(n_ions, words), body[8 + 8 * n_ions * (1 + words) :])
