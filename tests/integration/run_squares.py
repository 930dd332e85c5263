"""Run or resume the test recipe in a process of its own, which a test can kill: ``run_squares.py RECIPE|RUN``.

``ILDB_TEST_CLUSTER`` names a Parsl configuration; otherwise tasks run in ``ILDB_TEST_WORKERS`` processes (two).
"""

from __future__ import annotations

import json
import os
import sys

from ildb.config import get_settings
from ildb.db import engine
from ildb.pipeline import recipe, registry
from ildb.pipeline.cluster import ParslWorkers
from ildb.pipeline.runner import Runner
from tests.integration.odd_stage import ODD_STAGES
from tests.integration.squares import TEST_STAGES

if __name__ == "__main__":
    registry.STAGES.update(TEST_STAGES | ODD_STAGES)
    cluster = os.environ.get("ILDB_TEST_CLUSTER")
    workers = int(os.environ.get("ILDB_TEST_WORKERS", "2"))
    runner = Runner(
        engine.open_engine(),
        workers=ParslWorkers(cluster, get_settings().home_dir / "logs") if cluster else workers,
    )
    argument = sys.argv[1]
    if argument.isdigit():
        outcome = runner.resume(int(argument))
    else:
        outcome = runner.run(recipe.from_dict(json.loads(argument), where="test"))
    print(outcome.run_id)
