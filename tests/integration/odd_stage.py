"""A stage that misbehaves in the way its parameter names."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, text

from ildb.errors import ArtifactError, InputError
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

ODD_STAGES = {"test.odd": "tests.integration.odd_stage:Odd", "test.sole": "tests.integration.odd_stage:Sole"}


class TwoWordsError(Exception):
    """Cannot be unpickled: its constructor wants two arguments, and pickle gives it one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class OddParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    how: str = ""
    mark: str
    n: int = 1
    share: float = 0.5


class Odd(Stage[OddParams]):
    uses: ClassVar[str] = "test.odd"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "odd"
    params_type: ClassVar[type[BaseModel]] = OddParams

    def fingerprint(self, connection: Connection) -> str:
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        if self.params.how == "plan breaks":
            raise KeyError("no such thing")
        if self.params.how == "plan finds the disk full":
            raise ArtifactError("Cannot store a file: No space left on device.", "Free some space.")
        return [{"i": i, **self.params.model_dump()} for i in range(self.params.n)]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        how, i, mark = task.payload["how"], task.payload["i"], Path(task.payload["mark"])
        if how == "refuses while marked" and mark.exists():
            raise InputError("the mark is there.")
        if how == "raises what cannot travel":
            raise TwoWordsError("poor", "exception")
        if how == "the first task kills its worker":
            if i == 0:
                time.sleep(0.3)
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(1)
        if how == "sleeps":
            with mark.open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(60)
        return TaskOutput({"i": i})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        if self.params.how == "the connection is cut" and self._first_time():
            context.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return {"i": payload["i"], "score": math.nan if self.params.how == "gives NaN" else 1.0}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if self.params.how == "finish breaks":
            raise KeyError("no such thing")
        if self.params.how == "finish is in the way" and self._first_time():
            context.connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING errcode = '40P01'; END $$"))
        if self.params.how == "cancelled at the end":
            # As from another session: the run's row is locked by nobody here.
            context.connection.execute(
                text("UPDATE ildb.run SET status = 'cancelled' WHERE id = :r"), {"r": context.run_id}
            )
        return dict(results[0])

    def _first_time(self) -> bool:
        try:
            Path(self.params.mark).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class Sole(Odd):
    uses: ClassVar[str] = "test.sole"
    once_per_recipe: ClassVar[bool] = True
