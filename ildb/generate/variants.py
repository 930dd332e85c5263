"""Ions that nobody made, to learn spelling from: recombined and slightly changed training ions.

A few thousand ions are too few to learn how a structure is spelt. These are not claimed to be good chemistry, only to
be valid, of the right charge, and not among the ions held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from rdkit import Chem, rdBase

from ildb.generate.enumerate import Enumerator
from ildb.generate.fragments import learn_fragments
from ildb.generate.ions import FlatIon, Known
from ildb.generate.tokens import Level, Vocabulary, split_smiles

_SWAPS: Final = {
    "F": ("Cl", "C", "O"), "Cl": ("F", "Br", "C"), "Br": ("Cl", "I", "C"), "I": ("Br",),
    "O": ("S", "C", "N"), "S": ("O",), "C": ("O", "C(C)", "CC", "C", "S", "N"), "N": ("O", "C"),
    "c": ("n", "c(C)", "c(F)", "c(OC)"), "n": ("c",), "o": ("s",), "s": ("o",),
}  # fmt: skip
_GROUPS: Final = ("C", "C", "CC", "F", "Cl", "O", "OC", "C#N", "C(F)(F)F", "C=C", "C(C)C", "N(C)C", "Br", "S", "C(=O)O")
_DRAWS: Final = 4096


def variants(
    ions: Sequence[FlatIon],
    n: int,
    *,
    known: Known,
    vocabulary: Vocabulary,
    max_length: int,
    anion_share: float,
    changed_share: float,
    seed: int,
) -> list[FlatIon]:
    """Draw distinct new ions; their keys are empty.

    Args:
        ions: the training ions; nothing else is recombined.
        n: how many, cations and anions together.
        known: ions that must not come out, in any resonance form: those held out and those learnt from.
        vocabulary: must know every token.
        max_length: tokens of the longest.
        anion_share: share of anions.
        changed_share: share with an atom changed, added or removed after the recombination.
        seed: of the draws.
    """
    enumerator = Enumerator(learn_fragments(ion.smiles for ion in ions), min_bonds=1, two_sites=0.5)
    charges = np.array([ion.charge for ion in ions if ion.charge in enumerator.charges])
    lengths = np.array([len(split_smiles(ion.smiles, vocabulary.level)) for ion in ions])
    found: dict[str, FlatIon] = {}
    for sign, share in ((1, 1 - anion_share), (-1, anion_share)):
        side = charges[charges * sign > 0]
        wanted = len(found) + round(share * n)
        rng = np.random.default_rng([seed, sign + 1])
        own = lengths[[ion.charge * sign > 0 for ion in ions]]
        barren = 0
        while len(side) and len(found) < wanted and barren < 3:
            before = len(found)
            drawn = rng.choice(side, size=_DRAWS)
            # Two groups exchanged make ions longer than known ones: keep to their lengths, roughly.
            limits = np.minimum(1.2 * rng.choice(own, size=_DRAWS) + 2, max_length)
            texts = enumerator.draw(drawn, int(rng.integers(2**31)))
            for smiles, charge, limit in zip(texts, drawn.tolist(), limits.tolist(), strict=True):
                text = _changed(smiles, rng) if rng.random() < changed_share else smiles
                ion = _accepted(text, charge, known, vocabulary, limit)
                if ion is not None and len(found) < wanted:
                    found.setdefault(ion.smiles, ion)
            barren = barren + 1 if len(found) < before + _DRAWS // 100 else 0
    return list(found.values())


def spellings(smiles: str, n: int, seed: int) -> list[str]:
    """Random spellings of a structure, as many as asked for, some perhaps equal."""
    mol = Chem.MolFromSmiles(smiles)
    return list(Chem.MolToRandomSmilesVect(mol, n, randomSeed=seed & 0x7FFFFFFF or 1))


def _changed(smiles: str, rng: np.random.Generator) -> str:
    """A string with one or two tokens changed; often not a molecule any more."""
    level: Level = "atom"
    tokens = split_smiles(smiles, level)
    for _ in range(int(rng.integers(1, 3))):
        places = [i for i, token in enumerate(tokens) if token in _SWAPS]
        if not places:
            break
        place = places[int(rng.integers(len(places)))]
        old, kind = tokens[place], rng.random()
        if kind < 0.4:
            options = _SWAPS[old]
            tokens[place] = options[int(rng.integers(len(options)))]
        elif kind < 0.75:
            after = place + 1
            while after < len(tokens) and (tokens[after].isdigit() or tokens[after].startswith("%")):
                after += 1
            tokens.insert(after, f"({_GROUPS[int(rng.integers(len(_GROUPS)))]})")
        elif old == "C":
            tokens[place] = "" if kind < 0.9 else "CC"
        tokens = split_smiles("".join(tokens), level)
    return "".join(tokens)


def _accepted(smiles: str, charge: int, known: Known, vocabulary: Vocabulary, max_length: float) -> FlatIon | None:
    if len(split_smiles(smiles, vocabulary.level)) > max_length:
        return None
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or mol.GetNumHeavyAtoms() < 2 or Chem.GetFormalCharge(mol) != charge:
            return None
        text = str(Chem.MolToSmiles(mol))
    if "." in text or not vocabulary.knows(text):
        return None
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()) or known.has(mol, text):
        return None
    return FlatIon("", text, charge)
