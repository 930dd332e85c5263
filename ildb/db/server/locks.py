"""Lock files, which the kernel lets go of with their process."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ildb.errors import DatabaseUnreachableError

_POLL_S = 0.05


@contextmanager
def locked(path: Path, on_wait: Callable[[], None], limit_s: float = 1800.0) -> Iterator[None]:
    """Hold a lock file; it goes with the process, so a crash leaves none behind.

    Args:
        path: the file, made where missing.
        on_wait: called once if another process holds it.
        limit_s: how long to wait, seconds.

    Raises:
        DatabaseUnreachableError: the other process kept it, or the file system has no locks.
    """
    handle = open_lock(path, os.O_CREAT)
    try:
        deadline = time.monotonic() + limit_s
        waited = False
        while not try_lock(handle, path):
            if not waited:
                on_wait()
                waited = True
            if time.monotonic() > deadline:
                raise DatabaseUnreachableError(f"Another ildb has held {path} for {limit_s:.0f} s.", "Stop it.")
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)


def open_lock(path: Path, extra: int = 0) -> int:
    """Descriptor of a lock file; ``extra`` may be ``os.O_CREAT``.

    Raises:
        FileNotFoundError: there is none.
        DatabaseUnreachableError: it is somebody else's.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | extra, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DatabaseUnreachableError(
            f"Cannot use {path} ({error.strerror}).", "Run ildb as the user that ran 'ildb db up'."
        ) from error


def try_lock(handle: int, path: Path, kind: int = fcntl.LOCK_EX) -> bool:
    """Take a lock if it is free.

    Raises:
        DatabaseUnreachableError: the file system has no locks.
    """
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise DatabaseUnreachableError(
            f"The file system of {path} has no file locks ({error.strerror}).", "Set ILDB_HOME to a local disk."
        ) from error
    return True
