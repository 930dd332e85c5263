"""The index that each search must use, on tables large enough that the planner has a choice."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from ildb.db import query
from ildb.db.models import Pairing
from ildb.search.cartridge import CartridgeMatcher
from ildb.search.conditions import selected
from ildb.search.filters import Filters
from ildb.search.ion_sets import one_of
from ildb.search.logic import SimilarTo
from ildb.search.matcher import ProcessMatcher
from ildb.search.order import ordered
from ildb.search.pairings import Answer, Question
from tests.integration.populate import Populated, populated  # noqa: F401

N_IONS = 4_000
# Copies of the ions with keys of their own; every cation copy is paired with some anion copies.
GROW = f"""
INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, rdkit_version)
SELECT translate(to_char(n, 'FM00000000000000'), '0123456789', 'ABCDEFGHIJ') || '-AAAAAAAAAA-N', i.smiles || n,
    i.charge, i.formula, i.mass_g_mol, i.heavy_atoms, 'copy ' || i.id
FROM generate_series(1, {N_IONS}) AS n
INNER JOIN ildb.ion AS i ON i.id = 1 + n % 30;
INSERT INTO ildb.ion_structure
SELECT i.id, s.mol, s.mfp2
FROM ildb.ion AS i INNER JOIN ildb.ion_structure AS s ON i.rdkit_version = 'copy ' || s.ion_id;
INSERT INTO ildb.pairing (cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion)
SELECT c.id, a.id, 1, -1, 1, 1
FROM ildb.ion AS c INNER JOIN ildb.ion AS a ON c.charge = 1 AND a.charge = -1 AND (c.id * 7 + a.id) % 40 = 0
ON CONFLICT DO NOTHING;
INSERT INTO ildb.pairing_evidence (pairing_id, kind, run_id)
SELECT id, 'predicted', :run FROM ildb.pairing WHERE id % 3 = 0 ON CONFLICT DO NOTHING;
INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key)
SELECT id, 'known', :source, 'copy' FROM ildb.pairing WHERE id % 50 = 1 ON CONFLICT DO NOTHING;
INSERT INTO ildb.melting_score
SELECT :model, id, :run, 0.5, 200 + id % 400, 200, 700, true, '{{}}', '[]'
FROM ildb.pairing WHERE id % 3 = 0 ON CONFLICT DO NOTHING;
INSERT INTO ildb.link_score
SELECT :run, 2, id, :links, (id % 1000) / 1000.0, true, '{{}}'
FROM ildb.pairing WHERE id % 3 = 0 ON CONFLICT DO NOTHING;
INSERT INTO ildb.screening_decision (run_id, pairing_id, melting_model_id, passed, rank, score, reasons)
SELECT :run, id, :model, id % 5 = 0, CASE WHEN id % 5 = 0 THEN id END, 0.5, '[]'
FROM ildb.pairing WHERE id % 3 = 0 ON CONFLICT DO NOTHING
"""


@pytest.fixture(scope="module")
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    """The database, grown and analysed in a transaction that is rolled back."""
    with engine.connect() as connection:
        values = {
            "run": populated.run_id, "source": populated.sources["catalogue"], "model": populated.melting_model_id,
            "links": populated.links_model_id,
        }  # fmt: skip
        for statement in GROW.split(";"):
            known = {key: value for key, value in values.items() if f":{key}" in statement}
            connection.execute(text(statement), known)
        for table in (
            "ion",
            "ion_structure",
            "pairing",
            "pairing_evidence",
            "melting_score",
            "link_score",
            "screening_decision",
        ):
            connection.execute(text(f"ANALYZE ildb.{table}"))
        n_pairings = connection.execute(text("SELECT count(*) FROM ildb.pairing")).scalar_one()
        assert n_pairings > 50_000
        connection.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        yield connection
        connection.rollback()


def indexes(plan: dict[str, Any]) -> set[str]:
    """Names of the indexes in a plan."""
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found.union(*(indexes(part) for part in plan.get("Plans", ())))


def scans(plan: dict[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*(scans(part) for part in plan.get("Plans", ())))


def plan_of(connection: Connection, statement: Any) -> dict[str, Any]:
    return Answer(connection, CartridgeMatcher(ProcessMatcher), Question()).explain(statement)


@pytest.mark.parametrize(
    ("part", "index"), [(0, "ix_screening_decision_passed"), (1, "ix_pairing_evidence_kind"), (2, "pk_pairing")]
)
def test_a_first_page_is_read_in_its_order(connection: Connection, part: int, index: str) -> None:
    plan = plan_of(connection, ordered(part, None, Pairing.cation_id).limit(50))
    assert index in indexes(plan)
    assert "Sort" not in json.dumps(plan)
    assert scans(plan) == set()


@pytest.mark.parametrize(
    ("side", "index"), [("cation_id", "uq_pairing_cation_id_anion_id"), ("anion_id", "ix_pairing_anion_id")]
)
def test_rare_ions_lead_to_their_pairings(connection: Connection, side: str, index: str) -> None:
    column = getattr(Pairing, side)
    ids = connection.execute(select(column).distinct().limit(5)).scalars().all()
    plan = plan_of(connection, select(Pairing.id).where(one_of(column, ids)))
    assert indexes(plan) == {index}


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(min_link_probability=0.99), None),
        (Filters(tm_below_k=205.0), "ix_melting_score_tm_k"),
    ],
)
def test_filters_do_not_compute_scores_of_every_pairing(
    connection: Connection, filters: Filters, index: str | None
) -> None:
    plan = plan_of(connection, selected(select(Pairing.id), filters))
    # The scores are computed, pairing by pairing, of what an index or a join left.
    assert plan["Node Type"] == "Subquery Scan"
    (left, *_) = plan["Plans"]
    n_pairings = connection.execute(text("SELECT count(*) FROM ildb.pairing")).scalar_one()
    assert left["Plan Rows"] < n_pairings / 2
    assert index is None or index in indexes(plan)


@pytest.mark.parametrize(
    ("name", "parameters", "index"),
    [
        ("search/ions_with_substructure", {"smarts": "[Si]"}, "ix_ion_structure_mol"),
        ("search/nearest_ions", {"smiles": "CCO", "sign": 0, "top": 5}, "ix_ion_structure_mfp2"),
        ("search/similar_ids", {"smiles": "CCO", "sign": 1}, "ix_ion_structure_mfp2"),
        ("search/ions_among", {"smarts": "C", "ion_ids": [1, 2, 3]}, "pk_ion_structure"),
        ("search/last_ion", {"smiles": "C"}, "ix_ion_smiles"),
        ("search/ions_of_part", {"part": 0, "ids_per_part": 100}, "pk_ion"),
        ("search/order_passed", {"after_rank": 0, "after_id": 0, "n": 250}, "ix_screening_decision_passed"),
        ("search/order_passed", {"after_rank": 900, "after_id": 9, "n": 4_000}, "ix_screening_decision_passed"),
        ("search/order_known", {"after_id": 0, "n": 250}, "ix_pairing_evidence_kind"),
        ("search/order_rest", {"after_id": 99, "n": 4_000}, "pk_pairing"),
        ("search/pairings", {"pairing_ids": [1, 2, 3]}, "pk_pairing"),
    ],
)
def test_named_queries(connection: Connection, name: str, parameters: dict[str, Any], index: str) -> None:
    statement = text(f"EXPLAIN (FORMAT JSON) {query.statement(name).text}")
    plan = connection.execute(statement, parameters).scalar_one()[0]["Plan"]
    assert any(found.startswith(index) for found in indexes(plan)), indexes(plan)


def test_a_similarity_test_selects_by_index(connection: Connection) -> None:
    answer = Answer(connection, CartridgeMatcher(ProcessMatcher), Question(SimilarTo("[Br-]", 1.0, "anion")))
    assert answer.count() > 0
