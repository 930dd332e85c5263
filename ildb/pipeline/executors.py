"""Where tasks run: anything with the ``concurrent.futures`` interface; here, processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import Executor, ProcessPoolExecutor

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def cpu_count() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local(workers: int, threads: int) -> Executor:
    """A pool of fresh processes, each limited to ``threads`` threads.

    Spawned, not forked: torch and OpenMP do not survive a fork of a process that has used them.
    """
    return ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(threads,),
    )


def _start_worker(threads: int) -> None:
    import signal
    import threading

    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # Ctrl-C is for the runner, which lets finished work be stored.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_runner, daemon=True).start()


def _end_with_runner() -> None:
    # A killed runner cannot tell its workers, and they would wait for it for ever.
    runner = multiprocessing.parent_process()
    if runner is not None:
        runner.join()
        os._exit(1)
