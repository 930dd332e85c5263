"""links.train and links.expand on a small database: metrics and scores arrive, a source is held out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.integration.populate import fill

RECIPE = {
    "name": "links",
    "stage": [
        {
            "name": "links",
            "uses": "links.train",
            "params": {
                "trees": 10, "edge_folds": 2, "cation_folds": 2, "cold_start_folds": 2, "heldout_sources": 1,
                "seed": 1, "leave_out": [],
            },
        },
        {"name": "expand", "uses": "links.expand", "needs": ["links"], "params": {"top": 20, "cations_per_task": 7}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("method", ["ranker", "graphsage"])
def test_links_are_trained_judged_and_stored(engine: Engine, tmp_path: Path, method: str) -> None:
    with engine.begin() as connection:
        if connection.execute(text("SELECT count(*) FROM ildb.ion")).scalar_one() == 0:
            made = fill(connection)
            connection.execute(
                text(
                    "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)"
                    " SELECT p, 'known', :source, 'more-' || p FROM unnest(CAST(:pairings AS bigint [])) AS p"
                ),
                {"source": made.sources["catalogue"], "pairings": made.predicted[::2]},
            )
    spec = json.loads(json.dumps(RECIPE))
    spec["stage"][0]["params"] |= {"method": method, "epochs": 10, "check_every": 5}
    outcome = Runner(engine, settings=Settings(home=tmp_path), workers=1).run(recipes.from_dict(spec, where="test"))
    with engine.connect() as connection:
        metrics, params = connection.execute(
            text("SELECT metrics, params FROM ildb.model WHERE run_id = :run"), {"run": outcome.run_id}
        ).one()
        n_scores, n_reasons = connection.execute(
            text("SELECT count(*), sum(cardinality(reasons)) FROM ildb.link_score WHERE run_id = :run"),
            {"run": outcome.run_id},
        ).one()
    assert params["method"] == method
    assert n_scores == 20
    assert n_reasons > 0
    expected = {"mrr", "baselines.kernel_ridge.mrr", "baselines.graphsage_paper.mrr"}
    if method == "ranker":
        expected |= {"cold_start.mrr", "source_heldout.mrr", "baselines.popularity.source_heldout.mrr"}
    assert expected <= set(metrics)
