"""Strict figures of generators for ``benchmarks/generate.py``: contests beside baselines, and rates of enumeration."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ildb.chem.standardize import ResolvedIon, examine_ion
from ildb.generate.contest import Settings, contest, identified
from ildb.generate.enumerate import Enumerator
from ildb.generate.fragments import learn_fragments
from ildb.generate.grammar import IonGrammar
from ildb.generate.melting_score import CounterIon, MeltingScore
from ildb.generate.quick import examine_quickly
from ildb.generate.sequence import SequenceVAE
from ildb.melting.data import MeltingData
from ildb.melting.params import MeltingParams

Ion = tuple[str, int]
_COUNTERS = (
    CounterIon("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", -1),
    CounterIon("F[B-](F)(F)F", -1),
    CounterIon("[Br-]", -1),
    CounterIon("F[P-](F)(F)(F)(F)F", -1),
    CounterIon("CCCC[n+]1ccn(C)c1", 1),
    CounterIon("CCn1cc[n+](C)c1", 1),
    CounterIon("CCCC[N+]1(C)CCCC1", 1),
    CounterIon("CCCC[N+](CCCC)(CCCC)CCCC", 1),
)
"""The usual partners, by which an ion's melting is told."""


def strict_figures(
    model: SequenceVAE,
    train: Sequence[Ion],
    heldout: Sequence[Ion],
    settings: Settings,
    *,
    with_melting: bool = True,
    seed: int = 0,
) -> dict[str, float]:
    """Figures of a model beside the baselines, see `ildb.generate.contest.contest`.

    Args:
        model: of ions.
        train: SMILES and charges it learnt from.
        heldout: those kept from it.
        settings: draws, seeds, temperature.
        with_melting: train a melting model on the paper's melting points, where at hand, for the screened yield.
        seed: of the melting model.
    """
    score = melting_score(seed) if with_melting else None
    mask = IonGrammar(model.vocabulary)
    return contest(model, train, heldout, settings, mask=mask, score=score, say=lambda text: print(text, flush=True))


def melting_score(seed: int) -> MeltingScore | None:
    """A score from the paper's melting points (``ILDB_ILGEN_DIR``); None without them.

    The model is a small one, and not judged here: it plays the screen.
    """
    folder = os.environ.get("ILDB_ILGEN_DIR")
    if not folder:
        return None
    from ildb.melting.train import train_melting

    rows: dict[tuple[str, str], tuple[ResolvedIon, ResolvedIon, float]] = {}
    with (Path(folder) / "IL-melting-point.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            parts = [examine_ion(part) for part in row["smiles"].split(".")]
            ions = [part for part in parts if isinstance(part, ResolvedIon)]
            if len(ions) == len(parts) == 2 and ions[0].ion.charge + ions[1].ion.charge == 0:
                cation, anion = sorted(ions, key=lambda one: -one.ion.charge)
                rows[cation.ion.inchikey, anion.ion.inchikey] = cation, anion, float(row["Melting point (K)"])
    listed = list(rows.values())
    data = MeltingData(
        cation_inchikey=[c.ion.inchikey for c, _, _ in listed],
        anion_inchikey=[a.ion.inchikey for _, a, _ in listed],
        cation_smiles=[c.ion.smiles for c, _, _ in listed],
        anion_smiles=[a.ion.smiles for _, a, _ in listed],
        n_cation=np.ones(len(listed), dtype=np.int64),
        n_anion=np.ones(len(listed), dtype=np.int64),
        tm_k=np.array([tm_k for _, _, tm_k in listed]),
        n_values=np.ones(len(listed), dtype=np.int64),
        spread_k=np.zeros(len(listed)),
        source=["ilgen"] * len(listed),
    )
    params = MeltingParams(seed=seed, n_trees=100, n_nets=2, n_epochs=20, n_kernel_rows=300, n_folds=2)
    return MeltingScore(train_melting(data, params).model, _COUNTERS)


def enumeration_figures(ions: Sequence[Ion], n: int, seed: int, anion_share: float = 0.35) -> dict[str, float]:
    """Valid distinct new ions a CPU minute, learning the rules not counted.

    Args:
        ions: known ions, SMILES and charge.
        n: draws.
        seed: of the draws.
        anion_share: share of them that are anions.

    Returns:
        ``enumerated_per_cpu_min``: drawn, parsed, all checks of the curation door passed, told apart by InChIKey;
        ``enumerated_full_identity_per_cpu_min``: the same with the door's settled form of each ion, in which resonance
        forms that InChI keeps apart are one.
    """
    enumerator = Enumerator(learn_fragments(smiles for smiles, _ in ions))
    known = set(identified(ions))
    there = np.array([charge for _, charge in ions if charge in enumerator.charges])
    rng = np.random.default_rng([seed, 1])
    negative = rng.random(n) < anion_share
    charges = np.where(negative, rng.choice(there[there < 0], size=n), rng.choice(there[there > 0], size=n))
    start = time.process_time()
    examined = [examine_quickly(text) for text in enumerator.draw(charges, seed)]
    found = {one.ion.inchikey for one in examined if isinstance(one, ResolvedIon)} - known
    quick_s = time.process_time() - start
    part = charges[: n // 4]
    start = time.process_time()
    settled = [examine_ion(text) for text in enumerator.draw(part, seed)]
    whole = {one.ion.inchikey for one in settled if isinstance(one, ResolvedIon)} - known
    full_s = time.process_time() - start
    return {
        "enumerated_per_cpu_min": 60 * len(found) / quick_s,
        "enumerated_full_identity_per_cpu_min": 60 * len(whole) / full_s,
    }
