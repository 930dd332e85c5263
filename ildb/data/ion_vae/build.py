"""Build the shipped ion-level model from the ILThermo catalogue of the installed ilthermopy package (MIT).

Usage: ``python build.py [--checkpoint FILE] [--million-tokens N]``. About five CPU minutes; with a checkpoint
an interrupted build goes on. The same versions of torch, RDKit and ilthermopy on the same kind of processor give the
same weights. Writes ``model.safetensors``, ``SHA256SUM`` and ``heldout.csv``, the ions it never saw.
"""

from __future__ import annotations

import argparse
import csv
import json
from importlib.metadata import version
from pathlib import Path

import torch
from rdkit import Chem

from ildb.generate.corpora import ion_data
from ildb.generate.judge import judge_ions
from ildb.generate.params import VaeParams
from ildb.generate.sequence import SequenceVAE
from ildb.generate.table1 import canonical_salt
from ildb.generate.training import Trainer
from ildb.ingest.ilthermo import read_catalogue
from ildb.links.dataset import IonRow, LinkGraph
from ildb.links.salts import graph_from_salts

_VARIANTS = 40_000
_HELDOUT = 0.1
_PACKAGES = ("torch", "rdkit", "ilthermopy")


def main() -> None:
    """Train, judge, and write the model beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--million-tokens", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    torch.set_num_threads(1)
    graph = graph_from_salts(record.salt_smiles for record in read_catalogue() if record.salt_smiles)
    ions = [
        IonRow(*row)
        for row in (
            *zip(graph.cations, graph.cation_smiles, graph.cation_charges.tolist(), strict=True),
            *zip(graph.anions, graph.anion_smiles, graph.anion_charges.tolist(), strict=True),
        )
    ]
    params = VaeParams(seed=1, million_tokens=options.million_tokens, kl_weight=0.1)
    data = ion_data(ions, params, heldout=_HELDOUT, n_variants=_VARIANTS, variant_share=0.5, anion_share=0.33)
    print(f"{len(data.train)} ions to learn, {len(data.heldout)} held out, {data.n_variants} variants", flush=True)
    trainer = Trainer(data.corpus, params, options.checkpoint, device="cpu")
    trainer.run(lambda figures: print(figures, flush=True) if figures.step % 500 == 0 else None)
    facts = {
        "kind": "ion",
        "data": "ILThermo, by ilthermopy",
        "licence": "MIT",
        "seed": params.seed,
        "params": params.model_dump(mode="json"),
        "versions": {name: version(name) for name in _PACKAGES},
        "n_train": len(data.train),
        "n_heldout": len(data.heldout),
        "n_variants": data.n_variants,
    }
    model = SequenceVAE(trainer.averaged(), data.corpus.vocabulary, facts)
    path = options.out / "model.safetensors"
    # Judged as shipped, with weights rounded to half precision.
    rounded = SequenceVAE.load(path, model.save(path, half=True), device="cpu")
    metrics = judge_ions(rounded, data.train, data.heldout, known_salts(graph), 5000, params.seed)
    model.about["metrics"] = {name: round(value, 4) for name, value in metrics.items()}
    sha256 = model.save(path, half=True)
    (options.out / "SHA256SUM").write_text(f"{sha256}  {path.name}\n", encoding="ascii")
    with (options.out / "heldout.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(data.heldout[0]._fields)
        writer.writerows(data.heldout)
    print(json.dumps(model.about["metrics"], indent=1))


def known_salts(graph: LinkGraph) -> set[str]:
    """`canonical_salt` of the catalogue's 1:1 salts, without stereochemistry."""
    texts = (f"{graph.cation_smiles[cation]}.{graph.anion_smiles[anion]}" for cation, anion in graph.edges)
    flat = (Chem.MolToSmiles(Chem.MolFromSmiles(text), isomericSmiles=False) for text in texts)
    return {salt for text in flat if (salt := canonical_salt(text)) is not None}


if __name__ == "__main__":
    main()
