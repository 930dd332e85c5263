"""Runs that survive anything: kills, sleep, a server that goes away, hosts that vanish."""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from ildb.config import Settings
from ildb.db import query
from ildb.errors import DatabaseUnreachableError, InputError, StageFailedError
from ildb.pipeline import recipe as recipes
from ildb.pipeline import registry, trouble
from ildb.pipeline.cluster import load_config
from ildb.pipeline.executors import Blame, LocalPool, gpu_names, gpu_shares
from ildb.pipeline.leases import ids_of
from ildb.pipeline.runner import Runner
from ildb.pipeline.settings import RunSettings
from ildb.pipeline.tasks import TaskLoop
from ildb.pipeline.transactions import Limits
from ildb.resources import resource_dir
from tests.integration import chaos
from tests.integration.squares import TABLE, TEST_STAGES, Squares


@pytest.fixture(scope="module", autouse=True)
def _stages(engine: Engine) -> Iterator[None]:
    registry.STAGES.update(TEST_STAGES)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    yield
    for name in TEST_STAGES:
        del registry.STAGES[name]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"ILDB_DATABASE_URL": database_url, "ILDB_HOME": str(tmp_path), "ILDB_RUN_LEASE_S": "3"}


def run_of(engine: Engine, log: Path) -> int | None:
    with engine.connect() as connection:
        sql = "SELECT run_id FROM ildb.stage_run WHERE params ->> 'log' = :log"
        found: int | None = connection.execute(text(sql), {"log": str(log)}).scalar()
        return found


def until(what: Callable[[], Any], limit_s: float = 180) -> Any:
    end = time.monotonic() + limit_s
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def n_begun(log: Path) -> int:
    return len(log.read_text().split()) if log.exists() else 0


def cut_all(database_url: str) -> None:
    """End every other session of the database, as a restart of the server does."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_kills_lose_and_double_nothing(
    engine: Engine, database_url: str, environment: dict[str, str], tmp_path: Path
) -> None:
    log, n = tmp_path / "log", 60
    process = chaos.start(chaos.recipe(log, n, 0.1), environment)
    for kind, begun in (("worker", 5), ("sessions", 15), ("runner", 25), ("worker", 35), ("sessions", 45)):
        until(lambda at_least=begun: n_begun(log) >= at_least)
        if kind == "worker":
            os.kill(until(lambda runner=process.pid: chaos.workers_of(runner))[0], signal.SIGKILL)
        elif kind == "sessions":
            cut_all(database_url)
        else:
            process.kill()
            process.communicate()
            process = chaos.start(str(run_of(engine, log)), environment)
    assert process.wait(timeout=180) == 0, process.communicate()
    process.communicate()
    run_id = run_of(engine, log)
    assert run_id is not None
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(n)]
    with engine.connect() as connection:
        stages = query.rows(connection, "stage_run/of_run", run_id=run_id)
        outcomes = Counter(f["outcome"] for f in query.rows(connection, "task/attempts", run_id=run_id, limit=1000))
    assert [(s["status"], s["n_tasks"] - s["n_done"]) for s in stages] == [("succeeded", 0), ("succeeded", 0)]
    assert stages[1]["result"]["total"] == sum(i * i for i in range(n))
    assert outcomes["lost"] >= 2  # at least those of the killed runner's and the killed workers' neighbours


def test_a_runner_that_sleeps_longer_than_its_lease_does_no_harm(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    log, n = tmp_path / "log", 16
    first = chaos.start(chaos.recipe(log, n, 0.4), environment)
    until(lambda: n_begun(log) >= 3)
    first.send_signal(signal.SIGSTOP)  # its workers finish what they have, and it does not hear of it
    second = chaos.start(str(run_of(engine, log)), environment)
    try:
        assert second.wait(timeout=180) == 0, second.communicate()
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(timeout=180) == 0, first.communicate()
    first.communicate()
    second.communicate()
    run_id = run_of(engine, log)
    assert run_id is not None
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(n)]


def test_storing_longer_than_a_lease_keeps_the_task(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*arguments: Any) -> dict[str, Any]:
        arguments[1].connection.execute(text("SELECT pg_sleep(1.5)"))
        return store(*arguments)

    store = Squares.store
    monkeypatch.setattr(Squares, "store", slow)
    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(lease_s=0.6), workers=2)
    log = tmp_path / "log"
    run_id = runner.run(recipes.from_dict(json.loads(chaos.recipe(log, 3, 0.0)), where="test")).run_id
    assert Counter(log.read_text().split()) == {"0": 1, "1": 1, "2": 1, "total": 1}
    with engine.connect() as connection:
        assert query.rows(connection, "task/attempts", run_id=run_id, limit=10) == []


def test_what_the_server_says_in_passing_is_waited_out(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Deadlock, serialization failure, disk full, shutdown, lock timeout.
    coming = ["40P01", "40001", "53100", "57P01", "55P03"]

    def in_trouble(*arguments: Any) -> dict[str, Any]:
        if coming:
            state = coming.pop()
            arguments[1].connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING errcode = '{state}'; END $$"))
        return store(*arguments)

    store = Squares.store
    monkeypatch.setattr(Squares, "store", in_trouble)
    log = tmp_path / "log"
    run_id = (
        Runner(engine, settings=Settings(home=tmp_path), workers=1)
        .run(recipes.from_dict(json.loads(chaos.recipe(log, 1, 0.0)), where="test"))
        .run_id
    )
    assert coming == []
    assert Counter(log.read_text().split()) == {"0": 1, "total": 1}
    with engine.connect() as connection:
        assert query.rows(connection, "task/attempts", run_id=run_id, limit=10) == []


def test_a_full_disk_stops_the_run_when_patience_ends(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> dict[str, Any]:
        arguments[1].connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING errcode = '53100'; END $$"))
        raise AssertionError

    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(patience_s=0.3), workers=1)
    log = tmp_path / "log"
    recipe = recipes.from_dict(json.loads(chaos.recipe(log, 1, 0.0)), where="test")
    with monkeypatch.context() as patch:
        patch.setattr(Squares, "store", full)
        with pytest.raises(DatabaseUnreachableError, match=r"pipeline resume \d+") as caught:
            runner.run(recipe)
    assert caught.value.exit_code == 4
    assert chaos.rows_of(engine, runner.run(recipe).run_id) == [(0, 0)]


def test_locks_statements_and_pauses_have_limits(engine: Engine, tmp_path: Path) -> None:
    transactions = Runner(engine, settings=Settings(home=tmp_path)).transactions
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    for limits in ({}, {"limits": transactions.work_limits}):
        with transactions.begin(**limits) as connection:
            assert all(connection.exec_driver_sql(f"SHOW {name}").scalar_one() != "0" for name in names)
    with engine.connect() as connection:  # what the session had before
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
    with engine.begin() as holder:
        holder.execute(text("LOCK TABLE ildb.square IN ACCESS EXCLUSIVE MODE"))
        short = Limits(statement_s=5, lock_s=0.1, idle_s=5)
        with pytest.raises(DBAPIError, match="lock timeout") as caught, transactions.begin(short) as connection:
            connection.execute(text("SELECT FROM ildb.square"))
    assert trouble.passing(caught.value)
    assert trouble.waited_for_lock(caught.value)


def test_a_hopeless_stage_is_not_worked_to_its_end(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    # The runner looks once a second, so all tasks must take longer than that, however fast the machine.
    params = {"log": str(log), "n": 400, "sleep_s": 0.02, "refuse_all": True}
    stage = {"name": "squares", "uses": "test.squares", "params": params}
    runner = Runner(engine, settings=Settings(home=tmp_path), workers=1)
    with pytest.raises(StageFailedError, match=r"of 400 tasks failed\. The first: task 0 failed after 1 attempt"):
        runner.run(recipes.from_dict({"name": "hopeless", "stage": [stage]}, where="test"))
    assert n_begun(log) < 400


def test_short_tasks_travel_together_and_long_ones_alone(engine: Engine, tmp_path: Path) -> None:
    from ildb.pipeline.heart import Heart
    from ildb.pipeline.results import Results, StageWork

    runner = Runner(engine, settings=Settings(home=tmp_path), workers=1)
    stage = registry.create("test.squares", {"log": "x"}, where="test")
    results = Results(runner.transactions, runner.store, StageWork(1, 1, stage, []))
    loop = TaskLoop(Heart(runner.transactions, 1), results, runner.workers, lambda _done, _all: None)
    loop.n_tasks = 1_000_000
    portions = []
    for mean_s in (None, 3600.0, 1.0, 0.05, 1e-5):
        loop.mean_s = mean_s
        portions.append(loop._portion())
    assert portions == [1, 1, 1, 10, 500]
    loop.alone_left = 1
    assert loop._portion() == 1
    assert ids_of([]) == {"ids": [], "tokens": []}


def test_a_worker_sees_its_share_of_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert gpu_names() == ["4", "6"]
    pool = LocalPool(3, 1)
    try:
        # Each answers after all three have begun, so each is asked once.
        seen = [pool.submit(_gpu_after, 1.0) for _ in range(3)]
        assert sorted(future.result(timeout=60) for future in seen) == ["4", "4", "6"]
    finally:
        pool.stop()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_names() == []
    assert gpu_shares(["0", "1", "2", "3"], 1) == ["0,1,2,3"]
    assert gpu_shares(["0", "1", "2", "3"], 2) == ["0,1", "2,3"]
    assert gpu_shares(["0", "1", "2"], 2) == ["0", "1"]


def _gpu_after(seconds: float) -> str:
    time.sleep(seconds)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def test_parsl_runs_tasks_in_other_processes_and_survives_a_lost_worker(
    engine: Engine, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    recipe = json.loads(chaos.recipe(log, 30, 0.02))
    recipe["stage"][0]["params"]["kill_once_at"] = 7
    process = chaos.start(json.dumps(recipe), environment | {"ILDB_TEST_CLUSTER": "local"})
    printed, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    run_id = int(printed.split()[-1])
    assert chaos.rows_of(engine, run_id) == [(i, i * i) for i in range(30)]
    with engine.connect() as connection:
        sql = "SELECT DISTINCT w.pid FROM ildb.worker w JOIN ildb.task t ON t.worker_id = w.id JOIN ildb.stage_run s"
        pids = connection.execute(text(f"{sql} ON s.id = t.stage_run_id WHERE s.run_id = :r"), {"r": run_id}).all()
        lost = query.rows(connection, "task/failures", run_id=run_id)
    assert len(pids) >= 2
    assert [row["reason"] for row in lost if row["outcome"] == "lost"] in ([], [Blame.TASK.value])
    assert lost


@pytest.mark.parametrize("path", sorted((resource_dir("pipelines") / "executors").glob("*.py")), ids=lambda p: p.stem)
def test_shipped_cluster_configurations_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if path.stem == "kubernetes":
        pytest.importorskip("kubernetes")
    # The interface of a cluster's network is not here.
    monkeypatch.setattr("parsl.addresses.address_by_interface", lambda _name: "127.0.0.1")
    config = load_config(path)
    assert all(executor.provider.max_blocks >= 1 for executor in config.executors)


def test_a_file_that_is_no_cluster_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("config = 1\n")
    with pytest.raises(InputError, match="sets no 'config'"):
        load_config(path)
    path.write_text("import nothing_of_that_name\n")
    with pytest.raises(InputError, match="ModuleNotFoundError"):
        load_config(path)


@pytest.mark.slow
def test_chaos_on_two_hosts_loses_and_doubles_nothing() -> None:
    if (reason := chaos.no_namespaces()) is not None:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        found = chaos.measure(Path(folder), n=400, sleep_s=0.2, kills=8, seed=random.randrange(2**32))
    assert (found["chaos_lost"], found["chaos_doubled"], found["chaos_wrong"], found["chaos_open"]) == (0, 0, 0, 0)
    assert found["chaos_hosts"] == 2
