"""Judge the melting-point model on measured ILs beside the mean of each anion.

Reads the paper's published melting points from ``ILDB_ILGEN_DIR`` when that is set, otherwise the ILThermo melting
points that ship with ildb. Every seed draws other folds and other trees. The last line is one JSON object: medians over
seeds, the spread (largest less smallest) as ``KEY_spread``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import time
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from math import gcd
from pathlib import Path

import numpy as np

from ildb.chem.identity import Ion, identify
from ildb.errors import StructureError
from ildb.melting.data import MeltingData, MeltingMeasurement, reduce_measurements
from ildb.melting.ions import IonTable
from ildb.melting.params import MeltingParams
from ildb.melting.score import score_pairs
from ildb.melting.train import TrainedMelting, train_melting

N_SCORED = 262_000


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


def measure(data: MeltingData, params: MeltingParams) -> tuple[dict[str, float], TrainedMelting]:
    """Metrics and cost of one seed."""
    start = time.process_time()
    trained = train_melting(data, params)
    figures = trained.metrics | {"train_cpu_s": time.process_time() - start}
    if "anion_group.bromide.bias_k" in figures:
        figures["bromide_bias_k"] = figures["anion_group.bromide.bias_k"]
    return figures, trained


def scoring_cost(trained: TrainedMelting, n_pairs: int) -> dict[str, float]:
    """CPU seconds to score pairings of the training ions, and to compute those ions' features."""
    model = trained.model
    start = time.process_time()
    ions = IonTable.build(
        [*model.cations.smiles, *model.anions.smiles], [*model.cations.inchikey, *model.anions.inchikey]
    )
    middle = time.process_time()
    rng = np.random.default_rng(0)
    cation = rng.integers(0, len(model.cations), n_pairs)
    anion = len(model.cations) + rng.integers(0, len(model.anions), n_pairs)
    common = np.gcd(ions.charge[cation], -ions.charge[anion])
    score_pairs(model, ions, cation, anion, -ions.charge[anion] // common, ions.charge[cation] // common)
    end = time.process_time()
    return {"features_per_ion_cpu_ms": 1000 * (middle - start) / len(ions), "score_262k_cpu_s": end - middle}


def main() -> None:
    """Run all seeds and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="150 rows, few trees, one seed: does it run?")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="seeds of folds and trees")
    arguments = parser.parse_args()
    name, data = read_data()
    seeds, n_pairs, size = arguments.seeds, N_SCORED, {}
    if arguments.quick:
        rows = np.sort(np.random.default_rng(0).permutation(len(data))[:150])
        data, seeds, n_pairs, size = data.take(rows), seeds[:1], 2000, {"n_trees": 20, "n_boosting": 20}
    print(f"{name}: {len(data)} pairings, {(data.tm_k < 373.15).mean():.1%} below 373.15 K; seeds {seeds}", flush=True)
    runs = []
    for seed in seeds:
        figures, trained = measure(data, MeltingParams.model_validate({"seed": seed, **size}))
        runs.append(figures)
        print(f"seed {seed}:", {key: round(value, 4) for key, value in figures.items()}, flush=True)
    runs[-1] |= scoring_cost(trained, n_pairs)
    figures = {}
    for key in runs[-1]:
        values = [run[key] for run in runs if key in run]
        figures[key] = round(statistics.median(values), 4)
        figures[f"{key}_spread"] = round(max(values) - min(values), 4)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
