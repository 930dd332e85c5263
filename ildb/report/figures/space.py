"""Known, predicted and generated ionic liquids on one map, those that melt low and those that do not (Fig. 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator

from ildb.report import style
from ildb.report.section import Section, Table
from ildb.report.structures import formula_unit

TITLE: Final = "The map: known beside predicted ionic liquids"
PER_KIND: Final = 900
"""Pairings of each kind on the map; more take longer and hide each other."""
SEED: Final = 1
LIMIT_K: Final = 373.15
MIN_POINTS: Final = 12
"""Fewer make no map."""
_PERPLEXITY: Final = 30.0
_BITS: Final = 1024
_EARLY_STEPS: Final = 250
_STEPS: Final = 400
_KINDS: Final = {
    "known": (style.KNOWN, "o"), "predicted": (style.NEW, "^"), "generated": (style.OTHER, "s"),
}  # fmt: skip

Floats = npt.NDArray[np.float64]
Embed = Callable[[Floats, int], Floats]


def distances(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """1 - the mean Tanimoto similarity of the cations and of the anions, shape (n, n); ECFP4 of 1,024 bits.

    Args:
        rows: with ``cation_smiles`` and ``anion_smiles``.
    """
    similar = np.zeros((len(rows), len(rows)), dtype=np.float64)
    for side in ("cation_smiles", "anion_smiles"):
        smiles, place = np.unique([row[side] for row in rows], return_inverse=True)
        similar += _tanimoto(smiles.tolist())[np.ix_(place, place)]
    return np.asarray(1 - similar / 2, dtype=np.float64)


def _tanimoto(smiles: Sequence[str]) -> Floats:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_BITS)
    with rdBase.BlockLogs():
        prints = [generator.GetFingerprint(Chem.MolFromSmiles(text) or Chem.Mol()) for text in smiles]
    return np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints], dtype=np.float64)


def embed(apart: Floats, seed: int) -> Floats:
    """Places of n points in two dimensions by t-SNE (openTSNE), shape (n, 2); the same distances give the same map.

    Args:
        apart: distances, shape (n, n).
        seed: of the start.

    Raises:
        ImportError: openTSNE is not installed.
    """
    from openTSNE import TSNEEmbedding, affinity, initialization

    perplexity = min(_PERPLEXITY, (len(apart) - 1) / 3)
    near = affinity.PerplexityBasedNN(apart, perplexity=perplexity, metric="precomputed", n_jobs=1, random_state=seed)
    start = initialization.random(len(apart), random_state=seed)
    places = TSNEEmbedding(
        start, near, negative_gradient_method="bh", learning_rate="auto", n_jobs=1, random_state=seed
    )
    places = places.optimize(_EARLY_STEPS, exaggeration=12, momentum=0.5)
    return np.asarray(places.optimize(_STEPS, momentum=0.8), dtype=np.float64)


def best_tm_k(row: Mapping[str, Any]) -> float:
    """The measured melting point, else the predicted one."""
    return float(row["predicted_tm_k"] if row["measured_tm_k"] is None else row["measured_tm_k"])


def section(rows: Sequence[Mapping[str, Any]], embedding: Embed = embed, seed: int = SEED) -> Section:
    """Section of the map.

    Args:
        rows: of ``report/space``.
        embedding: places points by their distances and a seed.
        seed: for it.
    """
    if len(rows) < MIN_POINTS:
        return Section(
            "map", TITLE, f"Only {len(rows)} pairings have a predicted melting point: a map needs {MIN_POINTS}."
        )
    try:
        places = embedding(distances(rows), seed)
    except ImportError:
        return Section("map", TITLE, "The map needs openTSNE: pip install 'ildb[report]'.")
    low = np.array([best_tm_k(row) < LIMIT_K for row in rows])
    kinds = np.array([row["kind"] for row in rows])
    figure, axes = style.panels(2, width=8.4, height=4.5)
    for axis, here, title in (
        (axes[0], low, "melts below 373.15 K"),
        (axes[1], ~low, "melts at 373.15 K or above"),
    ):
        axis.scatter(places[~here, 0], places[~here, 1], 4, c=style.GRID, linewidths=0)
        for kind, (colour, mark) in _KINDS.items():
            at = here & (kinds == kind)
            axis.scatter(places[at, 0], places[at, 1], 11, c=colour, marker=mark, linewidths=0, alpha=0.65)
        axis.set(title=f"{title} ({int(here.sum()):,})", xticks=[], yticks=[], aspect="equal", adjustable="datalim")
        axis.spines[["left", "bottom"]].set_visible(False)
    present = [kind for kind in _KINDS if (kinds == kind).any()]
    handles = [
        axes[0].plot([], [], mark, color=colour, linestyle="none", label=kind)[0]
        for kind, (colour, mark) in _KINDS.items()
        if kind in present
    ]
    handles.append(axes[0].plot([], [], ".", color=style.FAINT, linestyle="none", label="in the other panel")[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    said = [
        f"{int(at.sum()):,} of {_of_kind(rows, kind):,} {kind} ones ({low[at].mean():.0%} melt below 373.15 K)"
        for kind, at in ((kind, kinds == kind) for kind in present)
    ]
    message = (
        f"A sample of {len(rows):,} pairings, placed by the likeness of their ions: {'; '.join(said)}."
        " Melting points as measured, else as predicted."
    )
    return Section(
        "map",
        TITLE,
        message,
        figure,
        f"Two scatter plots of one t-SNE map, low-melting pairings on the left and the others on the right. {message}",
        Table(
            ("kind", "SMILES", "Tm, K", "measured", "x", "y"),
            [
                [
                    row["kind"], formula_unit(row), round(best_tm_k(row)),
                    "no" if row["measured_tm_k"] is None else "yes", round(float(x), 2), round(float(y), 2),
                ]
                for row, (x, y) in zip(rows, places, strict=True)
            ],
        ),
        notes=(
            f"t-SNE of 1 - the mean Tanimoto similarity of both ions (ECFP4); seed {seed}, perplexity {_PERPLEXITY:g}."
            " Near points are alike; distances between groups and sizes of groups mean nothing.",
        ),
    )  # fmt: skip


def _of_kind(rows: Sequence[Mapping[str, Any]], kind: str) -> int:
    return next(int(row["n_of_kind"]) for row in rows if row["kind"] == kind)
