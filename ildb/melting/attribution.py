"""What in a salt a predicted melting point comes from: cation, anion, substituents, atoms.

Works on any callable that predicts, so it knows nothing of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.errors import InputError
from ildb.melting.features import parse_ion
from ildb.melting.fragments import Branch, branches

Floats = npt.NDArray[np.float64]
Predict = Callable[[Sequence[tuple[str, str]]], Floats]
"""Melting points, K, of (cation SMILES, anion SMILES) pairs; NaN where there is none."""


class IonShares(NamedTuple):
    """How far a prediction lies above that of typical salts, and what each ion does to it. All in K.

    Args:
        tm_k: the prediction: baseline_k + cation_k + anion_k, exactly.
        baseline_k: mean prediction over the background's cations with the background's anions.
        cation_k: what the cation adds.
        anion_k: what the anion adds.
    """

    tm_k: float
    baseline_k: float
    cation_k: float
    anion_k: float


class BranchEffect(NamedTuple):
    """What a substituent does: the prediction less that with a hydrogen in its place.

    Args:
        ion: ``cation`` or ``anion``.
        fragment: SMILES of the substituent.
        removed: SMILES of the ion without it.
        effect_k: K; positive where it raises the melting point; NaN where there is no prediction.
        atoms: its atoms in the ion.
    """

    ion: str
    fragment: str
    removed: str
    effect_k: float
    atoms: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Shares of a prediction.

    Args:
        shares: of the two ions.
        branches: effects of their substituents, the strongest first.
        cation_atoms: weight of each cation atom, K; they add up to the cation's share.
        anion_atoms: the same for the anion.
    """

    shares: IonShares
    branches: tuple[BranchEffect, ...]
    cation_atoms: Floats
    anion_atoms: Floats


def outermost(effects: Sequence[BranchEffect]) -> list[BranchEffect]:
    """Those that are no part of another: a whole chain, and not each of its ends as well; in the same order."""
    return [
        one
        for one in effects
        if not any(one.ion == other.ion and set(one.atoms) < set(other.atoms) for other in effects)
    ]


def ion_shares(predict: Predict, cation: str, anion: str, cations: Sequence[str], anions: Sequence[str]) -> IonShares:
    """Exact Shapley values of the two ions (Lundberg and Lee, NeurIPS 2017, with two players).

    The value of one ion alone is its mean prediction with the background's partners; an ion's share is the mean of what
    it adds alone and what it adds to the other.

    Args:
        predict: the model.
        cation: SMILES.
        anion: SMILES.
        cations: background, such as the cations of measured salts, as often as they occur.
        anions: the same of anions.

    Raises:
        InputError: no prediction for the salt, or for none of the background.
    """
    if not cations or not anions:
        raise InputError("An attribution needs background ions.")
    both = float(predict([(cation, anion)])[0])
    if np.isnan(both):
        raise InputError("The model has no prediction for this salt, so there is nothing to explain.")
    of_cation = _mean(predict([(cation, other) for other in anions]))
    of_anion = _mean(predict([(other, anion) for other in cations]))
    baseline = _mean(predict([(c, a) for c in dict.fromkeys(cations) for a in dict.fromkeys(anions)]))
    cation_k = ((of_cation - baseline) + (both - of_anion)) / 2
    return IonShares(both, baseline, cation_k, both - baseline - cation_k)


def explain(predict: Predict, cation: str, anion: str, cations: Sequence[str], anions: Sequence[str]) -> Explanation:
    """Shares of the ions, effects of their substituents and weights of their atoms.

    A substituent's effect is found by occlusion: the prediction with it less that with a hydrogen in its place. What
    hangs on it is taken off its own atoms' weights, which share the rest evenly; the core shares what is left of the
    ion's share.

    Args:
        predict: see `ion_shares`, as the others.
        cation: SMILES.
        anion: SMILES.
        cations: background.
        anions: background.

    Raises:
        StructureError: an ion cannot be read.
        InputError: see `ion_shares`.
    """
    shares = ion_shares(predict, cation, anion, cations, anions)
    effects: list[BranchEffect] = []
    weights: list[Floats] = []
    for role, smiles, share in (("cation", cation, shares.cation_k), ("anion", anion, shares.anion_k)):
        mol = parse_ion(smiles)
        cut = branches(mol)
        pairs = [(b.removed, anion) if role == "cation" else (cation, b.removed) for b in cut]
        without = predict(pairs) if pairs else np.zeros(0)
        effect_k = shares.tm_k - without
        weights.append(_atom_weights(mol.GetNumAtoms(), cut, np.nan_to_num(effect_k), share))
        effects += [
            BranchEffect(role, _smiles_of(mol, b.atoms), b.removed, float(k), b.atoms)
            for b, k in zip(cut, effect_k, strict=True)
        ]
    effects.sort(key=lambda effect: -abs(np.nan_to_num(effect.effect_k)))
    return Explanation(shares, tuple(effects), weights[0], weights[1])


def _atom_weights(n_atoms: int, cut: Sequence[Branch], effect_k: Floats, share: float) -> Floats:
    own = effect_k.copy()
    core = share
    for i, branch in enumerate(cut):
        if branch.parent >= 0:
            own[branch.parent] -= effect_k[i]
        else:
            core -= effect_k[i]
    weights = np.zeros(n_atoms)
    rest = np.ones(n_atoms, dtype=np.bool_)
    for branch, value in zip(cut, own, strict=True):
        atoms = list(branch.own)
        weights[atoms] = value / len(atoms)
        rest[atoms] = False
    weights[rest] = core / rest.sum()
    return weights


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    if not known.size:
        raise InputError("The model has no prediction for any background salt.")
    return float(known.mean())


def _smiles_of(mol: Chem.Mol, atoms: Sequence[int]) -> str:
    return str(Chem.MolFragmentToSmiles(mol, list(atoms)))
