"""What the two kinds of model learn from: ions with variants, or whole ionic liquids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ildb.generate.batches import Corpus, EmptyCorpusError
from ildb.generate.ions import FlatIon, Known, flat_ions, split_ions
from ildb.generate.params import VaeParams
from ildb.generate.tokens import PAIR_CHARGE, Vocabulary, split_smiles
from ildb.generate.variants import spellings, variants
from ildb.links.dataset import IonRow

_SEEDS_APART: Final = 1_000_003


class Salt(NamedTuple):
    """A 1:1 ionic liquid as a pair-level model writes it."""

    cation: str
    anion: str

    @property
    def smiles(self) -> str:
        """Cation first."""
        return f"{self.cation}.{self.anion}"


@dataclass(frozen=True, eq=False)
class IonData:
    """Data of an ion-level model.

    Attributes:
        corpus: what to train on.
        train: the known ions in it.
        heldout: the known ions kept out of it.
        n_variants: ions in it that nobody made.
    """

    corpus: Corpus
    train: list[FlatIon]
    heldout: list[FlatIon]
    n_variants: int


@dataclass(frozen=True, eq=False)
class PairData:
    """Data of a pair-level model: the corpus, the strings in it, and those kept out."""

    corpus: Corpus
    train: list[str]
    heldout: list[str]


def ion_data(
    ions: Iterable[IonRow],
    params: VaeParams,
    *,
    heldout: float,
    n_variants: int,
    variant_share: float,
    anion_share: float,
) -> IonData:
    """Split ions and add variants of the training ions.

    Args:
        ions: the known ions.
        params: of the training; ``seed`` also draws the split and the variants.
        heldout: share of ions held out; no variant is one of them.
        n_variants: ions to invent.
        variant_share: share of draws that are variants.
        anion_share: share of draws that are anions, which are a few in a hundred.

    Raises:
        EmptyCorpusError: there are no ions to learn.
    """
    level, longest, seed = params.level, params.max_length, params.seed
    known = flat_ions(((ion.smiles, ion.charge) for ion in ions), level, longest)
    train, test = split_ions(known, heldout, seed)
    if not train:
        raise EmptyCorpusError("There are no ions to learn from.", "Ingest some first: ildb ingest ilthermo")
    spelt = [spellings(ion.smiles, params.spellings, seed * _SEEDS_APART + i) for i, ion in enumerate(train)]
    texts = [ion.smiles for ion in train] + [one for own in spelt for one in own]
    vocabulary = Vocabulary.of(texts, level, (ion.charge for ion in train))
    made = (
        variants(
            train, n_variants, known=Known(known), vocabulary=vocabulary, max_length=longest, anion_share=anion_share,
            changed_share=0.5, seed=seed,
        )
        if n_variants
        else []
    )  # fmt: skip
    once = (spellings(ion.smiles, 1, seed * _SEEDS_APART - i) for i, ion in enumerate(made))
    spelt += [[text for text in own if vocabulary.knows(text)] for own in once]
    share = variant_share if made else 0.0
    weights = np.concatenate([_weights(train, 1 - share, anion_share), _weights(made, share, anion_share)])
    everything = [*train, *made]
    smiles, charges = [ion.smiles for ion in everything], [ion.charge for ion in everything]
    return IonData(Corpus.of(vocabulary, smiles, spelt, charges, weights), train, test, len(made))


def _weights(ions: Sequence[FlatIon], share: float, anion_share: float) -> npt.NDArray[np.float64]:
    """Draw weights that add up to `share`, anions with a part of it."""
    negative = np.array([ion.charge < 0 for ion in ions], dtype=np.bool_)
    part = np.where(negative, anion_share, 1 - anion_share)
    if negative.all() or not negative.any():
        part[:] = 1.0
    count = np.where(negative, negative.sum(), (~negative).sum())
    weights: npt.NDArray[np.float64] = share * part / np.maximum(count, 1)
    return weights


def pair_data(salts: Iterable[Salt], params: VaeParams, *, heldout: float) -> PairData:
    """Split whole ionic liquids.

    Args:
        salts: canonical SMILES of both ions.
        params: of the training; ``seed`` also draws the split.
        heldout: share held out.

    Raises:
        EmptyCorpusError: there is nothing short enough.
    """
    level, longest = params.level, params.max_length
    known = sorted({salt for salt in salts if len(split_smiles(salt.smiles, level)) <= longest})
    order = np.random.default_rng(params.seed).permutation(len(known))
    n_test = round(heldout * len(known))
    test, train = ([known[i] for i in sorted(part)] for part in (order[:n_test], order[n_test:]))
    if not train:
        raise EmptyCorpusError("There are no ionic liquids to learn from.", "Ingest some first: ildb ingest ilthermo")
    by_ion = {text: spellings(text, params.spellings, 1) for salt in train for text in salt} if (
        params.random_input
    ) else {}  # fmt: skip
    spelt = [
        [f"{c}.{a}" for c, a in zip(by_ion[salt.cation], by_ion[salt.anion][::-1], strict=True)] if by_ion else []
        for salt in train
    ]
    spelt = [[text for text in own if len(text) <= 2 * longest] for own in spelt]
    smiles = [salt.smiles for salt in train]
    texts = [*smiles, *(text for own in spelt for text in own)]
    vocabulary = Vocabulary.of(texts, level, (PAIR_CHARGE,))
    corpus = Corpus.of(vocabulary, smiles, spelt, [PAIR_CHARGE] * len(train), np.ones(len(train)))
    return PairData(corpus, smiles, [salt.smiles for salt in test])


def combinations(ions: Sequence[IonRow], n: int, seed: int) -> Iterator[Salt]:
    """Neutral 1:1 pairs of known ions: every one, or `n` of them at random where there are more.

    Args:
        ions: cations and anions.
        n: most pairs to give.
        seed: of the draw.
    """
    charges = sorted({ion.charge for ion in ions if ion.charge > 0})
    blocks = [
        ([c.smiles for c in ions if c.charge == charge], [a.smiles for a in ions if a.charge == -charge])
        for charge in charges
    ]
    sizes = np.array([len(cations) * len(anions) for cations, anions in blocks], dtype=np.int64)
    total = int(sizes.sum())
    chosen = np.arange(total)
    if total > n:
        chosen = np.sort(np.random.default_rng(seed).choice(total, size=n, replace=False))
    ends = np.cumsum(sizes)
    for number in chosen.tolist():
        block = int(np.searchsorted(ends, number, side="right"))
        cations, anions = blocks[block]
        place = number - int(ends[block] - sizes[block])
        yield Salt(cations[place // len(anions)], anions[place % len(anions)])
