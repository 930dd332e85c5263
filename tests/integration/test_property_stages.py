"""melting.train, melting.score, property.train and property.score on a real database, from ingested tables."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.errors import RecipeError, StageFailedError
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.pipeline import recipe as recipes
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.runner import Runner
from ildb.report.figures.predictions import of_table

DATA = Path(__file__).parents[1] / "data"
SMALL = {"n_trees": 20, "n_nets": 2, "n_epochs": 10, "n_kernel_rows": 60, "n_folds": 3}
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


def read(engine: Engine, path: Path, **options: Any) -> None:
    mapping = load_mapping(None, options)
    count = ingest(engine, table_source(path, mapping), read_table(path, mapping), workers=1)
    assert count.n_quarantined == 0


@pytest.fixture(scope="module")
def filled(engine: Engine) -> Engine:
    """Measured melting points, and densities and viscosities with their conditions."""
    read(
        engine,
        DATA / "melting_points_sample.csv",
        cation="cation_smiles",
        anion="anion_smiles",
        measure=("melting_point=tm_k:K",),
        source="melting",
    )
    read(
        engine,
        DATA / "il_properties_sample.csv",
        cation="cation",
        anion="anion",
        measure=("density=density_g_cm3:g/cm3", "viscosity=viscosity_mpa_s:mPa s"),
        temperature="t_k:K",
        pressure="p_kpa:kPa",
        source="properties",
    )
    return engine


def run(engine: Engine, home: Path, stages: list[dict[str, Any]]) -> int:
    spec = recipes.from_dict({"name": "properties", "stage": stages}, where="test")
    return Runner(engine, settings=Settings(home=home), workers=1).run(spec).run_id


def rows(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement), values))


def only(engine: Engine, statement: str, **values: Any) -> Any:
    (row,) = rows(engine, statement, **values)
    return row


def property_stages(**params: Any) -> list[dict[str, Any]]:
    return [
        {"name": "learn", "uses": "property.train", "params": {**SMALL, **params}},
        {"name": "say", "uses": "property.score", "needs": ["learn"]},
    ]


def test_viscosity_is_learnt_in_decades_at_its_conditions(filled: Engine, tmp_path: Path) -> None:
    run_id = run(filled, tmp_path, property_stages(property="viscosity"))
    model = only(
        filled, "SELECT id, kind, params, metrics, snapshot_id FROM ildb.model WHERE run_id = :run", run=run_id
    )
    assert (model.kind, model.params["property"], model.params["scale"]) == ("property", "viscosity", "log10")
    assert model.params["temperature_k"] == 298.15
    # Neither the value at 353 K nor the one at 500 bar.
    assert only(filled, "SELECT n_rows FROM ildb.dataset_snapshot WHERE id = :id", id=model.snapshot_id)[0] == 38
    assert 0 < model.metrics["random.mae"] < model.metrics["baselines.anion_mean.random.mae"] < 1
    assert "random.auroc" not in model.metrics
    scores = rows(filled, "SELECT * FROM ildb.property_score WHERE run_id = :run", run=run_id)
    known = only(filled, "SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence WHERE kind = 'known'")[0]
    assert len(scores) == known
    numbers = [s for s in scores if s.value is not None]
    assert all(0 < s.low < s.value < s.high and s.p_below is None and s.property == "viscosity" for s in numbers)
    assert rows(filled, "SELECT FROM ildb.melting_score WHERE run_id = :run", run=run_id) == []
    with (DATA / "il_properties_sample.csv").open(newline="") as stream:
        measured = {row["viscosity_mpa_s"]: float(row["viscosity_mpa_s"]) / 1000 for row in csv.DictReader(stream)}
    nearest = {round(n["tm_k"], 6) for s in numbers for n in s.nearest}
    assert nearest <= {round(value, 6) for value in measured.values()}


def test_density_is_learnt_with_a_threshold(filled: Engine, tmp_path: Path) -> None:
    run_id = run(filled, tmp_path, property_stages(property="density", threshold_k=1200.0))
    model = only(filled, "SELECT metrics FROM ildb.model WHERE run_id = :run", run=run_id)
    assert model.metrics["random.mae"] < 100 < model.metrics["baselines.anion_mean.random.mae"] * 1.5
    scores = rows(
        filled, "SELECT value, p_below FROM ildb.property_score WHERE run_id = :run AND value IS NOT NULL", run=run_id
    )
    assert all((s.p_below > 0.5) == (s.value < 1200.0) for s in scores if abs(s.value - 1200.0) > 0.01)


def test_what_cannot_be_learnt_is_said(filled: Engine, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"melting\.train"):
        run(filled, tmp_path, property_stages(property="melting_point"))
    with pytest.raises(RecipeError, match="viscosity"):
        run(filled, tmp_path, property_stages(property="viscosty"))
    with pytest.raises(StageFailedError, match="no values of density to learn from"):
        run(filled, tmp_path, property_stages(property="density", temperature_k=77.0))


def test_a_retrain_is_a_new_model_and_old_scores_keep_theirs(filled: Engine, tmp_path: Path) -> None:
    stages = [
        *LINKS,
        {"name": "melting", "uses": "melting.train", "params": SMALL},
        {"name": "scores", "uses": "melting.score", "needs": ["expand", "melting"], "params": {"pairs_per_task": 50}},
    ]
    scored = "SELECT * FROM ildb.melting_score WHERE model_id = :model ORDER BY pairing_id"
    newest = "SELECT * FROM ildb.model WHERE kind = 'melting' ORDER BY id DESC LIMIT 1"
    run(filled, tmp_path, stages)
    first = only(filled, newest)
    before = rows(filled, scored, model=first.id)
    known = only(filled, "SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence WHERE kind = 'known'")[0]
    assert len(before) == known + 20
    run(filled, tmp_path, stages)  # nothing new: nothing done
    assert only(filled, newest).id == first.id

    more = tmp_path / "more.csv"
    more.write_text("cation,anion,tm_k\nCCCCCCn1cc[n+](C)c1,[I-],250\n", encoding="utf-8")
    read(filled, more, cation="cation", anion="anion", measure=("melting_point=tm_k:K",), source="more")
    run(filled, tmp_path, stages)
    second = only(filled, newest)
    assert second.id != first.id
    assert second.snapshot_id != first.snapshot_id
    assert second.artifact_id != first.artifact_id
    assert rows(filled, scored, model=first.id) == before
    assert len(rows(filled, scored, model=second.id)) >= known + 1


def test_simulated_melting_points_are_learnt_where_nothing_was_measured_and_never_called_measured(
    filled: Engine, tmp_path: Path
) -> None:
    def stages(**params: Any) -> list[dict[str, Any]]:
        return [{"name": "melting", "uses": "melting.train", "params": {**SMALL, "seed": 7, **params}}]

    measured = "EXISTS (SELECT FROM ildb.measurement WHERE pairing_id = p.id AND property = 'melting_point')"
    calibrated = "jsonb_build_object('calibrated_tm_k', 301.5)"
    with filled.begin() as connection:
        run_id = connection.execute(
            text(
                "INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, status, code_version)"
                " VALUES ('ladders', '{}', '', 'ladders', 'succeeded', '0') RETURNING id"
            )
        ).scalar_one()
        # Three of pairings that nobody measured, one of them never calibrated, and one of a measured pairing.
        connection.execute(
            text(
                "INSERT INTO ildb.measurement (pairing_id, property, value, unit, uncertainty, method, run_id, raw)"
                " SELECT id, 'apparent_melting_point', 320, 'K', 8, 'md', :run,"
                f" CASE n WHEN 3 THEN '{{}}' ELSE {calibrated} END FROM ("
                f"(SELECT id, row_number() OVER (ORDER BY id) FROM ildb.pairing AS p WHERE NOT {measured} LIMIT 3)"
                f" UNION ALL (SELECT id, 9 FROM ildb.pairing AS p WHERE {measured} ORDER BY id LIMIT 1)) AS x (id, n)"
            ),
            {"run": run_id},
        )
    usable = rows(
        filled,
        "SELECT v.id FROM ildb.measurement AS v JOIN ildb.pairing AS p ON p.id = v.pairing_id"
        f" WHERE v.method = 'md' AND v.raw <> '{{}}' AND NOT {measured}",
    )
    assert len(usable) == 2
    learnt = (
        "SELECT r.measurement_id FROM ildb.snapshot_row AS r JOIN ildb.model AS m ON m.snapshot_id = r.snapshot_id"
        " JOIN ildb.measurement AS v ON v.id = r.measurement_id WHERE m.run_id = :run AND v.method = 'md'"
    )
    with_them = run(filled, tmp_path, stages(simulated=True))
    assert {row.measurement_id for row in rows(filled, learnt, run=with_them)} == {row.id for row in usable}

    statement = "SELECT sha256 FROM ildb.artifact WHERE run_id = :run AND kind = 'melting_out_of_fold'"
    sha256 = only(filled, statement, run=with_them).sha256
    table = pq.read_table(ArtifactStore(Settings(home=tmp_path).artifacts_dir).get(sha256))
    parts = of_table(table)
    assert set(table.filter(table.column("simulated")).column("measured").to_pylist()) == {301.5}
    for split, part in parts.items():
        everyone = table.filter(pa.array([name == split for name in table.column("split").to_pylist()]))
        assert len(part.measured) == len(everyone) - 2
        assert 301.5 not in part.measured
