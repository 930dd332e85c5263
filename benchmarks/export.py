"""Export of scored pairings to DuckDB, against the same by hand, and memory at three sizes.

The last line is one JSON object. ``export_ratio``: CPU time (client and server) of ``ildb.export.duckdb`` for 2 million
rows of ``melting_score``, over that of ADBC's record batches put into a DuckDB table by hand, each in a fresh process
and in turn; ``export_ratio_wall``: wall time of the same. ``peak_mb_500k``, ``peak_mb_2m``, ``peak_mb_8m``: resident
memory of the exporting process at its highest, at 0.5, 2 and 8 million rows. ``parquet_ratio``: the Parquet export,
with its checksums, over the same by hand (CPU).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.support.database import (
    PAIRING,
    drop_database,
    exists,
    fill_ions,
    fill_scores,
    new_database,
    pairs,
    server_url,
)
from ildb.db import engine as engines
from ildb.db.copy import copy_rows

TABLE = "melting_score"


def fill(url: URL, n_pairings: int, ions_file: Path | None) -> None:
    """Ions and pairings, a few scored."""
    engine = engines.create(url)
    with engine.begin() as connection:
        made = fill_ions(connection, int(4 * n_pairings**0.5), ions_file)
        copy_rows(connection, "pairing", PAIRING, pairs(made, n_pairings))
        fill_scores(connection, n_pairings // 10, n_pairings // 100)
    engine.dispose()


def score(url: URL, n_rows: int) -> None:
    """Bring the table of scores to so many rows: more models score the same pairings."""
    with psycopg.connect(engines.libpq_url(url), autocommit=True) as connection:
        # What is inserted is right by construction; checking it is not what is measured.
        connection.execute("SET session_replication_role = replica")
        model = "SELECT max(model_id) FROM ildb.melting_score"
        while (missing := n_rows - count(connection)) > 0:
            (last,) = connection.execute(model).fetchone() or (0,)
            connection.execute(
                "INSERT INTO ildb.melting_score (model_id, pairing_id, run_id, p_below_373_k, tm_k, tm_low_k,"
                " tm_high_k, in_domain, domain_reasons, nearest)"
                " SELECT %s, p.id, s.run_id, random(), s.tm_k, s.tm_low_k, s.tm_high_k, s.in_domain, s.domain_reasons,"
                " s.nearest FROM (SELECT id FROM ildb.pairing ORDER BY id LIMIT %s) AS p,"
                " LATERAL (SELECT * FROM ildb.melting_score LIMIT 1) AS s",
                [last + 1, missing],
            )
        connection.execute("ANALYZE ildb.melting_score")


def count(connection: psycopg.Connection[Any]) -> int:
    """Rows of the table."""
    row = connection.execute("SELECT count(*) FROM ildb.melting_score").fetchone()
    return int(row[0]) if row else 0


def ours(url: str, folder: str) -> None:
    """Export by ildb."""
    from ildb.export.duckdb import export_duckdb

    export_duckdb(url, Path(folder) / "ours.duckdb", [TABLE])


def ours_parquet(url: str, folder: str) -> None:
    """Export by ildb, Parquet."""
    from ildb.export.parquet import export_parquet

    export_parquet(url, Path(folder) / "ours", [TABLE])


def _by_hand(url: str) -> Any:
    import adbc_driver_postgresql.dbapi as adbc

    connection = adbc.connect(url)
    cursor = connection.cursor()
    cursor.execute(
        "SELECT model_id, pairing_id, run_id, p_below_373_k, tm_k, tm_low_k, tm_high_k, in_domain, domain_reasons,"
        " nearest::text AS nearest FROM ildb.melting_score"
    )
    return connection, cursor, cursor.fetch_record_batch()


def by_hand(url: str, folder: str) -> None:
    """ADBC's batches into DuckDB."""
    import duckdb

    connection, cursor, reader = _by_hand(url)
    with duckdb.connect(str(Path(folder) / "hand.duckdb")) as target:
        target.register("incoming", reader)
        target.execute("CREATE TABLE melting_score AS SELECT * REPLACE (nearest::JSON AS nearest) FROM incoming")
    cursor.close()
    connection.close()


def by_hand_parquet(url: str, folder: str) -> None:
    """ADBC's batches into a Parquet file."""
    import pyarrow.parquet as pq

    connection, cursor, reader = _by_hand(url)
    with pq.ParquetWriter(Path(folder) / "hand.parquet", reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
    cursor.close()
    connection.close()


def server_cpu(url: str) -> float:
    """CPU time of all processes of the embedded server, those that ended included, seconds."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid', 0, 20)").fetchone()
    postmaster = int(str(row[0]).split()[0]) if row else 0
    fields = Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def measured(action: Callable[[str, str], None], url: str, folder: str) -> dict[str, float]:
    """Run an action; its wall and CPU time and peak memory. To be called in a fresh process."""
    began, cpu = time.perf_counter(), time.process_time()
    action(url, folder)
    return {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, "peak_mb": own_peak_mb()}


def own_peak_mb() -> float:
    """Highest resident memory of this process; ``ru_maxrss`` is no less than that of whoever started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def alone(action: Callable[[str, str], None], url: str) -> dict[str, float]:
    """The same in a fresh process and an empty folder, with the server's CPU time."""
    before = server_cpu(url)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        found = pool.submit(measured, action, url, folder).result()
    time.sleep(0.3)  # the backend ends, and its time becomes its parent's
    return {**found, "cpu_s": found["cpu_s"] + server_cpu(url) - before}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5,000, 20,000 and 80,000 rows")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--database", help="use this database, or make and keep it")
    parser.add_argument("--ions-file", type=Path)
    arguments = parser.parse_args()
    scale = 100 if arguments.quick else 1
    sizes = {"500k": 500_000 // scale, "2m": 2_000_000 // scale, "8m": 8_000_000 // scale}
    server = server_url()
    name = arguments.database or f"bench_export_{os.getpid()}"
    figures: dict[str, float] = {}
    try:
        url = server.set(database=name)
        if not exists(server, name):
            fill(new_database(server, name), sizes["2m"], arguments.ions_file)
        address = engines.libpq_url(url)
        for label, n_rows in sizes.items():
            score(url, n_rows)
            figures[f"peak_mb_{label}"] = alone(ours, address)["peak_mb"]
            print(f"{n_rows:,} rows: peak {figures[f'peak_mb_{label}']:.0f} MB", flush=True)
            if label != "2m":
                continue
            runs: dict[str, list[dict[str, float]]] = {}
            for _ in range(arguments.repeats):
                for action in (ours, by_hand, ours_parquet, by_hand_parquet):
                    runs.setdefault(action.__name__, []).append(alone(action, address))
            middle = {
                (key, unit): statistics.median(run[unit] for run in of_action)
                for key, of_action in runs.items()
                for unit in ("cpu_s", "wall_s")
            }
            for key in runs:
                print(f"{key}: CPU {middle[key, 'cpu_s']:.1f} s, wall {middle[key, 'wall_s']:.1f} s", flush=True)
            figures["export_ratio"] = middle["ours", "cpu_s"] / middle["by_hand", "cpu_s"]
            figures["export_ratio_wall"] = middle["ours", "wall_s"] / middle["by_hand", "wall_s"]
            figures["parquet_ratio"] = middle["ours_parquet", "cpu_s"] / middle["by_hand_parquet", "cpu_s"]
    finally:
        if arguments.database is None:
            drop_database(server, name)
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
