"""The paper's rounds through the pipeline: what they store, and that a kill in the middle of any changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from ildb.config import Settings
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.integration.populate import fill
from tests.integration.test_links_stages import as_toml

N_ROUNDS = 3
RECIPE: dict[str, Any] = {
    "name": "rounds",
    "stage": [
        {
            "name": "links",
            "uses": "links.train",
            "params": {
                "method": "graphsage_paper", "hidden": 16, "embedding": 8, "epochs": 300, "check_every": 100,
                "lr": 0.01, "calibration_ratio": 1.0, "trees": 5, "edge_folds": 2, "cation_folds": 2,
                "cold_start_folds": 2, "seed": 1, "leave_out": [],
            },
        },
        {
            "name": "expand", "uses": "links.expand", "needs": ["links"],
            "params": {"rounds": N_ROUNDS, "top": 45, "accept_from": 0.05},
        },
    ],
}  # fmt: skip
ROWS = """
    SELECT l.round, c.inchikey, a.inchikey, l.probability, l.accepted, l.reasons, m.metrics, m.params
    FROM ildb.link_score AS l
    INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id
    INNER JOIN ildb.ion AS c ON p.cation_id = c.id
    INNER JOIN ildb.ion AS a ON p.anion_id = a.id
    INNER JOIN ildb.model AS m ON l.model_id = m.id
    WHERE l.run_id = :run
    ORDER BY 1, 2, 3
"""


@contextmanager
def ready(url: str) -> Iterator[Engine]:
    """An engine on a database that gets known pairings."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        made = fill(connection)
        connection.execute(
            text(
                "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)"
                " SELECT p, 'known', :source, 'more-' || p FROM unnest(CAST(:pairings AS bigint [])) AS p"
            ),
            {"source": made.sources["catalogue"], "pairings": made.predicted[::2]},
        )
    yield engine
    engine.dispose()


def rows_of(engine: Engine, run_id: int) -> list[tuple[Any, ...]]:
    """What a run stored, whatever the ids."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(ROWS), {"run": run_id})]


def result_of(engine: Engine, run_id: int) -> dict[str, Any]:
    """What the expanding stage says of itself, less ids."""
    with engine.connect() as connection:
        result: dict[str, Any] = connection.execute(
            text("SELECT result FROM ildb.stage_run WHERE run_id = :run AND name = 'expand'"), {"run": run_id}
        ).scalar_one()
    rounds = [{key: value for key, value in row.items() if key != "model_id"} for row in result["rounds"]]
    return {key: value for key, value in result.items() if key != "model_id"} | {"rounds": rounds}


@pytest.fixture(scope="module")
def undisturbed(
    new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, int]]:
    """A database in which the rounds ran to their end."""
    with ready(new_database()) as engine:
        runner = Runner(engine, settings=Settings(home=tmp_path_factory.mktemp("home")), workers=1)
        yield engine, runner.run(recipes.from_dict(RECIPE, where="test")).run_id


def test_rounds_add_predictions_beside_the_known_pairings(undisturbed: tuple[Engine, int]) -> None:
    engine, run_id = undisturbed
    rows, result = rows_of(engine, run_id), result_of(engine, run_id)
    assert [row["round"] for row in result["rounds"]] == list(range(1, N_ROUNDS + 1))
    by_round = [sum(row[0] == number for row in rows) for number in range(1, N_ROUNDS + 1)]
    assert by_round == [row["n_kept"] for row in result["rounds"]]
    assert by_round[0] > 0
    assert by_round[1] > 0
    assert result["n_kept"] == len(rows) <= 45
    assert len({row[1:3] for row in rows}) == len(rows)  # no pairing twice
    with engine.connect() as connection:
        known = connection.execute(
            text(
                "SELECT count(*) FROM ildb.link_score AS l INNER JOIN ildb.pairing_evidence AS e USING (pairing_id)"
                " WHERE l.run_id = :run AND e.kind = 'known'"
            ),
            {"run": run_id},
        ).scalar_one()
        models = connection.execute(
            text("SELECT DISTINCT round, model_id FROM ildb.link_score WHERE run_id = :run"), {"run": run_id}
        ).all()
        metrics = connection.execute(
            text("SELECT metrics FROM ildb.model WHERE run_id = :run ORDER BY id"), {"run": run_id}
        ).scalars()
        evidence = connection.execute(
            text("SELECT count(*) FROM ildb.pairing_evidence WHERE run_id = :run AND kind = 'predicted'"),
            {"run": run_id},
        ).scalar_one()
        first, *later = metrics
    assert known == 0
    assert evidence == len(rows)
    assert len({model for _, model in models}) == len(models) >= 2
    assert {"mrr", "core.mrr", "baselines.popularity.mrr", "baselines.ranker.cold_start.mrr"} <= set(first)
    assert len(later) == N_ROUNDS - 1
    assert all({"mrr", "baselines.knn.mrr"} <= set(found) for found in later)


def test_the_cut_is_judged(undisturbed: tuple[Engine, int]) -> None:
    engine, run_id = undisturbed
    result = result_of(engine, run_id)
    assert result["expansion_fold"] == pytest.approx(1 + result["n_kept"] / result["n_known"])
    assert 0 < result["precision_calibrated"] < 1
    assert result["recall_heldout_low"] <= result["recall_heldout"] <= result["recall_heldout_high"]
    assert 0 < result["distance_new"] < 1
    degrees = result["degrees"]
    for side in ("cation", "anion"):
        edges = {which: sum(degree * n for degree, n in found) for which, found in degrees[side].items()}
        assert edges == {
            "known": result["n_known"], "new": result["n_kept"], "all": result["n_known"] + result["n_kept"],
        }  # fmt: skip
        assert 0 < result[f"{side}_top10_share_new"] <= 1
    with engine.connect() as connection:
        from ildb.db import query

        model_id = connection.execute(text("SELECT min(id) FROM ildb.model WHERE kind = 'melting'")).scalar_one()
        shares = query.rows(connection, "links/melting_share", run_id=run_id, model_id=model_id)
    assert [row["round"] for row in shares][-1] is None
    assert shares[-1]["n_links"] == result["n_kept"] == sum(row["n_links"] for row in shares[:-1])
    assert shares[-1]["n_scored"] > 0
    assert 0 < shares[-1]["share_below_373_k"] < 1


@pytest.mark.slow
def test_killed_in_the_middle_of_rounds_it_ends_with_the_same_rows(
    undisturbed: tuple[Engine, int], new_database: Callable[..., str], tmp_path: Path
) -> None:
    url = new_database()
    with ready(url) as engine:
        run_id = run_with_kills(engine, url, tmp_path)
        other, other_run = undisturbed
        assert rows_of(engine, run_id) == rows_of(other, other_run)
        assert result_of(engine, run_id) == result_of(other, other_run)


def run_with_kills(engine: Engine, url: str, tmp_path: Path) -> int:
    """Run the recipe by the command line, killed once in each round; the run."""
    environment = {**os.environ, "ILDB_DATABASE_URL": url, "ILDB_HOME": str(tmp_path / "home")}
    path = tmp_path / "rounds.toml"
    path.write_text('name = "rounds"\n' + "".join(as_toml(stage) for stage in RECIPE["stage"]))
    command = ["run", str(path)]
    for number in range(1, N_ROUNDS + 1):
        process = subprocess.Popen(
            [sys.executable, "-m", "ildb.cli.app", "pipeline", *command, "--workers", "1"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for_round(engine, number, process)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with engine.connect() as connection:
            run_id = connection.execute(text("SELECT max(id) FROM ildb.run")).scalar_one()
        command = ["resume", str(run_id)]
    subprocess.run(
        [sys.executable, "-m", "ildb.cli.app", "pipeline", *command, "--workers", "1"],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    return int(run_id)


def wait_for_round(engine: Engine, number: int, process: subprocess.Popen[bytes]) -> None:
    """Until the task of a round is running."""
    statement = text(
        "SELECT count(*) FROM ildb.task AS t INNER JOIN ildb.stage_run AS s ON t.stage_run_id = s.id"
        " WHERE s.name = 'expand' AND t.status = 'running' AND t.position = :position AND t.pid = :pid"
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(statement, {"position": number - 1, "pid": process.pid}).scalar_one():
                return
        assert process.poll() is None, "the run ended before the round began"
        time.sleep(0.02)
    raise AssertionError(f"round {number} did not begin")
