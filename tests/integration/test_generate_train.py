"""generate.train on a real database: models of ions and of pairs, and a training killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.errors import StageFailedError
from ildb.generate.sequence import SequenceVAE
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.runner import Runner
from ildb.pipeline.stages.generate_tasks import flat_form

DATA = Path(__file__).parents[1] / "data"
ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {
    "embedding": 16, "encoder_hidden": 32, "decoder_hidden": 32, "latent": 8, "condition": 4, "batch": 8, "lr": 1e-2,
    "spellings": 2, "precision": "float32", "million_tokens": 0.01, "variants": 20, "heldout": 0.2, "drawn": 50,
    "device": "cpu", "seed": 4,
}  # fmt: skip
PAIRS = {**SMALL, "kind": "pair", "level": "char", "max_length": 120, "million_tokens": 0.005, "drawn": 20}
LINKS: list[dict[str, Any]] = [
    {
        "name": "links",
        "uses": "links.train",
        "params": {
            "trees": 10, "edge_folds": 2, "cation_folds": 2, "cold_start_folds": 0, "heldout_sources": 0,
            "paper_baseline": False, "leave_out": [],
        },
    },
    {"name": "expand", "uses": "links.expand", "needs": ["links"], "params": {"top": 20}},
]  # fmt: skip


def fill(engine: Engine) -> None:
    path = DATA / "melting_points_sample.csv"
    mapping = load_mapping(
        None,
        {
            "cation": "cation_smiles", "anion": "anion_smiles", "measure": ("melting_point=tm_k:K",),
            "source": "melting",
        },
    )  # fmt: skip
    assert ingest(engine, table_source(path, mapping), read_table(path, mapping), workers=1).n_quarantined == 0


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Engine:
    fill(engine)
    return engine


def learn(**params: Any) -> list[dict[str, Any]]:
    return [{"name": "learn", "uses": "generate.train", "params": {**SMALL, **params}}]


def run(engine: Engine, home: Path, stages: list[dict[str, Any]]) -> int:
    spec = recipes.from_dict({"name": "generate", "stage": stages}, where="test")
    return Runner(engine, settings=Settings(home=home), workers=1).run(spec).run_id


def model_of(engine: Engine, run_id: int) -> Any:
    query = (
        "SELECT m.kind, m.metrics, m.seed, m.snapshot_id, a.sha256, g.result FROM ildb.model AS m"
        " JOIN ildb.artifact AS a ON m.artifact_id = a.id JOIN ildb.stage_run AS g ON m.stage_run_id = g.id"
        " WHERE m.run_id = :run AND m.kind = 'vae'"
    )
    with engine.connect() as connection:
        return connection.execute(text(query), {"run": run_id}).one()


def load(home: Path, model: Any) -> SequenceVAE:
    store = ArtifactStore(Settings(home=home).artifacts_dir)
    return SequenceVAE.load(store.get(model.sha256), model.sha256, device="cpu")


def test_a_model_of_ions_is_stored_with_its_split(filled: Engine, tmp_path: Path) -> None:
    run_id = run(filled, tmp_path, learn())
    model = model_of(filled, run_id)
    assert (model.kind, model.seed, model.result["kind"]) == ("vae", 4, "ion")
    assert {"reconstruction", "reconstruction_heldout", "validity", "novelty", "log_likelihood_heldout"} <= set(
        model.metrics
    )
    vae = load(tmp_path, model)
    assert vae.about["kind"] == "ion"
    store = ArtifactStore(Settings(home=tmp_path).artifacts_dir)
    split = pq.read_table(store.get(model.result["split_sha256"])).to_pylist()
    heldout = {row["inchikey"] for row in split if row["split"] == "test"}
    assert 0.1 < len(heldout) / len(split) < 0.3
    query = (
        "SELECT r.split, c.smiles AS cation, a.smiles AS anion FROM ildb.snapshot_row AS r"
        " JOIN ildb.pairing_evidence AS e ON r.evidence_id = e.id JOIN ildb.pairing AS p ON e.pairing_id = p.id"
        " JOIN ildb.ion AS c ON p.cation_id = c.id JOIN ildb.ion AS a ON p.anion_id = a.id"
        " WHERE r.snapshot_id = :snapshot"
    )
    with filled.connect() as connection:
        rows = connection.execute(text(query), {"snapshot": model.snapshot_id}).all()
    assert {row.split for row in rows} >= {"train", "test"}
    for row in rows:
        ions = {flat_form(row.cation)[0], flat_form(row.anion)[0]}
        assert (row.split == "test") == bool(ions & heldout)
    assert list((store.root / ".training").iterdir()) == []


def judged(engine: Engine, home: Path, stages: list[dict[str, Any]]) -> float:
    """Structures that a pair-level model learnt from, after a look at what it says of itself."""
    model = model_of(engine, run(engine, home, stages))
    assert {"validity", "uniqueness", "novelty", "sample_efficiency", "reconstruction"} <= set(model.metrics)
    assert model.metrics["baselines.paper.validity"] == 0.84
    assert "(paper 0.84)" in model.result["table1"]
    assert load(home, model).vocabulary.charges == (0,)
    return float(model.metrics["n_structures"])


def test_a_model_of_pairs_has_the_columns_of_the_paper(filled: Engine, tmp_path: Path) -> None:
    assert judged(filled, tmp_path, learn(**PAIRS, dataset="combinations", top=60)) == 48  # four fifths


@pytest.mark.slow
def test_predicted_pairings_are_learnt_from(filled: Engine, tmp_path: Path) -> None:
    known = judged(filled, tmp_path, learn(**PAIRS))
    (stage,) = learn(**PAIRS, dataset="expanded")
    assert known < judged(filled, tmp_path, [*LINKS, {**stage, "needs": ["expand"]}]) <= known + 16


@pytest.mark.slow
def test_the_recipe_of_predicted_pairings_runs_to_its_end(filled: Engine, tmp_path: Path) -> None:
    small = {**SMALL, "level": "char", "max_length": 120, "million_tokens": 0.005, "encoder_layers": 1,
             "decoder_layers": 1, "drawn": 20}  # fmt: skip
    stages = {"links": {**LINKS[0]["params"]}, "expand": LINKS[1]["params"], "learn": small}
    overrides = [f"{stage}.{key}={json.dumps(value)}" for stage, own in stages.items() for key, value in own.items()]
    recipe = recipes.load("vae_expanded", overrides)
    run_id = Runner(filled, settings=Settings(home=tmp_path), workers=1).run(recipe).run_id
    model = model_of(filled, run_id)
    assert "(paper 0.84)" in model.result["table1"]
    assert load(tmp_path, model).about["dataset"] == "expanded"


def test_what_cannot_be_learnt_is_said(filled: Engine, tmp_path: Path, new_database: Callable[..., str]) -> None:
    from sqlalchemy import make_url

    from ildb.db import engine as engines

    with pytest.raises(StageFailedError, match=r"expanded.*links\.expand"):
        run(filled, tmp_path, learn(**PAIRS, dataset="expanded"))
    with pytest.raises(StageFailedError, match="no ions to learn from"):
        run(filled, tmp_path, learn(max_length=1))
    empty = engines.create(make_url(new_database()).set(drivername="postgresql+psycopg"))
    with pytest.raises(StageFailedError, match="no known pairings"):
        run(empty, tmp_path, learn())
    empty.dispose()


def test_kill_9_in_training_and_resume_give_the_same_weights(
    filled: Engine, tmp_path: Path, new_database: Callable[..., str]
) -> None:
    from sqlalchemy import make_url

    from ildb.db import engine as engines

    stages = learn(million_tokens=0.015, checkpoint_s=0.0)
    whole = model_of(filled, run(filled, tmp_path / "whole", stages))
    url = new_database()
    other = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    fill(other)
    home = tmp_path / "killed"
    script = (
        "import json, sys\n"
        "from ildb.config import get_settings\n"
        "from ildb.db import engine\n"
        "from ildb.pipeline import recipe\n"
        "from ildb.pipeline.runner import Runner\n"
        "if __name__ == '__main__':\n"
        "    runner = Runner(engine.open_engine(), workers=1)\n"
        "    runner.run(recipe.from_dict(json.loads(sys.argv[1]), where='test'))\n"
    )
    path = tmp_path / "runner.py"
    path.write_text(script)
    environment = {**os.environ, "ILDB_HOME": str(home), "ILDB_DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, str(path), json.dumps({"name": "generate", "stage": stages})],
        env=environment, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    folder = Settings(home=home).artifacts_dir / ".training"
    deadline = time.monotonic() + 120
    while not list(folder.glob("*.safetensors")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (left,) = folder.glob("*.safetensors")
    assert left.stat().st_size > 0
    # As if it had been killed amid a checkpoint, which happens now and then.
    (folder / f".{left.name}.{process.pid}.part").write_bytes(b"half")
    with other.connect() as connection:
        run_id, status = connection.execute(text("SELECT id, status FROM ildb.run")).one()
    assert status == "running"
    Runner(other, settings=Settings(home=home), workers=1).resume(run_id)
    model = model_of(other, run_id)
    assert model.sha256 == whole.sha256
    assert model.metrics["reconstruction"] == whole.metrics["reconstruction"]
    assert list(folder.iterdir()) == []
    other.dispose()
