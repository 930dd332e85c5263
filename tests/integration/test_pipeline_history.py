"""What a run tells of itself: attempts, devices, reasons, staleness, rubbish."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.db import query
from ildb.errors import InputError, StageFailedError
from ildb.pipeline import garbage, opening, provenance, registry, watch, why
from ildb.pipeline import recipe as recipes
from ildb.pipeline.leases import Leases
from ildb.pipeline.runner import Runner
from ildb.pipeline.settings import RunSettings
from tests.integration.command import Outcome, command
from tests.integration.squares import TABLE, TEST_STAGES, Squares

__all__ = ["command"]


@pytest.fixture(scope="module", autouse=True)
def _stages(engine: Engine) -> Iterator[None]:
    registry.STAGES.update(TEST_STAGES)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    yield
    for name in TEST_STAGES:
        del registry.STAGES[name]


@pytest.fixture
def runner(engine: Engine, tmp_path: Path) -> Runner:
    return Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(backoff_s=0.1), workers=2)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def squares(log: Path, **params: Any) -> recipes.Recipe:
    stage = {"name": "squares", "uses": "test.squares", "params": {"log": str(log), **params}}
    return recipes.from_dict({"name": "squares", "stage": [stage]}, where="test")


def rows(engine: Engine, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(sql), parameters).mappings()]


def test_each_attempt_is_kept_with_who_made_it_and_why_it_ended(runner: Runner, engine: Engine, log: Path) -> None:
    run_id = runner.run(squares(log, break_once_at=2)).run_id
    with engine.connect() as connection:
        failed, succeeded = query.rows(connection, "task/attempts", run_id=run_id, limit=10)
        sight = watch.look(connection, run_id)
    assert (failed["outcome"], succeeded["outcome"]) == ("failed", "succeeded")
    assert failed["error"] == "RuntimeError: a passing trouble"
    assert 'raise RuntimeError("a passing trouble")' in failed["traceback"]
    assert failed["versions"] == provenance.versions()
    assert (failed["runner_pid"], failed["device"]) == (os.getpid(), "cpu")
    assert failed["worker_pid"] not in {None, os.getpid()}
    assert failed["started_at"] < failed["ended_at"] <= succeeded["started_at"] < succeeded["ended_at"]
    assert sight.stages[0]["device"] == "cpu"
    assert [(f["n"], f["reason"]) for f in sight.failures] == [(1, "RuntimeError: a passing trouble")]


def test_a_failed_attempt_waits_before_the_next(engine: Engine, tmp_path: Path, log: Path) -> None:
    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(backoff_s=1.5), workers=2)
    run_id = runner.run(squares(log, break_once_at=0)).run_id
    with engine.connect() as connection:
        failed, succeeded = query.rows(connection, "task/attempts", run_id=run_id, limit=10)
    assert (succeeded["started_at"] - failed["ended_at"]).total_seconds() >= 1.5


def test_a_poisoned_task_is_set_aside_and_the_others_are_done(runner: Runner, engine: Engine, log: Path) -> None:
    with pytest.raises(StageFailedError, match=r"task 1 failed after 1 attempt: 1 is refused.*--attempts"):
        runner.run(squares(log, refuse_at=1, n=5))
    status = "SELECT t.status FROM ildb.task t JOIN ildb.stage_run s ON s.id = t.stage_run_id"
    found = rows(engine, f"{status} WHERE s.params ->> 'log' = :log ORDER BY t.position", log=str(log))
    assert [row["status"] for row in found] == ["succeeded", "failed", "succeeded", "succeeded", "succeeded"]


def test_a_task_lost_too_often_is_set_aside(runner: Runner, engine: Engine, log: Path) -> None:
    run_id = runner.run(squares(log, n=1)).run_id
    (stage,) = rows(engine, "SELECT * FROM ildb.stage_run WHERE run_id = :r", r=run_id)
    again = (
        "UPDATE ildb.task SET status = 'running', losses = 8, lease_expires_at = now() - interval '1 hour'"
        " WHERE stage_run_id = :s"
    )
    with engine.begin() as connection:
        connection.execute(text(again), {"s": stage["id"]})
        connection.execute(text("UPDATE ildb.stage_run SET status = 'running' WHERE id = :s"), {"s": stage["id"]})
    leases = Leases(runner.transactions, stage["id"])
    (lease,) = leases.claim(5, [])
    assert lease.losses == 9
    with engine.begin() as connection:
        connection.execute(text(again.replace("losses = 8", "losses = 9")), {"s": stage["id"]})
    assert leases.claim(5, []) == []
    (task,) = rows(engine, "SELECT * FROM ildb.task WHERE stage_run_id = :s", s=stage["id"])
    assert (task["status"], task["error"]) == ("failed", "its runner fell silent")


def test_urgent_tasks_go_first(runner: Runner, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Squares, "priority", lambda _self, payload: int(payload["i"]))
    runner.workers = type(runner.workers)(1)
    runner.run(squares(log, n=4))
    assert log.read_text().split() == ["3", "2", "1", "0"]


def test_a_run_without_a_sign_of_life_is_stale(
    runner: Runner, engine: Engine, log: Path, command: Callable[..., Outcome]
) -> None:
    run_id = runner.run(squares(log, n=1)).run_id
    silent = "UPDATE ildb.run SET status = 'running', heartbeat_at = now() - interval '2 minutes' WHERE id = :r"
    with engine.begin() as connection:
        connection.execute(text(silent), {"r": run_id})
    listed = {row["id"]: row["status"] for row in command("pipeline", "list", "--json").json()}
    assert listed[run_id] == "stale"
    assert f"ildb pipeline resume {run_id}" in command("pipeline", "show", str(run_id)).out
    with engine.begin() as connection:
        query.execute(connection, "run/heartbeat", run_id=run_id)
    assert command("pipeline", "show", str(run_id), "--json").json()["status"] == "running"
    with engine.begin() as connection:
        query.execute(connection, "run/succeed", run_id=run_id)


def test_why_names_what_changed(runner: Runner, engine: Engine, log: Path) -> None:
    def reasons(run_id: int) -> list[str]:
        with engine.connect() as connection:
            (stage,) = query.rows(connection, "stage_run/of_run", run_id=run_id)
            return why.of_stage(connection, stage)

    first = runner.run(squares(log, n=2)).run_id
    assert reasons(first)[0].startswith("computed: ")
    second = runner.run(squares(log, n=3)).run_id
    assert "params.n was 2 and is 3" in reasons(second)
    forced = runner.run(squares(log, n=3), force=True).run_id
    assert "it was forced" in reasons(forced)
    renamed = recipes.from_dict({**squares(log, n=3).canonical, "name": "other"}, where="test")
    (said,) = reasons(runner.run(renamed).run_id)
    assert said.startswith("reused: stage run") and f"run {second})" in said  # noqa: PT018


def test_what_was_invalidated_answers_no_more(
    runner: Runner, engine: Engine, log: Path, command: Callable[..., Outcome]
) -> None:
    first = runner.run(squares(log, n=2)).run_id
    assert runner.run(squares(log, n=2)).existing
    (gone,) = command("pipeline", "invalidate", str(first), "--json").json()
    again = runner.run(squares(log, n=2))
    assert again.run_id != first
    assert Counter(log.read_text().split()) == {"0": 2, "1": 2}
    said = command("pipeline", "show", str(again.run_id), "--why").out
    assert f"stage run {gone['id']} was invalidated" in said
    assert runner.run(squares(log, n=2)).run_id == again.run_id
    assert "nothing valid" in command("pipeline", "invalidate", str(first)).out
    outcome = command("pipeline", "invalidate", str(first), "--stage", "none")
    assert (outcome.code, "has no stage 'none'" in outcome.err) == (3, True)


def test_another_version_of_a_deciding_package_is_another_key(
    runner: Runner, engine: Engine, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = runner.run(squares(log, n=2)).run_id
    monkeypatch.setattr(Squares, "packages", ("numpy",))
    first = runner.run(squares(log, n=2)).run_id
    assert first != plain
    assert runner.run(squares(log, n=2)).run_id == first
    real = provenance.package_version
    monkeypatch.setattr(provenance, "package_version", lambda name: "0.1" if name == "numpy" else real(name))
    # The workers have the real one.
    with pytest.raises(StageFailedError, match=r"numpy is .* on .*, but 0\.1 where the run was started"):
        runner.run(squares(log, n=2))
    begun = rows(engine, "SELECT max(id) AS id FROM ildb.run")[0]["id"]
    with engine.connect() as connection:
        (stage,) = query.rows(connection, "stage_run/of_run", run_id=begun)
        assert f"packages.numpy was {real('numpy')!r} and is '0.1'" in why.of_stage(connection, stage)
    monkeypatch.setattr(provenance, "package_version", real)
    with pytest.raises(InputError, match=r"was begun with numpy 0\.1"):
        runner.resume(begun)


def test_keys_without_deciding_packages_stay_what_they_were(runner: Runner, engine: Engine, log: Path) -> None:
    from ildb.hashing import sha256_json

    recipe = squares(log, n=1)
    run_id = runner.run(recipe).run_id
    (run,) = rows(engine, "SELECT run_key FROM ildb.run WHERE id = :r", r=run_id)
    (stage,) = rows(engine, "SELECT stage_key FROM ildb.stage_run WHERE run_id = :r", r=run_id)
    params = recipe.canonical["stage"][0]["params"]
    assert run["run_key"] == sha256_json({"recipe": recipe.sha256, "versions": [1], "inputs": ["0"]})
    made_of = {"uses": "test.squares", "version": 1, "params": params, "reads": "0", "upstream": []}
    assert stage["stage_key"] == sha256_json({**made_of, "forced_in_run": None})


def test_two_recipes_with_a_stage_in_common_do_it_once(engine: Engine, database_url: str, tmp_path: Path) -> None:
    from tests.integration.test_pipeline import start

    log = tmp_path / "log"
    recipe = squares(log, n=12, sleep_s=0.2).canonical
    processes = [start(json.dumps({**recipe, "name": name}), database_url, tmp_path) for name in ("one", "two")]
    ids = [int(process.communicate(timeout=90)[0]) for process in processes]
    assert ids[0] != ids[1]
    assert Counter(log.read_text().split()) == {str(i): 1 for i in range(12)}
    status = "SELECT status FROM ildb.stage_run WHERE run_id = ANY(:r) ORDER BY status"
    assert [row["status"] for row in rows(engine, status, r=ids)] == ["reused", "succeeded"]


def test_a_run_logs_its_events(runner: Runner, tmp_path: Path, log: Path) -> None:
    run_id = runner.run(squares(log, break_once_at=1)).run_id
    events = [json.loads(line) for line in (tmp_path / "logs" / f"run-{run_id}.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events if e["event"] != "progress"] == [
        "run opened", "stage started", "task failed", "stage finished", "run succeeded",
    ]  # fmt: skip
    assert all(e["run"] == run_id and e["pid"] == os.getpid() for e in events)


def test_a_run_in_numbers(runner: Runner, log: Path, command: Callable[..., Outcome]) -> None:
    with pytest.raises(StageFailedError):
        runner.run(squares(log, refuse_at=1, n=3))
    run_id = max(row["id"] for row in command("pipeline", "list", "--json").json())
    lines = command("pipeline", "show", str(run_id), "--format", "prometheus").out.splitlines()
    assert f'ildb_run_status{{run="{run_id}",status="failed"}} 1' in lines
    assert f'ildb_tasks{{run="{run_id}",stage="squares",state="succeeded"}} 2' in lines
    assert f'ildb_tasks{{run="{run_id}",stage="squares",state="failed"}} 1' in lines
    assert any(line.startswith("ildb_task_attempts_lost{") and line.endswith(" 1") for line in lines)
    followed = command("pipeline", "show", str(run_id), "--follow")
    assert f"run {run_id}: failed" in followed.err
    assert "1 x failed in squares: 1 is refused." in followed.err
    (attempt,) = command("pipeline", "show", str(run_id), "--attempts", "--json").json()
    assert attempt["error"].startswith("1 is refused.")


def test_pace_and_time_left() -> None:
    pace = watch.Pace()
    for second in range(5):
        pace.add(10 * second, at=float(second))
    assert pace.per_s == 10
    stage = {"name": "s", "status": "running", "n_tasks": 740, "n_done": 40, "n_failed": 1}
    sight = watch.Sight({"id": 1, "is_stale": False, "status": "running"}, [stage], [])
    assert watch.lines(sight, pace) == ["run 1: running", "  s: 40/740 tasks, 10/s, 1 set aside, 1 min 10 s left"]


def test_only_what_nothing_refers_to_is_rubbish(
    runner: Runner, engine: Engine, tmp_path: Path, log: Path, command: Callable[..., Outcome]
) -> None:
    run_id = runner.run(squares(log, n=2)).run_id
    kept = set(runner.store.files())
    source = tmp_path / "file"
    source.write_text("nobody's")
    orphan = runner.store.root / runner.store.put(source).path
    lost_log = tmp_path / "logs" / "run-987654321.jsonl"
    lost_log.write_text("{}\n")
    home = {"ILDB_HOME": str(tmp_path)}
    assert command("db", "gc", "--json", **home).json()["files"] == []  # too young
    found = command("db", "gc", "--older-than", "0", "--json", **home).json()
    assert {file["path"] for file in found["files"]} == {str(orphan), str(lost_log)}
    assert orphan.is_file()
    assert "removed" in command("db", "gc", "--older-than", "0", "--delete", **home).out
    assert set(runner.store.files()) == kept
    assert (tmp_path / "logs" / f"run-{run_id}.jsonl").is_file()
    (runner.store.root / ".databases" / "another").touch()
    refused = command("db", "gc", **home)
    assert (refused.code, "another" in refused.err) == (3, True)


def test_a_file_stored_again_counts_as_young(runner: Runner, engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("content")
    path = runner.store.root / runner.store.put(source).path
    old = time.time() - 10 * 86_400
    os.utime(path, (old, old))
    folders = (tmp_path / "logs", tmp_path / "md")
    with engine.connect() as connection:
        assert [r.path for r in garbage.find(connection, runner.store, *folders, older_than_s=3600)] == [path]
        runner.store.put(source)
        assert garbage.find(connection, runner.store, *folders, older_than_s=3600) == []


def test_folders_of_ladders_go_when_nobody_goes_on_with_them(
    runner: Runner, engine: Engine, tmp_path: Path, log: Path, command: Callable[..., Outcome]
) -> None:
    run_id = runner.run(squares(log, n=1)).run_id

    def stage_run(status: str) -> int:
        statement = (
            "INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, status)"
            " VALUES (:run, (SELECT max(position) + 1 FROM ildb.stage_run WHERE run_id = :run), :status, 'md.ladder',"
            " 1, '{}', '{}', :status) RETURNING id"
        )
        with engine.begin() as connection:
            return int(connection.execute(text(statement), {"run": run_id, "status": status}).scalar_one())

    folders = {}
    for status in ("succeeded", "cancelled", "failed", "running", "waiting"):
        folders[status] = tmp_path / "md" / f"{stage_run(status)}-{24 * 'a'}"
    folders["gone"] = tmp_path / "md" / f"987654321-{24 * 'b'}"
    folders["by hand"] = tmp_path / "md" / "notes"
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "1.xml").write_text("<State/>")
    home = {"ILDB_HOME": str(tmp_path)}
    assert command("db", "gc", "--json", **home).json()["files"] == []  # too young
    command("db", "gc", "--older-than", "0", "--delete", **home)
    left = {name for name, folder in folders.items() if folder.exists()}
    assert left == {"failed", "running", "waiting", "by hand"}  # what is resumed goes on from its checkpoints


def test_helpers_serve_the_urgent_run_first(engine: Engine, tmp_path: Path, log: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE ildb.run SET status = 'cancelled' WHERE status = 'running'"))
        ids = [
            opening.find_or_add(connection, squares(log, n=n), priority=priority)[0]
            for n, priority in ((1, 0), (2, 5), (3, -1))
        ]
    served: list[int] = []
    runner = Runner(engine, settings=Settings(home=tmp_path), workers=2)
    assert runner.help_out(lambda run_id, _error: served.append(run_id)) == 3
    assert served == [ids[1], ids[0], ids[2]]


def test_the_runner_role_is_enough(engine: Engine, tmp_path: Path, log: Path) -> None:
    from ildb.db import engine as engines

    with engine.begin() as connection:
        connection.execute(text("GRANT INSERT ON ildb.square TO ildb_runner"))
    limited = engines.create(engine.url.update_query_dict({"options": "-c role=ildb_runner"}))
    try:
        runner = Runner(limited, settings=Settings(home=tmp_path), workers=2)
        run_id = runner.run(squares(log, break_once_at=1, n=3)).run_id
        with limited.begin() as connection:
            assert connection.exec_driver_sql("SELECT current_user").scalar_one() == "ildb_runner"
            assert len(opening.invalidate(connection, run_id)) == 1
    finally:
        limited.dispose()


def test_a_run_pauses_before_its_time_is_up(engine: Engine, tmp_path: Path, log: Path) -> None:
    from ildb.errors import RunPausedError

    runner = Runner(engine, settings=Settings(home=tmp_path), workers=1, time_s=6)
    with pytest.raises(RunPausedError, match=r"tasks are left.*pipeline resume \d+") as caught:
        runner.run(squares(log, n=50, sleep_s=1.0))
    run_id = int(str(caught.value).rsplit(maxsplit=1)[-1])
    done = "SELECT count(*) AS n FROM ildb.square q JOIN ildb.stage_run s ON s.id = q.stage_run_id WHERE s.run_id = :r"
    begun = len(log.read_text().split())
    assert rows(engine, done, r=run_id)[0]["n"] == begun > 0  # nothing was thrown away
