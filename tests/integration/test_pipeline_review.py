"""The engine in odd situations: every run ends in a state that says the truth and can be gone on from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.db import query
from ildb.db.copy import stage_rows
from ildb.errors import DatabaseUnreachableError, InputError, RecipeError, StageFailedError
from ildb.pipeline import recipe as recipes
from ildb.pipeline import registry
from ildb.pipeline import runner as runners
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.heart import Heart
from ildb.pipeline.leases import Lease, Leases, ids_of
from ildb.pipeline.runner import Runner
from ildb.pipeline.settings import RunSettings
from ildb.pipeline.stages.pair_scores import SCORE_TYPES
from tests.integration.command import Outcome, command
from tests.integration.odd_stage import ODD_STAGES
from tests.integration.populate import Populated, populated
from tests.integration.squares import TABLE, TEST_STAGES

__all__ = ["command", "populated"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _stages(engine: Engine) -> Iterator[None]:
    stages = TEST_STAGES | ODD_STAGES
    registry.STAGES.update(stages)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    yield
    for name in stages:
        del registry.STAGES[name]


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def runner(engine: Engine, tmp_path: Path) -> Runner:
    return Runner(engine, settings=Settings(home=tmp_path), workers=2)


def odd(how: str, mark: Path, **params: Any) -> recipes.Recipe:
    stage = {"name": "odd", "uses": "test.odd", "params": {"how": how, "mark": str(mark), **params}}
    return recipes.from_dict({"name": "odd", "stage": [stage]}, where="test")


def newest(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        run = connection.execute(text("SELECT * FROM ildb.run ORDER BY id DESC LIMIT 1")).mappings().one()
        stage = connection.execute(text("SELECT * FROM ildb.stage_run WHERE run_id = :r"), {"r": run["id"]})
        return {**run, "stage": dict(stage.mappings().first() or {})}


def tasks(engine: Engine, stage_run_id: int) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT * FROM ildb.task WHERE stage_run_id = :s ORDER BY position"), {"s": stage_run_id}
        )
        return [dict(row) for row in rows.mappings()]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("plan breaks", "KeyError: 'no such thing'"),
        ("finish breaks", "KeyError: 'no such thing'"),
        ("plan finds the disk full", "No space left on device"),
    ],
)
def test_whatever_a_stage_raises_the_run_has_failed(
    runner: Runner, engine: Engine, mark: Path, how: str, said: str
) -> None:
    with pytest.raises(StageFailedError, match=said):
        runner.run(odd(how, mark))
    run = newest(engine)
    assert (run["status"], run["stage"]["status"]) == ("failed", "failed")
    assert said in run["error"]


def test_a_deadlock_at_the_end_of_a_stage_is_tried_again(runner: Runner, engine: Engine, mark: Path) -> None:
    runner.run(odd("finish is in the way", mark))
    assert newest(engine)["status"] == "succeeded"


def test_a_cut_connection_is_made_anew_and_blames_no_task(runner: Runner, engine: Engine, mark: Path) -> None:
    runner.run(odd("the connection is cut", mark))
    run = newest(engine)
    assert run["status"] == "succeeded"
    (task,) = tasks(engine, run["stage"]["id"])
    assert (task["status"], task["attempts"], task["error"]) == ("succeeded", 1, None)


def test_without_patience_a_cut_connection_stops_the_run(engine: Engine, tmp_path: Path, mark: Path) -> None:
    runner = Runner(engine, settings=Settings(home=tmp_path), run_settings=RunSettings(patience_s=0), workers=2)
    with pytest.raises(DatabaseUnreachableError, match=r"Run \d+ stopped.*pipeline resume \d+"):
        runner.run(odd("the connection is cut", mark))
    run = newest(engine)
    assert run["status"] == "running"
    (task,) = tasks(engine, run["stage"]["id"])
    assert (task["status"], task["attempts"], task["error"]) == ("waiting", 0, None)
    assert runner.resume(run["id"]).run_id == run["id"]
    assert newest(engine)["status"] == "succeeded"


def test_not_a_number_is_kept_as_null(runner: Runner, engine: Engine, mark: Path) -> None:
    runner.run(odd("gives NaN", mark))
    assert newest(engine)["stage"]["result"] == {"i": 0, "score": None}


def test_an_exception_that_cannot_travel_is_named(runner: Runner, engine: Engine, mark: Path) -> None:
    with pytest.raises(StageFailedError, match="TwoWordsError: poor exception"):
        runner.run(odd("raises what cannot travel", mark))


def test_a_task_that_kills_its_worker_does_not_burn_its_neighbours(runner: Runner, engine: Engine, mark: Path) -> None:
    with pytest.raises(StageFailedError, match="task 0 failed after 3 attempts: its worker process died"):
        runner.run(odd("the first task kills its worker", mark, n=4))
    first, *others = tasks(engine, newest(engine)["stage"]["id"])
    assert first["status"] == "failed"
    assert all(task["status"] == "succeeded" and task["error"] is None and task["attempts"] == 1 for task in others)


def test_a_run_cancelled_in_its_last_moment_is_not_reported_as_done(runner: Runner, engine: Engine, mark: Path) -> None:
    with pytest.raises(StageFailedError, match="cancelled"):
        runner.run(odd("cancelled at the end", mark))
    assert newest(engine)["status"] == "cancelled"


def test_cancelling_a_run_whose_stages_are_all_done_says_so(runner: Runner, engine: Engine, mark: Path) -> None:
    run_id = runner.run(odd("", mark)).run_id
    with engine.begin() as connection:
        assert not runners.cancel(connection, run_id)
        connection.execute(text("UPDATE ildb.run SET status = 'running' WHERE id = :r"), {"r": run_id})
        assert runners.cancel(connection, run_id)


def test_a_runner_that_comes_to_a_failed_stage_stops_there(runner: Runner, engine: Engine, mark: Path) -> None:
    with pytest.raises(StageFailedError):
        runner.run(odd("plan breaks", mark))
    run = newest(engine)
    # A second runner that had opened the run before the first one failed it.
    stage = registry.create("test.odd", run["stage"]["params"], where="test")
    with Heart(runner.transactions, run["id"]) as heart, pytest.raises(StageFailedError, match="no such thing"):
        runner._run_stage(heart, run["id"], "odd", stage)


def test_a_late_failure_does_not_undo_a_success(runner: Runner, engine: Engine, mark: Path) -> None:
    runner.run(odd("", mark))
    runner._fail(newest(engine)["stage"]["id"], "too late")
    run = newest(engine)
    assert (run["status"], run["stage"]["status"], run["error"]) == ("succeeded", "succeeded", None)


def test_a_forced_run_stays_forced_when_it_is_resumed(runner: Runner, engine: Engine, tmp_path: Path) -> None:
    mark, log = tmp_path / "mark", tmp_path / "log"
    recipe = recipes.from_dict(
        {
            "name": "forced",
            "stage": [
                {"name": "odd", "uses": "test.odd", "params": {"how": "refuses while marked", "mark": str(mark)}},
                {"name": "squares", "uses": "test.squares", "params": {"log": str(log), "n": 2}},
            ],
        },
        where="test",
    )
    runner.run(recipe)
    mark.touch()
    with pytest.raises(StageFailedError, match="the mark is there"):
        runner.run(recipe, force=True)
    mark.unlink()
    runner.resume(newest(engine)["id"])
    assert Counter(log.read_text().split()) == {"0": 2, "1": 2}


def test_a_stage_whose_files_are_gone_is_computed_again(runner: Runner, engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def recipe(add: int) -> recipes.Recipe:
        squares = {"name": "squares", "uses": "test.squares", "params": {"log": str(log), "n": 2}}
        total = {"name": "total", "uses": "test.total", "needs": ["squares"], "params": {"log": str(log), "add": add}}
        return recipes.from_dict({"name": "squares", "stage": [squares, total]}, where="test")

    runner.run(recipe(0))
    for path in runner.store.root.glob("??/*"):
        path.unlink()
    second = runner.run(recipe(1)).run_id
    assert Counter(log.read_text().split()) == {"0": 2, "1": 2, "total": 2}
    with engine.connect() as connection:
        stages = query.rows(connection, "stage_run/of_run", run_id=second)
    assert [stage["status"] for stage in stages] == ["succeeded", "succeeded"]
    # The new files answer from now on.
    runner.run(recipe(2))
    assert Counter(log.read_text().split()) == {"0": 2, "1": 2, "total": 3}


def test_a_run_begun_by_another_version_of_a_stage_is_not_resumed(runner: Runner, engine: Engine, mark: Path) -> None:
    with pytest.raises(StageFailedError):
        runner.run(odd("raises what cannot travel", mark))
    run = newest(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE ildb.stage_run SET version = 0 WHERE run_id = :r"), {"r": run["id"]})
    with pytest.raises(InputError, match=r"begun by version 0 of test\.odd, and this ildb has version 1"):
        runner.resume(run["id"])
    assert newest(engine)["status"] == "failed"


def test_a_runner_does_not_claim_what_it_holds_after_a_long_sleep(runner: Runner, engine: Engine, mark: Path) -> None:
    runner.run(odd("", mark))
    stage_run_id = newest(engine)["stage"]["id"]
    with engine.begin() as connection:
        sql = (
            "UPDATE ildb.task SET status = 'running', lease_expires_at = now() - interval '1 hour'"
            " WHERE stage_run_id = :s RETURNING id, lease_token"
        )
        row = connection.execute(text(sql), {"s": stage_run_id}).one()
        connection.execute(text("UPDATE ildb.stage_run SET status = 'running' WHERE id = :s"), {"s": stage_run_id})
    leases = Leases(runner.transactions, stage_run_id)
    mine = Lease(row.id, 0, row.lease_token, {})
    assert leases.claim(5, [mine]) == []
    with engine.begin() as connection:
        query.execute(connection, "task/heartbeat", lease_s=60, **ids_of([mine]))
    assert leases.claim(5, []) == []
    with engine.begin() as connection:
        sql = "UPDATE ildb.task SET lease_expires_at = now() - interval '1 hour' WHERE id = :i"
        connection.execute(text(sql), {"i": row.id})
    assert [lease.token for lease in leases.claim(5, [])] == [row.lease_token + 1]


def test_the_workers_of_a_killed_runner_end(engine: Engine, database_url: str, tmp_path: Path, mark: Path) -> None:
    recipe = odd("sleeps", mark, n=2).model_dump(mode="json")
    env = {**os.environ, "ILDB_DATABASE_URL": database_url, "ILDB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.run_squares", json.dumps(recipe)], env=env, cwd=ROOT
    )
    _wait(lambda: mark.exists() and len(mark.read_text().split()) == 2)
    workers = [int(pid) for pid in mark.read_text().split()]
    process.kill()
    process.wait()
    _wait(lambda: not any(_running(pid) for pid in workers))


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may reap orphans in a container.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _wait(what: Callable[[], bool], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_sigterm_leaves_a_run_that_can_be_resumed(
    engine: Engine, database_url: str, tmp_path: Path, mark: Path
) -> None:
    squares = {"name": "squares", "uses": "test.squares", "params": {"log": str(mark), "n": 6, "sleep_s": 0.3}}
    recipe = json.dumps({"name": "squares", "stage": [squares]})
    env = {**os.environ, "ILDB_DATABASE_URL": database_url, "ILDB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command_line = [sys.executable, "-m", "tests.integration.run_squares"]
    process = subprocess.Popen([*command_line, recipe], env=env, cwd=ROOT)
    _wait(lambda: mark.exists() and len(mark.read_text().split()) >= 3)
    process.send_signal(signal.SIGTERM)
    process.wait()
    run_id = newest(engine)["id"]
    subprocess.run([*command_line, str(run_id)], env=env, cwd=ROOT, check=True, timeout=60)
    with engine.connect() as connection:
        n = connection.execute(
            text("SELECT count(*) FROM ildb.square WHERE stage_run_id = :s"), {"s": newest(engine)["stage"]["id"]}
        ).scalar_one()
    assert n == 6


def test_a_damaged_file_is_replaced_when_it_is_made_again(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    source = tmp_path / "file"
    source.write_text("content")
    path = store.root / store.put(source).path
    path.chmod(0o644)
    path.write_text("changed")
    assert store.get(store.put(source).sha256).read_text() == "content"


def test_only_what_nobody_touches_any_more_is_swept_away(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    old = time.time() - 2 * 86_400
    for name in (".scratch-dead", ".scratch-alive", "ab"):
        (tmp_path / name).mkdir()
    for file in (".scratch-dead/model", ".scratch-alive/trajectory", "ab/.part-1", "ab/abcd"):
        (tmp_path / file).write_text("x")
        os.utime(tmp_path / file, (old, old))
    os.utime(tmp_path / ".scratch-dead", (old, old))
    os.utime(tmp_path / ".scratch-alive", (old, old))
    os.utime(tmp_path / ".scratch-alive/trajectory")  # an MD task appends to its file for days
    store.clean_scratch()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".scratch-alive/trajectory", "ab/abcd"]


def test_a_stage_that_may_be_there_once_is_refused_twice(mark: Path) -> None:
    stages = [{"name": name, "uses": "test.sole", "params": {"mark": str(mark)}} for name in ("one", "two")]
    with pytest.raises(RecipeError, match=r"more than one stage uses 'test\.sole'"):
        recipes.from_dict({"name": "sole", "stage": stages}, where="test")


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_a_parameter_that_is_not_a_finite_number_is_refused(mark: Path, value: str) -> None:
    raw = {"name": "odd", "stage": [{"name": "odd", "uses": "test.odd", "params": {"mark": str(mark)}}]}
    with pytest.raises(RecipeError, match=r"key 'params.share': Input should be a finite number"):
        recipes.from_dict(raw, where="test", overrides=[f"odd.share={value}"])


def test_a_pairing_is_scored_once_by_a_model(populated: Populated, engine: Engine) -> None:
    """A recipe with another links stage meets pairings that the reused melting model has scored already."""
    with engine.begin() as connection:
        wanted = {"run_id": populated.run_id, "model_id": populated.melting_model_id}
        scored = set(
            connection.execute(text("SELECT pairing_id FROM ildb.melting_score WHERE model_id = :model_id"), wanted)
            .scalars()
            .all()
        )
        runs = {"run_ids": [populated.run_id], "model_id": populated.melting_model_id}
        asked = {row["pairing_id"] for row in query.rows(connection, "melting/pairs_to_score", **runs)}
        assert scored
        assert asked
        assert not scored & asked
        rows = [[i, 0.5, 300.0, 250.0, 350.0, True, [], "[]"] for i in (min(scored), min(asked))]
        stage_rows(connection, "stage_melting", SCORE_TYPES, rows)
        assert query.execute(connection, "melting/add_scores", **wanted).rowcount == 1
        connection.rollback()


def test_candidates_of_an_earlier_run_are_still_found(
    populated: Populated, engine: Engine, command: Callable[..., Outcome]
) -> None:
    with engine.begin() as connection:
        later, reused = (
            connection.execute(
                text(
                    "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, code_version, status)"
                    " SELECT recipe_name, recipe, recipe_sha256, run_key, code_version, status FROM ildb.run"
                    " WHERE id = :r RETURNING id"
                ),
                {"r": populated.run_id},
            ).scalar_one()
            for _ in range(2)
        )
        stage = (
            "INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, status, reused_from_id)"
            " VALUES (:r, 0, 'decide', 'screen.decide', 1, '{}', '{}', :status, :of) RETURNING id"
        )
        of = connection.execute(text(stage), {"r": later, "status": "succeeded", "of": None}).scalar_one()
        connection.execute(text(stage), {"r": reused, "status": "reused", "of": of})
        # The later run decides on the same pairings and lets one pass.
        connection.execute(
            text(
                "INSERT INTO ildb.screening_decision"
                " SELECT :later, pairing_id, link_run_id, melting_model_id, rank = 2,"
                " CASE WHEN rank = 2 THEN 1 END, score, reasons FROM ildb.screening_decision"
                " WHERE run_id = :r AND passed"
            ),
            {"later": later, "r": populated.run_id},
        )

    def found(*arguments: str) -> list[int]:
        return [row["pairing_id"] for row in command("search", "candidates", "--json", *arguments).json()]

    assert found("--run", str(populated.run_id)) == populated.passed[:20]
    assert found("--run", str(later)) == found("--run", str(reused)) == found() == [populated.passed[1]]
    outcome = command("search", "candidates", "--run", "99999999999999999999")
    assert outcome.code == 3
    assert "There is no run" in outcome.err


def test_the_url_of_an_own_server_comes_without_its_password(command: Callable[..., Outcome]) -> None:
    outcome = command("db", "url", url="postgresql://me:word1@host:5433/db?password=word2&sslmode=require")
    assert outcome.out.strip() == "postgresql://me@host:5433/db?sslmode=require"


def test_printed_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    from decimal import Decimal

    from ildb.cli.output import print_json

    print_json([{"auroc": float("nan"), "mean": Decimal("1.5"), "at": {"n": (1, float("inf"))}}])
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == [
        {"auroc": None, "mean": 1.5, "at": {"n": [1, None]}}
    ]


def test_a_server_that_is_gone_is_exit_4_wherever_it_is_noticed(command: Callable[..., Outcome]) -> None:
    outcome = command("pipeline", "list", url="postgresql://127.0.0.1:1/none")
    assert outcome.code == 4
