"""Every benchmark runs in its quick form, without the paper's data, and ends with one JSON object of its figures."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"

# Figures that the quick form of each has; more may come beside them.
KEYS: dict[str, set[str]] = {
    "export": {"export_ratio", "export_ratio_wall", "parquet_ratio", "peak_mb_500k", "peak_mb_2m", "peak_mb_8m"},
    "generate": {
        "validity", "uniqueness", "novelty", "reconstruction", "reconstruction_heldout", "rediscovery_ratio",
        "train_speedup", "sample_speedup", "enumerated_per_cpu_min", "novel_sane_per_10k",
    },
    "ingest": {"ingest_ratio", "ingest_ratio_cpu", "peak_mb", "reingest_speedup"},
    "links": {
        "auroc_uniform", "ap_uniform", "auroc_degree_matched", "mrr", "hits_at_10", "core.auroc_uniform",
        "cold_start.auroc_uniform", "baselines.popularity.auroc_uniform", "score_vs_gemm",
    },
    "md": {"driver_ratio", "fit_kink_median_k", "fit_jump_median_k", "fit_interval_coverage", "false_transition_pct",
           "ns_per_day"},
    "melting": {
        "random.auroc", "random.mae_k", "random.coverage_90", "cation_cluster.auroc", "anion_group.auroc",
        "baselines.anion_mean.random.mae_k", "score_262k_cpu_s", "featurise_speedup",
    },
    "report": {"report_s", "report_cpu_s", "report_mb"},
    "score": {"score_vs_gemm", "pairs_per_s", "peak_mb", "peak_mb_tenth", "hours_1e10"},
    "search": {"first_page_p95_ms", "count_p95_ms", "naive_cpu_ratio", "similarity_vs_fpsim2", "load_ratio"},
    "tasks": {"tasks_per_s", "tasks_per_s_at_5m_ratio", "vs_procrastinate", "overhead_ms"},
    "thermodynamics": {"simple_u_kj_mol_mae", "simple_u_kj_mol_max"},
    "web": {"page_kb", "page_p95_ms", "page_cpu_ms", "svg_p95_ms", "axe_violations"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_the_quick_form_ends_with_its_figures(name: str, server_url: str, tmp_path: Path) -> None:
    env = {**os.environ, "ILDB_DATABASE_URL": server_url, "ILDB_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    env.pop("ILDB_ILGEN_DIR", None)
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--quick"], env=env, cwd=ROOT, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(figures, dict)
    assert KEYS[name] <= set(figures), KEYS[name] - set(figures)
    numbers = [value for value in figures.values() if value is not None]
    assert all(isinstance(value, int | float) and math.isfinite(value) for value in numbers)
