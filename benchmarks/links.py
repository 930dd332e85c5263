"""Judge the link ranker on real pairings beside popularity, nearest cations, kernel ridge and the paper's network.

Reads the paper's published collection from ``ILDB_ILGEN_DIR`` when that is set, and holds ILThermo's pairings out of
the two together; otherwise the ILThermo catalogue of the installed ilthermopy package. The last line is one JSON
object: medians over seeds, the spread (largest less smallest) as ``KEY_spread``. ``n_seeds_cold_start`` seeds have the
cold-start figures, the dearest: every fold is a training of its own. With ``--checkpoint FILE`` a finished seed is
written there and not measured again.

``train_score_store_cpu_s`` is the CPU time of the pipeline on a database of its own: train, score every pair and store
200,000 of them (the server's own time not counted). ``score_vs_gemm`` is that of
``benchmarks/score.py``, 10^9 pairs of generated ions, once; ``ranker_pairs_per_cpu_s`` the ranker's rate.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.score import rates, vectors_of_generated
from ildb.links.dataset import LinkGraph, PairingRow, graph_from_rows
from ildb.links.evaluate import pair_scores
from ildb.links.holdout import cold_start, source_heldout
from ildb.links.params import RankerParams
from ildb.links.salts import graph_from_salts
from ildb.links.score import score_unmade
from ildb.links.split import PairSet, uniform_negatives
from ildb.links.train import TrainedLinks, link_scorer, train_links

RECIPE = """name = "links_benchmark"
[[stage]]
name = "links"
uses = "links.train"
[stage.params]
cold_start_folds = 0
heldout_sources = 0
paper_baseline = false
[[stage]]
name = "expand"
uses = "links.expand"
needs = ["links"]
[stage.params]
top = {top}
"""


def read_graphs() -> tuple[str, LinkGraph, LinkGraph, list[frozenset[str]]]:
    """Name and graph of the data at hand, and the graph and sources of the source-held-out figures."""
    with (files("ilthermopy") / "data" / "compounds.csv").open() as stream:
        ilthermo = graph_from_salts(row["smiles"] for row in csv.DictReader(stream) if row["smiles"])
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if not folder:
        return "ilthermo", ilthermo, ilthermo, [frozenset({"ilthermo"})] * ilthermo.n_edges
    with (Path(folder) / "collected-ILs.csv").open(newline="") as stream:
        ilgen = graph_from_salts((row["smiles"] for row in csv.DictReader(stream)), unbalanced=True)
    listed = {"ilgen": pairing_rows(ilgen), "ilthermo": pairing_rows(ilthermo)}
    keys = {name: {(row.cation_inchikey, row.anion_inchikey) for row in rows} for name, rows in listed.items()}
    both = graph_from_rows([row for rows in listed.values() for row in rows])
    pairs = [(both.cations[cation], both.anions[anion]) for cation, anion in both.edges]
    return "ilgen", ilgen, both, [frozenset(name for name in keys if pair in keys[name]) for pair in pairs]


def pairing_rows(graph: LinkGraph) -> list[PairingRow]:
    """The known pairings of a graph as rows."""
    return [
        PairingRow(
            graph.cations[c], graph.cation_smiles[c], int(graph.cation_charges[c]),
            graph.anions[a], graph.anion_smiles[a], int(graph.anion_charges[a]),
        )
        for c, a in graph.edges
    ]  # fmt: skip


def measure(
    graph: LinkGraph, both: LinkGraph, sources: list[frozenset[str]], params: RankerParams, folds: int
) -> dict[str, float]:
    """Metrics and costs of one seed; 0 folds leave cold start out."""
    start = time.process_time()
    trained = train_links(graph, params, paper_baseline=True)
    middle = time.process_time()
    scores = score_unmade(graph, trained, top=200_000)
    end = time.process_time()
    return (
        trained.metrics
        | {
            "train_and_judge_cpu_s": middle - start,
            "ranker_pairs_per_cpu_s": graph.n_pairs / (end - middle),
            "n_probability_from_half": float((scores.probability >= 0.5).sum()),
        }
        | calibration_figures(graph, trained)
        | cold_start(graph, params, folds)
        | source_heldout(both, sources, params, 1)
    )


def checkpointed(
    checkpoint: Path | None, settings: dict[str, object], work: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """What an earlier run wrote for the same settings, or the work's result, which is then written."""
    if checkpoint and checkpoint.exists():
        for line in checkpoint.read_text().splitlines():
            done = json.loads(line)
            if done["settings"] == settings:
                return dict(done["figures"])
    figures = work()
    if checkpoint:
        with checkpoint.open("a") as stream:
            stream.write(json.dumps({"settings": settings, "figures": figures}) + "\n")
    return figures


def calibration_figures(graph: LinkGraph, trained: TrainedLinks) -> dict[str, float]:
    """Precision among the test draw from probability one half on, as stated by the model and as found."""
    scorer = link_scorer(graph, trained, trained.split.edges(graph, "train"))
    everything = np.arange(graph.n_cations), np.arange(graph.n_anions)
    drawn = uniform_negatives(
        400_000, PairSet(graph.edges, graph.n_anions), np.random.default_rng([trained.params.seed, 99]), *everything
    )
    test = trained.split.edges(graph, "test")
    probability = trained.calibration.probability(pair_scores(scorer.rows, np.concatenate([test, drawn])))
    weight = np.ones(len(probability))
    weight[len(test) :] = trained.calibration.ratio * len(test) / len(drawn)
    chosen = probability >= 0.5
    if not chosen.any():
        return {}
    truth = np.arange(len(probability)) < len(test)
    return {
        "precision_from_half_stated": float(np.average(probability[chosen], weights=weight[chosen])),
        "precision_from_half_found": float(np.average(truth[chosen], weights=weight[chosen])),
    }


def score_vs_gemm(n_pairs: float, epochs: int) -> float:
    """Pairs per second of scoring by vectors over the bare product of them, as `benchmarks/score.py` has it."""
    cations, anions, _ = vectors_of_generated(math.ceil(math.sqrt(n_pairs)), epochs)
    torch.set_num_threads(1)
    bare, kept = rates(cations, anions, 1)
    return kept[0] / bare[0]


def store_cost(top: int) -> float:
    """CPU seconds of training, scoring and storing by the pipeline, on a server of its own."""
    from ildb.config import Settings

    with tempfile.TemporaryDirectory(prefix="ildb-bench-") as home:
        environment = {**os.environ, "ILDB_HOME": home}
        environment.setdefault("ILDB_SERVER_DIR", str(Settings().home_dir / "server"))
        environment.pop("ILDB_DATABASE_URL", None)
        recipe = Path(home) / "recipe.toml"
        recipe.write_text(RECIPE.format(top=top))

        def ildb(*arguments: str) -> None:
            subprocess.run([sys.executable, "-m", "ildb.cli.app", *arguments], env=environment, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip

        ildb("db", "up", "--json")
        try:
            ildb("db", "upgrade")
            folder = os.environ.get("ILDB_ILGEN_DIR")
            ildb("ingest", *(["ilgen", folder] if folder else ["ilthermo"]))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            ildb("pipeline", "run", str(recipe))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        finally:
            ildb("db", "down")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run all seeds and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, a few trees: does it run?")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of splits, negatives and models")
    parser.add_argument("--folds", type=int, default=10, help="parts of the cations for the cold-start figures")
    parser.add_argument("--cold-seeds", type=int, default=2, help="of the seeds, how many have the cold-start figures")
    parser.add_argument("--checkpoint", type=Path, help="file that finished seeds are written to and read from")
    parser.add_argument("--no-store", action="store_true", help="leave the pipeline and the database out")
    arguments = parser.parse_args()
    name, graph, both, sources = read_graphs()
    seeds = arguments.seeds[:1] if arguments.quick else arguments.seeds
    print(f"{name}: {graph.n_cations} cations x {graph.n_anions} anions, {graph.n_edges} pairings; seeds {seeds}")
    runs = []
    for place, seed in enumerate(seeds):
        params = RankerParams(seed=seed)
        if arguments.quick:
            params = RankerParams(seed=seed, trees=20, edge_folds=2, cation_folds=2, uniform_negatives=5)
        folds = (2 if arguments.quick else arguments.folds) if place < arguments.cold_seeds else 0
        settings = {"graph": graph.sha256, "both": both.sha256, "folds": folds, **params.model_dump(mode="json")}
        work = partial(measure, graph, both, sources, params, folds)
        runs.append(checkpointed(arguments.checkpoint, settings, work))
        print(f"seed {seed}:", {key: round(value, 4) for key, value in runs[-1].items()}, flush=True)
    figures: dict[str, float] = {"n_seeds_cold_start": min(arguments.cold_seeds, len(seeds))}
    for key in dict.fromkeys(key for run in runs for key in run):
        values = [run[key] for run in runs if key in run]
        figures[key] = round(statistics.median(values), 4)
        figures[f"{key}_spread"] = round(max(values) - min(values), 4)
    figures["score_vs_gemm"] = round(score_vs_gemm(4e6, 5) if arguments.quick else score_vs_gemm(1e9, 50), 3)
    if not arguments.quick and not arguments.no_store:
        figures["train_score_store_cpu_s"] = round(store_cost(200_000), 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
