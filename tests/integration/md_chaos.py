"""Ladders of a toy salt under fire: runners and workers killed with -9 at random moments, and what is left afterwards.

Also of use without kills: ``toy_database`` holds a pairing whose force field is a toy, so that a ladder takes seconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from ildb.chem.identity import identify
from ildb.md.box import read_frames
from ildb.pipeline.artifacts import ArtifactStore
from ildb.pipeline.stages.md_parameters import MdParametersParams
from tests.unit.md_toy import ANION, CATION

ROOT = Path(__file__).resolve().parents[2]
SALT = "C[N+](C)(C)CCO.[Cl-]"
LADDER: dict[str, Any] = {
    "select": "named", "smiles": [SALT], "preset": "smoke", "temperatures_k": [1300.0, 1150.0, 1000.0],
    "passes": ["cooling", "heating"], "pairs": 32, "cutoff_nm": 0.65, "melt_ps": 0.8, "equilibrate_ps": 0.8,
    "produce_ps": 8.0, "frame_ps": 0.1, "checkpoint_frames": 4,
}  # fmt: skip


def recipe(name: str = "toy", **changes: Any) -> dict[str, Any]:
    """Parameters, ladder and fit of the toy salt; ``changes`` are of the ladder."""
    selection = {"select": "named", "smiles": [SALT]}
    return {
        "name": name,
        "stage": [
            {"name": "parameters", "uses": "md.parameters", "params": selection},
            {"name": "ladder", "uses": "md.ladder", "needs": ["parameters"], "params": {**LADDER, **changes}},
            {"name": "fit", "uses": "md.fit", "needs": ["ladder"]},
        ],
    }


def add_toy(engine: Engine, home: Path) -> int:
    """Put the salt and the toy's force field, as an earlier run would have left them, into a database; the pairing."""
    store = ArtifactStore(home / "artifacts")
    home.mkdir(parents=True, exist_ok=True)
    method_key = MdParametersParams.model_validate({"select": "named", "smiles": [SALT]}).settings().key
    with engine.begin() as connection:

        def add(table: str, **values: object) -> int:
            slots = ", ".join(f":{name}" for name in values)
            statement = f"INSERT INTO ildb.{table} ({', '.join(values)}) VALUES ({slots}) RETURNING id"
            return int(connection.execute(text(statement), values).scalar_one())

        run_id = add(
            "run", recipe_name="before", recipe="{}", recipe_sha256="0" * 64, run_key="before", status="succeeded",
            code_version="0",
        )  # fmt: skip
        stage_run_id = add(
            "stage_run", run_id=run_id, position=0, name="parameters", uses="md.parameters", version=1, params="{}",
            needs=[], status="succeeded",
        )  # fmt: skip
        ids = []
        for smiles, toy in zip(SALT.split("."), (CATION, ANION), strict=True):
            ion = identify(smiles)
            ion_id = add(
                "ion", inchikey=ion.inchikey, smiles=ion.smiles, charge=ion.charge, formula=ion.formula,
                mass_g_mol=ion.mass_g_mol, heavy_atoms=ion.heavy_atoms, rdkit_version="0",
            )  # fmt: skip
            path = home / f"{toy.name}.json"
            path.write_text(toy.to_json(), encoding="utf-8")
            file = store.put(path)
            artifact_id = add(
                "artifact", run_id=run_id, stage_run_id=stage_run_id, kind="md_parameters", path=file.path,
                sha256=file.sha256, n_bytes=file.n_bytes,
            )  # fmt: skip
            add(
                "md_parameters", run_id=run_id, ion_id=ion_id, method_key=method_key, charges_asked="resp",
                backend="published", grade="A", charge_method="published", n_atoms=toy.n_atoms, provenance="{}",
                content_sha256=toy.content_hash, artifact_id=artifact_id, cpu_s=0.0,
            )  # fmt: skip
            ids.append(ion_id)
        return add(
            "pairing", cation_id=ids[0], anion_id=ids[1], cation_charge=1, anion_charge=-1, n_cation=1, n_anion=1
        )


@dataclass(frozen=True)
class Damage:
    """What kills did to a ladder: points (or frames of them) that are missing, and rows that are there twice."""

    lost: int
    doubled: int
    kills: int
    resumes: int


def under_fire(
    engine: Engine,
    url: str,
    home: Path,
    kills: int,
    *,
    seed: int,
    workers: int = 1,
    spread_s: float = 0.5,
    **changes: Any,
) -> Damage:
    """Run the recipe of ``recipe``, killed so many times, to its end; what came of it.

    Args:
        engine: of the database that ``add_toy`` filled.
        url: libpq URL of the same.
        home: ILDB_HOME of the runs.
        kills: with -9, of the runner or of one of its workers, each after a random time.
        seed: of the times.
        workers: of each runner.
        spread_s: a kill comes up to so long after a point has got further.
        changes: of the ladder's parameters.
    """
    rng = random.Random(seed)
    path = home / "toy.json"
    path.write_text(json.dumps(recipe(**changes)))
    environment = {**os.environ, "ILDB_DATABASE_URL": url, "ILDB_HOME": str(home), "OMP_NUM_THREADS": "1",
                   "ILDB_RUN_LEASE_S": "6", "ILDB_RUN_MAX_LOSSES": "1000"}  # fmt: skip
    done = 0
    for attempt in range(3 * kills + 3):
        with (home / f"runner-{attempt}.log").open("w") as log:
            runner = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.run_md_toy_recipe", str(path), str(workers)],
                cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if done < kills and _begun(home / "md", runner):
            time.sleep(rng.uniform(0.0, spread_s))
            done += _kill_some(runner, rng)
        if runner.wait(timeout=300) == 0:
            break
    return Damage(*_count(engine, home, changes), kills=done, resumes=_resumed(engine))


def _begun(scratch: Path, runner: subprocess.Popen[bytes]) -> bool:
    """Wait until a point has been simulated further since this runner began: what is then killed is in the middle."""
    began, until = time.time(), time.monotonic() + 120
    while runner.poll() is None and time.monotonic() < until:
        with suppress(OSError):  # a checkpoint may be replaced while it is looked at
            if any(path.stat().st_mtime > began for path in scratch.glob("*/*.json")):
                return True
        time.sleep(0.02)
    return False


def _kill_some(runner: subprocess.Popen[bytes], rng: random.Random) -> int:
    """Kill the runner, or one of its workers and let the runner go on; how many were killed."""
    workers = _children(runner.pid)
    if workers and rng.random() < 0.4:
        os.kill(rng.choice(workers), signal.SIGKILL)
        time.sleep(rng.uniform(0.0, 1.0))
        runner.kill()
        return 2
    runner.kill()
    return 1


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _count(engine: Engine, home: Path, changes: Mapping[str, Any]) -> tuple[int, int]:
    ladder = {**LADDER, **changes}
    seeds = range(1, ladder.get("n_seeds", 1) + 1)
    expected = Counter((t, way, seed) for t in ladder["temperatures_k"] for way in ladder["passes"] for seed in seeds)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT p.temperature_k, p.direction, p.seed, a.sha256 FROM ildb.md_point AS p"
                " LEFT JOIN ildb.artifact AS a ON p.trajectory_artifact_id = a.id"
            )
        ).all()
    found = Counter((t, way, seed) for t, way, seed, _ in rows)
    store = ArtifactStore(home / "artifacts")
    n_frames = round(ladder["produce_ps"] / ladder["frame_ps"])
    lost, doubled = (expected - found).total(), (found - expected).total()
    for *_, sha256 in rows:
        frames = sum(1 for _ in read_frames(store.get(sha256))) if sha256 else 0
        lost += frames < n_frames
        doubled += frames > n_frames
    return lost, doubled


def _resumed(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT sum(n_resumed) FROM ildb.md_point")).scalar_one())
