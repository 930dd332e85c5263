"""The server's troubles as they really come: a disk that fills up, sessions that wait for each other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.errors import DatabaseUnreachableError
from ildb.pipeline import recipe as recipes
from ildb.pipeline import registry
from ildb.pipeline.runner import Runner
from ildb.pipeline.settings import RunSettings
from tests.integration import chaos
from tests.integration.squares import TABLE, TEST_STAGES, Squares

SMALL_DISK = "2m"


@pytest.fixture(scope="module", autouse=True)
def _stages(engine: Engine) -> Iterator[None]:
    registry.STAGES.update(TEST_STAGES)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    yield
    for name in TEST_STAGES:
        del registry.STAGES[name]


@pytest.fixture
def full_disk(engine: Engine, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The table of squares on a file system of its own that has no room left; a session that may make some."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        owner = Path(row[0]).stat()
        # Not below the test's own folder, which the server's user may not enter.
        disk = Path(tempfile.mkdtemp(prefix="ildb-small-disk-"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},uid={owner.st_uid},mode=700", "ildb-test", str(disk)]
        disk.chmod(0o755)
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            disk.rmdir()
            pytest.skip("this machine does not let its root mount")
        space = f"small_{os.getpid()}"
        try:
            connection.execute(f"CREATE TABLESPACE {space} LOCATION '{disk}'")  # type: ignore[arg-type]
            connection.execute("TRUNCATE ildb.square")  # a page with room in it would do without the disk
            connection.execute(f"ALTER TABLE ildb.square SET TABLESPACE {space}")  # type: ignore[arg-type]
            connection.execute(f"CREATE TABLE ildb.filler (x text) TABLESPACE {space}")  # type: ignore[arg-type]
            with pytest.raises(psycopg.errors.DiskFull):
                _fill(connection)
            yield connection
        finally:
            connection.execute("DROP TABLE IF EXISTS ildb.filler")
            connection.execute("ALTER TABLE ildb.square SET TABLESPACE pg_default")
            connection.execute(f"DROP TABLESPACE IF EXISTS {space}")  # type: ignore[arg-type]
            subprocess.run(["umount", str(disk)], check=True)
            shutil.rmtree(disk)


def _fill(connection: psycopg.Connection[Any]) -> None:
    while True:
        connection.execute("INSERT INTO ildb.filler VALUES (repeat('x', 2000))")


def squares(log: Path) -> Any:
    return recipes.from_dict(json.loads(chaos.recipe(log, 3, 0.0)), where="test")


def test_a_run_waits_until_a_full_disk_has_room_again(
    engine: Engine, full_disk: psycopg.Connection[Any], tmp_path: Path
) -> None:
    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(patience_s=120), workers=1)

    def make_room() -> None:
        while not (tmp_path / "log").exists():
            time.sleep(0.05)
        time.sleep(1)  # the first results have been refused by now
        full_disk.execute("DROP TABLE ildb.filler")

    helper = threading.Thread(target=make_room)
    helper.start()
    run_id = runner.run(squares(tmp_path / "log")).run_id
    helper.join()
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(3)]
    assert sorted((tmp_path / "log").read_text().split()) == ["0", "1", "2", "total"]  # waited, not worked again
    said = [p.read_text() for p in tmp_path.rglob("*.jsonl")]
    assert any("No space left on device" in s for s in said)


def test_a_run_stops_when_the_disk_stays_full_and_resumes(
    engine: Engine, full_disk: psycopg.Connection[Any], tmp_path: Path
) -> None:
    impatient = RunSettings(patience_s=0.5)
    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=impatient, workers=1)
    with pytest.raises(DatabaseUnreachableError, match=r"pipeline resume \d+") as caught:
        runner.run(squares(tmp_path / "log"))
    assert caught.value.exit_code == 4
    full_disk.execute("DROP TABLE ildb.filler")
    run_id = runner.run(squares(tmp_path / "log")).run_id
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(3)]


def test_a_real_deadlock_is_tried_again(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage locks 1 then 2, another session 2 then 1; PostgreSQL ends the stage's."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE ildb.locked (i int PRIMARY KEY)"))
        connection.execute(text("INSERT INTO ildb.locked VALUES (1), (2)"))
    lock = "SELECT FROM ildb.locked WHERE i = %s FOR UPDATE"
    tries: list[str] = []

    def cross(*arguments: Any) -> dict[str, Any]:
        connection = arguments[1].connection
        tries.append("")
        if len(tries) == 1:
            # The one whose wait was checked last and found in a circle is ended: this session's.
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '1s'")
            connection.exec_driver_sql(lock, (1,))
            other.execute("BEGIN")
            other.execute("SET LOCAL deadlock_timeout = '60s'")
            other.execute(lock, (2,))
            waiting.start()
            while not _waits(observer, other.info.backend_pid):
                time.sleep(0.02)
            try:
                connection.exec_driver_sql(lock, (2,))
            except Exception as error:
                tries[-1] = getattr(getattr(error, "orig", None), "sqlstate", "") or ""
                raise
        return store(*arguments)

    def wait_for_1() -> None:
        other.execute(lock, (1,))
        other.execute("COMMIT")

    waiting = threading.Thread(target=wait_for_1)
    store = Squares.store
    monkeypatch.setattr(Squares, "store", cross)
    with psycopg.connect(database_url, autocommit=True) as other, psycopg.connect(database_url) as observer:
        observer.autocommit = True
        runner = Runner(engine, settings=Settings(home=tmp_path), workers=1)
        run_id = runner.run(squares(tmp_path / "log")).run_id
        waiting.join()
    assert tries[0] == "40P01"
    assert len(tries) == 4
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(3)]


def _waits(connection: psycopg.Connection[Any], pid: int) -> bool:
    row = connection.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return bool(row and row[0])
