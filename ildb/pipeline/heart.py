"""The runner's sign of life, from a thread of its own: storing a result may take longer than a lease lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

import psycopg
from sqlalchemy.exc import DBAPIError

from ildb.db import query
from ildb.pipeline.leases import Lease, ids_of
from ildb.pipeline.transactions import Transactions


class Heart:
    """While it is open, the run counts as worked on and the leases in hand are extended."""

    def __init__(self, transactions: Transactions, run_id: int) -> None:
        self.transactions, self.run_id = transactions, run_id
        self.in_hand: Callable[[], Sequence[Lease]] = lambda: ()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="ildb-heart", daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        settings = self.transactions.settings
        while True:
            self._say("run/heartbeat", run_id=self.run_id)
            if leases := self.in_hand():
                self._say("task/heartbeat", lease_s=settings.lease_s, **ids_of(leases))
            if self._over.wait(settings.beat_s):
                return

    def _say(self, name: str, **parameters: object) -> None:
        # The next beat may get through; if none does, the leases run out, as they should.
        with suppress(DBAPIError, psycopg.Error), self.transactions.begin() as connection:
            query.execute(connection, name, **parameters)
