"""generate.enumerate on a small database: rows, ions, lineage, kill and resume."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from ildb.config import Settings
from ildb.db import engine as engines
from ildb.errors import StageFailedError
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.integration.command import Outcome, command  # noqa: F401
from tests.integration.populate import fill

ROOT = Path(__file__).parents[2]
ENUMERATE: dict[str, Any] = {
    "name": "enumerate",
    "uses": "generate.enumerate",
    "params": {"draws": 120, "draws_per_task": 50, "min_bonds": 1, "seed": 3},
}


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Engine:
    return known(engine)


def known(engine: Engine) -> Engine:
    """A database of known ions and pairings."""
    with engine.begin() as connection:
        made = fill(connection)
        connection.execute(text("DELETE FROM ildb.generated_molecule"))
        # Else every pair of the ions that have pairings would be known.
        connection.execute(
            text(
                "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)"
                " SELECT p, 'known', :source, 'more-' || p FROM unnest(CAST(:pairings AS bigint [])) AS p"
            ),
            {"source": made.sources["catalogue"], "pairings": made.predicted[::2]},
        )
    return engine


def run(engine: Engine, home: Path, stages: list[dict[str, Any]], **options: Any) -> int:
    spec = recipes.from_dict({"name": "generation", "stage": stages}, where="test")
    return Runner(engine, settings=Settings(home=home), workers=1).run(spec, **options).run_id


def rows(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement), values))


def test_every_draw_is_a_row(filled: Engine, tmp_path: Path) -> None:
    run_id = run(filled, tmp_path, [ENUMERATE])
    draws = rows(filled, "SELECT * FROM ildb.generated_molecule WHERE run_id = :run ORDER BY position", run=run_id)
    assert [draw.position for draw in draws] == list(range(120))
    counts = Counter(draw.outcome for draw in draws)
    assert counts["novel"] > 10
    assert counts["duplicate"] > 0
    ions = rows(filled, "SELECT id, charge FROM ildb.ion")
    charge = {ion.id: ion.charge for ion in ions}
    for draw in draws:
        assert (draw.ion_id is not None) == (draw.outcome in ("novel", "duplicate", "known"))
        assert draw.ion_id is None or charge[draw.ion_id] == draw.charge
        assert draw.outcome != "rejected" or draw.reasons
    novel = [draw.ion_id for draw in draws if draw.outcome == "novel"]
    assert len(set(novel)) == len(novel)
    assert {draw.ion_id for draw in draws if draw.outcome == "duplicate"} <= set(novel)
    (model,) = rows(filled, "SELECT * FROM ildb.model WHERE run_id = :run", run=run_id)
    assert (model.kind, {draw.model_id for draw in draws}) == ("fragments", {model.id})
    (snapshot,) = rows(filled, "SELECT * FROM ildb.dataset_snapshot WHERE id = :id", id=model.snapshot_id)
    assert snapshot.n_rows > 70
    (stage,) = rows(filled, "SELECT result FROM ildb.stage_run WHERE run_id = :run", run=run_id)
    assert stage.result["n_novel"] == counts["novel"]
    assert stage.result["n_draws"] == 120


RANKED: dict[str, Any] = {
    **ENUMERATE,
    "params": {"method": "ranked", "draws": 100, "draws_per_task": 30, "min_bonds": 1, "temperature": 0.5, "seed": 3},
}


def test_ranked_draws_are_new_ions_once_each(filled: Engine, tmp_path: Path) -> None:
    run_id = run(filled, tmp_path, [RANKED])
    draws = rows(filled, "SELECT * FROM ildb.generated_molecule WHERE run_id = :run ORDER BY position", run=run_id)
    assert [draw.position for draw in draws] == list(range(100))
    assert len({draw.raw for draw in draws}) == 100
    counts = Counter(draw.outcome for draw in draws)
    # Stereochemistry and resonance forms apart, which are only told by the door.
    assert counts["novel"] + counts["rejected"] > 90
    assert {(draw.method, draw.temperature, draw.seed) for draw in draws} == {("enumeration", 0.5, 3)}
    (model,) = rows(filled, "SELECT * FROM ildb.model WHERE run_id = :run", run=run_id)
    assert (model.kind, model.params["method"]) == ("fragments", "ranked")
    again = rows(
        filled,
        "SELECT raw FROM ildb.generated_molecule WHERE run_id = :run ORDER BY position",
        run=run(filled, tmp_path / "again", [RANKED], force=True),
    )
    assert [draw.raw for draw in again] == [draw.raw for draw in draws]
    greedy = {**RANKED, "params": {**RANKED["params"], "draws": 1_000_000}}
    with pytest.raises(StageFailedError, match=r"Only \d+ unknown ions"):
        run(filled, tmp_path, [greedy])


LEARN: list[dict[str, Any]] = [
    {
        "name": "links",
        "uses": "links.train",
        "params": {
            "trees": 4, "edge_folds": 2, "cation_folds": 2, "cold_start_folds": 0, "heldout_sources": 0,
            "paper_baseline": False, "leave_out": [],
        },
    },
    {"name": "expand", "uses": "links.expand", "needs": ["links"], "params": {"top": 20}},
    {
        "name": "melting",
        "uses": "melting.train",
        "params": {"n_trees": 10, "n_nets": 2, "n_epochs": 2, "n_kernel_rows": 20, "n_folds": 2},
    },
]  # fmt: skip
PAIR: list[dict[str, Any]] = [
    {"name": "pair", "uses": "generate.pair", "needs": ["links", "enumerate"], "params": {"per_ion": 2}},
    {"name": "scores", "uses": "melting.score", "needs": ["expand", "pair", "melting"]},
    {"name": "decide", "uses": "screen.decide", "needs": ["expand", "pair", "scores"]},
]


@pytest.fixture(scope="module")
def screened(filled: Engine, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A run that enumerates, pairs, scores and decides."""
    return run(filled, tmp_path_factory.mktemp("home"), [*LEARN, ENUMERATE, *PAIR])


def test_generated_pairings_are_scored_and_decided(filled: Engine, screened: int) -> None:
    generated = rows(
        filled,
        "SELECT e.pairing_id, l.probability, m.run_id AS scored, d.link_run_id FROM ildb.pairing_evidence AS e"
        " LEFT JOIN ildb.link_score AS l USING (pairing_id, run_id)"
        " LEFT JOIN ildb.melting_score AS m ON m.pairing_id = e.pairing_id AND m.run_id = e.run_id"
        " LEFT JOIN ildb.screening_decision AS d ON d.pairing_id = e.pairing_id AND d.run_id = e.run_id"
        " WHERE e.kind = 'generated' AND e.run_id = :run",
        run=screened,
    )
    assert len(generated) > 20
    assert all(row.probability is not None and row.scored == row.link_run_id == screened for row in generated)
    n_decided = rows(filled, "SELECT count(*) FROM ildb.screening_decision WHERE run_id = :run", run=screened)[0][0]
    assert n_decided == len(generated) + 20
    strange = rows(
        filled,
        "SELECT FROM ildb.pairing_evidence AS e JOIN ildb.pairing AS p ON p.id = e.pairing_id"
        " WHERE e.kind = 'generated' AND NOT EXISTS (SELECT FROM ildb.generated_molecule AS g"
        " WHERE g.outcome = 'novel' AND g.ion_id IN (p.cation_id, p.anion_id))",
    )
    assert strange == []


def test_a_generated_pairing_is_found_and_leads_back_to_sources(
    filled: Engine, screened: int, command: Callable[..., Outcome]
) -> None:
    hits = command(
        "search", "substructure", "[#7,#15,#16;+]", "--ion", "cation", "--evidence", "generated", "--json"
    ).json()  # fmt: skip
    assert hits
    assert all("generated" in hit["evidence"] for hit in hits)
    found = command("lineage", "pairing", str(hits[0]["pairing_id"]), "--json").json()
    assert found["generated"]
    for draw in found["generated"]:
        assert draw["run"]["stage"]["uses"] == "generate.enumerate"
        assert draw["model"]["kind"] == "fragments"
        assert {origin["source"]["name"] for origin in draw["model"]["snapshot"]["origins"]} >= {"catalogue"}
    printed = command("lineage", "pairing", str(hits[0]["pairing_id"]))
    assert "generated:" in printed.out
    document = command("lineage", "pairing", str(hits[0]["pairing_id"]), "--format", "prov-json").json()
    assert any(name.startswith("ildb:generated_molecule-") for name in document["entity"])


TRAIN: dict[str, Any] = {
    "name": "learn",
    "uses": "generate.train",
    "params": {
        "embedding": 16, "encoder_hidden": 32, "decoder_hidden": 32, "latent": 8, "condition": 4, "batch": 8,
        "lr": 1e-2, "spellings": 2, "precision": "float32", "million_tokens": 0.02, "variants": 50, "heldout": 0.2,
        "drawn": 20, "device": "cpu", "seed": 4,
    },
}  # fmt: skip


@pytest.mark.slow
def test_draws_of_a_model_name_it_and_how_they_were_drawn(filled: Engine, tmp_path: Path) -> None:
    draws = {"draws": 40, "draws_per_task": 25, "seed": 2}
    anchors = {"anchors": ["CCn1cc[n+](C)c1.CC(=O)[O-]", "CCCC[n+]1ccccc1"], **draws}
    stages = [
        TRAIN,
        {"name": "prior", "uses": "generate.sample", "needs": ["learn"], "params": draws},
        {"name": "around", "uses": "generate.sample", "needs": ["learn"], "params": {"method": "around", **anchors}},
        {"name": "between", "uses": "generate.sample", "needs": ["learn"], "params": {"method": "between", **anchors}},
        LEARN[2],
        {
            "name": "steered",
            "uses": "generate.sample",
            "needs": ["learn", "melting"],
            "params": {"method": "steered", "rounds": 2, **draws},
        },
        {
            "name": "judge",
            "uses": "generate.judge",
            "needs": ["learn"],
            "params": {"draws": 40, "seeds": [1], "screened": 5},
        },
    ]
    run_id = run(filled, tmp_path, stages)
    learnt, judged = rows(
        filled, "SELECT * FROM ildb.model WHERE run_id = :run AND kind = 'vae' ORDER BY id", run=run_id
    )
    for method in ("prior", "around", "between", "steered"):
        made = rows(
            filled,
            "SELECT * FROM ildb.generated_molecule WHERE run_id = :run AND method = :method ORDER BY position",
            run=run_id,
            method=method,
        )
        assert [draw.position for draw in made] == list(range(40))
        assert {draw.model_id for draw in made} == {learnt.id}
        assert len({draw.seed for draw in made}) == 2
        assert {draw.temperature for draw in made} == {0.5}
        assert {draw.round for draw in made} == ({0, 1} if method == "steered" else {0})
    assert judged.artifact_id == learnt.artifact_id
    assert judged.metrics["reconstruction"] == learnt.metrics["reconstruction"]
    assert {"rediscovery_ratio", "baselines.enumeration.novel_core_per_10k", "pair_both_novel_share"} <= set(
        judged.metrics
    )
    assert judged.metrics["baselines.shuffle.novel_core_per_10k"] == 0


def test_what_cannot_be_drawn_is_said(filled: Engine, tmp_path: Path) -> None:
    between = {"name": "a", "uses": "generate.sample", "needs": ["learn"], "params": {"method": "between", "draws": 5}}
    with pytest.raises(StageFailedError, match="two of the same charge"):
        run(filled, tmp_path, [TRAIN, between])
    steered = {"name": "s", "uses": "generate.sample", "needs": ["learn"], "params": {"method": "steered"}}
    with pytest.raises(StageFailedError, match=r"melting\.train"):
        run(filled, tmp_path, [TRAIN, steered])
    with pytest.raises(StageFailedError, match="no generated ions"):
        run(filled, tmp_path, [LEARN[0], {"name": "pair", "uses": "generate.pair", "needs": ["links"]}])


SCRIPT = """
import json, sys
from ildb.db import engine
from ildb.pipeline import recipe
from ildb.pipeline.runner import Runner
if __name__ == '__main__':
    Runner(engine.open_engine(), workers=1).run(recipe.from_dict(json.loads(sys.argv[1]), where='test'))
"""


def test_kill_9_in_drawing_and_resume_give_the_same_counts(
    filled: Engine, tmp_path: Path, new_database: Callable[..., str]
) -> None:
    stage = {**ENUMERATE, "params": {**ENUMERATE["params"], "draws": 300, "draws_per_task": 10, "seed": 8}}
    counted = (
        "SELECT outcome, count(*), count(DISTINCT ion_id), sum(position) FROM ildb.generated_molecule"
        " WHERE run_id = :run GROUP BY outcome ORDER BY outcome"
    )
    whole = rows(filled, counted, run=run(filled, tmp_path / "whole", [stage]))
    url = new_database()
    other = known(engines.create(make_url(url).set(drivername="postgresql+psycopg")))
    home = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps({"name": "generation", "stage": [stage]})],
        env={**os.environ, "ILDB_HOME": str(home), "ILDB_DATABASE_URL": url}, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    n_rows = "SELECT count(*) FROM ildb.generated_molecule"
    deadline = time.monotonic() + 120
    while not rows(other, n_rows)[0][0] and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < rows(other, n_rows)[0][0] < 300
    (left,) = rows(other, "SELECT id, status FROM ildb.run WHERE recipe_name = 'generation'")
    assert left.status == "running"
    Runner(other, settings=Settings(home=home), workers=1).resume(left.id)
    assert rows(other, counted, run=left.id) == whole
    other.dispose()


def test_the_model_that_comes_with_ildb_draws_without_training(filled: Engine, tmp_path: Path) -> None:
    stage = {"name": "sample", "uses": "generate.sample", "params": {"draws": 60, "draws_per_task": 60, "seed": 1}}
    run_id = run(filled, tmp_path, [stage])
    (model,) = rows(filled, "SELECT * FROM ildb.model WHERE run_id = :run", run=run_id)
    assert model.kind == "vae"
    assert model.params["shipped"]
    assert model.metrics["reconstruction"] > 0.9
    draws = rows(filled, "SELECT * FROM ildb.generated_molecule WHERE run_id = :run", run=run_id)
    assert len(draws) == 60
    counts = Counter(draw.outcome for draw in draws)
    assert counts["novel"] > 30
    assert sum(counts[name] for name in ("novel", "known", "duplicate", "rejected")) > 50
