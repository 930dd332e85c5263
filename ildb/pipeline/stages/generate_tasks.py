"""The work of ``generate.train``: from known pairings to a trained and judged model, from files to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import Chem

from ildb.generate.corpora import Salt, combinations, ion_data, pair_data
from ildb.generate.ions import FlatIon
from ildb.generate.judge import judge_ions, judge_pairs
from ildb.generate.launch import train
from ildb.generate.sequence import SequenceVAE
from ildb.generate.table1 import beside_paper, canonical_salt, with_paper
from ildb.pipeline.stage import TaskInput, TaskOutput

if TYPE_CHECKING:
    from ildb.generate.batches import Corpus
    from ildb.pipeline.stages.generate_train import GenerateTrainParams


def train_ions(task: TaskInput, params: GenerateTrainParams, checkpoint: Path) -> TaskOutput:
    """Train on ions and their variants."""
    from ildb.pipeline.stages.generate_train import known_ions

    table = task.table("pairings")
    data = ion_data(
        known_ions(table),
        params.vae(),
        heldout=params.heldout,
        n_variants=params.variants,
        variant_share=params.variant_share,
        anion_share=params.anion_share,
    )
    model, cost = _train(data.corpus, params, checkpoint, task.threads)
    side = {ion.inchikey: "train" for ion in data.train} | {ion.inchikey: "test" for ion in data.heldout}
    flat = {
        text: flat_form(text) for name in ("cation", "anion") for text in table.column(f"{name}_smiles").to_pylist()
    }
    pairs = [
        (flat[cation], flat[anion])
        for cation, anion in zip(*(table.column(f"{n}_smiles").to_pylist() for n in ("cation", "anion")), strict=True)
    ]
    salts = {salt for (_, c), (_, a) in pairs if (salt := canonical_salt(f"{c}.{a}")) is not None}
    metrics = judge_ions(model, data.train, data.heldout, salts, params.drawn, params.seed) | cost
    # A pairing is as hidden as the more hidden of its ions.
    splits = []
    for (cation, _), (anion, _) in pairs:
        sides = {side.get(cation, "unused"), side.get(anion, "unused")}
        splits.append("test" if "test" in sides else "train" if "train" in sides else "unused")
    listed = [(ion, "train") for ion in data.train] + [(ion, "test") for ion in data.heldout]
    return _output(task, model, metrics, splits, listed)


def train_pairs(task: TaskInput, params: GenerateTrainParams, checkpoint: Path) -> TaskOutput:
    """Train on whole ionic liquids."""
    from ildb.pipeline.stages.generate_train import known_ions

    table = task.table("pairings")
    cations, anions = (table.column(f"{name}_smiles").to_pylist() for name in ("cation", "anion"))
    charges = zip(*(table.column(f"{name}_charge").to_pylist() for name in ("cation", "anion")), strict=True)
    known = [Salt(c, a) if sum(q) == 0 else None for c, a, q in zip(cations, anions, charges, strict=True)]
    salts = {salt for salt in known if salt is not None}
    if params.dataset == "combinations":
        salts = set(combinations(known_ions(table), params.top, params.seed))
    elif params.dataset == "expanded":
        predicted = task.table("predicted")
        salts |= {
            Salt(*row)
            for row in zip(*(predicted.column(name).to_pylist() for name in ("cation", "anion")), strict=True)
        }
    data = pair_data(salts, params.vae(), heldout=params.heldout)
    model, cost = _train(data.corpus, params, checkpoint, task.threads)
    metrics = judge_pairs(model, data.train, data.heldout, params.drawn, params.seed) | cost
    train, test = set(data.train), set(data.heldout)
    splits = [
        "unused" if salt is None or salt.smiles not in train | test else "test" if salt.smiles in test else "train"
        for salt in known
    ]
    return _output(task, model, metrics, splits, [])


def flat_form(smiles: str) -> tuple[str, str]:
    """InChIKey and canonical SMILES of an ion without stereochemistry."""
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToInchiKey(mol)), str(Chem.MolToSmiles(mol))  # type: ignore[no-untyped-call]


def _train(
    corpus: Corpus, params: GenerateTrainParams, checkpoint: Path, threads: int
) -> tuple[SequenceVAE, dict[str, float]]:
    trainer = train(corpus, params.vae(), checkpoint, device=params.device, processes=params.processes, threads=threads)
    last = trainer.history[-1] if trainer.history else None
    about = {
        "kind": params.kind,
        "dataset": params.dataset,
        "seed": params.seed,
        "n_structures": len(corpus),
        "corpus_sha256": corpus.sha256(),
    }
    network = trainer.averaged()
    cost = {
        "n_parameters": float(sum(one.numel() for one in network.parameters())),
        "train_cpu_min": trainer.cpu_s / 60,
        "train_million_tokens": trainer.tokens / 1e6,
        "n_structures": float(len(corpus)),
    }
    if last is not None:
        cost |= {"train_cross_entropy": last.cross_entropy, "train_kl": last.kl}
    return SequenceVAE(network, corpus.vocabulary, about, device=params.device), cost


def _output(
    task: TaskInput,
    model: SequenceVAE,
    metrics: dict[str, float],
    splits: list[str],
    listed: list[tuple[FlatIon, str]],
) -> TaskOutput:
    path, ions = task.workdir / "vae.safetensors", task.workdir / "split.parquet"
    model.about["metrics"] = {name: value for name, value in metrics.items() if not name.startswith("train_cpu")}
    model.save(path)
    columns: dict[str, list[Any]] = {
        "inchikey": [ion.inchikey for ion, _ in listed],
        "smiles": [ion.smiles for ion, _ in listed],
        "charge": [ion.charge for ion, _ in listed],
        "split": [split for _, split in listed],
    }
    pq.write_table(pa.table(columns), ions)
    return TaskOutput(
        {"metrics": with_paper(metrics), "n_pairings": len(splits), "table1": beside_paper(metrics)},
        {"split": pa.table({"split": splits})},
        {"vae_model": path, "vae_split": ions},
    )
