"""Kill workers, managers, runners and the server of a run at random; hosts are network namespaces."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url, text

from ildb.db import engine as engines
from ildb.db import schema, server
from tests.integration.squares import TABLE

ROOT = Path(__file__).resolve().parents[2]
_NET = "10.77"


def no_namespaces() -> str | None:
    """Why this user cannot make network namespaces; None where that is possible."""
    if shutil.which("ip") is None:
        return "the program 'ip' (package iproute2) is missing"
    if os.geteuid() != 0:
        return "network namespaces that reach the host need root"
    probe = f"ildb-probe-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no network namespace can be made here: {done.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return None


@contextmanager
def hosts(n: int) -> Iterator[tuple[list[str], str]]:
    """Network namespaces that reach this machine, and each only this; their names, and this machine's address."""
    names = [f"ildb{os.getpid()}-{i}" for i in range(n)]
    address = f"{_NET}.0.1"
    made = []

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    try:
        for i, name in enumerate(names):
            here, there = f"il{os.getpid() % 100000}h{i}", f"il{os.getpid() % 100000}n{i}"
            ip("netns", "add", name)
            made.append(name)
            ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
            ip("addr", "add", f"{_NET}.{i}.1/24", "dev", here)
            ip("link", "set", here, "up")
            ip("-n", name, "addr", "add", f"{_NET}.{i}.2/24", "dev", there)
            ip("-n", name, "link", "set", there, "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "route", "add", "default", "via", f"{_NET}.{i}.1")
        yield names, address
    finally:
        for name in made:
            for pid in _pids(name):
                _kill(pid)
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def cluster_environment(names: Sequence[str], address: str, workers: int) -> dict[str, str]:
    """Have the shipped ``ssh`` configuration reach namespaces instead."""
    return {
        "ILDB_TEST_CLUSTER": "ssh",
        "ILDB_HOSTS": " ".join(names),
        "ILDB_ADDRESS": address,
        "ILDB_REACH": "ip netns exec {host}",
        "ILDB_WORKERS_PER_HOST": str(workers),
    }


def recipe(log: Path, n: int, sleep_s: float) -> str:
    """Squares and their total."""
    params = {"log": str(log), "n": n, "sleep_s": sleep_s}
    squares = {"name": "squares", "uses": "test.squares", "params": params}
    total = {"name": "total", "uses": "test.total", "needs": ["squares"], "params": {"log": str(log)}}
    return json.dumps({"name": "chaos", "stage": [squares, total]})


def start(argument: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A runner in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "tests.integration.run_squares", argument]
    return subprocess.Popen(command, env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows_of(engine: Engine, run_id: int) -> list[tuple[int, int]]:
    """What a run wrote, in order."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT q.i, q.square FROM ildb.square q JOIN ildb.stage_run s ON q.stage_run_id = s.id"
                " WHERE s.run_id = :r ORDER BY 1, 2"
            ),
            {"r": run_id},
        )
        return [tuple(row) for row in found]


def workers_of(runner: int) -> list[int]:
    """Worker processes of a local runner."""
    return [pid for pid in _children(runner) if "spawn_main" in _command(pid)]


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _pids(namespace: str, what: str = "") -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split() if what in _command(int(pid))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass
class Chaos:
    """A run under fire.

    Attributes:
        home: ILDB_HOME with a server of its own.
        names: the namespaces.
        environment: of the runner.
        dice: decides whom it hits and when.
        struck: what was hit, with how often.
    """

    home: Path
    names: Sequence[str]
    environment: dict[str, str]
    dice: random.Random
    struck: Counter[str] = field(default_factory=Counter)

    def run(self, argument: str, run_of: Any, kills: int, limit_s: float) -> None:
        """Start a run, kill so many times, and bring back what was killed until the run is done.

        Args:
            argument: of the runner, a recipe.
            run_of: called for the run's id once it has one, else None.
            kills: how often to strike.
            limit_s: give up then.
        """
        end = time.monotonic() + limit_s
        process = start(argument, self.environment)
        try:
            while True:
                strike_at = time.monotonic() + self.dice.uniform(0.5, 4)
                while process.poll() is None and (time.monotonic() < strike_at or self.struck.total() >= kills):
                    if time.monotonic() > end:
                        raise TimeoutError(f"the run did not end in {limit_s} s; hit: {dict(self.struck)}")
                    time.sleep(0.1)
                if process.poll() == 0:
                    return
                run_id = run_of()
                if process.poll() is not None:
                    process.communicate()
                    process = start(argument if run_id is None else str(run_id), self.environment)
                elif run_id is not None:
                    self._strike(process)
        finally:
            process.kill()
            process.communicate()

    def _strike(self, runner: subprocess.Popen[str]) -> None:
        kind = self.dice.choices(["worker", "manager", "runner", "server"], [10, 2, 4, 4])[0]
        if kind == "runner":
            runner.kill()
            runner.wait()
        elif kind == "server":
            postmaster = int((self.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            _kill(postmaster)
            server.up(self.home)
        else:
            what = "spawn_main" if kind == "worker" else "process_worker_pool"
            pids = [pid for name in self.names for pid in _pids(name, what)]
            if not pids:
                return  # they are just starting
            _kill(self.dice.choice(pids))
        self.struck[kind] += 1


def measure(folder: Path, *, n: int = 2000, sleep_s: float = 0.2, kills: int = 20, seed: int = 1) -> dict[str, Any]:
    """Rows that a run under fire lost or doubled, against one left in peace; 4 workers on each of 2 hosts.

    Args:
        folder: for a server and everything else.
        n: tasks.
        sleep_s: time of each.
        kills: how often to kill.
        seed: of the dice.
    """
    home = folder / "home"
    home.mkdir(mode=0o755)
    url = server.up(home).url
    env = {"ILDB_HOME": str(home), "ILDB_DATABASE_URL": url, "ILDB_RUN_LEASE_S": "15"}
    engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            schema.upgrade(connection)
        with engine.begin() as connection:
            connection.execute(text(TABLE))
        peace = start(recipe(folder / "peace", n, 0.0), env)
        printed, errors = peace.communicate(timeout=600)
        if peace.returncode:
            raise RuntimeError(errors)
        expected = rows_of(engine, int(printed))

        def run_of() -> int | None:
            sql = "SELECT run_id FROM ildb.stage_run WHERE params ->> 'log' = :log"
            with engine.connect() as connection:
                return connection.execute(text(sql), {"log": str(folder / "fire")}).scalar()

        with hosts(2) as (names, address):
            fire = Chaos(home, names, env | cluster_environment(names, address, 4), random.Random(seed))
            begin = time.monotonic()
            fire.run(recipe(folder / "fire", n, sleep_s), run_of, kills, limit_s=1500)
            wall_s = time.monotonic() - begin
        found = Counter(rows_of(engine, run_of() or 0))
        where = Counter((folder / "fire.hosts").read_text().split())
        with engine.connect() as connection:
            open_tasks = connection.execute(
                text("SELECT count(*) FROM ildb.task WHERE status <> 'succeeded'")
            ).scalar_one()
        return {
            "chaos_lost": len(set(expected) - set(found)),
            "chaos_doubled": sum(found.values()) - len(found),
            "chaos_wrong": len(set(found) - set(expected)),
            "chaos_open": open_tasks,
            "chaos_tasks": n,
            "chaos_hosts": len(where),
            "chaos_kills": fire.struck.total(),
            **{f"chaos_kills_{kind.replace(' ', '_')}": count for kind, count in sorted(fire.struck.items())},
            "chaos_done_twice": sum(where.values()) - n,
            "chaos_wall_s": round(wall_s, 1),
        }
    finally:
        engine.dispose()
        server.down(home)
