"""Simulate the toy salt in a process of its own, which a test can kill or starve: ``run_md_toy.py FOLDER FRAMES``.

``ILDB_TEST_FSIZE`` limits the size of each file it writes, in bytes: to the process the disk is full.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from ildb.errors import IldbError
from ildb.md.simulate import simulate
from tests.unit.md_toy import plan, toy_system

if __name__ == "__main__":
    if limit := os.environ.get("ILDB_TEST_FSIZE"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    system, start = toy_system()
    try:
        outcome = simulate(
            system, start, plan(produce_frames=int(sys.argv[2])), Path(sys.argv[1]),
            watch=lambda progress: print(progress.segment.value, flush=True),
        )  # fmt: skip
    except IldbError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        sys.exit(error.exit_code)
    print(outcome.progress.n_resumed)
