"""How far ladders are, and when they will be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.errors import NotFoundError
from ildb.md.checkpoint import Segment, read_progress
from ildb.md.ladder import folder_name, point_content, rungs
from ildb.md.presets import Preset

Row = dict[str, Any]


def simulations(connection: Connection, scratch: Path, simulation_id: int | None = None) -> list[Row]:
    """Simulations, newest first, each with ``left_ns``, ``eta_days`` and what is ``running``.

    Args:
        connection: an open transaction.
        scratch: where points keep their checkpoints; what runs on hosts that share it not is not seen.
        simulation_id: only this one.
    """
    rows = query.rows(connection, "md/list", simulation_id=simulation_id)
    running = query.rows(connection, "md/running")
    for row in rows:
        row["running"] = [_running(task, scratch) for task in running if task["simulation_id"] == row["id"]]
        begun_ps = sum(point["done_ps"] for point in row["running"])
        left_ns = 0.0 if row["refusal"] else row["planned_ns"] - row["done_ns"] - begun_ps / 1000
        row["left_ns"] = max(0.0, round(left_ns, 9))  # sums of picoseconds are not exact
        speed = row["ns_per_day"] or _speed(row["running"])
        at_once = max(1, row["n_running"])
        row["eta_days"] = row["left_ns"] / (speed * at_once) if speed and row["left_ns"] else None
    return rows


def simulation(connection: Connection, scratch: Path, simulation_id: int) -> Row:
    """One simulation with its ``points`` and ``fits``.

    Raises:
        NotFoundError: there is no such simulation.
    """
    found = simulations(connection, scratch, simulation_id)
    if not found:
        raise NotFoundError(f"There is no simulation {simulation_id}.", "See: ildb md list")
    return {
        **found[0],
        "points": query.rows(connection, "md/points", ids=[simulation_id]),
        "fits": query.rows(connection, "md/melting_points", simulation_id=simulation_id),
    }


def _running(task: Mapping[str, Any], scratch: Path) -> Row:
    payload = task["payload"]
    preset = Preset.model_validate(payload["preset"])
    rung = rungs(preset)[payload["place"]]
    progress = read_progress(scratch / folder_name(payload["stage_run_id"], point_content(payload)))
    done_ps = 0.0
    if progress is not None:
        done_ps = preset.frame_ps * progress.frames
        if progress.segment in {Segment.PRODUCING, Segment.DONE}:
            done_ps += preset.equilibrate_ps
        if progress.segment not in {Segment.PACKED, Segment.MINIMISED} and payload["state"] is None:
            done_ps += preset.melt_ps
    return {
        "temperature_k": rung.temperature_k,
        "direction": rung.direction.value,
        "seed": payload["seed"],
        "host": task["host"],
        "segment": None if progress is None else progress.segment.value,
        "done_ps": done_ps,
        "md_s": 0.0 if progress is None else progress.md_s,
    }


def _speed(running: Sequence[Mapping[str, Any]]) -> float | None:
    spent_s = sum(point["md_s"] for point in running)
    return 86.4 * sum(point["done_ps"] for point in running) / spent_s if spent_s > 0 else None
