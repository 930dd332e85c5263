"""What a report costs: wall time of ``ildb report build`` on a run that scored 300,000 pairings, and its page's size.

The last line is one JSON object: ``report_s`` (wall seconds, the command as a user starts it), ``report_cpu_s`` (of the
command and the server), ``report_mb`` (the page). A database of its own is made and dropped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.support.database import drop_database, new_database, server_url
from benchmarks.support.report_figures import figures, fill
from ildb.config import get_settings
from ildb.pipeline.artifacts import ArtifactStore

NAME = "ildb_bench_report"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairings", type=int, default=300_000, help="scored pairings")
    parser.add_argument("--ions", type=Path, help="file that keeps the made-up ions between runs")
    parser.add_argument("--quick", action="store_true", help="the smoke form: 3,000 pairings")
    arguments = parser.parse_args()
    n_scored = 3_000 if arguments.quick else arguments.pairings
    server = server_url()
    url = new_database(server, NAME)
    try:
        fill(url, ArtifactStore(get_settings().artifacts_dir), n_scored, arguments.ions)
        with tempfile.TemporaryDirectory() as folder:
            measured = figures(url, Path(folder) / "report")
    finally:
        drop_database(server, NAME)
    print(f"{n_scored:,} scored pairings: {measured}", flush=True)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
