"""Filters of pairings where several runs have decided, by every way of finding them."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from ildb.search import looking
from ildb.search.filters import Filters, PropertyRange
from ildb.search.logic import contains
from ildb.search.matcher import ProcessMatcher
from ildb.search.pairings import Answer, Question
from tests.integration.populate import Populated, populated  # noqa: F401

Hit = dict[str, Any]
# A run after the first with models of its own: all scores are other ones, and it decides on a few pairings only: it
# lets the first one that had been refused pass and refuses the first one that had passed.
SECOND_RUN = """
INSERT INTO ildb.run (recipe_name, recipe, recipe_sha256, run_key, status, code_version)
SELECT recipe_name, recipe, recipe_sha256, 'second', status, code_version FROM ildb.run WHERE id = :run;
INSERT INTO ildb.model (run_id, stage_run_id, kind, artifact_id, snapshot_id, params, metrics, seed, versions)
SELECT (SELECT max(id) FROM ildb.run), stage_run_id, kind, artifact_id, snapshot_id, params, metrics, seed, versions
FROM ildb.model WHERE id = :melting;
INSERT INTO ildb.melting_score (model_id, pairing_id, run_id, p_below_373_k, tm_k, tm_low_k, tm_high_k, in_domain,
    domain_reasons, nearest)
SELECT (SELECT max(id) FROM ildb.model), pairing_id, (SELECT max(id) FROM ildb.run), 1 - p_below_373_k, 700 - tm_k,
    200, 600, NOT in_domain, '{{}}', '[]'
FROM ildb.melting_score WHERE model_id = :melting;
INSERT INTO ildb.link_score (run_id, round, pairing_id, model_id, probability, accepted, reasons)
SELECT (SELECT max(id) FROM ildb.run), 1, pairing_id, model_id, 1 - probability, true, '{{}}'
FROM ildb.link_score WHERE run_id = :run;
INSERT INTO ildb.screening_decision (run_id, pairing_id, link_run_id, melting_model_id, passed, rank, score, reasons)
SELECT (SELECT max(id) FROM ildb.run), pairing_id, (SELECT max(id) FROM ildb.run), (SELECT max(id) FROM ildb.model),
    NOT passed, CASE WHEN passed THEN NULL ELSE 1 END, 0.5, '[]'
FROM ildb.screening_decision WHERE pairing_id IN (:was_passed, :was_refused)
"""


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    with engine.connect() as connection:
        values = {
            "run": populated.run_id, "melting": populated.melting_model_id, "was_passed": populated.passed[0],
            "was_refused": populated.predicted[len(populated.passed)],
        }  # fmt: skip
        for statement in SECOND_RUN.replace("{{}}", "{}").split(";"):
            connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessMatcher]:
    with ProcessMatcher(tmp_path_factory.mktemp("ions"), resident=True) as process:
        yield process


def _tm(hit: Hit) -> float:
    value = hit["tm_k"] if hit["tm_k"] is not None else hit["tm_predicted_k"]
    return float("nan") if value is None else float(value)


FILTERS: list[tuple[Filters, Callable[[Hit], bool]]] = [
    (Filters(passed=True), lambda hit: hit["passed"] is True),
    (Filters(refused=True), lambda hit: hit["passed"] is False),
    (Filters(evidence="known"), lambda hit: "known" in hit["evidence"]),
    (Filters(min_p_below_373_k=0.5), lambda hit: (hit["p_below_373_k"] or 0) >= 0.5),
    (Filters(min_p_below_373_k=0.5, refused=True), lambda hit: hit["passed"] is False and hit["p_below_373_k"] >= 0.5),
    (Filters(min_link_probability=0.9), lambda hit: (hit["link_probability"] or 0) >= 0.9),
    (Filters(tm_below_k=310.0), lambda hit: _tm(hit) < 310),
    (Filters(tm_above_k=305.0, passed=True), lambda hit: hit["passed"] is True and _tm(hit) >= 305),
    (Filters(evidence="known", tm_below_k=262.0), lambda hit: "known" in hit["evidence"] and _tm(hit) < 262),
]


def test_figures_are_those_the_latest_decision_rests_on(
    connection: Connection, matcher: ProcessMatcher, populated: Populated
) -> None:
    """Not those of the latest decision on any pairing."""
    hits = {hit["pairing_id"]: hit for hit in Answer(connection, matcher, Question()).hits()}
    assert hits[populated.passed[0]]["p_below_373_k"] == pytest.approx(0.1)
    assert hits[populated.passed[1]]["p_below_373_k"] == pytest.approx(0.9)
    found = set(Answer(connection, matcher, Question(filters=Filters(min_p_below_373_k=0.5))).ids())
    assert populated.passed[1] in found
    assert populated.passed[0] not in found


@pytest.mark.parametrize(("filters", "test"), FILTERS)
def test_every_way_finds_the_same(
    connection: Connection,
    matcher: ProcessMatcher,
    monkeypatch: pytest.MonkeyPatch,
    filters: Filters,
    test: Callable[[Hit], bool],
) -> None:
    for clause in (contains("[#6]"), contains("[Br-]", "anion"), contains("c1c[n+]cn1", "cation")):
        everything = list(Answer(connection, matcher, Question(clause)).hits())
        expected = [hit["pairing_id"] for hit in everything if test(hit)]
        asked = Question(clause, filters)
        assert list(Answer(connection, matcher, asked).ids()) == expected
        assert Answer(connection, matcher, asked).count() == len(expected)
        # One by one only; by the filters first; by the ions first; and turning from one into the other.
        for first, tried, n_looks in ((500, 500, 5), (1, 4, 1), (2, 3, 2), (1, 1, 1), (4, 30, 50)):
            monkeypatch.setattr(looking, "FIRST_LOOK", first)
            monkeypatch.setattr(looking, "IN_VAIN", tried)
            monkeypatch.setattr(looking, "N_LOOKS", n_looks)
            seen: list[int] = []
            token: str | None = None
            while True:
                page = Answer(connection, matcher, asked).page(7, token)
                seen += [hit["pairing_id"] for hit in page.hits]
                token = page.next
                if token is None:
                    break
            assert seen == expected, (clause, first, tried, n_looks)


def test_filters_that_next_to_nothing_satisfies(
    connection: Connection, matcher: ProcessMatcher, populated: Populated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "FIRST_LOOK", 2)
    wish = PropertyRange("melting_point", low=249.0, high=254.0)
    for filters in (Filters(properties=(wish,)), Filters(properties=(wish,), source="melting table")):
        page = Answer(connection, matcher, Question(contains("[#6]"), filters)).page(10)
        assert page.hits
        assert page.next is None
        assert {hit["pairing_id"] for hit in page.hits} <= set(populated.known)
    (one,) = Answer(connection, matcher, Question(contains("[#6]"), Filters(run_id=populated.run_id))).page(1).hits
    assert one["rank"] == 1
