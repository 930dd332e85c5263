"""Score very many cation x anion pairs by vectors, keep the 32 best of each cation, beside the bare matrix product.

Ions are generated (alkyl, ether and alkenyl chains on cation cores and anion heads), described and encoded by a
GraphSAGE model trained on ILThermo's catalogue. The peer is the product of the same vectors, tile by tile, nothing
kept; both on one thread, in CPU time.

``score_vs_gemm`` is the rate of scoring over that of the product at the model's width, ``score_vs_gemm_64`` and
``score_vs_gemm_256`` the same with random vectors of those widths. ``pairs_per_s`` counts pairs per CPU second.
``peak_mb`` is the peak memory of a process that scores them all, ``peak_mb_tenth`` that of one that scores a tenth of
the cations. ``hours_1e10`` is one core's time for 1e10 pairs at the rate found, ``hours_1e10_256`` at width 256.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import multiprocessing
import statistics
import time
from importlib.resources import files
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ildb.links.dataset import LinkGraph
from ildb.links.encode import encode_ions
from ildb.links.params import SageParams
from ildb.links.salts import graph_from_salts
from ildb.links.tiles import TILE_ANIONS, TILE_CATIONS, DotProducts, best_pairs
from ildb.links.train import train_links

FloatArray = npt.NDArray[np.float32]
KEPT = 32
CATIONS = (
    "{}n1cc[n+]({})c1", "{}n1cc[n+]({})c1C", "{}[n+]1ccc({})cc1", "{}[n+]1cccc({})c1", "{}[N+]1({})CCCC1",
    "{}[N+]1({})CCCCC1", "{}[N+]1({})CCOCC1", "{}[N+](C)(C){}", "{}[N+](CC)(CC){}", "{}[P+](CCCC)(CCCC){}",
    "{}[S+](C){}", "{}n1cc[n+]({})n1",
)  # fmt: skip
ANIONS = (
    "{}C(C(=O)[O-]){}", "{}C(S(=O)(=O)[O-]){}", "{}OP(=O)([O-])O{}", "{}S(=O)(=O)[N-]S(=O)(=O){}",
    "{}C(=O)[N-]S(=O)(=O){}",
)  # fmt: skip


def generated(forms: tuple[str, ...], n: int) -> list[str]:
    """The first n ions that the forms make with alkyl, ether and alkenyl chains in their two places."""
    longest = 4
    while True:
        chains = ["C" * k for k in range(1, longest)]
        chains += ["C" * k + "O" + "C" * j for k in range(2, longest) for j in range(1, 4)]
        chains += ["C" * k + "C=C" for k in range(1, longest)]
        made = {
            form.replace("{}", first[::-1], 1).replace("{}", second)
            for form in forms
            for first, second in product(chains, chains)
        }
        if len(made) >= n:
            return sorted(made)[:n]
        longest += 2


def vectors_of_generated(n: int, epochs: int) -> tuple[FloatArray, FloatArray, float]:
    """Vectors of n generated cations and n anions, and the CPU seconds that encoding took."""
    with (files("ilthermopy") / "data" / "compounds.csv").open() as stream:
        paired = graph_from_salts(row["smiles"] for row in csv.DictReader(stream) if row["smiles"])
    trained = train_links(paired, SageParams(epochs=epochs))
    cations, anions = generated(CATIONS, n), generated(ANIONS, n)
    graph = LinkGraph(  # "~" sorts after every InChIKey
        paired.cations + tuple(f"~{smiles}" for smiles in cations),
        paired.anions + tuple(f"~{smiles}" for smiles in anions),
        paired.cation_smiles + tuple(cations),
        paired.anion_smiles + tuple(anions),
        np.concatenate([paired.cation_charges, np.ones(n, dtype=np.int64)]),
        np.concatenate([paired.anion_charges, -np.ones(n, dtype=np.int64)]),
        paired.edges,
    )
    start = time.process_time()
    left, right = encode_ions(paired, graph, trained)
    rng = np.random.default_rng(0)  # ions come in the order of a hash, not of their names
    return (
        rng.permutation(left[paired.n_cations :]),
        rng.permutation(right[paired.n_anions :]),
        time.process_time() - start,
    )


def rates(cations: FloatArray, anions: FloatArray, repeats: int) -> tuple[list[float], list[float]]:
    """Pairs per CPU second of the bare product and of scoring, taken in turns."""
    scores = DotProducts(cations, anions, "cpu")
    n_pairs = len(cations) * len(anions)
    bare, kept = [], []
    for _ in range(repeats):
        start = time.process_time()
        for row in range(0, len(cations), TILE_CATIONS):
            for column in range(0, len(anions), TILE_ANIONS):
                scores.tile(slice(row, row + TILE_CATIONS), slice(column, column + TILE_ANIONS))
        middle = time.process_time()
        found = best_pairs(scores, top=KEPT * len(cations), per_cation=KEPT)
        end = time.process_time()
        assert len(found) == KEPT * len(cations)
        bare.append(n_pairs / (middle - start))
        kept.append(n_pairs / (end - middle))
    return bare, kept


def memory_mb(n_cations: int, n_anions: int, width: int) -> float:
    """Peak memory of a process that makes random vectors and scores every pair of them."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_mb, (n_cations, n_anions, width))


def _peak_mb(n_cations: int, n_anions: int, width: int) -> float:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    scores = DotProducts(
        rng.standard_normal((n_cations, width), dtype=np.float32),
        rng.standard_normal((n_anions, width), dtype=np.float32),
        "cpu",
    )
    best_pairs(scores, top=200_000, per_cation=KEPT)
    # Not getrusage: there a process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few million pairs: does it run?")
    parser.add_argument("--pairs", type=float, default=1e9, help="as many cations as anions")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    n = math.ceil(math.sqrt(4e6 if arguments.quick else arguments.pairs))
    repeats = 1 if arguments.quick else arguments.repeats
    figures: dict[str, float] = {"n_pairs": float(n) * n}
    cations, anions, encode_s = vectors_of_generated(n, 5 if arguments.quick else 50)
    figures["encode_ions_per_cpu_s"] = round(2 * n / encode_s)
    figures["width"] = cations.shape[1]
    rng = np.random.default_rng(1)
    inputs = {"": (cations, anions)}
    for width in (64, 256):
        drawn = rng.standard_normal((2, n, width), dtype=np.float32)
        inputs[f"_{width}"] = drawn[0], drawn[1]
    for suffix, pair in inputs.items():
        bare, kept = rates(*pair, repeats)
        ratios = [a / b for a, b in zip(kept, bare, strict=True)]
        figures[f"score_vs_gemm{suffix}"] = round(statistics.median(ratios), 3)
        figures[f"score_vs_gemm{suffix}_spread"] = round(max(ratios) - min(ratios), 3)
        figures[f"pairs_per_s{suffix}"] = round(statistics.median(kept))
        figures[f"gemm_pairs_per_s{suffix}"] = round(statistics.median(bare))
        print(f"vectors of {pair[0].shape[1]}: {figures[f'pairs_per_s{suffix}']:.3g} pairs per CPU s", flush=True)
    figures["peak_mb"] = round(memory_mb(n, n, 64), 1)
    figures["peak_mb_tenth"] = round(memory_mb(n // 10, n, 64), 1)
    for suffix in ("", "_256"):
        figures[f"hours_1e10{suffix}"] = round(1e10 / figures[f"pairs_per_s{suffix}"] / 3600, 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
