"""Run a recipe in a process of its own, which a test can kill: ``run_md_toy_recipe.py FILE WORKERS``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ildb.db import engine
from ildb.pipeline import recipe
from ildb.pipeline.runner import Runner

if __name__ == "__main__":
    plain = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    outcome = Runner(engine.open_engine(), workers=int(sys.argv[2])).run(recipe.from_dict(plain, where="test"))
    print(outcome.run_id)
