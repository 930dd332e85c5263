"""links.train and links.expand on a small database: metrics and scores arrive, odd graphs get a clear answer."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import rdkit
from sqlalchemy import Engine, text

from ildb.chem.identity import identify
from ildb.config import Settings
from ildb.db import query
from ildb.errors import StageFailedError
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


def learn_more(engine: Engine) -> None:
    """Fill the module's database once; every other predicted pairing becomes known, so that there is more to learn."""
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


def spec_of(method: str, links: dict[str, Any], **expand: Any) -> dict[str, Any]:
    """The recipe with other parameters."""
    spec: dict[str, Any] = json.loads(json.dumps(RECIPE))
    spec["stage"][0]["params"] |= {"method": method, **links}
    spec["stage"][1]["params"] |= expand
    return spec


def kept(engine: Engine, home: Path, spec: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Probability of each (cation, anion) that a run of the recipe retains."""
    run_id = Runner(engine, settings=Settings(home=home), workers=1).run(recipes.from_dict(spec, where="test")).run_id
    with engine.connect() as connection:
        rows = query.rows(connection, "links/kept", run_id=run_id)
    return {(row["cation_inchikey"], row["anion_inchikey"]): row["probability"] for row in rows}


CHEAP = {"epochs": 10, "check_every": 5, "cold_start_folds": 0, "heldout_sources": 0, "paper_baseline": False}


@pytest.mark.parametrize("method", ["ranker", "graphsage"])
def test_links_are_trained_judged_and_stored(engine: Engine, tmp_path: Path, method: str) -> None:
    learn_more(engine)
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


@pytest.mark.parametrize("method", ["ranker", "graphsage", pytest.param("graphsage_paper", marks=pytest.mark.slow)])
def test_what_is_kept_does_not_depend_on_the_blocks(engine: Engine, tmp_path: Path, method: str) -> None:
    learn_more(engine)
    whole, blocks = (
        kept(engine, tmp_path, spec_of(method, CHEAP, top=30, per_cation=3, cations_per_task=n)) for n in (0, 5)
    )
    assert whole == blocks
    assert len(whole) == 30
    assert max(Counter(cation for cation, _ in whole).values()) == 3


@pytest.mark.parametrize("method", ["ranker", "graphsage", pytest.param("graphsage_paper", marks=pytest.mark.slow)])
def test_ions_without_a_pairing_are_scored_from_their_structure(engine: Engine, tmp_path: Path, method: str) -> None:
    learn_more(engine)
    paired = kept(engine, tmp_path, spec_of(method, CHEAP, top=5000))
    new = {identify(smiles).inchikey: identify(smiles) for smiles in ("CCCCCCCCC[n+]1ccc(C)cc1", "CCCC(=O)[O-]")}
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, rdkit_version)"
                " VALUES (:inchikey, :smiles, :charge, :formula, :mass_g_mol, :heavy_atoms, :version)"
                " ON CONFLICT DO NOTHING"
            ),
            [{**asdict(ion), "version": rdkit.__version__} for ion in new.values()],
        )
    every = kept(engine, tmp_path, spec_of(method, CHEAP, top=5000, ions="all"))
    assert {ion for pair in every for ion in pair} - {ion for pair in paired for ion in pair} == set(new)
    assert len({p for pair, p in every.items() if set(pair) & set(new)}) > 1
    if method != "ranker":  # nobody hears the new ones
        assert {pair: every[pair] for pair in paired} == pytest.approx(paired, rel=1e-5)


def test_rounds_need_the_method_of_the_paper(engine: Engine, tmp_path: Path) -> None:
    learn_more(engine)
    with pytest.raises(StageFailedError, match="rounds are the paper's method") as caught:
        kept(engine, tmp_path, spec_of("graphsage", CHEAP, rounds=2))
    assert 'method = "graphsage_paper"' in caught.value.hint


DICATIONS = [f"C[N+](C)(C){'C' * n}[N+](C)(C)C" for n in range(2, 9)]
TRICATION = "C[N+](C)(C)CCC(C[N+](C)(C)C)CC[N+](C)(C)C"


@pytest.mark.parametrize(
    ("salts", "changes", "words"),
    [
        ([], {}, "there are no known pairings"),
        ([(c, "[Cl-]", 2) for c in DICATIONS], {}, "already known"),
        ([(DICATIONS[0], "[Cl-]", 2), (DICATIONS[1], "[Br-]", 2)], {}, "cannot be split"),
        (
            [(c, a, 2) for c, a in zip(DICATIONS, ["[Cl-]", "[Br-]", "[I-]"] * 2, strict=False)],
            {"max_multiplicity": 1},
            "no unmade pairing was left",
        ),
    ],
)
def test_graphs_without_an_answer_say_why(
    new_database: Callable[..., str],
    ildb: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    salts: list[tuple[str, str, int]],
    changes: dict[str, Any],
    words: str,
) -> None:
    done = run_on(new_database(), ildb, tmp_path, salts, changes)
    assert done.returncode == 6
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_multiply_charged_ions_alone_are_paired_by_their_charges(
    new_database: Callable[..., str], ildb: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    url = new_database()
    pairs = [(c, a) for i, c in enumerate(DICATIONS) for j, a in enumerate(["[Cl-]", "[Br-]", "[I-]"]) if (i + j) % 3]
    salts = [(c, a, 2) for c, a in pairs] + [(TRICATION, "[Cl-]", 3)]
    done = run_on(url, ildb, tmp_path, salts, {"max_multiplicity": 3, "top": 100})
    assert done.returncode == 0, done.stderr
    statement = (
        "SELECT p.n_cation, p.n_anion, count(*) AS n FROM ildb.link_score AS l"
        " INNER JOIN ildb.pairing AS p ON l.pairing_id = p.id GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found = ildb("search", "sql", "-q", statement, "--format", "json", url=url)
    assert [(row["n_cation"], row["n_anion"], row["n"]) for row in json.loads(found.stdout)] == [(1, 2, 7), (1, 3, 2)]


def run_on(
    url: str,
    ildb: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    salts: list[tuple[str, str, int]],
    changes: dict[str, Any],
) -> subprocess.CompletedProcess[str]:
    """Ingest salts (cation, anion, anions of each cation), run the recipe on them."""
    if salts:
        table = tmp_path / "salts.csv"
        table.write_text("salt\n" + "".join(f"{c}{('.' + a) * n}\n" for c, a, n in salts))
        ingested = ildb("ingest", "table", str(table), "--smiles", "salt", "--source", "bench", url=url)
        assert ingested.returncode == 0, ingested.stderr
    recipe = tmp_path / "recipe.toml"
    stages = spec_of("ranker", CHEAP | {"trees": 5}, **changes)["stage"]
    recipe.write_text('name = "odd"\n' + "".join(as_toml(stage) for stage in stages))
    return ildb("pipeline", "run", str(recipe), url=url, ILDB_HOME=str(tmp_path / "home"))


def as_toml(stage: dict[str, Any]) -> str:
    """A stage of plain values; JSON's strings, numbers, booleans and lists are TOML's, too."""
    own = "".join(f"{key} = {json.dumps(value)}\n" for key, value in stage.items() if key != "params")
    return f"[[stage]]\n{own}[stage.params]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in stage["params"].items()
    )
