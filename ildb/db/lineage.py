"""Where a pairing's rows come from: claims, scores and decisions back to runs, models, snapshots and sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ildb.db import query

Row = dict[str, Any]

# The stage that writes each kind of row.
LINK_STAGE = "links.expand"
MELTING_STAGE = "melting.score"
DECISION_STAGE = "screen.decide"
LADDER_STAGE = "md.ladder"
FIT_STAGE = "md.fit"
FORCE_FIELD_STAGE = "md.parameters"


@dataclass(frozen=True)
class Lineage:
    """Rows about a pairing, and by id everything they lead to.

    Attributes:
        pairing: the pairing with its ions.
        evidence: claims, each with ``source_id`` or ``run_id``.
        measurements: values, each with ``source_id`` or ``run_id``.
        link_scores: each with ``run_id`` and ``model_id``.
        melting_scores: each with ``run_id`` and ``model_id``.
        decisions: each with ``run_id``, ``link_run_id`` and ``melting_model_id``.
        generated: draws that made its ions or itself, each with ``run_id``, ``stage_run_id`` and ``model_id``.
        simulations: ladders, each with ``run_id``, the runs of its force fields, and ``fits``, each with ``run_id`` and
            ``calibration_model_id``.
        models: by id, each with ``run_id`` and ``snapshot_id``.
        snapshots: by id, each with ``origins``: rows by ``source_id`` or ``run_id``, and ``n_rows``.
        runs: by id, each with its ``stages``.
        sources: by id.
    """

    pairing: Row
    evidence: list[Row]
    measurements: list[Row]
    link_scores: list[Row]
    melting_scores: list[Row]
    decisions: list[Row]
    generated: list[Row]
    simulations: list[Row]
    models: dict[int, Row]
    snapshots: dict[int, Row]
    runs: dict[int, Row]
    sources: dict[int, Row]

    def stage(self, run_id: int, uses: str) -> Row | None:
        """The stage of a run that uses a kind of stage; None when the recipe named another."""
        return next((stage for stage in self.runs[run_id]["stages"] if stage["uses"] == uses), None)

    def drawing_stage(self, draw: Row) -> Row | None:
        """The stage that made a draw: a recipe may hold several of a kind."""
        return next((s for s in self.runs[draw["run_id"]]["stages"] if s["id"] == draw["stage_run_id"]), None)


def read(connection: Connection, pairing: Row) -> Lineage:
    """The lineage of a pairing.

    Reads every run, model, snapshot and source once, in a dozen statements whatever the number of scores.

    Args:
        connection: an open transaction.
        pairing: row of the pairing, as ``ildb.search.facts.find_pairing`` gives it.
    """
    own = {
        name: _rows(connection, f"pairing/{name}", pairing_id=pairing["id"])
        for name in ("evidence", "measurements", "link_scores", "melting_scores", "decisions", "generated")
    }
    own["simulations"] = _rows(connection, "pairing/simulation_origins", pairing_id=pairing["id"])
    scores = [*own["link_scores"], *own["melting_scores"], *own["generated"]]
    fits = [fit for simulation in own["simulations"] for fit in simulation["fits"]]
    model_ids = (
        *_ids(scores, "model_id"), *_ids(own["decisions"], "melting_model_id"), *_ids(fits, "calibration_model_id"),
    )  # fmt: skip
    models = _by_id(connection, "models", model_ids)
    snapshots = _by_id(connection, "snapshots", _ids(models.values(), "snapshot_id"))
    for snapshot in snapshots.values():
        snapshot["origins"] = []
    for origin in _rows(connection, "lineage/snapshot_origins", ids=list(snapshots)):
        snapshots[origin.pop("snapshot_id")]["origins"].append(origin)
    origins = [origin for snapshot in snapshots.values() for origin in snapshot["origins"]]
    direct = [*own["evidence"], *own["measurements"], *origins]
    run_ids = [
        *_ids(
            [*direct, *scores, *own["decisions"], *own["simulations"], *fits, *models.values(), *snapshots.values()],
            "run_id",
        ),
        *_ids(own["decisions"], "link_run_id"),
        *_ids(own["simulations"], "cation_run_id"),
        *_ids(own["simulations"], "anion_run_id"),
    ]
    runs = _by_id(connection, "runs", run_ids)
    for run in runs.values():
        run["stages"] = []
    for stage in _rows(connection, "lineage/stages", ids=list(runs)):
        runs[stage["run_id"]]["stages"].append(stage)
    return Lineage(
        pairing=pairing,
        models=models,
        snapshots=snapshots,
        runs=runs,
        sources=_by_id(connection, "sources", _ids(direct, "source_id")),
        **own,
    )


def _ids(rows: Iterable[Row], key: str) -> list[int]:
    return [row[key] for row in rows if row[key] is not None]


def _rows(connection: Connection, name: str, **parameters: Any) -> list[Row]:
    return [dict(row) for row in query.rows(connection, name, **parameters)]


def _by_id(connection: Connection, name: str, ids: Sequence[int]) -> dict[int, Row]:
    return {row["id"]: row for row in _rows(connection, f"lineage/{name}", ids=sorted(set(ids)))}


def nested(lineage: Lineage) -> Row:
    """The lineage as one tree of plain values: every score holds its run, model, snapshot and sources."""
    return {
        "pairing": lineage.pairing,
        "evidence": [_with_origin(lineage, row) for row in lineage.evidence],
        "measurements": [_with_origin(lineage, row) for row in lineage.measurements],
        "link_scores": [_score(lineage, row, LINK_STAGE) for row in lineage.link_scores],
        "melting_scores": [_score(lineage, row, MELTING_STAGE) for row in lineage.melting_scores],
        "decisions": [
            {
                **row,
                "run": _run(lineage, row["run_id"], DECISION_STAGE),
                "melting_model": _model(lineage, row["melting_model_id"]),
            }
            for row in lineage.decisions
        ],
        "generated": [
            {
                **row,
                "run": {**_run(lineage, row["run_id"]), "stage": lineage.drawing_stage(row)},
                "model": _model(lineage, row["model_id"]),
            }
            for row in lineage.generated
        ],
        "simulations": [_simulation(lineage, row) for row in lineage.simulations],
    }


def _simulation(lineage: Lineage, row: Row) -> Row:
    return {
        **row,
        "run": _run(lineage, row["run_id"], LADDER_STAGE),
        "fits": [
            {
                **fit,
                "run": _run(lineage, fit["run_id"], FIT_STAGE),
                "calibration": fit["calibration_model_id"] and _model(lineage, fit["calibration_model_id"]),
            }
            for fit in row["fits"]
        ],
    }


def _with_origin(lineage: Lineage, row: Row) -> Row:
    if row["source_id"] is not None:
        return {**row, "source": lineage.sources[row["source_id"]]}
    return {**row, "source": None, "run": _run(lineage, row["run_id"])}


def _score(lineage: Lineage, row: Row, uses: str) -> Row:
    return {**row, "run": _run(lineage, row["run_id"], uses), "model": _model(lineage, row["model_id"])}


def _run(lineage: Lineage, run_id: int, uses: str | None = None) -> Row:
    run = {key: value for key, value in lineage.runs[run_id].items() if key != "stages"}
    return run if uses is None else {**run, "stage": lineage.stage(run_id, uses)}


def _model(lineage: Lineage, model_id: int) -> Row:
    model = lineage.models[model_id]
    snapshot = lineage.snapshots[model["snapshot_id"]]
    origins = [_with_origin(lineage, origin) for origin in snapshot["origins"]]
    return {**model, "snapshot": {**snapshot, "origins": origins}}
