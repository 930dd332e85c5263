"""The quickstart's stages on a small database: decisions, pick, search from stored scores, explanation, properties."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from ildb.config import Settings
from ildb.melting.ion_properties import PROPERTY_VERSION
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.integration.populate import Populated, fill
from tests.integration.screening import recipe_of_known_ions

SMALL = {"n_trees": 20, "n_nets": 2, "n_epochs": 5, "n_kernel_rows": 60, "n_folds": 3}
SETTINGS = [
    "links.trees=10", "links.edge_folds=2", "links.cation_folds=2", "links.cold_start_folds=0",
    "links.paper_baseline=false", "expand.top=60", "decide.min_link_probability=0.01", "decide.min_p_below_373=0.2",
    "decide.require_in_domain=false", "decide.pick=6", "decide.pick_per_anion=2",
    *(f"melting.{name}={value}" for name, value in SMALL.items()),
]  # fmt: skip
N_CANDIDATES = 60


class Screened:
    """A database in which the quickstart has run, and the command line on it."""

    def __init__(
        self,
        engine: Engine,
        made: Populated,
        run_id: int,
        home: Path,
        ildb: Callable[..., CompletedProcess[str]],
        url: str,
    ) -> None:
        self.engine, self.made, self.run_id, self.home = engine, made, run_id, home
        self._ildb, self._url = ildb, url

    def command(self, *arguments: str) -> CompletedProcess[str]:
        return self._ildb(*arguments, url=self._url, ILDB_HOME=str(self.home))

    def json(self, *arguments: str) -> Any:
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def screened(
    engine: Engine,
    database_url: str,
    ildb: Callable[..., CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Screened:
    home = tmp_path_factory.mktemp("home")
    with engine.begin() as connection:
        made = fill(connection)
        # Pairs that nobody has made are only found where the known ones leave some.
        connection.execute(
            text(
                "INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)"
                " SELECT p, 'known', :source, 'more-' || p FROM unnest(CAST(:pairings AS bigint [])) AS p"
            ),
            {"source": made.sources["catalogue"], "pairings": made.predicted[::2]},
        )
    outcome = Runner(engine, settings=Settings(home=home), workers=1).run(recipe_of_known_ions(SETTINGS))
    return Screened(engine, made, outcome.run_id, home, ildb, database_url)


@pytest.fixture
def connection(screened: Screened) -> Iterator[Connection]:
    with screened.engine.connect() as connection:
        yield connection
        connection.rollback()


def rows(connection: Connection, statement: str, **parameters: object) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]


def test_every_candidate_has_a_decision_with_every_reason(screened: Screened, connection: Connection) -> None:
    decided = rows(connection, "SELECT * FROM ildb.screening_decision WHERE run_id = :run", run=screened.run_id)
    assert len(decided) == N_CANDIDATES
    codes = {tuple(reason["code"] for reason in row["reasons"]) for row in decided}
    assert codes == {
        (
            "readable", "link_probability", "p_below_373_k", "tm_k", "in_domain", "heavy_atoms", "charge", "sa_score",
            "alerts", "nearest_known",
        )
    }  # fmt: skip
    assert all(row["passed"] == all(reason["ok"] for reason in row["reasons"]) for row in decided)
    assert all(
        set(reason) == {"code", "ok", "message", "value", "limit"} for row in decided for reason in row["reasons"]
    )
    passed = [row for row in decided if row["passed"]]
    assert 10 < len(passed) < N_CANDIDATES
    assert sorted(row["rank"] for row in passed) == list(range(1, len(passed) + 1))
    assert all(row["pareto_rank"] and row["crowding"] >= 0 and row["sa_score"] == 1 for row in passed)
    assert all(
        row["pareto_rank"] is row["crowding"] is row["pick_order"] is None for row in decided if not row["passed"]
    )
    (stage,) = rows(
        connection, "SELECT result FROM ildb.stage_run WHERE run_id = :run AND uses = 'screen.decide'",
        run=screened.run_id,
    )  # fmt: skip
    picked = [row for row in passed if row["pick_order"]]
    counts = {"n_decided": N_CANDIDATES, "n_passed": len(passed), "n_picked": len(picked)}
    assert stage["result"].items() >= counts.items()


def test_the_pick_is_small_diverse_and_shown_first(screened: Screened) -> None:
    shown = screened.json("search", "candidates", "--top", "20", "--run", str(screened.run_id))
    picked = [row for row in shown if row["pick_order"] is not None]
    assert [row["pick_order"] for row in shown[: len(picked)]] == list(range(1, len(picked) + 1))
    assert 2 <= len(picked) <= 6
    anions = [row["anion_id"] for row in picked]
    assert all(anions.count(anion) <= 2 for anion in anions)
    rest = [row["rank"] for row in shown[len(picked) :]]
    assert rest == sorted(rest)
    printed = screened.command("search", "candidates", "--top", "1").stdout
    assert "pick 1, rank" in printed
    assert "Pareto front 1" in printed


def test_the_view_shows_the_new_columns(screened: Screened, connection: Connection) -> None:
    (row,) = rows(connection, "SELECT * FROM ildb.candidate WHERE pick_order = 1")
    assert row["pareto_rank"] == 1
    assert row["sa_score"] == 1


@pytest.mark.parametrize("below_k", [320, 360, 600])
def test_a_search_answers_from_stored_scores(screened: Screened, connection: Connection, below_k: int) -> None:
    hits = screened.json(
        "search", "substructure", "[#7+]", "--ion", "cation", "--tm-below", str(below_k), "--passed", "--limit", "0"
    )
    # Latest decision on each pairing; a measured melting point goes before a predicted one.
    expected = rows(
        connection,
        """
        SELECT d.pairing_id
        FROM ildb.candidate AS d
        INNER JOIN ildb.ion_structure AS s ON d.cation_id = s.ion_id
        LEFT JOIN ildb.consensus_measurement AS c
            ON d.pairing_id = c.pairing_id AND c.property = 'melting_point' AND c.temperature_k IS NULL
        WHERE d.passed AND s.mol @> qmol_from_smarts('[#7+]') AND coalesce(c.median, d.tm_k) < :below
        """,
        below=below_k,
    )
    assert {hit["pairing_id"] for hit in hits} == {row["pairing_id"] for row in expected}
    assert all(hit["passed"] for hit in hits)
    if below_k == 600:
        assert hits


def test_no_score_is_computed_by_a_search(screened: Screened, connection: Connection) -> None:
    before = rows(connection, "SELECT count(*) AS n, max(run_id) AS run FROM ildb.melting_score")
    assert screened.command("search", "substructure", "n", "--tm-below", "330", "--passed").returncode == 0
    assert rows(connection, "SELECT count(*) AS n, max(run_id) AS run FROM ildb.melting_score") == before


def test_another_budget_decides_anew_from_the_same_scores(screened: Screened, connection: Connection) -> None:
    settings = [*SETTINGS, "decide.pick=2"]
    outcome = Runner(screened.engine, settings=Settings(home=screened.home), workers=1).run(
        recipe_of_known_ions(settings)
    )
    stages = rows(connection, "SELECT uses, status FROM ildb.stage_run WHERE run_id = :run", run=outcome.run_id)
    assert {stage["uses"] for stage in stages if stage["status"] == "succeeded"} == {"screen.decide"}
    (count,) = rows(
        connection, "SELECT count(*) AS n FROM ildb.screening_decision WHERE run_id = :run AND pick_order IS NOT NULL",
        run=outcome.run_id,
    )  # fmt: skip
    assert count["n"] == 2


def test_explain_adds_up_and_draws(screened: Screened, connection: Connection, tmp_path: Path) -> None:
    (model,) = rows(
        connection, "SELECT id FROM ildb.model WHERE kind = 'melting' AND run_id = :run", run=screened.run_id
    )
    # Of a pairing of the run, whatever has been decided since.
    row = rows(
        connection,
        "SELECT d.pairing_id, m.tm_k FROM ildb.screening_decision AS d INNER JOIN ildb.melting_score AS m"
        " ON d.pairing_id = m.pairing_id AND d.melting_model_id = m.model_id WHERE d.run_id = :run AND d.rank = 1",
        run=screened.run_id,
    )[0]
    target = tmp_path / "atoms.svg"
    found = screened.json("model", "explain", str(model["id"]), str(row["pairing_id"]), "--svg", str(target))
    assert found["tm_k"] == pytest.approx(row["tm_k"], abs=0.01)
    assert found["baseline_k"] + found["cation_k"] + found["anion_k"] == pytest.approx(found["tm_k"])
    assert sum(found["cation_atoms"]) == pytest.approx(found["cation_k"])
    assert "</svg>" in target.read_text()
    printed = screened.command("model", "explain", str(model["id"]), str(row["pairing_id"])).stdout
    assert "K of typical salts" in printed
    refused = screened.command("model", "explain", "1", str(row["pairing_id"]))
    assert refused.returncode == 3
    assert "kind links" in refused.stderr


def test_ions_are_described_once(screened: Screened, connection: Connection) -> None:
    def describe() -> int:
        runner = Runner(screened.engine, settings=Settings(home=screened.home), workers=1)
        return runner.run(recipes.load("describe", ["describe.ions_per_task=12"])).run_id

    first = describe()
    found = rows(
        connection,
        "SELECT i.smiles, p.* FROM ildb.ion_property AS p INNER JOIN ildb.ion AS i ON p.ion_id = i.id ORDER BY i.id",
    )
    (ions,) = rows(connection, "SELECT count(*) AS n FROM ildb.ion")
    assert len(found) == ions["n"] >= len(screened.made.cations) + len(screened.made.anions)
    assert all(row["version"] == PROPERTY_VERSION for row in found)
    # One was there already and is left alone.
    assert [row["run_id"] == first for row in found].count(False) == 1
    assert all(row["problems"] == [] for row in found)
    bromide = next(row for row in found if row["smiles"] == "[Br-]")
    assert bromide["gas_entropy_j_mol_k"] == pytest.approx(163.5, abs=0.1)
    assert bromide["freedom"] == 3
    # The same ions again: nothing is computed.
    assert describe() == first
    connection.rollback()
    assert len(rows(connection, "SELECT FROM ildb.ion_property")) == len(found)
