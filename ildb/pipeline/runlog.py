"""A run's log: one JSON object a line, from every runner that works on the run."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path


class RunLog:
    """Appends to ``logs/run-N.jsonl`` of ILDB_HOME."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_id: int | None = None

    @property
    def path(self) -> Path | None:
        """The file; None before the run has a number."""
        return None if self.run_id is None else self.folder / f"run-{self.run_id}.jsonl"

    def write(self, event: str, **facts: object) -> None:
        """Add an event with its facts; a log that cannot be written must not stop the run."""
        if self.path is None:
            return
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": self.run_id,
            "host": platform.node(),
            "pid": os.getpid(),
            "event": event,
            **facts,
        }
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            # One write call, so that lines of several runners do not mix.
            with self.path.open("ab", buffering=0) as file:
                file.write(json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")
