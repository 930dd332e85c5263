"""Judge the link model on real pairings beside popularity and the vote of nearest cations.

Reads the paper's published collection from ``ILDB_ILGEN_DIR`` when that is set, otherwise the ILThermo catalogue of the
installed ilthermopy package. The last line is one JSON object: medians over seeds, the spread (largest less smallest)
as ``KEY_spread``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import time
from importlib.resources import files
from pathlib import Path

import numpy as np

from ildb.links.dataset import LinkGraph
from ildb.links.params import SageParams
from ildb.links.salts import graph_from_salts
from ildb.links.score import score_unmade
from ildb.links.split import PairSet, uniform_negatives
from ildb.links.train import TrainedLinks, encode_graph, train_links


def read_graph() -> tuple[str, LinkGraph]:
    """Name and graph of the data at hand."""
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if folder:
        with (Path(folder) / "collected-ILs.csv").open(newline="") as stream:
            return "ilgen", graph_from_salts((row["smiles"] for row in csv.DictReader(stream)), unbalanced=True)
    with (files("ilthermopy") / "data" / "compounds.csv").open() as stream:
        return "ilthermo", graph_from_salts(row["smiles"] for row in csv.DictReader(stream) if row["smiles"])


def measure(graph: LinkGraph, params: SageParams, top: int) -> dict[str, float]:
    """Metrics and costs of one seed."""
    start = time.process_time()
    trained = train_links(graph, params)
    middle = time.process_time()
    scores = score_unmade(graph, trained, top=top)
    end = time.process_time()
    return trained.metrics | {
        "best_epoch": float(max(trained.history, key=lambda check: check.validation_score).epoch),
        "train_cpu_s": middle - start,
        "score_cpu_s": end - middle,
        "n_probability_from_half": float((scores.probability >= 0.5).sum()),
        **calibration_figures(graph, trained),
    }


def calibration_figures(graph: LinkGraph, trained: TrainedLinks) -> dict[str, float]:
    """Precision among the test draw from probability one half on, as stated by the model and as found."""
    vectors = encode_graph(graph, trained, trained.split.edges(graph, "train"))
    everything = np.arange(graph.n_cations), np.arange(graph.n_anions)
    drawn = uniform_negatives(
        400_000, PairSet(graph.edges, graph.n_anions), np.random.default_rng([trained.params.seed, 99]), *everything
    )
    test = trained.split.edges(graph, "test")
    pairs = np.concatenate([test, drawn])
    logits = np.einsum("ij,ij->i", vectors.cations[pairs[:, 0]], vectors.anions[pairs[:, 1]])
    probability = trained.calibration.probability(logits)
    weight = np.ones(len(pairs))
    weight[len(test) :] = trained.calibration.ratio * len(test) / len(drawn)
    chosen = probability >= 0.5
    if not chosen.any():
        return {}
    truth = np.arange(len(pairs)) < len(test)
    return {
        "precision_from_half_stated": float(np.average(probability[chosen], weights=weight[chosen])),
        "precision_from_half_found": float(np.average(truth[chosen], weights=weight[chosen])),
    }


def main() -> None:
    """Run all seeds and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, a few epochs: does it run?")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of split, negatives and training"
    )
    parser.add_argument("--top", type=int, default=200_000, help="unmade pairs to keep")
    arguments = parser.parse_args()
    name, graph = read_graph()
    seeds = arguments.seeds[:1] if arguments.quick else arguments.seeds
    print(f"{name}: {graph.n_cations} cations x {graph.n_anions} anions, {graph.n_edges} pairings; seeds {seeds}")
    runs = []
    for seed in seeds:
        params = SageParams(seed=seed, epochs=10) if arguments.quick else SageParams(seed=seed)
        runs.append(measure(graph, params, min(arguments.top, 1000) if arguments.quick else arguments.top))
        print(f"seed {seed}:", {key: round(value, 4) for key, value in runs[-1].items()}, flush=True)
    figures: dict[str, float] = {}
    for key in runs[0]:
        values = [run[key] for run in runs if key in run]
        figures[key] = round(statistics.median(values), 4)
        figures[f"{key}_spread"] = round(max(values) - min(values), 4)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
