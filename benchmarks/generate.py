"""Judge the ion-level generator, and time training and sampling beside the plain padded loop of the published code.

Reads the paper's published collection from ``ILDB_ILGEN_DIR`` when that is set, otherwise the ILThermo catalogue of the
installed ilthermopy package. The last line is one JSON object: medians over repeats or seeds, the spread (largest less
smallest) as ``KEY_spread``. With ``--checkpoint DIR`` a training goes on from its last checkpoint, and a trained model
there is not trained again; ``--cpu-min`` is about the CPU time of a training, variants not counted. ``--parts`` leaves
parts out: ``speed``, ``columns`` (reconstruction and the paper's Table 1), ``contest``, ``enumeration``.

``train_speedup`` is the rate of real target tokens, ``sample_speedup`` the rate of strings, each over `PlainVae` with
the published widths on the same ionic liquids as strings of characters, in turn and on the same threads.
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
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support.generation import enumeration_figures, strict_figures
from benchmarks.support.plain_vae import PlainVae
from ildb.generate.batches import Corpus
from ildb.generate.contest import Settings
from ildb.generate.corpora import Salt, ion_data, pair_data
from ildb.generate.grammar import IonGrammar
from ildb.generate.ions import FlatIon
from ildb.generate.judge import judge_ions
from ildb.generate.params import PAPER_SETTINGS, VaeParams
from ildb.generate.sequence import SequenceVAE
from ildb.generate.table1 import beside_paper, canonical_salt, table1
from ildb.generate.training import Trainer
from ildb.hashing import sha256_file
from ildb.links.dataset import IonRow, LinkGraph
from ildb.links.salts import graph_from_salts

Figures = dict[str, float]
N_VARIANTS = 120_000
PARTS = ("speed", "columns", "contest", "enumeration")


def read_graph() -> tuple[str, LinkGraph]:
    """Name and known pairings of the data at hand."""
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if folder:
        with (Path(folder) / "collected-ILs.csv").open(newline="") as stream:
            return "ilgen", graph_from_salts((row["smiles"] for row in csv.DictReader(stream)), unbalanced=True)
    with (files("ilthermopy") / "data" / "compounds.csv").open() as stream:
        return "ilthermo", graph_from_salts(row["smiles"] for row in csv.DictReader(stream) if row["smiles"])


def graph_ions(graph: LinkGraph) -> list[IonRow]:
    """All ions of a graph."""
    cations = zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True)
    anions = zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True)
    return [IonRow(*row) for row in (*cations, *anions)]


def graph_salts(graph: LinkGraph) -> list[Salt]:
    """The known 1:1 pairings of a graph."""
    return [
        Salt(graph.cation_smiles[c], graph.anion_smiles[a])
        for c, a in graph.edges
        if graph.cation_charges[c] + graph.anion_charges[a] == 0
    ]


def train_rate(corpus: Corpus, params: VaeParams, n_steps: int) -> float:
    """Real target tokens a CPU second of ours, after a warm-up."""
    trainer = Trainer(corpus, params, device="cpu").run(max_steps=2)
    tokens, cpu_s = trainer.tokens, trainer.cpu_s
    trainer.run(max_steps=2 + n_steps)
    return (trainer.tokens - tokens) / (trainer.cpu_s - cpu_s)


def plain_train_rate(plain: PlainVae, corpus: Corpus, params: VaeParams, n_steps: int, seed: int) -> float:
    """Real target tokens a CPU second of the plain loop."""
    optimiser = torch.optim.Adam(plain.parameters(), lr=1e-3)
    rng = np.random.default_rng(seed)
    spent = n_tokens = 0.0
    for _ in range(n_steps):
        rows = rng.integers(0, len(corpus), params.batch)
        strings = torch.zeros(params.batch, params.max_length, dtype=torch.int64)
        own = corpus.targets.padded(rows, end=corpus.vocabulary.eos_id).T
        width = min(own.shape[1], params.max_length)
        strings[:, :width] = own[:, :width]
        start = time.process_time()
        optimiser.zero_grad()
        plain.loss(strings).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        spent += time.process_time() - start
        n_tokens += float((strings != 0).sum())
    return n_tokens / spent


def sample_rates(trainer: Trainer, plain: PlainVae, n: int) -> tuple[float, float]:
    """Strings a CPU second of ours and of the plain sampler."""
    model = SequenceVAE(trainer.averaged(), trainer.corpus.vocabulary)
    start = time.process_time()
    model.decode(model.prior(n, [0] * n, seed=1), [0] * n, seed=1)
    middle = time.process_time()
    plain.sample(n)
    return n / (middle - start), n / (time.process_time() - middle)


def speed_figures(graph: LinkGraph, *, quick: bool) -> Figures:
    """Ours over the plain loop; our strings have a realistic length only once a model has been trained a little."""
    params = VaeParams.model_validate({**PAPER_SETTINGS, "batch": 32, "random_input": 0.0, "million_tokens": 1e3})
    data = pair_data(graph_salts(graph), params, heldout=0.0)
    repeats, n_steps, n = (1, 1, 16) if quick else (3, 3, 128)
    trains: list[float] = []
    samples: list[float] = []
    warm = Trainer(data.corpus, params.model_copy(update={"lr": 2e-3}), device="cpu").run(max_steps=5 if quick else 60)
    for seed in range(repeats):
        plain = PlainVae(params.network(), len(data.corpus.vocabulary))
        theirs = plain_train_rate(plain, data.corpus, params, n_steps, seed)
        ours = train_rate(data.corpus, params.model_copy(update={"seed": seed}), 4 * n_steps)
        own, other = sample_rates(warm, plain, n)
        print(f"tokens/s {ours:,.0f} against {theirs:,.0f}, strings/s {own:,.0f} against {other:,.0f}", flush=True)
        trains.append(ours / theirs)
        samples.append(own / other)
    return with_spread("train_speedup", trains) | with_spread("sample_speedup", samples)


def with_spread(key: str, values: list[float]) -> Figures:
    """Median and largest less smallest."""
    return {key: statistics.median(values), f"{key}_spread": max(values) - min(values)}


def ion_params(seed: int, cpu_min: float) -> VaeParams:
    """Settings of the ion-level model; about 16,000 tokens are read in a CPU second."""
    return VaeParams(seed=seed, million_tokens=round(cpu_min * 60 * 0.016, 3))


@dataclass(frozen=True)
class Trained:
    """An ion-level model, the ions it learnt from, and those kept from it."""

    model: SequenceVAE
    train: list[FlatIon]
    heldout: list[FlatIon]


def trained_ions(graph: LinkGraph, seed: int, folder: Path, cpu_min: float, n_variants: int) -> Trained:
    """The ion-level model of a seed; taken from the folder where it is there, whatever it cost."""
    file, split = folder / f"ion_{seed}.safetensors", folder / f"ion_{seed}.json"
    if not split.exists():
        train_ions(graph, seed, folder, cpu_min, n_variants)
    ions = {name: [FlatIon(*row) for row in rows] for name, rows in json.loads(split.read_text()).items()}
    return Trained(SequenceVAE.load(file, sha256_file(file), device="cpu"), **ions)


def train_ions(graph: LinkGraph, seed: int, folder: Path, cpu_min: float, n_variants: int) -> None:
    """Train, from the last checkpoint where there is one, and leave model and split in the folder."""
    params = ion_params(seed, cpu_min)
    data = ion_data(graph_ions(graph), params, heldout=0.1, n_variants=n_variants, variant_share=0.5, anion_share=0.33)
    trainer = Trainer(data.corpus, params, folder / f"ion_{seed}.checkpoint", device="cpu")
    trainer.run(
        lambda f: (
            print(
                f"step {f.step}: {f.million_tokens:.1f} M tokens, {f.cpu_s / 60:.1f} CPU min, "
                f"cross entropy {f.cross_entropy:.2f}, KL {f.kl:.1f}",
                flush=True,
            )
            if f.step % 1000 == 0
            else None
        )
    )
    about = {
        "seed": seed, "n_variants": data.n_variants, "million_tokens": params.million_tokens,
        "cpu_min": trainer.cpu_s / 60,
    }  # fmt: skip
    SequenceVAE(trainer.averaged(), data.corpus.vocabulary, about).save(folder / f"ion_{seed}.safetensors")
    (folder / f"ion_{seed}.json").write_text(json.dumps({"train": data.train, "heldout": data.heldout}))


def flat_salts(graph: LinkGraph) -> set[str]:
    """`canonical_salt` of the known pairings, without stereochemistry."""
    texts = (Chem.MolToSmiles(Chem.MolFromSmiles(salt.smiles), isomericSmiles=False) for salt in graph_salts(graph))
    return {salt for text in texts if (salt := canonical_salt(text)) is not None}


def masked_table1(model: SequenceVAE, known_salts: set[str], settings: Settings, n: int, seed: int) -> Figures:
    """The paper's columns of the generator as it is used: masked, cooled, from a narrowed prior; pairs one to one."""
    mask, sides = IonGrammar(model.vocabulary), []
    for charge in (1, -1):
        charges = [charge] * n
        z = model.prior(n, charges, seed=seed + 2 + charge, scale=settings.scale)
        sides.append(model.decode(z, charges, mask=mask, temperature=settings.temperature, seed=seed + 2 + charge))
    return table1([f"{cation}.{anion}" for cation, anion in zip(*sides, strict=True)], known_salts)


def ion_figures(
    trained: Trained, graph: LinkGraph, seed: int, parts: Sequence[str], draw_seeds: tuple[int, ...], *, quick: bool
) -> Figures:
    """The vae metric keys of one seed; the paper's columns are of masked draws, those of plain ones under ``plain.``"""
    model, n = trained.model, 100 if quick else 5000
    settings = Settings(n=200, seeds=(11,), n_screened=20) if quick else Settings(seeds=draw_seeds)
    figures: Figures = {"train_cpu_min": model.about["cpu_min"], "train_million_tokens": model.about["million_tokens"]}
    if "columns" in parts:
        salts = flat_salts(graph)
        judged = judge_ions(model, trained.train, trained.heldout, salts, n, seed)
        columns = masked_table1(model, salts, settings, n, seed)
        figures |= {f"plain.{key}" if key in columns else key: value for key, value in judged.items()} | columns
        print(beside_paper(figures), flush=True)
    train, heldout = ([(ion.smiles, ion.charge) for ion in part] for part in (trained.train, trained.heldout))
    if "contest" in parts:
        figures |= strict_figures(model, train, heldout, settings, with_melting=not quick, seed=seed)
    if "enumeration" in parts:
        figures |= enumeration_figures([*train, *heldout], 500 if quick else 60_000, seed)
    return figures


def main() -> None:
    """Print figures as they come, and all of them as JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seconds: a training that is too short, few repeats")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--cpu-min", type=float, default=27.0)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--draw-seeds", type=int, nargs="+", default=Settings().seeds, help="of the contest")
    options = parser.parse_args()
    torch.set_num_threads(1)
    name, graph = read_graph()
    print(f"{name}: {graph.n_cations} cations, {graph.n_anions} anions, {graph.n_edges} pairings", flush=True)
    figures: Figures = speed_figures(graph, quick=options.quick) if "speed" in options.parts else {}
    found: list[Figures] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.checkpoint or Path(temporary)
        for seed in range(options.seeds):
            cpu_min, n_variants = (0.03, 200) if options.quick else (options.cpu_min, N_VARIANTS)
            trained = trained_ions(graph, seed, folder, cpu_min, n_variants)
            found.append(
                ion_figures(trained, graph, seed, options.parts, tuple(options.draw_seeds), quick=options.quick)
            )
    for key in found[0]:
        figures |= with_spread(key, [one[key] for one in found])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
