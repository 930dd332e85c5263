"""How a run goes, seen from the database: for a person who watches and for a monitoring system."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ildb.db import query
from ildb.pipeline.opening import get_run

_WINDOW_S = 60.0


@dataclass(frozen=True)
class Sight:
    """A run at a moment: its row, its stages with their tasks counted, and its failed attempts by reason."""

    run: Mapping[str, Any]
    stages: Sequence[Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]]

    @property
    def status(self) -> str:
        """The run's status; 'stale' where nobody seems to work on it."""
        return "stale" if self.run["is_stale"] else str(self.run["status"])

    @property
    def is_over(self) -> bool:
        """Nothing will change by itself."""
        return self.status != "running"

    @property
    def n_done(self) -> int:
        """Tasks done in all stages."""
        return sum(stage["n_done"] for stage in self.stages)


def look(connection: Connection, run_id: int) -> Sight:
    """See a run.

    Raises:
        NotFoundError: there is no such run.
    """
    return Sight(
        get_run(connection, run_id),
        query.rows(connection, "stage_run/of_run", run_id=run_id),
        query.rows(connection, "task/failures", run_id=run_id),
    )


@dataclass
class Pace:
    """Tasks per second over the last minute."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, n_done: int, at: float | None = None) -> None:
        """Take note of how many tasks were done by now (``time.monotonic()``)."""
        now = time.monotonic() if at is None else at
        self.seen.append((now, n_done))
        while len(self.seen) > 2 and now - self.seen[0][0] > _WINDOW_S:
            self.seen.popleft()

    @property
    def per_s(self) -> float:
        """Tasks per second; 0 before there is anything to go by."""
        (begin, before), (end, after) = (self.seen[0], self.seen[-1]) if self.seen else ((0.0, 0), (0.0, 0))
        return (after - before) / (end - begin) if end > begin else 0.0


def lines(sight: Sight, pace: Pace) -> list[str]:
    """What ``pipeline show --follow`` prints: a line for the run, one per open stage, one per kind of failure."""
    said = [f"run {sight.run['id']}: {sight.status}"]
    for stage in sight.stages:
        if stage["status"] != "running":
            continue
        left = stage["n_tasks"] - stage["n_done"] - stage["n_failed"]
        line = f"  {stage['name']}: {stage['n_done']}/{stage['n_tasks']} tasks, {pace.per_s:.3g}/s"
        if stage["n_failed"]:
            line += f", {stage['n_failed']} set aside"
        said.append(line + (f", {_duration(left / pace.per_s)} left" if pace.per_s > 0 and left else ""))
    said += [f"  {row['n']} x {row['outcome']} in {row['stage']}: {row['reason']}" for row in sight.failures[:5]]
    return said


def _duration(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours} h {m:02} min" if hours else f"{m} min {s:02} s" if m else f"{s} s"


def prometheus(sight: Sight) -> str:
    """The same in Prometheus's text format."""
    run = sight.run["id"]
    out = [
        "# HELP ildb_run_status The status the run has is 1.",
        "# TYPE ildb_run_status gauge",
        *(
            _sample("ildb_run_status", int(sight.status == status), run=run, status=status)
            for status in ("running", "stale", "succeeded", "failed", "cancelled")
        ),
        "# HELP ildb_tasks Tasks of a stage by state.",
        "# TYPE ildb_tasks gauge",
    ]
    for stage in sight.stages:
        counts = {"succeeded": stage["n_done"], "running": stage["n_running"], "failed": stage["n_failed"]}
        counts["waiting"] = stage["n_tasks"] - sum(counts.values())
        out += [_sample("ildb_tasks", n, run=run, stage=stage["name"], state=state) for state, n in counts.items()]
    out += [
        "# HELP ildb_task_wall_seconds Time that a stage's finished tasks took in their workers.",
        "# TYPE ildb_task_wall_seconds gauge",
        *(
            _sample("ildb_task_wall_seconds", stage["tasks_wall_s"] or 0, run=run, stage=stage["name"])
            for stage in sight.stages
        ),
        "# HELP ildb_task_attempts_lost Attempts that came to nothing, by reason.",
        "# TYPE ildb_task_attempts_lost gauge",
        *(
            _sample(
                "ildb_task_attempts_lost", f["n"], run=run, stage=f["stage"], outcome=f["outcome"], reason=f["reason"]
            )
            for f in sight.failures
        ),
    ]
    return "\n".join(out) + "\n"


def _sample(name: str, value: float, **labels: object) -> str:
    escaped = (f'{key}="{str(label).translate(_ESCAPES)}"' for key, label in labels.items())
    return f"{name}{{{','.join(escaped)}}} {value}"


_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
