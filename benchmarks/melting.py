"""Judge the melting-point model on measured ILs beside the mean of each anion and the published classifier.

Reads the paper's published melting points from ``ILDB_ILGEN_DIR`` when that is set, otherwise the ILThermo melting
points that ship with ildb. Every seed draws other folds and another model. With ``--checkpoint DIR`` the predictions of
each seed and split are kept there, and a run that was cut off goes on. The last line is one JSON object: medians over
seeds, the spread (largest less smallest) as ``KEY_spread``.

``noise_ceiling_*`` is what a perfect model would reach, from the salts that both sources report differently.
``score_262k_cpu_s`` is the CPU time of scoring 262,000 pairings, features at hand, and of storing them, the server's
insert included;
``featurise_speedup`` the time per IL of the thermodynamic features as published, both ions anew for every IL, over that
of ours, every ion once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from math import gcd
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, make_url, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support.database import new_database
from ildb.chem.identity import Ion, identify
from ildb.config import Settings
from ildb.db import engine as engines
from ildb.db import server
from ildb.db.copy import stage_rows
from ildb.errors import StructureError
from ildb.melting.data import MeltingData, MeltingMeasurement, reduce_measurements
from ildb.melting.evaluate import OutOfFold
from ildb.melting.experts import RawPrediction
from ildb.melting.ion_properties import describe_ion
from ildb.melting.ions import IonTable
from ildb.melting.logistic import paper_features
from ildb.melting.metrics import noise_ceiling
from ildb.melting.model import MeltingModel
from ildb.melting.params import MeltingParams
from ildb.melting.rows import score_table, stored_rows
from ildb.melting.score import score_pairs
from ildb.melting.splits import EXTRA_SPLITS, SPLITS, SplitName
from ildb.melting.train import Prepared, finish, judge_parts, prepare
from ildb.pipeline.stages.pair_scores import SCORE_TYPES
from ildb.resources import sql_text

N_SCORED = 262_000
N_IONS = 3_495
"""Cations and anions of the paper's collection, from which its 262,000 ILs come."""

SEEDS = (2101, 2102, 2103, 2104, 2105)
DIFFERENT_K = 1.0
"""Two sources that agree more closely quote one measurement."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def read_data() -> tuple[str, MeltingData]:
    """Name and rows of the data at hand."""
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if folder:
        with (Path(folder) / "IL-melting-point.csv").open(newline="") as stream:
            rows = [(r["Cation"], r["Anion"], float(r["Melting point (K)"])) for r in csv.DictReader(stream)]
        return "ilgen", reduce_measurements(measurements(rows))
    return "ilthermo", reduce_measurements(measurements(shipped_rows()))


def shipped_rows() -> list[tuple[str, str, float]]:
    """The ILThermo melting points that ship with ildb, with the structures that ilthermopy has for their names."""
    with (files("ilthermopy") / "data" / "compounds.csv").open() as stream:
        ions = {row["name"]: row["smiles"].split(".") for row in csv.DictReader(stream) if row["smiles"]}
    with (files("ildb") / "data" / "ilthermo_melting_points" / "melting_points.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["property"] == "melting_point"]
    salts = [(ions.get(row["name"], []), float(row["tm_k"])) for row in rows]
    return [(salt[0], salt[1], tm_k) for salt, tm_k in salts if len(salt) == 2]


@cache
def known_ion(smiles: str) -> Ion | None:
    """The ion, or None where it cannot be read."""
    try:
        return identify(smiles)
    except StructureError:
        return None


def measurements(rows: list[tuple[str, str, float]]) -> Iterator[MeltingMeasurement]:
    """Measurements of salts of one kind of cation and one kind of anion, in either order."""
    for first, second, tm_k in rows:
        ions = (known_ion(first), known_ion(second))
        if ions[0] is None or ions[1] is None or ions[0].charge * ions[1].charge >= 0:
            continue
        anion, cation = sorted((ions[0], ions[1]), key=lambda ion: ion.charge)
        common = gcd(cation.charge, -anion.charge)
        yield MeltingMeasurement(
            cation.inchikey,
            anion.inchikey,
            cation.smiles,
            anion.smiles,
            -anion.charge // common,
            cation.charge // common,
            tm_k,
        )


def ceiling(data: MeltingData) -> dict[str, float]:
    """The noise ceiling, from salts that the data and ILThermo report at least `DIFFERENT_K` apart."""
    other = reduce_measurements(measurements(shipped_rows()))
    both = dict(zip(other.keys, other.tm_k.tolist(), strict=True))
    spread = np.array([abs(both.get(k, t) - t) for k, t in zip(data.keys, data.tm_k.tolist(), strict=True)])
    differ = np.where(spread >= DIFFERENT_K, 2, 1).astype(np.int64)
    return noise_ceiling(data.tm_k, differ, spread, MeltingParams().threshold_k, "_k")


def published_features(data: MeltingData, folder: Path | None) -> Floats:
    """The published classifier's features of each row; kept in the folder, for they cost a minute."""
    kept = folder / "paper_features.npy" if folder else None
    if kept is not None and kept.exists():
        found: Floats = np.load(kept)
        return found
    cations, anions = sorted(set(data.cation_smiles)), sorted(set(data.anion_smiles))
    ions = [describe_ion(smiles) for smiles in (*cations, *anions)]
    cation = {smiles: i for i, smiles in enumerate(cations)}
    anion = {smiles: i + len(cations) for i, smiles in enumerate(anions)}
    features = paper_features(
        ions,
        np.array([cation[smiles] for smiles in data.cation_smiles]),
        np.array([anion[smiles] for smiles in data.anion_smiles]),
        data.n_cation,
        data.n_anion,
    )
    if kept is not None:
        np.save(kept, features)
    return features


def part_of(prepared: Prepared, split: SplitName, params: MeltingParams, folder: Path | None) -> OutOfFold | None:
    """Out-of-fold predictions of a seed and split, from the folder where they are there."""
    kept = folder / f"{params.seed}_{split}.npz" if folder else None
    if kept is not None and kept.exists():
        with np.load(kept) as arrays:
            raw = RawPrediction(arrays["experts"], arrays["net_spread"])
            return OutOfFold(arrays["folds"], raw, arrays["terms"], arrays["regimes"], arrays["anion_mean"])
    part = prepared.part(split, params)
    if kept is not None and part is not None:
        unfinished = kept.with_suffix(".part.npz")
        np.savez_compressed(
            unfinished,
            folds=part.folds,
            experts=part.raw.experts,
            net_spread=part.raw.net_spread,
            terms=part.terms,
            regimes=part.regimes,
            anion_mean=part.anion_mean,
        )
        unfinished.replace(kept)
    return part


def judged_parts(
    prepared: Prepared, params: MeltingParams, splits: Sequence[SplitName], folder: Path | None
) -> dict[SplitName, OutOfFold]:
    """Out-of-fold predictions of all splits that the data allow."""
    found = {split: part_of(prepared, split, params, folder) for split in splits}
    return {split: part for split, part in found.items() if part is not None}


def scoring_cost(model: MeltingModel, n_pairs: int) -> dict[str, float]:
    """CPU seconds to score pairings of the training ions and store the scores, features at hand."""
    ions = IonTable.build(
        [*model.cations.smiles, *model.anions.smiles], [*model.cations.inchikey, *model.anions.inchikey]
    )
    rng = np.random.default_rng(0)
    cation = rng.integers(0, len(model.cations), n_pairs)
    anion = len(model.cations) + rng.integers(0, len(model.anions), n_pairs)
    common = np.gcd(ions.charge[cation], -ions.charge[anion])
    start = time.process_time()
    scores = score_pairs(model, ions, cation, anion, -ions.charge[anion] // common, ions.charge[cation] // common)
    table = score_table(np.arange(n_pairs), scores)
    scoring = time.process_time() - start
    with own_database() as connection:
        connection.execute(text("CREATE TEMP TABLE scored (LIKE ildb.melting_score INCLUDING ALL)"))
        before = time.process_time()
        stage_rows(connection, "stage_melting", SCORE_TYPES, stored_rows(table, list(SCORE_TYPES)))
        storing = time.process_time() - before
        statement = sql_text("queries/melting/add_scores").replace("INTO ildb.melting_score", "INTO pg_temp.scored")
        before_insert = time.perf_counter()
        assert connection.execute(text(statement), {"model_id": 1, "run_id": 1}).rowcount == n_pairs
        inserting = time.perf_counter() - before_insert
    print(f"scored in {scoring:.1f}, sent in {storing:.1f} CPU s, inserted in {inserting:.1f} s", flush=True)
    return {"score_262k_cpu_s": scoring + storing + inserting}


@contextmanager
def own_database() -> Iterator[Connection]:
    """A transaction on a migrated, empty database of a server of its own."""
    with tempfile.TemporaryDirectory(prefix="ildb-bench-") as home:
        os.environ.setdefault("ILDB_SERVER_DIR", str(Settings().home_dir / "server"))
        url = make_url(server.up(Path(home)).url)
        try:
            engine = engines.create(new_database(url, "melting"))
            with engine.connect() as connection:
                yield connection
            engine.dispose()
        finally:
            server.down(Path(home))


def featurising_cost(data: MeltingData, n: int, n_pairs: int) -> dict[str, float]:
    """How much cheaper the thermodynamic features of an IL get when each ion is described once.

    As published, both ions of every IL are described anew. Ours: the ions of the paper's collection once, and 262,000
    salts of them by arithmetic.
    """
    rows = np.random.default_rng(0).permutation(len(data))[:n].tolist()
    start = time.process_time()
    ions = [describe_ion(smiles) for row in rows for smiles in (data.cation_smiles[row], data.anion_smiles[row])]
    per_ion = (time.process_time() - start) / len(ions)
    pick, one = np.random.default_rng(1), np.ones(n_pairs, dtype=np.int64)
    start = time.process_time()
    paper_features(ions, 2 * pick.integers(0, n, n_pairs), 2 * pick.integers(0, n, n_pairs) + 1, one, one)
    combined = time.process_time() - start
    ours = (N_IONS * per_ion + combined) / N_SCORED
    return {"published_way_per_il_cpu_s": 2 * per_ion, "per_il_cpu_s": ours, "featurise_speedup": 2 * per_ion / ours}


def main() -> None:
    """Run all seeds and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="150 rows, a small model, one seed: does it run?")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of folds and model")
    parser.add_argument("--extra", action="store_true", help="leave whole families of anions out, too (first seed)")
    parser.add_argument("--checkpoint", type=Path, help="folder for what is done so far")
    arguments = parser.parse_args()
    name, data = read_data()
    seeds, n_pairs, folder = arguments.seeds, N_SCORED, arguments.checkpoint
    size: dict[str, int] = {}
    if arguments.quick:
        rows = np.sort(np.random.default_rng(0).permutation(len(data))[:150])
        data, seeds, n_pairs, folder = data.take(rows), seeds[:1], 2000, None
        size = {"n_trees": 20, "n_nets": 2, "n_epochs": 5, "n_kernel_rows": 60}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    params = [MeltingParams.model_validate({"seed": seed, **size}) for seed in seeds]
    print(f"{name}: {len(data)} pairings, {(data.tm_k < 373.15).mean():.1%} below 373.15 K; seeds {seeds}", flush=True)
    prepared = prepare(data, params[0], published_features(data, folder))
    parts: dict[SplitName, OutOfFold] = {}
    runs: list[dict[str, float]] = []
    for one in params:
        start = time.process_time()
        splits = (*SPLITS, *EXTRA_SPLITS) if arguments.extra and one is params[0] else SPLITS
        parts = judged_parts(prepared, one, splits, folder)
        figures = judge_parts(prepared, parts, one)[1] | {"judge_cpu_s": time.process_time() - start}
        if "anion_group.bromide.bias_k" in figures:
            figures["bromide_bias_k"] = figures["anion_group.bromide.bias_k"]
        runs.append(figures)
        print(f"seed {one.seed}:", {key: round(value, 4) for key, value in figures.items()}, flush=True)
    model = finish(prepared, parts, params[-1])[0]
    runs[-1] |= (
        ceiling(data) | scoring_cost(model, n_pairs) | featurising_cost(data, 5 if arguments.quick else 60, n_pairs)
    )
    figures = {}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = [run[key] for run in runs if key in run]
        figures[key] = round(statistics.median(values), 4)
        figures[f"{key}_spread"] = round(max(values) - min(values), 4)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
