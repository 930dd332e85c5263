"""Chemistry ahead of the database: the distinct ions of records still to come, resolved in other processes.

Resolving an ion takes most of an ingest's time and needs nothing but its SMILES. Each distinct SMILES is resolved
once, and ``ildb.chem.curation.resolve_salt`` then finds it remembered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self

from ildb.chem.parse import MAX_SMILES_LENGTH
from ildb.chem.standardize import Resolution, is_remembered, remember
from ildb.ingest.record import PairRecord
from ildb.ingest.workers import WorkerPool

CHUNK: Final = 250
# Two processes cost a second to start; so many ions take about as long.
WORTH_A_POOL: Final = 3_000


def ion_strings(record: PairRecord) -> Sequence[str]:
    """The SMILES of a record's ions as they are written; empty where only the whole structure tells."""
    structure = record.structure
    if structure is None:
        return ()
    if isinstance(structure, tuple):
        return structure
    parts = structure.split(".") if len(structure) <= MAX_SMILES_LENGTH else ()
    return tuple(dict.fromkeys(parts)) if all(parts) else ()


def _cpu_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class IonsAhead:
    """Resolves the new ions of batches in processes of its own; of few ions, nothing is done ahead.

    Args:
        workers: processes; by default one for each CPU. With 1 everything happens in this process.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._size = workers if workers is not None else _cpu_count()
        self._pool: WorkerPool | None = None
        self._under_way: set[str] = set()
        self._n_new = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()

    def begin(self, batch: Iterable[PairRecord]) -> Work:
        """Start on the ions of a batch that are neither remembered nor under way.

        Returns:
            What ``finish`` waits for.
        """
        new = list(
            dict.fromkeys(
                smiles
                for record in batch
                for smiles in ion_strings(record)
                if not is_remembered(smiles) and smiles not in self._under_way
            )
        )
        self._n_new += len(new)
        if self._size < 2 or not new or (self._pool is None and self._n_new < WORTH_A_POOL):
            return []
        pool = self._pool = self._pool or WorkerPool(self._size)
        self._under_way.update(new)
        return [(chunk, pool.submit(chunk)) for chunk in _chunks(new)]

    def finish(self, work: Work) -> None:
        """Wait until the ions of a batch are remembered.

        Raises:
            WorkerDiedError: a process was killed, or could not start.
        """
        for chunk, future in work:
            for smiles, resolution in zip(chunk, future.result(), strict=True):
                remember(smiles, resolution)
            self._under_way.difference_update(chunk)


Work = list[tuple[list[str], "Future[list[Resolution]]"]]


def _chunks(strings: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(strings), CHUNK):
        yield strings[start : start + CHUNK]
