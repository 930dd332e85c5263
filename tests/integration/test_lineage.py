"""From a pairing back to the sources of the rows that trained the models."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from ildb.db import lineage
from ildb.search.facts import find_pairing
from tests.integration.command import command  # noqa: F401
from tests.integration.populate import Populated, populated  # noqa: F401


def test_a_candidate_reaches_its_sources(command, populated: Populated) -> None:
    found = command("lineage", "pairing", str(populated.passed[0]), "--json").json()
    assert found == command("lineage", "pairing", str(populated.passed[0]), "--format", "json").json()
    (evidence,) = found["evidence"]
    assert (evidence["kind"], evidence["run"]["recipe"]) == ("predicted", "quickstart")
    (link,) = found["link_scores"]
    assert link["run"]["stage"]["uses"] == "links.expand"
    assert (link["model"]["kind"], link["model"]["stage"]) == ("links", "links")
    origins = link["model"]["snapshot"]["origins"]
    assert {origin["source"]["name"] for origin in origins} == {"catalogue", "melting table"}
    assert sum(origin["n_rows"] for origin in origins) == link["model"]["snapshot"]["n_rows"]
    (melting,) = found["melting_scores"]
    assert melting["run"]["stage"]["uses"] == "melting.score"
    (origin,) = melting["model"]["snapshot"]["origins"]
    assert (origin["source"]["name"], origin["n_rows"]) == ("melting table", populated.n_melting_points)
    (decision,) = found["decisions"]
    assert decision["run"]["stage"]["uses"] == "screen.decide"
    assert decision["melting_model"]["id"] == populated.melting_model_id


def test_the_view_says_the_same(command, engine: Engine, populated: Populated) -> None:
    pairing = populated.passed[0]
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT kind, source_id, n_source_rows FROM ildb.lineage WHERE pairing_id = :id"), {"id": pairing}
        ).all()
    found = command("lineage", "pairing", str(pairing), "--json").json()
    for kind in ("link_score", "melting_score"):
        (score,) = found[f"{kind}s"]
        ours = {(origin["source_id"], origin["n_rows"]) for origin in score["model"]["snapshot"]["origins"]}
        assert ours == {(row.source_id, row.n_source_rows) for row in rows if row.kind == kind}


def test_a_known_pairing_leads_to_its_sources(command, populated: Populated) -> None:
    found = command("lineage", "pairing", str(populated.known[0]), "--json").json()
    assert [row["source"]["name"] for row in found["evidence"]] == ["catalogue", "melting table"]
    assert {row["source"]["licence"] for row in found["measurements"]} == {"CC-BY-4.0"}
    assert found["link_scores"] == []


def test_the_tree(command, populated: Populated) -> None:
    out = command("lineage", "pairing", str(populated.passed[0])).out
    for words in (
        "link score 0.99 (round 1)",
        "stage expand (links.expand v1)",
        f"model {populated.links_model_id} (links), trained by stage links of run {populated.run_id}",
        f"source melting table: {populated.n_melting_points} rows (10.1000/table; CC-BY-4.0",
        "decision: passed, rank 1",
    ):
        assert words in out
    assert "[I-]" in out or "[n+]" in out  # brackets of SMILES are not taken for markup
    assert "source catalogue" in command("lineage", "pairing", str(populated.known[1])).out


def test_simulations_are_drawn_with_their_force_fields_and_fits(command, populated: Populated) -> None:
    known, refused = str(populated.known[0]), str(populated.predicted[0])
    (ladder,) = command("lineage", "pairing", known, "--json").json()["simulations"]
    (fit,) = ladder["fits"]
    assert (ladder["id"], fit["shape"], fit["run"]["id"]) == (populated.simulation_id, "kink", populated.run_id)
    assert fit["calibration"] is None
    out = command("lineage", "pairing", known).out
    for words in (
        f"simulation {populated.simulation_id}: ", ", grade A, ", "force field of the cation: ",
        f"apparent melting point: {fit['tm_k']:.0f} K ({fit['tm_low_k']:.0f} to {fit['tm_high_k']:.0f} K), a kink",
    ):  # fmt: skip
        assert words in out
    assert "refused, no force field for F[Sb-]" in command("lineage", "pairing", refused).out
    document = command("lineage", "pairing", known, "--format", "prov-json").json()
    fitted = f"ildb:md_melting_point-{fit['id']}"
    assert reaches(document, fitted, f"ildb:md_simulation-{ladder['id']}")
    assert reaches(document, fitted, "ildb:source-")


@pytest.mark.parametrize("kind", ["passed", "known", "refused"])
def test_prov_json_is_well_formed(command, populated: Populated, kind: str) -> None:
    pairing = {"passed": populated.passed[0], "known": populated.known[0], "refused": populated.predicted[-1]}[kind]
    document = command("lineage", "pairing", str(pairing), "--format", "prov-json").json()
    entities, activities, agents = (set(document[part]) for part in ("entity", "activity", "agent"))
    ends = {
        "wasGeneratedBy": {"prov:entity": entities, "prov:activity": activities},
        "used": {"prov:activity": activities, "prov:entity": entities},
        "wasDerivedFrom": {"prov:generatedEntity": entities, "prov:usedEntity": entities},
        "wasAssociatedWith": {"prov:activity": activities, "prov:agent": agents},
    }
    assert set(document) <= {"prefix", "entity", "activity", "agent", *ends}
    for relation, sides in ends.items():
        for name, statement in document.get(relation, {}).items():
            assert name.startswith("_:")
            for side, known in sides.items():
                assert statement[side] in known
    prefixes = set(document["prefix"])
    for part in ("entity", "activity", "agent"):
        for name, attributes in document[part].items():
            assert {key.split(":")[0] for key in [name, *attributes]} <= prefixes
    assert reaches(document, f"ildb:pairing-{pairing}", "ildb:source-") or kind != "known"
    if kind == "passed":
        assert reaches(document, f"ildb:decision-{populated.run_id}", "ildb:source-")


def reaches(document: dict[str, Any], start: str, end: str) -> bool:
    """Whether derivations lead from an entity to one whose name begins so."""
    seen, todo = set(), [start]
    while todo:
        entity = todo.pop()
        if entity in seen:
            continue
        seen.add(entity)
        todo += [
            d["prov:usedEntity"] for d in document["wasDerivedFrom"].values() if d["prov:generatedEntity"] == entity
        ]
    return any(entity.startswith(end) for entity in seen)


def test_a_snapshot_is_read_once_for_all_scores(engine: Engine, populated: Populated) -> None:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    with engine.connect() as connection:
        for number in range(2, 30):
            connection.execute(
                text("INSERT INTO ildb.link_score SELECT :run, :round, :pairing, :model, 0.5, true, '{}'"),
                {
                    "run": populated.run_id, "round": number, "pairing": populated.passed[0],
                    "model": populated.links_model_id,
                },
            )  # fmt: skip
        event.listen(engine, "before_cursor_execute", note)
        try:
            found = lineage.read(connection, find_pairing(connection, str(populated.passed[0])))
        finally:
            event.remove(engine, "before_cursor_execute", note)
            connection.rollback()
    assert len(found.link_scores) == 29
    assert sum("snapshot_row" in statement for statement in statements) == 1
    assert len(statements) < 15


def test_rows_that_a_run_predicted_lead_to_the_run(engine: Engine, populated: Populated) -> None:
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO ildb.snapshot_row (snapshot_id, evidence_id, split)"
                " SELECT m.snapshot_id, e.id, 'train' FROM ildb.model m, ildb.pairing_evidence e"
                " WHERE m.id = :model AND e.kind = 'predicted'"
            ),
            {"model": populated.links_model_id},
        )
        found = lineage.read(connection, find_pairing(connection, str(populated.passed[0])))
        connection.rollback()
    snapshot = found.snapshots[found.models[populated.links_model_id]["snapshot_id"]]
    from_run = [origin for origin in snapshot["origins"] if origin["source_id"] is None]
    assert [(origin["run_id"], origin["n_rows"]) for origin in from_run] == [
        (populated.run_id, len(populated.predicted))
    ]
    assert lineage.nested(found)["link_scores"][0]["model"]["snapshot"]["origins"]
    from ildb.export.prov import prov_json

    assert f"ildb:predictions-of-run-{populated.run_id}" in prov_json(found)["entity"]


def test_contradicting_formats(command, populated: Populated) -> None:
    assert command("lineage", "pairing", "1", "--json", "--format", "prov-json").code == 2
