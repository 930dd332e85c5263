"""A finished run on scored pairings, and what a report on it costs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import URL, Connection, text

from benchmarks.export import server_cpu
from benchmarks.support.database import PAIRING, fill_ions, fill_scores, pairs
from ildb.db import engine as engines
from ildb.db.copy import copy_rows
from ildb.pipeline.artifacts import ArtifactStore

STAGES: Final = ("links.train", "links.expand", "melting.train", "melting.score")
N_MEASURED: Final = 2_200
N_PICKED: Final = 100
_SPLITS: Final = ("random", "cation_cluster", "anion_group")
_CODES: Final = (
    "readable", "link_probability", "p_below_373_k", "tm_k", "in_domain", "heavy_atoms", "charge", "sa_score", "alerts",
    "nearest_known",
)  # fmt: skip


def fill(url: URL, store: ArtifactStore, n_scored: int, ions_file: Path | None = None) -> None:
    """A database with one finished run of five stages that scored and decided on ``n_scored`` pairings."""
    n_known = max(n_scored // 40, 100)
    engine = engines.create(url)
    with engine.begin() as connection:
        made = fill_ions(connection, int(4 * (n_scored + n_known) ** 0.5), ions_file)
        copy_rows(connection, "pairing", PAIRING, pairs(made, n_scored + n_known))
        fill_scores(connection, n_scored, n_known)
        _finish_run(connection, store)
        _explain(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _finish_run(connection: Connection, store: ArtifactStore) -> None:
    """The stages that a screen rests on, each with its model, and the predictions of the measured pairings."""
    run_id = connection.execute(text("UPDATE ildb.run SET finished_at = now() RETURNING id")).scalar_one()
    ids = {}
    for position, uses in enumerate(STAGES, 1):
        ids[uses] = connection.execute(
            text(
                "INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, status)"
                " VALUES (:run, :position, :uses, :uses, 1, '{}', '{}', 'succeeded') RETURNING id"
            ),
            {"run": run_id, "position": position, "uses": uses},
        ).scalar_one()
    for kind in ("links", "melting"):
        metrics = {
            prefix + key: 0.5 + 0.1 * n
            for n, prefix in enumerate(("baselines.popularity.", "baselines.knn.", ""))
            for key in ("auroc_uniform", "auroc_degree_matched", "mrr", "hits_at_10")
        }
        connection.execute(
            text("UPDATE ildb.model SET stage_run_id = :stage, metrics = CAST(:metrics AS jsonb) WHERE kind = :kind"),
            {"stage": ids[f"{kind}.train"], "kind": kind, "metrics": json.dumps(metrics)},
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out_of_fold.parquet"
        pq.write_table(predictions(N_MEASURED), file)
        stored = store.put(file)
    connection.execute(
        text(
            "INSERT INTO ildb.artifact (run_id, stage_run_id, kind, path, sha256, n_bytes)"
            " VALUES (:run, :stage, 'melting_out_of_fold', :path, :sha256, :n_bytes)"
        ),
        {"run": run_id, "stage": ids["melting.train"], **stored.__dict__},
    )


def _explain(connection: Connection) -> None:
    """As many reasons for each decision as the shipped screen gives; those refused fail one check or more."""
    reasons = [
        {"code": code, "ok": True, "message": f"{code} is within its limit", "value": 0.7, "limit": 0.5}
        for code in _CODES
    ]
    failed = [reason | {"ok": n not in {1, 4}} for n, reason in enumerate(reasons)]
    connection.execute(
        text(
            "UPDATE ildb.screening_decision SET reasons = CAST(CASE WHEN passed THEN :ok ELSE :failed END AS jsonb),"
            " pick_order = CASE WHEN rank <= :n THEN rank END"
        ),
        {"ok": json.dumps(reasons), "failed": json.dumps(failed), "n": N_PICKED},
    )


def predictions(n: int) -> pa.Table:
    """Made-up out-of-fold predictions of ``n`` pairings, in the form of ``melting.train``."""
    chooser = np.random.default_rng(3)
    measured = chooser.normal(330, 55, n).clip(190, 620)
    parts = []
    for split in _SPLITS:
        predicted = measured + chooser.normal(0, 30, n)
        p_below = 1 / (1 + np.exp((predicted - 373.15) / 20))
        parts.append(
            pa.table(
                {
                    "split": [split] * n, "fold": np.arange(n) % 5,
                    "cation_smiles": ["CCCCn1cc[n+](C)c1"] * n, "anion_smiles": ["[Cl-]"] * n,
                    "n_cation": np.ones(n, np.int64), "n_anion": np.ones(n, np.int64),
                    "measured": measured, "predicted": predicted, "p_below": p_below,
                    "low": predicted - 55, "high": predicted + 55,
                }
            )
        )  # fmt: skip
    return pa.concat_tables(parts)


def figures(url: URL, out: Path) -> dict[str, float]:
    """What ``ildb report build`` costs in a process of its own, as a user starts it.

    Returns:
        ``report_s`` (wall), ``report_cpu_s`` (of the command and of the embedded server) and ``report_mb`` (the page).
    """
    address = engines.libpq_url(url)
    time.sleep(1)  # the backend that filled the tables ends, and its time becomes its parent's
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    server, start = server_cpu(address), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ildb.cli.app", "report", "build", "--out", str(out), "--force"],
        env={**os.environ, "ILDB_DATABASE_URL": address}, check=True,
    )  # fmt: skip
    wall = time.perf_counter() - start
    time.sleep(1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + server_cpu(address) - server
    return {
        "report_s": round(wall, 1),
        "report_cpu_s": round(cpu, 1),
        "report_mb": round((out / "report.html").stat().st_size / 1e6, 2),
    }
