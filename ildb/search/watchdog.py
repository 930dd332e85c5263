"""Stop waiting for a backend that does not answer any more."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


class Watchdog:
    """What became of the wait; ``bit`` once the connection was cut."""

    bit = False


@contextmanager
def watching(connection: psycopg.Connection[Any], limit_s: float) -> Iterator[Watchdog]:
    """Cut the connection if the block takes longer than ``limit_s`` seconds.

    The server's own timeout does not reach a backend inside one call of the cartridge, and the client would wait with
    it. The block then ends with ``psycopg.OperationalError``; the backend notices when its call returns.
    """
    watchdog = Watchdog()

    def bite() -> None:
        watchdog.bit = True
        with socket.socket(fileno=os.dup(connection.fileno())) as copy:
            copy.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, bite)
    timer.daemon = True
    timer.start()
    try:
        yield watchdog
    finally:
        timer.cancel()
        timer.join()
