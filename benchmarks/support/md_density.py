"""Densities of liquids near room temperature, simulated with ildb's force fields, against experiment.

The recipe ``md_density``, one liquid after another, in a database of its own that is kept: a run that was stopped goes
on, and one that is finished is only read. The measured densities of ``densities.csv`` are medians of the values in
ILThermo (NIST) at atmospheric pressure, as collected in the package salty-ilthermo 0.2.dev17 (MIT licence).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import URL, Engine

from benchmarks.support.database import exists, new_database
from ildb.config import Settings
from ildb.db import engine as engines
from ildb.db import query
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner

DATABASE = "benchmark_md_density"
MEASURED = Path(__file__).with_name("densities.csv")

Row = dict[str, Any]


def run(server: URL, home: Path, *, changes: tuple[str, ...] = (), liquids: int | None = None) -> list[Row]:
    """Simulate what is not in the database yet; the rows of ``sql/queries/md/densities.sql``.

    Args:
        server: any database of the server that is to hold the results.
        home: where trajectories and checkpoints lie.
        changes: of the recipe, ``STAGE.PARAM=VALUE``.
        liquids: how many of the recipe's; all by default.
    """
    if not exists(server, DATABASE):
        new_database(server, DATABASE)
    engine = engines.create(server.set(database=DATABASE))
    try:
        _add_measured(engine)
        smiles = recipes.load("md_density").stage[0].params["smiles"]
        for text in smiles[:liquids]:
            only = tuple(f"{stage}.smiles={json.dumps([text])}" for stage in ("parameters", "ladder"))
            recipe = recipes.load("md_density", (*only, *changes))
            run_id = Runner(engine, settings=Settings(home=home), workers=1).run(recipe).run_id
            print(*(line_of(row) for row in _rows(engine, run_id)), sep="\n", flush=True)
        return _rows(engine, None)
    finally:
        engine.dispose()


def _add_measured(engine: Engine) -> None:
    """The measured densities, and with them the pairings; nothing where they have been read before."""
    mapping = load_mapping(
        None,
        {
            "cation": "cation", "anion": "anion", "measure": ("density=density_g_cm3:g/cm3",), "temperature": "t_k:K",
            "pressure": "p_kpa:kPa", "reference": "reference", "source": "densities",
        },
    )  # fmt: skip
    ingest(engine, table_source(MEASURED, mapping), read_table(MEASURED, mapping), workers=1)


def _rows(engine: Engine, run_id: int | None) -> list[Row]:
    with engine.connect() as connection:
        return query.rows(connection, "md/densities", run_id=run_id)


def line_of(row: Row) -> str:
    """One point for the terminal."""
    return (
        f"  {row['cation_smiles']}.{row['anion_smiles']} at {row['temperature_k']:g} K: {row['density_g_cm3']:.4f}"
        f" ± {row['density_error_g_cm3']:.4f}, measured {row['measured_g_cm3']:.4f} ({row['deviation_pct']:+.1f} %),"
        f" grade {row['grade']}"
    )


def figures(rows: list[Row]) -> dict[str, float]:
    """Of each liquid's deviation, the mean over its newest ladder: mean absolute, mean and largest, %."""
    newest: dict[int, int] = {}
    for row in rows:
        newest[row["pairing_id"]] = max(row["simulation_id"], newest.get(row["pairing_id"], 0))
    deviations = [
        np.mean([row["deviation_pct"] for row in rows if row["simulation_id"] == ladder]) for ladder in newest.values()
    ]
    return {
        "density_mae_pct": round(float(np.mean(np.abs(deviations))), 2),
        "density_bias_pct": round(float(np.mean(deviations)), 2),
        "density_max_pct": round(float(np.max(np.abs(deviations))), 2),
        "density_n": len(deviations),
    }
