"""The task core: tasks claimed and finished a second, beside procrastinate; with millions finished before; chaos.

Every task does nothing, so what is measured is the core: lease a batch, call the function, store result and status in
one transaction. Peer and core run on the same server in turns, each in one process and in its fastest setting;
procrastinate fetches and finishes its jobs one by one, as it is made to. The last line is one JSON object:

``tasks_per_s``: claimed, done and finished by one runner; ``procrastinate_per_s``; ``vs_procrastinate``: the ratio;
``tasks_per_s_at_5m_ratio``: the rate with 5 million finished tasks in the table over that without (``n_finished`` says
how many there were); ``overhead_ms``: wall time per task through a pool of processes, ``overhead_cpu_ms``: CPU time of
runner, workers and server; ``core_cpu_ms``: the same without the pool; ``load``: the machine's load average, for all
rates suffer from neighbours; ``chaos_lost``, ``chaos_doubled``: rows of a run under ``chaos_kills`` random kill -9 that
an undisturbed run has and it has not, and that it has more than once (``tests/integration/chaos.py``; left out where
this user may not make network namespaces).

``--slopes`` prints, instead, what 10,000, 100,000 and 1,000,000 tasks need.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, TypeVar

import psycopg
from psycopg import sql
from pydantic import BaseModel
from sqlalchemy import URL, Connection, Engine, text

from ildb.config import Settings
from ildb.db import engine as engines
from ildb.db import schema
from ildb.pipeline import opening, planning, registry
from ildb.pipeline import recipe as recipes
from ildb.pipeline.executors import Blame, LocalPool, Pool, Workers
from ildb.pipeline.heart import Heart
from ildb.pipeline.results import Results, StageWork
from ildb.pipeline.runner import Runner
from ildb.pipeline.stage import Stage, StageContext, TaskInput, TaskOutput
from ildb.pipeline.tasks import TaskLoop

USES = "bench.nothing"
P = ParamSpec("P")
T = TypeVar("T")


class NothingParams(BaseModel):
    """How many tasks; ``salt`` makes a stage that no earlier one answers for."""

    n: int
    salt: str


class Nothing(Stage[NothingParams]):
    """Tasks that do nothing."""

    uses: ClassVar[str] = USES
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "nothing"
    params_type: ClassVar[type[BaseModel]] = NothingParams

    def fingerprint(self, connection: Connection) -> str:
        """Nothing is read."""
        del connection
        return ""

    def plan(self, context: StageContext) -> list[dict[str, Any]]:
        """Numbered tasks."""
        del context
        return [{"i": i} for i in range(self.params.n)]

    @staticmethod
    def run(task: TaskInput) -> TaskOutput:
        """Nothing."""
        return TaskOutput({"i": task.payload["i"]})

    def store(
        self, context: StageContext, payload: Mapping[str, Any], output: TaskOutput, files: Mapping[str, int]
    ) -> dict[str, Any]:
        """No rows."""
        del context, payload, files
        return {"i": output.result["i"]}

    def finish(self, context: StageContext, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Count them."""
        del context
        return {"n": len(results)}


class Inline(Pool):
    """Calls at once, in this process."""

    workers, threads, breaks_whole = 1, 1, False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Done when it returns."""
        future: Future[T] = Future()
        future.set_result(function(*args, **kwargs))
        return future

    def blame(self, error: BaseException) -> Blame | None:
        """Nothing dies here."""
        del error
        return None

    def renew(self) -> None:
        """Nothing to renew."""

    def stop(self) -> None:
        """Nothing to stop."""


class Ready(Workers):
    """One pool that is kept, so that its start is not measured."""

    def __init__(self, pool: Pool) -> None:
        self.ready = pool

    def pool(self, n_tasks: int) -> Pool:
        """The pool, whose ``stop`` does nothing."""
        del n_tasks
        return _Kept(self.ready)


class _Kept(Inline):
    breaks_whole = True

    def __init__(self, pool: Pool) -> None:
        self.inner, self.workers = pool, pool.workers  # type: ignore[misc]

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self.inner.submit(function, *args, **kwargs)


def planned(runner: Runner, n: int) -> StageWork:
    """A stage of ``n`` tasks, ready to be worked off."""
    params = {"n": n, "salt": uuid.uuid4().hex}
    recipe = recipes.from_dict(
        {"name": "nothing", "stage": [{"name": "nothing", "uses": USES, "params": params}]}, where="benchmark"
    )
    run_id, _ = runner.transactions.do(lambda connection: opening.find_or_add(connection, recipe))
    work = runner._work(run_id, "nothing", recipes.build(recipe.stage[0]))
    runner.transactions.do(lambda connection: planning.plan(connection, runner.store, work), own=False, snapshot=True)
    return work


def work_off(runner: Runner, work: StageWork, workers: Workers) -> float:
    """Seconds it takes to claim, do and finish a stage's tasks."""
    with Heart(runner.transactions, work.run_id) as heart:
        begin = time.perf_counter()
        TaskLoop(heart, Results(runner.transactions, runner.store, work), workers, lambda _done, _all: None).run()
        return time.perf_counter() - begin


def procrastinate_rate(url: URL, n: int) -> float:
    """Jobs a second by procrastinate's worker, the jobs deferred before; its table has no others."""
    import procrastinate

    connector = procrastinate.PsycopgConnector(
        conninfo=engines.libpq_url(url), kwargs={"options": "-c search_path=procrastinate"}
    )
    app = procrastinate.App(connector=connector)

    @app.task(name="nothing")
    async def nothing(i: int) -> int:
        return i

    async def measure() -> float:
        async with app.open_async():
            await nothing.batch_defer_async(*({"i": i} for i in range(n)))
            begin = time.perf_counter()
            await app.run_worker_async(
                concurrency=4, wait=False, listen_notify=False, install_signal_handlers=False, delete_jobs="never"
            )
            wall_s = time.perf_counter() - begin
            done = await connector.execute_query_one_async(
                "SELECT count(*) AS n FROM procrastinate_jobs WHERE status = 'succeeded'"
            )
            if done["n"] % n:
                raise RuntimeError(f"procrastinate finished {done['n']} of {n} jobs")
            return n / wall_s

    return asyncio.run(measure())


def add_procrastinate(url: URL) -> None:
    """Its schema, in a schema of its own."""
    import procrastinate

    with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA procrastinate")
    connector = procrastinate.SyncPsycopgConnector(
        conninfo=engines.libpq_url(url), kwargs={"options": "-c search_path=procrastinate"}
    )
    with procrastinate.App(connector=connector).open() as app:
        app.schema_manager.apply_schema()


def add_finished(engine: Engine, runner: Runner, n: int) -> None:
    """So many finished tasks of earlier runs, a thousand stages of them."""
    work = planned(runner, 1)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, status)"
                " SELECT run_id, i, 'old' || i, uses, version, params, needs, 'succeeded' FROM ildb.stage_run,"
                " generate_series(1, 1000) AS i WHERE id = :id"
            ),
            {"id": work.stage_run_id},
        )
        connection.execute(
            text(
                "INSERT INTO ildb.task (stage_run_id, position, payload, status, attempts, lease_token, host, pid,"
                " result, wall_s, started_at, finished_at)"
                " SELECT s.id, i, jsonb_build_object('i', i), 'succeeded', 1, 1, 'host', 1,"
                " jsonb_build_object('i', i), 0.001, now(), now()"
                " FROM ildb.stage_run AS s, generate_series(1, cast(:each AS bigint)) AS i"
                " WHERE s.run_id = :run AND s.name LIKE 'old%'"
            ),
            {"each": n // 1000, "run": work.run_id},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE ildb.task"))


def server_cpu_s(connection: Connection) -> float:
    """CPU time of the server's living processes so far (0 where it runs on another machine)."""
    data = connection.execute(text("SHOW data_directory")).scalar_one()
    try:
        main = Path(data, "postmaster.pid").read_text(encoding="utf-8").split()[0]
    except OSError:
        return 0.0
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == main or stat.parent.name == main:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def overhead(engine: Engine, runner: Runner, n: int) -> tuple[float, float]:
    """Wall and CPU milliseconds per task through two worker processes."""
    pool = LocalPool(2, 1)
    try:
        work_off(runner, planned(runner, 200), Ready(pool))  # the workers import and connections open
        work = planned(runner, n)
        workers = [process.pid for process in pool._pool._processes.values()]  # type: ignore[attr-defined]

        def cpu_s() -> float:
            with engine.connect() as connection:
                return time.process_time() + sum(map(_process_cpu_s, workers)) + server_cpu_s(connection)

        before = cpu_s()
        wall_s = work_off(runner, work, Ready(pool))
        return 1000 * wall_s / n, 1000 * (cpu_s() - before) / n
    finally:
        pool.stop()


def _process_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slopes(engine: Engine, runner: Runner) -> None:
    """What planning, working off and closing a stage costs as it grows, with the bytes it leaves behind."""
    print("tasks      plan_s  work_off_s  tasks_per_s  finish_s  bytes_per_task  peak_mb")
    for n in (10_000, 100_000, 1_000_000):
        before = _table_bytes(engine)
        begin = time.perf_counter()
        work = planned(runner, n)
        plan_s = time.perf_counter() - begin
        work_s = work_off(runner, work, Ready(Inline()))
        begin = time.perf_counter()
        runner.transactions.do(lambda c, w=work: planning.finish(c, runner.store, w), own=False)  # type: ignore[misc]
        finish_s = time.perf_counter() - begin
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ildb.task"))
        each = (_table_bytes(engine) - before) / n
        seconds = f"{plan_s:>6.1f}  {work_s:>10.1f}  {n / work_s:>11.0f}  {finish_s:>8.1f}"
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{n:<9,}  {seconds}  {each:>14.0f}  {peak_mb:>7.0f}", flush=True)


def _table_bytes(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_total_relation_size('ildb.task')")).scalar_one())


@contextmanager
def database(server: URL, home: Path) -> Iterator[Runner]:
    """A runner on a migrated database of the benchmark's own."""
    name = f"bench_tasks_{uuid.uuid4().hex[:8]}"
    engine = engines.create(server.set(database=name))
    with psycopg.connect(engines.libpq_url(server), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with engine.connect() as connection:
            schema.upgrade(connection)
        yield Runner(engine, settings=Settings(home=home))
    finally:
        engine.dispose()
        with psycopg.connect(engines.libpq_url(server), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smoke form: seconds, and no chaos")
    parser.add_argument("--slopes", action="store_true")
    parser.add_argument("--no-chaos", action="store_true")
    options = parser.parse_args()
    n, n_finished, rounds = (400, 20_000, 1) if options.quick else (20_000, 5_000_000, 3)
    registry.STAGES[USES] = "__main__:Nothing"
    server = engines.database_url()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home, database(server, Path(home)) as fresh:
        if options.slopes:
            slopes(fresh.transactions.engine, fresh)
            return
        with database(server, Path(home)) as full:
            add_procrastinate(fresh.transactions.engine.url)
            add_finished(full.transactions.engine, full, n_finished)
            figures = throughput(fresh, full, n, rounds)
    print(json.dumps(figures))
    if not options.quick and not options.no_chaos:
        figures |= under_fire()
    print(json.dumps(figures))


def under_fire() -> dict[str, Any]:
    """The chaos figures; none where there can be no namespaces."""
    from tests.integration import chaos

    if (reason := chaos.no_namespaces()) is not None:
        print(f"no chaos: {reason}")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        return chaos.measure(Path(folder))


def throughput(fresh: Runner, full: Runner, n: int, rounds: int) -> dict[str, float | int]:
    """Rates on an empty table, on one with many finished tasks, and of the peer, in turns."""
    inline = Ready(Inline())
    engine = fresh.transactions.engine
    ours, theirs, late, core_cpu_ms = [], [], [], []
    for runner in (fresh, full):
        work_off(runner, planned(runner, 200), inline)
    for _ in range(rounds):
        work = planned(fresh, n)
        with engine.connect() as connection:
            before = time.process_time() + server_cpu_s(connection)
            ours.append(n / work_off(fresh, work, inline))
            core_cpu_ms.append(1000 * (time.process_time() + server_cpu_s(connection) - before) / n)
        late.append(n / work_off(full, planned(full, n), inline))
        theirs.append(procrastinate_rate(engine.url, max(200, n // 10)))
        rates = f"ildb {ours[-1]:,.0f}/s, with many finished {late[-1]:,.0f}/s, procrastinate {theirs[-1]:,.0f}/s"
        print(f"{n:,} tasks: {rates}", flush=True)
    each = [overhead(engine, fresh, max(400, n // 4)) for _ in range(rounds)]
    print(f"through two processes: {', '.join(f'{wall:.2f} ms' for wall, _ in each)}", flush=True)
    with full.transactions.engine.connect() as connection:
        there = connection.execute(text("SELECT count(*) FROM ildb.task WHERE status = 'succeeded'")).scalar_one()
    rate, peer = statistics.median(ours), statistics.median(theirs)
    ratios = [after / before for before, after in zip(ours, late, strict=True)]
    return {
        "tasks_per_s": round(rate),
        "tasks_per_s_spread": round(max(ours) - min(ours)),
        "procrastinate_per_s": round(peer),
        "vs_procrastinate": round(rate / peer, 2),
        "tasks_per_s_at_5m_ratio": round(statistics.median(ratios), 3),
        "tasks_per_s_at_5m_ratio_spread": round(max(ratios) - min(ratios), 3),
        "n_finished": there,
        "overhead_ms": round(statistics.median(wall for wall, _ in each), 3),
        "overhead_cpu_ms": round(statistics.median(cpu for _, cpu in each), 3),
        "core_cpu_ms": round(statistics.median(core_cpu_ms), 3),
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[1], 1),
    }


if __name__ == "__main__":
    main()
