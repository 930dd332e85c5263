"""Salts that a user will ask for first, through the recipe: each has a ladder, or a row that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ildb.config import Settings
from ildb.db import query
from ildb.ingest.curate import ingest
from ildb.ingest.mapping import load_mapping
from ildb.ingest.table import read_table, table_source
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.unit.md.test_named_salts import SALTS


@pytest.mark.slow
def test_each_named_salt_is_simulated(engine: Engine, tmp_path: Path) -> None:
    table = tmp_path / "salts.csv"
    table.write_text("\n".join(["salt", *SALTS.values(), ""]))
    mapping = load_mapping(None, {"smiles": "salt", "source": "salts"})
    assert ingest(engine, table_source(table, mapping), read_table(table, mapping), workers=1).n_quarantined == 0
    named = json.dumps(list(SALTS.values()))
    recipe = recipes.load("md_smoke", [f"{stage}.smiles={named}" for stage in ("parameters", "ladder")])
    Runner(engine, settings=Settings(home=tmp_path), workers=2).run(recipe)
    with engine.connect() as connection:
        found = {row["pairing_id"]: row for row in query.rows(connection, "md/list", simulation_id=None)}
        unstable = connection.execute(text("SELECT count(*) FROM ildb.md_point WHERE status <> 'done'")).scalar_one()
    assert len(found) == len(SALTS)
    assert [row["refusal"] for row in found.values() if row["refusal"]] == []
    assert all(row["n_points"] == row["n_points_planned"] == 6 for row in found.values())
    assert unstable == 0
