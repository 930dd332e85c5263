"""Folds that judge a melting-point model honestly.

- ``random``: pairings at random; stereoisomers of one pairing stay together.
- ``cation_cluster``: whole clusters of similar cations (Butina) at a time.
- ``anion_group``: whole anions at a time.
- ``anion_family``: one family of anions at a time (halides, sulfonylimides, ...), `ildb.melting.families`.
- ``source``: whole references at a time, where the data name at least two.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold

from ildb.melting.data import MeltingData, ion_key
from ildb.melting.families import anion_family
from ildb.melting.ions import IonTable
from ildb.melting.params import MeltingParams
from ildb.melting.similarity import butina_clusters

SplitName = Literal["random", "cation_cluster", "anion_group", "anion_family", "source"]
SPLITS: Final[tuple[SplitName, ...]] = ("random", "cation_cluster", "anion_group")
"""Those that a model is always judged by, and calibrated on."""

EXTRA_SPLITS: Final[tuple[SplitName, ...]] = ("anion_family", "source")


def split_groups(
    split: SplitName, data: MeltingData, cations: IonTable, cation_index: npt.NDArray[np.int64], params: MeltingParams
) -> npt.NDArray[np.int64]:
    """Group number of each row; the rows of a group never part.

    Args:
        split: how to group.
        data: the rows.
        cations: their distinct cations.
        cation_index: row of `cations` for each row of `data`.
        params: `cluster_distance`.
    """
    if split == "cation_cluster":
        return butina_clusters(cations.counts, params.cluster_distance)[cation_index]
    pair = [f"{ion_key(c)}{ion_key(a)}" for c, a, *_ in data.keys]
    if split == "anion_group":
        labels = [ion_key(key) for key in data.anion_inchikey]
    elif split == "anion_family":
        family = {smiles: anion_family(smiles) for smiles in set(data.anion_smiles)}
        labels = [family[smiles] for smiles in data.anion_smiles]
    elif split == "source":
        first: dict[str, str] = {}
        for key, source in zip(pair, data.source, strict=True):
            first[key] = min(source, first.get(key, source))
        labels = [first[key] for key in pair]  # stereoisomers of one pairing stay together
    else:
        labels = pair
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def fold_ids(groups: npt.NDArray[np.int64], n_folds: int, seed: int) -> npt.NDArray[np.int64] | None:
    """Fold number of each row, or None where the groups do not allow two folds."""
    n_splits = min(n_folds, len(np.unique(groups)))
    if n_splits < 2:
        return None
    folds = np.empty(len(groups), dtype=np.int64)
    # Shuffled, so that a seed gives other folds; the sizes then differ.
    for number, (_, test) in enumerate(
        GroupKFold(n_splits, shuffle=True, random_state=seed).split(groups, groups=groups)
    ):
        folds[test] = number
    return folds
