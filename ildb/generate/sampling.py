"""Where in the latent space draws begin: the prior, around an ion, or between two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from ildb.chem.curation import resolve_salt
from ildb.chem.standardize import resolve_ion
from ildb.errors import InputError
from ildb.generate.ions import flat_ions
from ildb.generate.sequence import SequenceVAE

Vectors = npt.NDArray[np.float32]


class Anchor(NamedTuple):
    """An ion to draw around: canonical SMILES without stereochemistry, and charge, e."""

    smiles: str
    charge: int


class Start(NamedTuple):
    """Latent vectors, shape (n, latent), with the charge asked of each, e, shape (n,)."""

    z: Vectors
    charges: list[int]


def read_anchors(texts: Sequence[str]) -> list[Anchor]:
    """The ions of SMILES of ions or of whole salts, as a model writes them.

    Raises:
        RefusedError: one is not an acceptable ion or salt.
    """
    anchors: list[Anchor] = []
    for text in texts:
        if "." in text:
            pair = resolve_salt(text)
            ions = [pair.cation, pair.anion]
        else:
            ions = [resolve_ion(text).ion]
        for ion in ions:
            mol = Chem.MolFromSmiles(ion.smiles)
            Chem.RemoveStereochemistry(mol)
            anchors.append(Anchor(str(Chem.MolToSmiles(mol)), ion.charge))
    return anchors


def known_anchors(
    model: SequenceVAE, ions: Iterable[tuple[str, int]], n: int, anion_share: float, seed: int
) -> list[Anchor]:
    """Known ions at random, as often as one is to be drawn around.

    Args:
        model: leaves out what it cannot read.
        ions: SMILES and charge of the known ions.
        n: how many.
        anion_share: share of them that are anions, where there are both.
        seed: of the choice.
    """
    words = model.vocabulary
    flat = [Anchor(ion.smiles, ion.charge) for ion in flat_ions(ions, words.level, model.max_length)]
    readable = [ion for ion in flat if words.knows(ion.smiles) and ion.charge in words.charges]
    rng = np.random.default_rng([seed, 6])
    negative = rng.random(n) < anion_share
    sides = [[ion for ion in readable if (ion.charge < 0) == sign] or readable for sign in (False, True)]
    numbers = rng.random(n)
    return [
        side[int(number * len(side))]
        for number, sign in zip(numbers, negative, strict=True)
        if (side := sides[int(sign)])
    ]


def around(model: SequenceVAE, anchors: Sequence[Anchor], n: int, spread: float, seed: int) -> Start:
    """Vectors near those of known ions, one ion after the other in turn.

    Args:
        model: of ions.
        anchors: at least one.
        n: how many.
        spread: standard deviation of the distance in each direction; the prior's is 1.
        seed: of the draws.

    Raises:
        InputError: there is no anchor.
        UnknownTokenError: the model cannot read an anchor.
    """
    if not anchors:
        raise InputError("Drawing around ions needs at least one.", 'Give their SMILES: anchors = ["CCn1cc[n+](C)c1"]')
    mu, _ = model.encode([a.smiles for a in anchors], [a.charge for a in anchors])
    which = np.arange(n) % len(anchors)
    return Start(mu[which] + _noise(mu, n, spread, seed), [anchors[i].charge for i in which.tolist()])


def between(model: SequenceVAE, anchors: Sequence[Anchor], n: int, spread: float, seed: int) -> Start:
    """Vectors on the way from one ion to another of the same charge, for each such pair of ions in turn.

    Args:
        model: of ions.
        anchors: two ions, or those of two salts; the first of a charge is the beginning, the next the end.
        n: how many.
        spread: as in `around`.
        seed: of the draws.

    Raises:
        InputError: no two anchors have the same charge.
    """
    ways = [
        (i, j) for j, end in enumerate(anchors) for i, begin in enumerate(anchors[:j]) if begin.charge == end.charge
    ]
    if not ways:
        raise InputError("Drawing between ions needs two of the same charge.", "Give two ions, or two ionic liquids.")
    mu, _ = model.encode([a.smiles for a in anchors], [a.charge for a in anchors])
    which = np.arange(n) % len(ways)
    share = np.random.default_rng([seed, 1]).random((n, 1), dtype=np.float32)
    begin, end = mu[[ways[i][0] for i in which]], mu[[ways[i][1] for i in which]]
    z = (1 - share) * begin + share * end + _noise(mu, n, spread, seed)
    return Start(z, [anchors[ways[i][0]].charge for i in which.tolist()])


def _noise(like: Vectors, n: int, spread: float, seed: int) -> Vectors:
    noise = np.random.default_rng([seed, 2]).standard_normal((n, like.shape[1]), dtype=np.float32)
    return noise * np.float32(spread)
