"""Enumeration in the order of what chemists would make: recombined ions, the likeliest first, none of them known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost
from rdkit import Chem, rdBase
from threadpoolctl import threadpool_limits

from ildb.errors import InputError
from ildb.generate.completion import Completion, Shapes
from ildb.generate.cuts import CutTable, Ints, cut_table
from ildb.generate.enumerate import MIN_BONDS
from ildb.generate.fragments import with_ring_digits

FOLDS: Final = 5
"""Each fifth of the known ions is hidden once, and the model learns which entries they fill."""
_EXAMPLES: Final = 60_000
"""Empty entries of each fold to learn from; there are millions."""
_TREES: Final = 150
_SETTINGS: Final = {
    "objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0,
    "max_leaves": 31, "eta": 0.1, "min_child_weight": 3.0, "subsample": 0.7, "colsample_bytree": 0.7, "nthread": 1,
    "max_delta_step": 1.0,
}  # fmt: skip
_NEGATIVES: Final = 20.0
"""Weight of all entries that stayed empty over that of the filled ones. In truth it is thousands, with which boosting
overshoots; the order is the same."""
_SPARE: Final = 1.5
"""Distinct ions spelt out for each one asked for, as noise and the sum over entries change their order."""

Floats = npt.NDArray[np.float64]


class RankedEnumerator:
    """Recombines known ions and proposes them in the order of a learnt probability, each once.

    The ions are cut into a table of cores and substituents. With a fold of the ions hidden, a boosted model learns
    which empty entries they fill; with all ions known it then scores every empty entry.

    Attributes:
        charges: net charges it can propose, e, ascending.

    Args:
        smiles: of the known ions.
        seed: of folds, examples and trees.
        min_bonds: see `ildb.generate.enumerate.MIN_BONDS`.

    Raises:
        InputError: there is nothing to learn from.
    """

    def __init__(self, smiles: Sequence[str], *, seed: int = 0, min_bonds: int = MIN_BONDS) -> None:
        self._table = cut_table(smiles)
        self._known = frozenset(_flat(text) for text in smiles)
        if not self._table.cores:
            raise _too_few()
        with threadpool_limits(1):
            shapes = Shapes.of(self._table)
            booster = _fit(self._table, shapes, seed, min_bonds)
            whole = Completion(self._table, shapes, np.ones(self._table.n_ions, dtype=np.bool_), min_bonds)
            self._entries = _scored(whole, booster)
        self.charges = tuple(int(q) for q in np.unique(self._table.core_charge[np.unique(self._entries[0])]))
        self._made: dict[tuple[int, int], tuple[list[str], Floats]] = {}

    def draw(self, charges: Sequence[int], seed: int, *, temperature: float = 0.0) -> list[tuple[str, int]]:
        """Distinct unknown ions with their charges: one for each asked for, the likeliest of a charge first.

        Where a charge has too few, single charges of its sign stand in.

        Args:
            charges: net charge of each, e.
            seed: of the noise.
            temperature: of Gumbel noise on the log odds; 0: always the likeliest.

        Raises:
            InputError: there are not so many.
        """
        wanted = Counter(charges)
        made: dict[int, list[str]] = {}
        for charge in sorted(wanted, key=abs, reverse=True):
            made[charge] = self.propose(charge, wanted[charge], seed, temperature=temperature)
            missing = wanted[charge] - len(made[charge])
            if missing and abs(charge) > 1:
                wanted[charge // abs(charge)] += missing
            elif missing:
                raise InputError(
                    f"Only {len(made[charge])} unknown ions of charge {charge:+d} can be made of the known ones; "
                    f"{wanted[charge]} were asked for.",
                    "Draw fewer, or lower min_bonds.",
                )
        left = {charge: iter(texts) for charge, texts in made.items()}
        drawn: list[tuple[str, int]] = []
        for charge in charges:
            single = charge // abs(charge)
            text = next(left[charge], None)
            drawn.append((text, charge) if text is not None else (next(left[single]), single))
        return drawn

    def propose(self, charge: int, n: int, seed: int, *, temperature: float = 0.0) -> list[str]:
        """Distinct unknown ions of a charge, the likeliest first; fewer than `n` where there are no more.

        Args:
            charge: net, e.
            n: how many.
            seed: of the noise.
            temperature: see `draw`.
        """
        texts, scores = self._ions(charge, n)
        noise = np.random.default_rng([seed, charge % 2**32]).gumbel(size=len(scores))
        order = np.argsort(-(scores + temperature * noise), kind="stable")
        return [texts[i] for i in order[:n]]

    def _ions(self, charge: int, n: int) -> tuple[list[str], Floats]:
        """Distinct unknown ions of the best entries with the log of the sum of their entries' odds, best first."""
        if (charge, n) in self._made:
            return self._made[charge, n]
        cores, groups, logits = self._entries
        mine = np.flatnonzero(self._table.core_charge[cores] == charge)
        odds: dict[str, float] = {}
        for entry in mine[np.argsort(-logits[mine], kind="stable")].tolist():
            if len(odds) >= _SPARE * n:
                break
            text = spelt(self._table.cores[cores[entry]], self._table.substituents[groups[entry]])
            if text is not None and text not in self._known:
                odds[text] = float(np.logaddexp(odds.get(text, -np.inf), logits[entry]))
        ranked = sorted(odds, key=lambda text: (-odds[text], text))
        self._made[charge, n] = ranked, np.array([odds[text] for text in ranked])
        return self._made[charge, n]


def _fit(table: CutTable, shapes: Shapes, seed: int, min_bonds: int) -> xgboost.Booster:
    rng = np.random.default_rng([seed, 4])
    fold = rng.permutation(table.n_ions) % FOLDS
    x, truth, weights = [], [], []
    for number in range(FOLDS):
        view = Completion(table, shapes, fold != number, min_bonds)
        hidden = fold[table.ion] == number
        filled = _keys(table, table.core[hidden], table.substituent[hidden])
        counts = [(block, *view.empty(block)) for block in view.blocks()]
        total = sum(float(view.popularity(cores, groups).sum()) for _, cores, groups in counts)
        n = sum(len(cores) for _, cores, _ in counts)
        if not n:
            continue
        for block, cores, groups in counts:
            is_filled = np.isin(_keys(table, cores, groups), filled)
            # Half of the examples by popularity, half evenly; each stands for as many as were left out for it.
            chance = 0.5 * _EXAMPLES * (view.popularity(cores, groups) / total + 1 / n)
            chance = np.where(is_filled, 1.0, np.minimum(chance, 1.0))
            used = rng.random(len(chance)) < chance
            x.append(view.describe(block, cores[used], groups[used]))
            truth.append(is_filled[used])
            weights.append(1 / chance[used])
    labels = np.concatenate(truth) if truth else np.zeros(0, dtype=np.bool_)
    if len(np.unique(labels)) < 2:
        raise _too_few()
    weight = np.concatenate(weights)
    weight[~labels] *= _NEGATIVES * labels.sum() / weight[~labels].sum()
    rows = xgboost.QuantileDMatrix(np.concatenate(x), labels, weight=weight, nthread=1)
    return xgboost.train({**_SETTINGS, "seed": seed % 2**31}, rows, num_boost_round=_TREES)


def _too_few() -> InputError:
    return InputError(
        "The known ions are too few to learn which substituents a core takes.",
        'Ingest more: ildb ingest ilthermo; or draw with method = "frequency".',
    )


def _scored(view: Completion, booster: xgboost.Booster) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Every empty entry with its log odds."""
    found: list[tuple[Ints, Ints, npt.NDArray[np.float32]]] = []
    for block in view.blocks():
        cores, groups = view.empty(block)
        if len(cores):
            logits = booster.inplace_predict(view.describe(block, cores, groups), predict_type="margin")
            found.append((cores, groups, logits.astype(np.float32)))
    cores, groups, logits = (np.concatenate(part) for part in zip(*found, strict=True))
    return cores, groups, logits


def _keys(table: CutTable, cores: Ints, groups: Ints) -> Ints:
    return cores * len(table.substituents) + groups


def spelt(core: str, substituent: str) -> str | None:
    """Canonical SMILES of a core with its substituent; None where that is no structure."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(core.replace("[*:1]", with_ring_digits(substituent, 1)))
    return None if mol is None else str(Chem.MolToSmiles(mol))


def _flat(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return str(Chem.MolToSmiles(mol))
