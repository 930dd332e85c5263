"""Run or resume the test recipe in a process of its own, which a test can kill: ``run_squares.py RECIPE|RUN``."""

from __future__ import annotations

import json
import sys

from ildb.db import engine
from ildb.pipeline import recipe, registry
from ildb.pipeline.runner import Runner
from tests.integration.odd_stage import ODD_STAGES
from tests.integration.squares import TEST_STAGES

if __name__ == "__main__":
    registry.STAGES.update(TEST_STAGES | ODD_STAGES)
    runner = Runner(engine.open_engine(), workers=2)
    argument = sys.argv[1]
    if argument.isdigit():
        outcome = runner.resume(int(argument))
    else:
        outcome = runner.run(recipe.from_dict(json.loads(argument), where="test"))
    print(outcome.run_id)
