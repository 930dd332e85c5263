"""Figures of a trained model: does it give back what it read, and what do plain draws look like?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from rdkit import Chem, rdBase

from ildb.generate.ions import FlatIon
from ildb.generate.sequence import PAIR_CHARGE, Mask, SequenceVAE
from ildb.generate.table1 import canonical_salt, table1

BEAMS: Final = 10
_SAMPLE: Final = 500
_IMPORTANCE: Final = 8


def ion_key(smiles: str) -> str | None:
    """InChIKey of a molecule; None for anything else, the empty string included."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles) if smiles else None
        return None if mol is None else str(Chem.MolToInchiKey(mol))  # type: ignore[no-untyped-call]


def reconstructed_ions(
    model: SequenceVAE,
    ions: Sequence[FlatIon],
    *,
    mask: Mask[object] | None = None,
    beams: int = BEAMS,
    sampled: int | None = None,
) -> list[bool]:
    """Of each ion, whether the model gives it back, as the same ion by InChIKey.

    An ion with a token or charge that the model does not know counts as not given back.

    Args:
        model: of ions.
        ions: with their keys.
        mask: restricts the decoder.
        beams: see `SequenceVAE.reconstruct`.
        sampled: decode a draw from q(z | ion) with this seed instead of its mean.
    """
    able = [model.vocabulary.knows(ion.smiles) and ion.charge in model.vocabulary.charges for ion in ions]
    asked = [ion for ion, can in zip(ions, able, strict=True) if can]
    if not asked:
        return able
    smiles, charges = [ion.smiles for ion in asked], [ion.charge for ion in asked]
    if sampled is None:
        written = model.reconstruct(smiles, charges, mask=mask, beams=beams)
    else:
        mu, logvar = model.encode(smiles, charges)
        noise = np.random.default_rng(sampled).standard_normal(mu.shape, dtype=np.float32)
        written = model.invert(mu + np.exp(0.5 * logvar) * noise, charges, mask=mask, beams=beams)
    found = iter(ion_key(text) == ion.inchikey for text, ion in zip(written, asked, strict=True))
    return [can and next(found) for can in able]


def judge_ions(
    model: SequenceVAE, train: Sequence[FlatIon], heldout: Sequence[FlatIon], known_salts: set[str], n: int, seed: int
) -> dict[str, float]:
    """Figures of an ion-level model.

    Args:
        model: of ions.
        train: ions it learnt from.
        heldout: ions it never saw.
        known_salts: `canonical_salt` of the known pairings, of flat ions.
        n: cations and anions to draw for the paper's columns, which are of pairs drawn one to one.
        seed: of the draws.

    Returns:
        ``reconstruction`` of training ions and ``reconstruction_heldout`` (`SequenceVAE.invert` of the mean), the
        latter for each sign, with ``_greedy`` by the most probable tokens alone and with ``_sampled`` from one draw
        of z instead of the mean; ``log_likelihood_heldout`` (bound,
        nats an ion); and the paper's columns for the plain decoder, as ``validity`` and so on.
    """
    chosen = np.random.default_rng(seed).permutation(len(train))[:_SAMPLE]
    learnt = [train[i] for i in sorted(chosen)]
    figures = {
        "reconstruction": _share(reconstructed_ions(model, learnt)),
        "reconstruction_greedy": _share(reconstructed_ions(model, learnt, beams=1)),
    }
    if heldout:
        found = reconstructed_ions(model, heldout)
        figures["reconstruction_heldout"] = _share(found)
        for name, sign in (("cation", 1), ("anion", -1)):
            own = [one for one, ion in zip(found, heldout, strict=True) if ion.charge * sign > 0]
            if own:
                figures[f"reconstruction_heldout_{name}"] = _share(own)
        figures["reconstruction_heldout_greedy"] = _share(reconstructed_ions(model, heldout, beams=1))
        figures["reconstruction_heldout_sampled"] = _share(reconstructed_ions(model, heldout, sampled=seed))
        able = [i for i in heldout if model.vocabulary.knows(i.smiles) and i.charge in model.vocabulary.charges]
        if able:
            bound = model.log_likelihood(
                [ion.smiles for ion in able], [ion.charge for ion in able], samples=_IMPORTANCE, seed=seed
            )
            figures["log_likelihood_heldout"] = float(bound.mean())
    if {1, -1} <= set(model.vocabulary.charges):
        sides = [
            model.decode(model.prior(n, [charge] * n, seed=seed + 2 + charge), [charge] * n, seed=seed + 2 + charge)
            for charge in (1, -1)
        ]
        drawn = [f"{cation}.{anion}" for cation, anion in zip(*sides, strict=True)]
        figures |= table1(drawn, known_salts)
    return figures


def judge_pairs(
    model: SequenceVAE, train: Sequence[str], heldout: Sequence[str], n: int, seed: int
) -> dict[str, float]:
    """Figures of a pair-level model: the paper's columns, and reconstruction of pairs it never saw.

    Args:
        model: of pairs.
        train: strings it learnt from.
        heldout: strings it never saw.
        n: strings to draw.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    known = {salt for text in train if (salt := canonical_salt(text)) is not None}
    drawn = model.decode(model.prior(n, [PAIR_CHARGE] * n, seed=seed), [PAIR_CHARGE] * n, seed=seed)

    def given_back(texts: Sequence[str]) -> list[bool]:
        chosen = [texts[i] for i in sorted(rng.permutation(len(texts))[:_SAMPLE])]
        return _given_back(model, chosen, canonical_salt)

    figures = table1(drawn, known, given_back(train))
    if heldout:
        figures["reconstruction_heldout"] = _share(given_back(heldout))
        able = [text for text in heldout[:_SAMPLE] if model.vocabulary.knows(text)]
        if able:
            bound = model.log_likelihood(able, [PAIR_CHARGE] * len(able), samples=_IMPORTANCE, seed=seed)
            figures["log_likelihood_heldout"] = float(bound.mean())
    return figures


def _given_back(model: SequenceVAE, texts: Sequence[str], same: Callable[[str], str | None]) -> list[bool]:
    able = [model.vocabulary.knows(text) for text in texts]
    asked = [text for text, can in zip(texts, able, strict=True) if can]
    if not asked:
        return able
    found = iter(model.reconstruct(asked, [PAIR_CHARGE] * len(asked)))
    return [can and same(next(found)) == same(text) for text, can in zip(texts, able, strict=True)]


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)
