"""The process that matches patterns: ``python -m ildb.search.matching_process``.

It reads requests from stdin and writes answers to stdout, each a length and that many bytes of JSON; ids go as
little-endian 64-bit numbers after the JSON. It knows nothing of the database, so killing it costs nobody anything.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdSubstructLibrary

from ildb.search.ion_library import Ids, read_part

_LENGTH = struct.Struct("<II")


def send(stream: BinaryIO, message: dict[str, Any], ids: Ids | None = None) -> None:
    """Write a message with ids behind it."""
    text = json.dumps(message).encode()
    tail = b"" if ids is None else ids.astype("<i8").tobytes()
    stream.write(_LENGTH.pack(len(text), len(tail)) + text + tail)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Ids]:
    """The next message and its ids.

    Raises:
        EOFError: there is none, or not a whole one.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    n_text, n_tail = _LENGTH.unpack(head)
    body = stream.read(n_text + n_tail)
    if len(body) < n_text + n_tail:
        raise EOFError
    return dict(json.loads(body[:n_text])), np.frombuffer(body[n_text:], dtype="<i8").astype(np.int64)


class _Part(NamedTuple):
    ids: Ids
    library: rdSubstructLibrary.SubstructLibrary
    fingerprints: rdSubstructLibrary.FPHolderBase


class _Ions:
    """The libraries of a list of files; ``resident`` keeps molecules instead of their binary form."""

    def __init__(self, *, resident: bool) -> None:
        self._resident = resident
        self._parts: dict[str, _Part] = {}
        self._current: list[_Part] = []
        self._place: dict[int, tuple[_Part, int]] = {}

    def load(self, files: list[str]) -> int:
        kept = {file: self._parts.get(file) or self._read(file) for file in files}
        self._parts, self._current = kept, list(kept.values())
        self._place.clear()
        return sum(len(part.ids) for part in self._current)

    def _read(self, file: str) -> _Part:
        part = read_part(Path(file))
        library = part.library()
        if not self._resident:
            return _Part(part.ids, library, library.GetFpHolder())
        mols = rdSubstructLibrary.MolHolder()
        for i in range(len(part.ids)):
            mols.AddMol(library.GetMol(i))
        bits = library.GetFpHolder()
        return _Part(part.ids, rdSubstructLibrary.SubstructLibrary(mols, bits), bits)

    def matching(self, pattern: Chem.Mol) -> Ids:
        found = [part.ids[_matches(part, pattern)] for part in self._current]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def matching_among(self, pattern: Chem.Mol, ids: Ids) -> Ids:
        if not self._place:
            self._place = {int(ion): (part, i) for part in self._current for i, ion in enumerate(part.ids)}
        found = []
        bits = rdSubstructLibrary.PatternHolder().MakeFingerprint(pattern)
        for ion in ids.tolist():
            part, i = self._place.get(ion, (None, 0))
            if part is None or not part.fingerprints.PassesFilter(i, bits):
                continue
            if part.library.GetMol(i).HasSubstructMatch(pattern):
                found.append(ion)
        return np.array(found, dtype=np.int64)


def _matches(part: _Part, pattern: Chem.Mol) -> list[int]:
    # As the cartridge's @> does: recursive parts count, chirality does not (rdkit.do_chiral_sss is off).
    return sorted(
        part.library.GetMatches(
            pattern, recursionPossible=True, useChirality=False, useQueryQueryMatches=False, numThreads=1,
            maxResults=-1,
        )
    )  # fmt: skip


def _read_smarts(text: str) -> tuple[Chem.Mol | None, str]:
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmarts(text)
        messages = str(log.messages)
    if mol is None or mol.GetNumAtoms() == 0:
        return None, next((line for line in messages.splitlines() if line.strip()), "it has no atoms")[:200]
    return mol, ""


def main() -> None:
    """Answer until stdin ends."""
    resident, memory_bytes = sys.argv[1] == "resident", int(sys.argv[2])
    rdBase.DisableLog("rdApp.*")
    # Whatever a pattern makes of it, the server and other work go first.
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Answers go to what stdout was; a library that prints must not break them.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    ions = _Ions(resident=resident)
    while True:
        try:
            request, ids = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if "load" in request:
                send(answers, {"n_ions": ions.load(request["load"])})
                continue
            pattern, problem = _read_smarts(request["smarts"])
            if pattern is None:
                send(answers, {"refused": problem})
            elif request["all"]:
                send(answers, {}, ions.matching(pattern))
            else:
                send(answers, {}, ions.matching_among(pattern, ids))
        except (MemoryError, ValueError, OSError) as error:
            send(answers, {"failed": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
