"""Processes that resolve ions: each reads chunks of SMILES and answers them until its parent is done, or gone."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from ildb.chem.findings import Finding
from ildb.chem.identity import Ion
from ildb.chem.standardize import Resolution, ResolvedIon, examine_ion
from ildb.errors import IldbError

# The fields of an ion and its flags, which pickle several times faster than the classes they make up; or refusals.
_Packed = tuple[tuple[str, str, int, str, float, int] | None, tuple[Finding, ...]]


class WorkerDiedError(IldbError):
    """A process that resolves ions ended without an answer."""


def _pack(resolution: Resolution) -> _Packed:
    if not isinstance(resolution, ResolvedIon):
        return None, resolution
    ion = resolution.ion
    return (ion.inchikey, ion.smiles, ion.charge, ion.formula, ion.mass_g_mol, ion.heavy_atoms), resolution.flags


def _unpack(packed: _Packed) -> Resolution:
    ion, findings = packed
    return findings if ion is None else ResolvedIon(Ion(*ion), findings)


def serve() -> None:
    """What a worker does: read chunks of SMILES and answer each, until there are no more.

    It ends with its parent however that ends, since its input ends then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        # Whatever a library prints must not get between the answers.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        while True:
            try:
                chunk: list[str] = pickle.load(requests)  # noqa: S301  # from the process that started this one
            except EOFError:
                return
            pickle.dump([_pack(examine_ion(smiles)) for smiles in chunk], answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


class _Worker:
    """A process that serves.

    Not one of ``multiprocessing``, whose processes import the script that started them: one without
    ``if __name__ == "__main__"`` would begin the same ingest again in each, and wait for itself.
    """

    def __init__(self) -> None:
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from ildb.ingest.workers import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)

    def resolve(self, chunk: list[str]) -> list[Resolution]:
        """The ions of a chunk, in order.

        Raises:
            WorkerDiedError: the process is gone.
        """
        try:
            pickle.dump(chunk, self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()
            answer: list[_Packed] = pickle.load(self._answers)  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise WorkerDiedError(
                f"A process that resolves ions died (exit status {self._process.wait()}); out of memory?",
                "Nothing was stored. Try again with one worker.",
            ) from error
        return list(map(_unpack, answer))

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()
        self._answers.close()
        # What was not sent before the process ended never will be.
        with suppress(BrokenPipeError):
            self._requests.close()


class WorkerPool:
    """As many processes, each with a thread of its own that waits for its answers.

    Args:
        size: how many; each starts when there is something for it to do.
    """

    def __init__(self, size: int) -> None:
        self._workers: list[_Worker] = []
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(size, "ions")

    def submit(self, chunk: list[str]) -> Future[list[Resolution]]:
        """Resolve a chunk of SMILES; the result is in order, or a ``WorkerDiedError``."""
        return self._threads.submit(self._resolve, chunk)

    def _resolve(self, chunk: list[str]) -> list[Resolution]:
        if not hasattr(self._own, "worker"):
            self._own.worker = _Worker()
            self._workers.append(self._own.worker)
        worker: _Worker = self._own.worker
        return worker.resolve(chunk)

    def close(self) -> None:
        """End the processes, whatever they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._end_workers()
        self._threads.shutdown(wait=True)
        # One may have started in between.
        self._end_workers()

    def _end_workers(self) -> None:
        for worker in list(self._workers):
            worker.end()
