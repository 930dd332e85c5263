"""A pairing's lineage as W3C PROV-JSON (https://www.w3.org/submissions/prov-json/).

Rows, models, snapshots and sources are entities; stages of runs are activities; ildb itself is the agent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ildb.db.lineage import DECISION_STAGE, FIT_STAGE, LADDER_STAGE, LINK_STAGE, MELTING_STAGE, Lineage, Row

PREFIX = {"ildb": "urn:ildb:", "prov": "http://www.w3.org/ns/prov#", "xsd": "http://www.w3.org/2001/XMLSchema#"}


class _Document:
    """Statements so far; relations get blank identifiers in order."""

    def __init__(self) -> None:
        self.content: dict[str, dict[str, Any]] = {"prefix": dict(PREFIX), "entity": {}, "activity": {}, "agent": {}}

    def element(self, kind: str, name: str, of_type: str, attributes: Row) -> str:
        key = f"ildb:{name}"
        known = {f"ildb:{k}": _value(v) for k, v in attributes.items() if v is not None and not isinstance(v, list)}
        self.content[kind][key] = {"prov:type": {"$": of_type, "type": "prov:QUALIFIED_NAME"}, **known}
        return key

    def relation(self, kind: str, attributes: Row) -> None:
        relations = self.content.setdefault(kind, {})
        if attributes not in relations.values():
            relations[f"_:{kind}{len(relations) + 1}"] = attributes

    def generated(self, entity: str, activity: str) -> None:
        self.relation("wasGeneratedBy", {"prov:entity": entity, "prov:activity": activity})

    def used(self, activity: str, entity: str) -> None:
        self.relation("used", {"prov:activity": activity, "prov:entity": entity})

    def derived(self, entity: str, origin: str, **attributes: Any) -> None:
        more = {f"ildb:{key}": value for key, value in attributes.items()}
        self.relation("wasDerivedFrom", {"prov:generatedEntity": entity, "prov:usedEntity": origin, **more})


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$": value.isoformat(), "type": "xsd:dateTime"}
    return value if isinstance(value, bool | int | float | str) else str(value)


def prov_json(lineage: Lineage) -> dict[str, Any]:
    """A PROV-JSON document that can be dumped as it is."""
    document = _Document()
    pairing = document.element("entity", f"pairing-{lineage.pairing['id']}", "ildb:Pairing", lineage.pairing)
    for source in lineage.sources.values():
        document.element("entity", f"source-{source['id']}", "ildb:Source", source)
    for snapshot in lineage.snapshots.values():
        _snapshot(document, lineage, snapshot)
    for model in lineage.models.values():
        _model(document, lineage, model)
    for kind, rows in (("evidence", lineage.evidence), ("measurement", lineage.measurements)):
        for row in rows:
            entity = document.element("entity", f"{kind}-{row['id']}", f"ildb:{kind.capitalize()}", row)
            _origin(document, lineage, entity, row)
            if kind == "evidence":
                document.derived(pairing, entity)
            else:
                document.derived(entity, pairing)
    for row in lineage.generated:
        _generated(document, lineage, row, pairing)
    for row in lineage.simulations:
        _simulation(document, lineage, row, pairing)
    _scores(document, lineage, pairing)
    return document.content


def _activity(document: _Document, lineage: Lineage, run_id: int, stage: Row | None) -> str:
    """The stage of a run, or the whole run where the stage is not known."""
    run = lineage.runs[run_id]
    name = f"run-{run_id}" if stage is None else f"stage_run-{stage['id']}"
    facts = {key: run[key] for key in ("recipe", "recipe_sha256", "code_version", "git_commit")} | {"run_id": run_id}
    if stage is not None:
        facts |= {key: stage[key] for key in ("name", "uses", "version", "seed", "host", "device", "status")}
    key = document.element("activity", name, "ildb:Run" if stage is None else "ildb:StageRun", facts)
    began = run["created_at"] if stage is None else stage["started_at"]
    ended = (run if stage is None else stage)["finished_at"]
    times = {"prov:startTime": began, "prov:endTime": ended}
    document.content["activity"][key] |= {k: v.isoformat() for k, v in times.items() if v is not None}
    version = run["code_version"]
    agent = document.element("agent", f"software-{version}", "prov:SoftwareAgent", {"version": version})
    document.relation("wasAssociatedWith", {"prov:activity": key, "prov:agent": agent})
    return key


def _origin(document: _Document, lineage: Lineage, entity: str, row: Row, **attributes: Any) -> None:
    if row["source_id"] is not None:
        document.derived(entity, f"ildb:source-{row['source_id']}", **attributes)
    else:
        document.generated(entity, _activity(document, lineage, row["run_id"], None))


def _snapshot(document: _Document, lineage: Lineage, snapshot: Row) -> None:
    entity = document.element("entity", f"snapshot-{snapshot['id']}", "ildb:DatasetSnapshot", snapshot)
    document.generated(entity, _activity(document, lineage, snapshot["run_id"], None))
    for origin in snapshot["origins"]:
        if origin["source_id"] is not None:
            document.derived(entity, f"ildb:source-{origin['source_id']}", n_rows=origin["n_rows"])
        else:
            document.used(f"ildb:run-{snapshot['run_id']}", _predictions(document, lineage, origin))


def _predictions(document: _Document, lineage: Lineage, origin: Row) -> str:
    """What an earlier run predicted and a snapshot took in."""
    run_id = origin["run_id"]
    entity = document.element(
        "entity", f"predictions-of-run-{run_id}", "ildb:Predictions", {"n_rows": origin["n_rows"]}
    )
    document.generated(entity, _activity(document, lineage, run_id, None))
    return entity


def _model(document: _Document, lineage: Lineage, model: Row) -> None:
    entity = document.element("entity", f"model-{model['id']}", "ildb:Model", model)
    activity = _activity(document, lineage, model["run_id"], lineage.stage(model["run_id"], model["uses"]))
    snapshot = f"ildb:snapshot-{model['snapshot_id']}"
    document.generated(entity, activity)
    document.used(activity, snapshot)
    document.derived(entity, snapshot)


def _generated(document: _Document, lineage: Lineage, row: Row, pairing: str) -> None:
    name = f"generated_molecule-{row['stage_run_id']}-{row['position']}"
    entity = document.element("entity", name, "ildb:GeneratedMolecule", row)
    activity = _activity(document, lineage, row["run_id"], lineage.drawing_stage(row))
    model = f"ildb:model-{row['model_id']}"
    document.generated(entity, activity)
    document.used(activity, model)
    document.derived(entity, model)
    document.derived(pairing, entity)


def _simulation(document: _Document, lineage: Lineage, row: Row, pairing: str) -> None:
    """A ladder, and the apparent melting points fitted to it."""
    ladder = document.element("entity", f"md_simulation-{row['id']}", "ildb:Simulation", row)
    document.generated(ladder, _activity(document, lineage, row["run_id"], lineage.stage(row["run_id"], LADDER_STAGE)))
    document.derived(ladder, pairing)
    for fit in row["fits"]:
        entity = document.element("entity", f"md_melting_point-{fit['id']}", "ildb:ApparentMeltingPoint", fit)
        activity = _activity(document, lineage, fit["run_id"], lineage.stage(fit["run_id"], FIT_STAGE))
        document.generated(entity, activity)
        document.derived(entity, ladder)
        if fit["calibration_model_id"] is not None:
            document.used(activity, f"ildb:model-{fit['calibration_model_id']}")
            document.derived(entity, f"ildb:model-{fit['calibration_model_id']}")


def _scores(document: _Document, lineage: Lineage, pairing: str) -> None:
    """Link scores, melting scores, and the decisions that rest on them."""
    links: dict[int, list[str]] = {}
    melting: dict[int, str] = {}
    for row in lineage.link_scores:
        name = f"link_score-{row['run_id']}-{row['round']}"
        entity = _score(document, lineage, row, (name, "ildb:LinkScore", LINK_STAGE), pairing)
        links.setdefault(row["run_id"], []).append(entity)
    for row in lineage.melting_scores:
        name = f"melting_score-{row['model_id']}"
        melting[row["model_id"]] = _score(document, lineage, row, (name, "ildb:MeltingScore", MELTING_STAGE), pairing)
    for row in lineage.decisions:
        entity = document.element("entity", f"decision-{row['run_id']}", "ildb:ScreeningDecision", row)
        activity = _activity(document, lineage, row["run_id"], lineage.stage(row["run_id"], DECISION_STAGE))
        document.generated(entity, activity)
        for origin in [*links.get(row["link_run_id"], []), melting.get(row["melting_model_id"])]:
            if origin is not None:
                document.used(activity, origin)
                document.derived(entity, origin)


def _score(document: _Document, lineage: Lineage, row: Row, what: tuple[str, str, str], pairing: str) -> str:
    name, of_type, uses = what
    entity = document.element("entity", name, of_type, row)
    activity = _activity(document, lineage, row["run_id"], lineage.stage(row["run_id"], uses))
    model = f"ildb:model-{row['model_id']}"
    document.generated(entity, activity)
    document.used(activity, model)
    document.derived(entity, model)
    document.derived(entity, pairing)
    return entity
