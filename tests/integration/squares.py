"""A small real stage for tests of the engine: writes i*i, on request slowly, failing, or killing its worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, text

from ildb.errors import InputError
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput

TABLE = "CREATE TABLE ildb.square (stage_run_id bigint NOT NULL, i int NOT NULL, square int NOT NULL)"
TEST_STAGES = {
    "test.squares": "tests.integration.squares:Squares",
    "test.total": "tests.integration.squares:Total",
}


class SquaresParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = 6
    sleep_s: float = 0.0
    log: str
    refuse_at: int | None = None
    refuse_all: bool = False
    break_once_at: int | None = None
    kill_once_at: int | None = None


class Squares(Stage[SquaresParams]):
    uses: ClassVar[str] = "test.squares"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "squares"
    params_type: ClassVar[type[BaseModel]] = SquaresParams

    def fingerprint(self, connection: Connection) -> str:
        return str(connection.execute(text("SELECT count(*) FROM ildb.ion")).scalar_one())

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        return [{"i": i, "params": self.params.model_dump(mode="json")} for i in range(self.params.n)]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        params = SquaresParams.model_validate(task.payload["params"])
        i = task.payload["i"]
        with Path(params.log).open("a") as log:
            log.write(f"{i}\n")
        with Path(f"{params.log}.hosts").open("a") as hosts:
            hosts.write(f"{Path('/proc/self/ns/net').readlink()}\n")
        time.sleep(params.sleep_s)
        if params.refuse_all or i == params.refuse_at:
            raise InputError(f"{i} is refused.", "Take another.")
        if i == params.break_once_at and _first_time(params.log, "broken"):
            raise RuntimeError("a passing trouble")
        if i == params.kill_once_at and _first_time(params.log, "killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        path = task.workdir / "square.txt"
        path.write_text(str(i * i))
        return TaskOutput({"i": i}, files={"square": path})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        square = int(context.artifacts.get(output.result["files"]["square"]).read_text())
        context.connection.execute(
            text("INSERT INTO ildb.square VALUES (:s, :i, :q)"),
            {"s": context.stage_run_id, "i": payload["i"], "q": square},
        )
        return {"square": square}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"total": sum(result["square"] for result in results)}


class TotalParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    log: str
    add: int = 0


class Total(Stage[TotalParams]):
    uses: ClassVar[str] = "test.total"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "the total, from the squares upstream"
    params_type: ClassVar[type[BaseModel]] = TotalParams
    requires: ClassVar[tuple[str, ...]] = ("test.squares",)

    def fingerprint(self, connection: Connection) -> str:
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        total = context.result_of("test.squares").result["total"]
        return [{"total": total + self.params.add, "log": self.params.log}]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        with Path(task.payload["log"]).open("a") as log:
            log.write("total\n")
        return TaskOutput({"total": task.payload["total"]})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        return {"total": output.result["total"]}


def _first_time(log: str, what: str) -> bool:
    try:
        Path(f"{log}.{what}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
