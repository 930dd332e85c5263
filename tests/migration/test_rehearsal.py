"""The online patterns of docs/dba.md on a big table, with somebody reading and somebody writing meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

COLUMN_STEPS = (
    "ALTER TABLE ildb.rehearsal ADD COLUMN weight real",
    "CREATE INDEX CONCURRENTLY ix_rehearsal_missing ON ildb.rehearsal (id) WHERE weight IS NULL",
    "backfill",
    "ALTER TABLE ildb.rehearsal ADD CONSTRAINT ck_rehearsal_weight CHECK (weight IS NOT NULL) NOT VALID",
    "backfill",  # what was written between the first backfill and the constraint
    "ALTER TABLE ildb.rehearsal VALIDATE CONSTRAINT ck_rehearsal_weight",
    "ALTER TABLE ildb.rehearsal ALTER COLUMN weight SET NOT NULL",
    "ALTER TABLE ildb.rehearsal DROP CONSTRAINT ck_rehearsal_weight",
    "DROP INDEX CONCURRENTLY ildb.ix_rehearsal_missing",
    "CREATE INDEX CONCURRENTLY ix_rehearsal_weight ON ildb.rehearsal (weight)",
)
BATCH = 20_000


class Client(threading.Thread):
    """Repeats a statement until told to stop; keeps how often and the longest wait."""

    def __init__(self, url: str, statement: str) -> None:
        super().__init__()
        self.url, self.statement = url, statement
        self.done = threading.Event()
        self.n, self.longest_s, self.error = 0, 0.0, ""

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '20s'")
            while not self.done.is_set():
                began = time.monotonic()
                try:
                    connection.execute(self.statement)
                except psycopg.Error as error:
                    self.error = str(error)
                    return
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                self.n += 1
                time.sleep(0.002)


def backfill(connection: psycopg.Connection[object]) -> int:
    """In batches with a commit each; a batch locks its rows only, and vacuum may take what it leaves."""
    n_rows = 0
    while True:
        done = connection.execute(
            "UPDATE ildb.rehearsal SET weight = mod(id, 7) WHERE id IN"
            " (SELECT id FROM ildb.rehearsal WHERE weight IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)",
            [BATCH],
        ).rowcount
        if not done:
            return n_rows
        n_rows += done


def rehearse(url: str, n_rows: int) -> tuple[Client, Client]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE ildb.rehearsal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)"
        )
        connection.execute("INSERT INTO ildb.rehearsal (note) SELECT 'x' FROM generate_series(1, %s)", [n_rows])
        connection.execute("VACUUM ANALYZE ildb.rehearsal")
        reader = Client(url, "SELECT note FROM ildb.rehearsal WHERE id = 1 + (random() * 1000)::bigint")
        # Old code, which does not know the column: until it is NOT NULL there is room for its rows.
        writer = Client(url, "UPDATE ildb.rehearsal SET note = 'y' WHERE id = 1 + (random() * 1000)::bigint")
        for client in (reader, writer):
            client.start()
        try:
            connection.execute("SET lock_timeout = '5s'")
            for step in COLUMN_STEPS:
                if step == "backfill":
                    backfill(connection)
                else:
                    connection.execute(step)
        finally:
            for client in (reader, writer):
                client.done.set()
                client.join()
        assert (reader.error, writer.error) == ("", "")
        row = connection.execute(
            "SELECT count(*), count(weight), bool_and(weight = id % 7) FROM ildb.rehearsal"
        ).fetchone()
        assert row == (n_rows, n_rows, True)
        not_null = connection.execute(
            "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'ildb.rehearsal'::regclass AND attname = 'weight'"
        ).fetchone()
        assert not_null == (True,)
        invalid = "SELECT count(*) FROM pg_index WHERE indrelid = 'ildb.rehearsal'::regclass AND NOT indisvalid"
        assert connection.execute(invalid).fetchone() == (0,)
    return reader, writer


def test_a_column_and_an_index_come_while_others_work(new_database: Callable[..., str]) -> None:
    reader, writer = rehearse(new_database(), 60_000)
    assert reader.n > 10
    assert writer.n > 10


@pytest.mark.slow
def test_the_same_on_two_million_rows(new_database: Callable[..., str]) -> None:
    reader, writer = rehearse(new_database(), 2_000_000)
    assert reader.n > 100
    assert writer.n > 100
    # Nobody waited for a scan of the table; a busy machine alone makes nobody wait so long.
    assert max(reader.longest_s, writer.longest_s) < 10


def test_this_revision_goes_up_while_a_reader_and_a_writer_work(new_database: Callable[..., str]) -> None:
    """The real migration that builds an index concurrently, with rows in its table."""
    from sqlalchemy import make_url

    from ildb.db import engine as engines
    from ildb.db import schema
    from tests.integration.populate import fill

    url = new_database()
    made = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    with made.begin() as connection:
        fill(connection)
    with made.connect() as connection:
        schema.downgrade(connection, "0006")
    reader = Client(url, "SELECT count(*) FROM ildb.screening_decision WHERE passed")
    writer = Client(url, "UPDATE ildb.screening_decision SET score = score WHERE pairing_id % 10 = 1")
    for client in (reader, writer):
        client.start()
    try:
        with made.connect() as connection:
            schema.upgrade(connection)
    finally:
        for client in (reader, writer):
            client.done.set()
            client.join()
        made.dispose()
    assert (reader.error, writer.error) == ("", "")
    assert min(reader.n, writer.n) > 0
    with psycopg.connect(url) as check:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ildb.ix_screening_decision_passed'::regclass"
        assert check.execute(valid).fetchone() == (True,)
