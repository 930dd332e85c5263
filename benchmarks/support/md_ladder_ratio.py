"""What a ladder costs through the runner, rows and analysis included, beside the same steps of OpenMM in a script."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL

from benchmarks.support.database import drop_database, new_database
from ildb.config import Settings
from ildb.db import engine as engines
from ildb.db import query
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.md.presets import PRESETS, Preset
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner

DATABASE = "benchmark_md_ladder"
SALT = "CCn1cc[n+](C)c1.F[B-](F)(F)F"


def measure(server: URL, produce_ps: float) -> dict[str, float]:
    """CPU time of a bare script over that of runner and worker, for a cooling pass of two temperatures.

    The server's own CPU time is not in it: a transaction a point. Sizes, frames and checkpoints are those of the preset
    ``cpu``, with shorter points: at its own 1.2 ns each the start of a worker and the box weigh less.

    Args:
        server: any database of the server to use.
        produce_ps: length of each point.

    Returns:
        ``ladder_ratio``; ``ladder_overhead_s``: CPU seconds more than the script, for each point; and the lengths.
    """
    changes = {"temperatures_k": [500.0, 460.0], "passes": ["cooling"], "melt_ps": 10.0, "equilibrate_ps": 10.0,
               "produce_ps": produce_ps}  # fmt: skip
    preset = Preset.model_validate({**PRESETS["cpu"].model_dump(), **changes})
    selection = {"select": "named", "smiles": [SALT]}
    stages = [
        {"name": "parameters", "uses": "md.parameters", "params": {**selection, "charges": "gfn2"}},
        {"name": "ladder", "uses": "md.ladder", "needs": ["parameters"], "params": {**selection, **changes}},
        {"name": "fit", "uses": "md.fit", "needs": ["ladder"]},
    ]
    engine = engines.create(new_database(server, DATABASE))
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        table = home / "salt.csv"
        table.write_text(f"salt\n{SALT}\n")
        mapping = load_mapping(None, {"smiles": "salt", "source": "salt"})
        ingest(engine, table_source(table, mapping), read_table(table, mapping), workers=1)
        runner = Runner(engine, settings=Settings(home=home), workers=1)
        runner.run(recipes.from_dict({"name": "fields", "stage": stages[:1]}, where="here"))
        ladder_s = _cpu_s(lambda: runner.run(recipes.from_dict({"name": "ladder", "stage": stages}, where="here")))
        with engine.connect() as connection:
            (row, *_) = query.rows(connection, "md/list", simulation_id=None)
            if row["n_points"] != len(preset.temperatures_k):
                raise RuntimeError(f"the ladder has {row['n_points']} points: {row}")
            found = connection.exec_driver_sql(
                "SELECT payload FROM ildb.task WHERE payload ->> 'do' = 'point' ORDER BY position LIMIT 1"
            ).scalar_one()
        files = [runner.store.get(found[kind]) for kind in ("system", "start")]
        (home / "preset.json").write_text(preset.model_dump_json())
        words = [sys.executable, "-m", "benchmarks.support.md_bare", *map(str, files), str(home / "preset.json")]
        bare_s = _cpu_s(lambda: subprocess.run(words, check=True))
    engine.dispose()
    drop_database(server, DATABASE)
    n_points = len(preset.temperatures_k)
    return {
        "ladder_ratio": round(bare_s / ladder_s, 4),
        "ladder_overhead_s": round((ladder_s - bare_s) / n_points, 2),
        "ladder_bare_s": round(bare_s / n_points, 1),
        "ladder_point_ps": preset.equilibrate_ps + preset.produce_ps + preset.melt_ps / n_points,
    }


def _cpu_s(work: Callable[[], object]) -> float:
    """CPU time of this process and of its ended children."""

    def spent() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in both)

    began = spent()
    work()
    return spent() - began
