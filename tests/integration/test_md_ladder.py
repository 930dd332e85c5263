"""Ladders as rows: a recipe on a real database, killed and resumed; progress, pictures, parity, measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, make_url, text

from ildb.config import Settings
from ildb.db import engine as engines
from ildb.errors import RecipeError, StageFailedError
from ildb.md.watch import simulation, simulations
from ildb.pipeline import recipe as recipes
from ildb.pipeline.runner import Runner
from tests.integration.md_chaos import add_toy, recipe, under_fire

TEMPERATURES_K = [1300.0, 1150.0, 1000.0]


@pytest.fixture
def database(new_database: Callable[..., str]) -> Iterator[tuple[Engine, str]]:
    url = new_database()
    engine = engines.create(make_url(url).set(drivername="postgresql+psycopg"))
    yield engine, url
    engine.dispose()


def test_three_kills_lose_nothing_and_double_nothing(
    database: tuple[Engine, str], tmp_path: Path, ildb: Callable[..., Any]
) -> None:
    engine, url = database
    pairing_id = add_toy(engine, tmp_path)
    damage = under_fire(engine, url, tmp_path, 3, seed=5)
    assert damage.kills >= 3
    assert (damage.lost, damage.doubled) == (0, 0)
    assert damage.resumes > 0  # points were killed in the middle and went on
    assert list((tmp_path / "md").iterdir()) == []  # what rows and artifacts hold needs no folder

    with engine.connect() as connection:
        (row,) = simulations(connection, tmp_path / "md")
        found = simulation(connection, tmp_path / "md", row["id"])
    assert (row["status"], row["pairing_id"], row["n_points"], row["left_ns"]) == ("done", pairing_id, 6, 0)
    assert [(p["direction"], p["temperature_k"]) for p in found["points"]] == [
        *(("cooling", t) for t in TEMPERATURES_K),
        *(("heating", t) for t in reversed(TEMPERATURES_K)),
    ]
    for point in found["points"]:
        assert point["status"] == "done"
        assert 0.1 < point["density_g_cm3"] < 3
        assert point["simulated_ps"] == pytest.approx(8.8 + (0.8 if point is found["points"][0] else 0))
    fit = next(fit for fit in found["fits"] if fit["direction"] == "all")
    assert fit["shape"] == "undetermined"  # three temperatures are no ladder, and the row says so
    assert fit["reason"]

    shown = ildb("md", "show", str(row["id"]), url=url, ILDB_HOME=str(tmp_path))
    assert "6/6" in shown.stdout, shown.stderr
    picture = tmp_path / "ladder.svg"
    drawn = ildb("md", "plot", str(row["id"]), "--out", str(picture), url=url, ILDB_HOME=str(tmp_path))
    assert drawn.returncode == 0, drawn.stderr
    assert picture.read_text(encoding="utf-8").count("<svg") == 1
    listed = json.loads(ildb("md", "list", "--json", url=url, ILDB_HOME=str(tmp_path)).stdout)
    assert listed[0]["n_points_planned"] == 6
    with engine.begin() as connection:
        measured = 1000 * found["points"][0]["density_g_cm3"] / 1.1
        connection.execute(
            text(
                "INSERT INTO ildb.measurement (pairing_id, property, value, unit, temperature_k, pressure_kpa, run_id)"
                " VALUES (:pairing, 'density', :value, 'kg/m3', 1300.4, 101.3, :run),"
                " (:pairing, 'density', :value / 2, 'kg/m3', 1300.4, 5000, :run),"
                " (:pairing, 'density', :value / 2, 'kg/m3', 1200, 101.3, :run)"
            ),
            {"pairing": pairing_id, "value": measured, "run": row["run_id"]},
        )
    densities = json.loads(ildb("md", "density", "--json", url=url, ILDB_HOME=str(tmp_path)).stdout)
    assert [(d["temperature_k"], d["direction"]) for d in densities] == [(1300.0, "cooling"), (1300.0, "heating")]
    assert densities[0]["deviation_pct"] == pytest.approx(10)
    assert densities[0]["measured_g_cm3"] == pytest.approx(measured / 1000)
    assert densities[0]["grade"] == "A"
    lineage = ildb("search", "sql", "-q", "SELECT kind FROM ildb.lineage ORDER BY 1", url=url)
    assert "md_simulation" in lineage.stdout, lineage.stderr


def test_a_ladder_needs_its_parameters_and_a_screen_where_it_takes_candidates() -> None:
    without = recipe()
    without["stage"][1]["needs"] = []
    with pytest.raises(RecipeError, match=r"must need exactly one stage that uses 'md.parameters'"):
        recipes.from_dict(without, where="test")
    with pytest.raises(RecipeError, match="a packed box cannot be heated"):
        recipes.from_dict(recipe(passes=["heating"]), where="test")
    with pytest.raises(RecipeError, match="20 frames or more"):
        recipes.from_dict(recipe(produce_ps=1.0), where="test")


def test_candidates_without_a_screen_say_what_is_missing(database: tuple[Engine, str], tmp_path: Path) -> None:
    engine, _ = database
    add_toy(engine, tmp_path)
    plain = recipe()
    plain["stage"][0]["params"] = {"select": "passed"}
    with pytest.raises(StageFailedError, match=r"takes candidates of a screen.*screen.decide"):
        Runner(engine, settings=Settings(home=tmp_path), workers=1).run(recipes.from_dict(plain, where="test"))


def test_a_refused_ion_is_a_row_with_its_reason(database: tuple[Engine, str], tmp_path: Path) -> None:
    engine, _ = database
    add_toy(engine, tmp_path)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE ildb.md_parameters SET refusal = 'uff: the shape does not hold', backend = NULL, grade = NULL,"
                " charge_method = NULL, n_atoms = NULL, content_sha256 = NULL, artifact_id = NULL WHERE ion_id ="
                " (SELECT id FROM ildb.ion WHERE charge < 0)"
            )
        )
    Runner(engine, settings=Settings(home=tmp_path), workers=1).run(recipes.from_dict(recipe(), where="test"))
    with engine.connect() as connection:
        (row,) = simulations(connection, tmp_path / "md")
    assert (row["status"], row["refusal"]) == ("refused", "[Cl-]: uff: the shape does not hold")


# --- fits, feedback and calibration, on points that were never simulated ---


def add_ladder(engine: Engine, tm_k: float, *, measured_k: float | None = None, seed: int = 0) -> int:
    """A ladder whose D jumps at a temperature, for a pairing of its own; the simulation."""
    rng = np.random.default_rng(seed)
    with engine.begin() as connection:
        base = connection.execute(text("SELECT id FROM ildb.run WHERE recipe_name = 'before'")).scalar_one()
        stage = connection.execute(text("SELECT id FROM ildb.stage_run WHERE uses = 'md.ladder'")).scalar_one()
        artifact, parameters = connection.execute(
            text("SELECT (SELECT min(id) FROM ildb.artifact), (SELECT min(id) FROM ildb.md_parameters)")
        ).one()
        cation = connection.execute(text("SELECT id FROM ildb.ion WHERE charge > 0 ORDER BY id LIMIT 1")).scalar_one()
        anion = connection.execute(
            text(
                "INSERT INTO ildb.ion (inchikey, smiles, charge, formula, mass_g_mol, heavy_atoms, rdkit_version)"
                " VALUES (:key, :smiles, -1, 'X', 50, 3, '0') RETURNING id"
            ),
            {"key": f"{'ABCDEFGHIJKLMN'}-{'UHFFFAOY'}{chr(65 + seed)}A-M", "smiles": f"[O-]{'C' * (seed + 1)}"},
        ).scalar_one()
        pairing = connection.execute(
            text(
                "INSERT INTO ildb.pairing (cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion)"
                " VALUES (:c, :a, 1, -1, 1, 1) RETURNING id"
            ),
            {"c": cation, "a": anion},
        ).scalar_one()
        temperatures = [float(t) for t in range(500, 200, -25)]
        simulation_id = connection.execute(
            text(
                "INSERT INTO ildb.md_simulation (run_id, stage_run_id, pairing_id, preset, grade, cation_parameters_id,"
                " anion_parameters_id, n_units, n_atoms, charge_scale, cutoff_nm, pressure_bar, timestep_fs,"
                " temperatures_k, passes, n_seeds, melt_ps, equilibrate_ps, produce_ps, system_sha256,"
                " system_artifact_id) VALUES (:run, :stage, :pairing, 'cpu', 'A', :par, :par, 32, 900, 0.8, 0.9, 1, 4,"
                " :t, '{cooling}', 1, 1, 1, 1, 'x', :artifact) RETURNING id"
            ),
            {
                "run": base,
                "stage": stage,
                "pairing": pairing,
                "par": parameters,
                "t": temperatures,
                "artifact": artifact,
            },
        ).scalar_one()
        for t in temperatures:
            ln_d = -22 - 3000 * (1 / t - 1 / 500) - (2.0 if t < tm_k else 0) + 0.05 * rng.standard_normal()
            d = math.exp(ln_d)
            figures = {
                "density_g_cm3": 1.2, "density_error_g_cm3": 0.01, "enthalpy_kj_mol": -300.0,
                "enthalpy_error_kj_mol": 1.0, "box_nm": 2.5, "d_cation_m2_s": d, "d_cation_error_m2_s": 0.05 * d,
                "d_cation_infinite_m2_s": d, "cation_slope": 1.0, "d_anion_m2_s": d, "d_anion_error_m2_s": 0.05 * d,
                "d_anion_infinite_m2_s": d, "anion_slope": 1.0, "is_subdiffusive": False, "rdf_peak_nm": 0.5,
                "coordination": 6.0, "strong_hydrogen_bonds": 0.0, "weak_hydrogen_bonds": 1.0,
                "cation_gyration_nm": 0.2, "anion_gyration_nm": 0.2, "trajectory_artifact_id": artifact,
                "thermo_artifact_id": artifact,
            }  # fmt: skip
            names = ", ".join(figures)
            connection.execute(
                text(
                    f"INSERT INTO ildb.md_point (run_id, simulation_id, temperature_k, direction, seed, status,"
                    f" timestep_fs, n_resumed, n_unstable, simulated_ps, platform, {names}) VALUES (:run, :simulation,"
                    f" :t, 'cooling', 1, 'done', 4, 0, 0, 2, 'CPU', {', '.join(':' + name for name in figures)})"
                ),
                {"run": base, "simulation": simulation_id, "t": t, **figures},
            )
        if measured_k is not None:
            connection.execute(
                text(
                    "INSERT INTO ildb.measurement (pairing_id, property, value, unit, method, run_id, reference)"
                    " VALUES (:p, 'melting_point', :v, 'K', 'DSC', :run, 'a book')"
                ),
                {"p": pairing, "v": measured_k, "run": base},
            )
        return int(simulation_id)


def test_fits_become_measurements_that_no_melting_model_takes_unasked(
    database: tuple[Engine, str], tmp_path: Path
) -> None:
    """Ladders added to a finished stage by hand: fitted, calibrated, stored, and fitted again with the calibration."""
    engine, _ = database
    add_toy(engine, tmp_path)
    truths = [300.0, 325.0, 350.0, 375.0, 400.0, 425.0]
    quick = {"temperatures_k": [1300.0, 1200.0], "passes": ["cooling"], "produce_ps": 2.0}
    plain = recipe(**quick)
    plain["stage"].append({"name": "calibrate", "uses": "md.calibrate", "needs": ["fit"]})
    runner = Runner(engine, settings=Settings(home=tmp_path), workers=1)
    runner.run(recipes.from_dict({**plain, "name": "ladder", "stage": plain["stage"][:2]}, where="test"))
    ids = [add_ladder(engine, t, measured_k=0.9 * t + 20, seed=i) for i, t in enumerate(truths)]
    run_id = runner.run(recipes.from_dict(plain, where="test")).run_id  # its ladder is the one of before

    with engine.connect() as connection:
        fits = {
            row.simulation_id: row
            for row in connection.execute(text("SELECT * FROM ildb.md_melting_point WHERE direction = 'all'"))
        }
        for simulation_id, truth in zip(ids, truths, strict=True):
            assert fits[simulation_id].shape == "jump"
            assert fits[simulation_id].tm_k == pytest.approx(truth - 12.5, abs=14)
            assert fits[simulation_id].tm_low_k <= fits[simulation_id].tm_k <= fits[simulation_id].tm_high_k
        given = connection.execute(text("SELECT * FROM ildb.measurement WHERE method = 'md'")).all()
        assert {row.property for row in given} == {"apparent_melting_point"}
        assert len(given) == len(truths)
        assert all(row.raw["tm_low_k"] <= row.value <= row.raw["tm_high_k"] and row.uncertainty > 0 for row in given)
        learnt = connection.execute(text("SELECT count(*) FROM ildb.known_il WHERE tm_k IS NOT NULL")).scalar_one()
        assert learnt == 0  # nothing here is a known IL, whatever was simulated
        model = connection.execute(text("SELECT * FROM ildb.model WHERE kind = 'md_calibration'")).one()
        assert model.run_id == run_id
        assert model.metrics["slope"] == pytest.approx(0.9, abs=0.1)
        parity = connection.execute(text("SELECT * FROM ildb.md_parity WHERE measured_tm_k IS NOT NULL")).all()
        assert len(parity) == len(truths)

    plain["stage"] = plain["stage"][:3]
    plain["stage"][2]["params"] = {"calibration_model": model.id}
    second = runner.run(recipes.from_dict(plain, where="test")).run_id
    with engine.connect() as connection:
        again = connection.execute(
            text("SELECT * FROM ildb.md_parity WHERE run_id = :run AND measured_tm_k IS NOT NULL"), {"run": second}
        ).all()
    assert len(again) == len(truths)
    assert all(row.calibrated_low_k <= row.calibrated_tm_k <= row.calibrated_high_k for row in again)
    assert all(abs(row.calibrated_error_k) < 15 for row in again)
