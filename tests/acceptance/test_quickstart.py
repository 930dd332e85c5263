"""The demo's way, by the command line, on the real data with a small model: ingest, run, ask, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Ildb = Callable[..., "CompletedProcess[str]"]

SMALL = [
    "links.trees=20", "links.cold_start_folds=0", "links.paper_baseline=false",
    "expand.top=400", "expand.cations_per_task=600",
    "enumerate.draws=300", "enumerate.draws_per_task=150", "sample.draws=200", "sample.draws_per_task=100",
    "pair.max_cations=20", "pair.max_anions=10", "pair.per_ion=2",
    "melting.n_trees=20", "melting.n_nets=2", "melting.n_epochs=5", "melting.n_kernel_rows=100", "melting.n_folds=3",
    "decide.min_link_probability=0.05", "decide.min_p_below_373=0.5",
    "parameters.charges=gfn2", "ladder.temperatures_k=[650, 550]", "ladder.melt_ps=1", "ladder.equilibrate_ps=0.4",
    "ladder.produce_ps=4",
]  # fmt: skip


@pytest.fixture(scope="module")
def demo(ildb: Ildb, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The command line on a database in which the demo has run; returns standard output."""
    home = str(tmp_path_factory.mktemp("home"))

    def run(*arguments: str) -> str:
        done = ildb(*arguments, url=database_url, ILDB_HOME=home, timeout_s=1200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    ingested = json.loads(run("ingest", "ilthermo", "--json"))
    for count in ingested:
        assert count["n_read"] == count["n_inserted"] + count["n_existing"] + count["n_quarantined"]
        assert sum(count["reasons"].values()) >= count["n_quarantined"]
    settings = [word for setting in SMALL for word in ("--set", setting)]
    run("pipeline", "run", "pipelines/quickstart.toml", *settings)
    again = ildb("pipeline", "run", "quickstart", *settings, url=database_url, ILDB_HOME=home)
    assert "Nothing to compute: run 1" in again.stderr
    return run


def test_the_promised_counts_are_there(demo: Callable[..., str]) -> None:
    stats = json.loads(demo("stats", "--json"))
    assert stats["known_pairings"] >= 2500
    assert stats["measurements"] >= 400
    assert stats["predicted_pairings"] == 400
    assert stats["generated_pairings"] >= 30
    proposed = 400 + stats["generated_pairings"]
    assert stats["link_scores"] == stats["screening_decisions"] == proposed
    assert stats["melting_scores"] == proposed + stats["known_pairings"]
    assert stats["generated_molecules"] == 500
    assert stats["models"] == 4
    assert stats["runs"] == 1
    assert stats["md_simulations"] == stats["md_melting_points"] == 1


def test_a_second_ingest_inserts_nothing(demo: Callable[..., str]) -> None:
    before = demo("stats", "--json")
    assert demo("ingest", "ilthermo").count("Nothing new") == 2
    assert demo("stats", "--json") == before


def test_candidates_come_with_reasons_and_lead_back_to_a_source(demo: Callable[..., str]) -> None:
    best = json.loads(demo("search", "candidates", "--top", "3", "--json"))
    assert [row["pick_order"] for row in best] == [1, 2, 3]
    assert all(row["link_reasons"] or row["nearest"] for row in best)
    assert all(row["passed"] and row["in_domain"] and row["tm_low_k"] < row["tm_k"] < row["tm_high_k"] for row in best)
    lineage = demo("lineage", "pairing", str(best[0]["pairing_id"]))
    assert "source ilthermo-catalogue" in lineage
    assert "source ilthermo-melting-points" in lineage
    printed = demo("search", "candidates", "--top", "1")
    assert "nearest measured" in printed


def test_a_substructure_search_has_hits_of_every_kind(demo: Callable[..., str]) -> None:
    for evidence in ("known", "predicted", "generated"):
        hits = json.loads(demo("search", "substructure", "[n+]", "--ion", "cation", "--evidence", evidence, "--json"))
        assert hits
        assert all("n+" in hit["cation_smiles"] for hit in hits)


def _models(demo: Callable[..., str], *kinds: str) -> list[int]:
    listed = json.loads(demo("model", "list", "--json"))
    return [next(model["id"] for model in listed if model["kind"] == kind) for kind in kinds]


def test_a_generated_candidate_leads_back_to_its_rules_and_their_sources(demo: Callable[..., str]) -> None:
    hits = json.loads(demo("search", "substructure", "[N,n]", "--evidence", "generated", "--limit", "1", "--json"))
    lineage = demo("lineage", "pairing", str(hits[0]["pairing_id"]))
    assert "generated:" in lineage
    assert "(fragments)" in lineage or "(vae)" in lineage
    assert "source ilthermo-catalogue" in lineage


def test_models_carry_metrics_beside_baselines(demo: Callable[..., str]) -> None:
    links, melting = (json.loads(demo("model", "show", str(i), "--json")) for i in _models(demo, "links", "melting"))
    assert {"auroc_uniform", "mrr", "core.mrr", "baselines.knn.mrr", "baselines.popularity.mrr"} <= set(
        links["metrics"]
    )
    assert {"random.auroc", "cation_cluster.mae_k", "baselines.anion_mean.random.mae_k"} <= set(melting["metrics"])
    assert links["versions"]["torch"]
    assert links["snapshot"]


def test_the_best_candidate_was_simulated(demo: Callable[..., str]) -> None:
    (ladder,) = json.loads(demo("md", "list", "--json"))
    assert (ladder["status"], ladder["n_points"], ladder["refusal"]) == ("done", 2, None)
    best = json.loads(demo("search", "candidates", "--top", "50", "--json"))
    assert ladder["pairing_id"] in {row["pairing_id"] for row in best}
    assert "sub-diffusive" in ladder["reason"]  # picoseconds give no melting point, and the row says so


def test_the_export_answers_the_analytics(demo: Callable[..., str], tmp_path: Path) -> None:
    import duckdb

    demo("export", "duckdb", str(tmp_path / "il.duckdb"))
    with duckdb.connect(str(tmp_path / "il.duckdb"), read_only=True) as connection:
        decided = json.loads(demo("stats", "--json"))["screening_decisions"]
        assert connection.execute("SELECT count(*) FROM screening_decision").fetchone() == (decided,)
        views = {
            row[0] for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        }
        assert len(views) >= 3
        for view in views:
            connection.execute(f'SELECT * FROM "{view}" LIMIT 5').fetchall()


def test_every_check_of_the_database_is_clean(demo: Callable[..., str]) -> None:
    findings = json.loads(demo("db", "check", "--json"))
    assert len(findings) > 5
    assert [finding["check"] for finding in findings if finding["n_rows"]] == []
