"""The engine keeps its promises: nothing lost, nothing doubled, nothing done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.errors import ArtifactError, NotFoundError, StageFailedError
from ildb.pipeline import recipe as recipes
from ildb.pipeline import registry
from ildb.pipeline import runner as runners
from ildb.pipeline.runner import Runner
from tests.integration.squares import TABLE, TEST_STAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _stages(engine: Engine) -> Iterator[None]:
    registry.STAGES.update(TEST_STAGES)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    yield
    for name in TEST_STAGES:
        del registry.STAGES[name]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def runner(engine: Engine, tmp_path: Path) -> Runner:
    return Runner(engine, settings=Settings(home=tmp_path), workers=2)


def spec(log: Path, *, add: int = 0, **params: Any) -> dict[str, Any]:
    return {
        "name": "squares",
        "stage": [
            {"name": "squares", "uses": "test.squares", "params": {"log": str(log), **params}},
            {"name": "total", "uses": "test.total", "needs": ["squares"], "params": {"log": str(log), "add": add}},
        ],
    }


def load(log: Path, **params: Any) -> recipes.Recipe:
    return recipes.from_dict(spec(log, **params), where="test")


def squares_of(engine: Engine, run_id: int) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT q.i, q.square FROM ildb.square q JOIN ildb.stage_run s ON q.stage_run_id = s.id"
                " WHERE s.run_id = :r ORDER BY 1"
            ),
            {"r": run_id},
        )
        return [tuple(row) for row in rows]


def stage(engine: Engine, run_id: int, name: str) -> Any:
    with engine.connect() as connection:
        sql = "SELECT * FROM ildb.stage_run WHERE run_id = :r AND name = :n"
        return connection.execute(text(sql), {"r": run_id, "n": name}).mappings().one()


def test_a_run_writes_its_rows_and_provenance(runner: Runner, engine: Engine, log: Path) -> None:
    outcome = runner.run(load(log))
    assert squares_of(engine, outcome.run_id) == [(i, i * i) for i in range(6)]
    total = stage(engine, outcome.run_id, "total")
    assert total["result"]["total"] == 55
    assert total["versions"]["rdkit"]
    assert total["wall_s"] >= 0
    assert total["host"]


def test_the_same_recipe_again_computes_nothing(runner: Runner, engine: Engine, log: Path) -> None:
    first = runner.run(load(log))
    again = runner.run(load(log))
    assert again.run_id == first.run_id
    assert again.existing
    assert Counter(log.read_text().split()) == Counter([*map(str, range(6)), "total"])


def test_a_changed_later_stage_reuses_the_earlier_one(runner: Runner, engine: Engine, log: Path) -> None:
    first = runner.run(load(log))
    second = runner.run(load(log, add=1))
    assert second.run_id != first.run_id
    assert stage(engine, second.run_id, "squares")["reused_from_id"] == stage(engine, first.run_id, "squares")["id"]
    assert stage(engine, second.run_id, "total")["result"]["total"] == 56
    assert Counter(log.read_text().split())["3"] == 1


def test_force_computes_anew(runner: Runner, log: Path) -> None:
    first = runner.run(load(log))
    second = runner.run(load(log), force=True)
    assert second.run_id != first.run_id
    assert Counter(log.read_text().split())["3"] == 2


def test_a_refusal_fails_the_stage_once_and_names_the_resume(runner: Runner, engine: Engine, log: Path) -> None:
    with pytest.raises(StageFailedError, match=r"4 is refused.*pipeline resume \d+") as caught:
        runner.run(load(log, refuse_at=4))
    run_id = int(str(caught.value).rsplit(maxsplit=1)[-1])
    assert Counter(log.read_text().split())["4"] == 1
    assert stage(engine, run_id, "squares")["status"] == "failed"
    assert stage(engine, run_id, "total")["status"] == "waiting"
    with engine.connect() as connection:
        assert runners.get_run(connection, run_id)["status"] == "failed"


@pytest.mark.parametrize("trouble", ["break_once_at", "kill_once_at"])
def test_a_passing_trouble_is_tried_again(runner: Runner, engine: Engine, log: Path, trouble: str) -> None:
    outcome = runner.run(load(log, **{trouble: 2}))
    assert squares_of(engine, outcome.run_id) == [(i, i * i) for i in range(6)]


def start(argument: str, url: str, home: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "ILDB_DATABASE_URL": url, "ILDB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.integration.run_squares", argument]
    return subprocess.Popen(command, env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE, start_new_session=True)


def wait_for_squares(engine: Engine, log: Path, at_least: int) -> int:
    deadline = time.monotonic() + 60
    sql = (
        "SELECT s.run_id, count(t.id) FROM ildb.stage_run s JOIN ildb.task t ON t.stage_run_id = s.id"
        " WHERE s.params ->> 'log' = :log AND t.status = 'succeeded' GROUP BY 1"
    )
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            row = connection.execute(text(sql), {"log": str(log)}).first()
        if row is not None and row[1] >= at_least:
            return int(row[0])
        time.sleep(0.05)
    raise AssertionError("the run did not get going")


def test_kill_9_then_resume_loses_and_doubles_nothing(
    engine: Engine, database_url: str, tmp_path: Path, log: Path
) -> None:
    process = start(json.dumps(spec(log, n=12, sleep_s=0.15)), database_url, tmp_path)
    run_id = wait_for_squares(engine, log, at_least=3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = {i for i, _ in squares_of(engine, run_id)}
    assert before
    assert len(before) < 12
    done = start(str(run_id), database_url, tmp_path)
    assert done.communicate(timeout=90)[0].strip() == str(run_id)
    assert squares_of(engine, run_id) == [(i, i * i) for i in range(12)]
    assert stage(engine, run_id, "total")["result"]["total"] == sum(i * i for i in range(12))
    times_started = Counter(log.read_text().split())
    assert all(times_started[str(i)] == 1 for i in before), "a finished task was done again"


def test_two_runners_share_one_run(engine: Engine, database_url: str, tmp_path: Path, log: Path) -> None:
    recipe = json.dumps(spec(log, n=12, sleep_s=0.1))
    first, second = start(recipe, database_url, tmp_path), start(recipe, database_url, tmp_path)
    ids = {process.communicate(timeout=90)[0].strip() for process in (first, second)}
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(ids) == 1
    assert squares_of(engine, int(ids.pop())) == [(i, i * i) for i in range(12)]
    assert set(Counter(log.read_text().split()).values()) == {1}


def test_a_late_worker_cannot_store(runner: Runner, engine: Engine, log: Path) -> None:
    from ildb.db import query
    from ildb.pipeline.leases import Lease
    from ildb.pipeline.results import Answer, Results, StageWork
    from ildb.pipeline.work import Done

    run_id = runner.run(load(log)).run_id
    row = stage(engine, run_id, "squares")
    with engine.begin() as connection:  # the task as another runner would hold it, one lease later
        sql = (
            "UPDATE ildb.task SET status = 'running', lease_token = 7, lease_expires_at = now() + interval '1 hour'"
            " WHERE stage_run_id = :s AND position = 0 RETURNING id"
        )
        task_id = connection.execute(text(sql), {"s": row["id"]}).scalar_one()
        connection.execute(text("UPDATE ildb.stage_run SET status = 'running' WHERE id = :s"), {"s": row["id"]})
    built = registry.create("test.squares", row["params"], where="test")
    results = Results(runner.transactions, runner.store, StageWork(run_id, row["id"], built, []))
    assert results.keep([Answer(Lease(task_id, 0, token=6, payload={"i": 0}), Done({"i": 0}, {}, {}, 0.0), None)]) == 0
    assert len(squares_of(engine, run_id)) == 6
    with engine.connect() as connection:
        assert [row["id"] for row in query.rows(connection, "task/fence", ids=[task_id], tokens=[7])] == [task_id]


def test_cancel_keeps_what_is_finished_and_resume_goes_on(
    engine: Engine, database_url: str, tmp_path: Path, log: Path
) -> None:
    process = start(json.dumps(spec(log, n=300, sleep_s=0.1)), database_url, tmp_path)
    run_id = wait_for_squares(engine, log, at_least=2)
    with engine.begin() as connection:
        assert runners.cancel(connection, run_id)
    process.communicate(timeout=60)
    assert process.returncode != 0
    with engine.connect() as connection:
        assert runners.get_run(connection, run_id)["status"] == "cancelled"
    kept = squares_of(engine, run_id)
    assert 2 <= len(kept) < 300


def test_a_damaged_artifact_is_found_on_load(runner: Runner, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("content")
    stored = runner.store.put(source)
    assert runner.store.get(stored.sha256).read_text() == "content"
    path = runner.store.root / stored.path
    path.chmod(0o644)
    path.write_text("changed")
    with pytest.raises(ArtifactError, match="damaged"):
        runner.store.get(stored.sha256)
    path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        runner.store.get(stored.sha256)


def test_an_unknown_run_is_said_to_be_unknown(runner: Runner) -> None:
    with pytest.raises(NotFoundError, match="no run 999999"):
        runner.resume(999_999)
