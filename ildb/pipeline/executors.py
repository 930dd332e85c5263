"""Where tasks run: pools with the ``concurrent.futures`` interface; here, processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import Enum
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import ParamSpec, TypeVar

from ildb.processes import end_with_parent

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_GPUS = "CUDA_VISIBLE_DEVICES"

P = ParamSpec("P")
T = TypeVar("T")


class Blame(Enum):
    """Whose fault it is that a future brought no answer."""

    TASK = "its worker died under it"
    UNKNOWN = "one of several workers died, and all stopped"
    HOST = "its host was lost"


class PoolBrokenError(Exception):
    """Nothing can be submitted before the pool is renewed."""


class Pool(ABC):
    """Workers for the tasks of a stage.

    Attributes:
        workers: how many tasks can run at once.
        threads: how many threads each may use.
        breaks_whole: one dying worker takes all others with it.
    """

    workers: int
    threads: int
    breaks_whole: bool

    @abstractmethod
    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in a worker.

        Raises:
            PoolBrokenError: the pool must be renewed first.
        """

    @abstractmethod
    def blame(self, error: BaseException) -> Blame | None:
        """Whose fault a future's exception is; None where the called function raised it."""

    @abstractmethod
    def renew(self) -> None:
        """Replace a broken pool."""

    @abstractmethod
    def stop(self) -> None:
        """End the stage's work; what still runs is nobody's any more."""


class Workers(ABC):
    """Makes pools, stage after stage."""

    @abstractmethod
    def pool(self, n_tasks: int) -> Pool:
        """A pool for so many tasks."""

    def close(self) -> None:  # noqa: B027 (local pools have ended by then)
        """Let everything go at the end of the run."""


def cpu_count() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalWorkers(Workers):
    """Processes of this machine, as many as it has CPUs unless told otherwise."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cpu_count()

    def pool(self, n_tasks: int) -> LocalPool:
        """No more processes than tasks; the threads they leave over go to each."""
        workers = max(1, min(self.workers, n_tasks))
        return LocalPool(workers, max(1, self.workers // workers))


class LocalPool(Pool):
    """Fresh processes, each limited in threads and, where there are GPUs, pinned to its share of them.

    Spawned, not forked: torch and OpenMP do not survive a fork of a process that has used them.
    """

    breaks_whole = True

    def __init__(self, workers: int, threads: int) -> None:
        self.workers, self.threads = workers, threads
        self._pool = self._start()

    def _start(self) -> Executor:
        spawning = multiprocessing.get_context("spawn")
        gpus: SimpleQueue[str] | None = None
        if names := gpu_names():
            gpus = spawning.SimpleQueue()
            for share in gpu_shares(names, self.workers):
                gpus.put(share)
        return ProcessPoolExecutor(
            max_workers=self.workers, mp_context=spawning, initializer=_start_worker, initargs=(self.threads, gpus)
        )

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See ``Pool``."""
        try:
            return self._pool.submit(function, *args, **kwargs)
        except BrokenProcessPool as error:
            raise PoolBrokenError from error

    def blame(self, error: BaseException) -> Blame | None:
        """A pool of processes does not say which of them died."""
        return Blame.UNKNOWN if isinstance(error, BrokenProcessPool) else None

    def renew(self) -> None:
        """See ``Pool``."""
        self.stop()
        self._pool = self._start()

    def stop(self) -> None:
        """Workers in the middle of a task that nobody waits for are ended, or leaving would take as long as they do."""
        processes = list((getattr(self._pool, "_processes", None) or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(timeout=5)


def gpu_names() -> list[str]:
    """NVIDIA GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if (visible := os.environ.get(_GPUS)) is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in {"", "-1"}]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def gpu_shares(names: Sequence[str], workers: int) -> list[str]:
    """The GPUs of each worker, as CUDA_VISIBLE_DEVICES: an equal share each; where they are too few, one in turn.

    Args:
        names: of the GPUs, at least one.
        workers: how many share them.
    """
    each = max(1, len(names) // workers)
    return [",".join(names[i * each % len(names) :][:each]) for i in range(workers)]


def _start_worker(threads: int, gpus: SimpleQueue[str] | None) -> None:
    import signal

    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    if gpus is not None and not gpus.empty():
        os.environ[_GPUS] = gpus.get()
    # Ctrl-C is for the runner, which lets finished work be stored.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
