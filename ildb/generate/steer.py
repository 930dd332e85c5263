"""Steered draws: a search of the latent space for ions with a high score, without gradients.

An evolution strategy without recombination (Beyer and Schwefel, Nat. Comput. 2002, 1, 3): each round's vectors are
those of the best so far, moved a little. An ion is inherited by its own code, not by the vector it was drawn from: a
decoder with a temperature wanders off, and so what was good would not be what is passed on. All the rounds' draws are
kept and accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ildb.generate.outcomes import Judge
from ildb.generate.sequence import Mask, SequenceVAE

Vectors = npt.NDArray[np.float32]
Score = Callable[[Sequence[str]], npt.NDArray[np.float64]]
"""Scores of ions by SMILES, higher is better, shape (n,); NaN for one that cannot be scored."""

_ELITE_SHARE = 0.15
_FRESH_SHARE = 0.05


@dataclass(frozen=True)
class SteeredDraw:
    """One string of a steered search; ``round`` counts from 0."""

    raw: str
    charge: int
    finished: bool
    round: int


@dataclass
class _Archive:
    """New sane ions so far, with the code and score of each."""

    z: list[Vectors] = field(default_factory=list)
    charges: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    keys: set[tuple[str, ...]] = field(default_factory=set)

    def best(self, charge: int) -> npt.NDArray[np.int64]:
        """Places of the best ions of a charge, at least two where there are two."""
        there = [i for i, q in enumerate(self.charges) if q == charge]
        n = max(2, round(_ELITE_SHARE * len(there)))
        return np.array(sorted(there, key=lambda i: -self.scores[i])[:n], dtype=np.int64)


def steered_draws(
    model: SequenceVAE,
    charges: Sequence[int],
    judge: Judge,
    score: Score,
    *,
    rounds: int,
    spread: float,
    scale: float,
    temperature: float,
    mask: Mask[Any] | None,
    seed: int,
) -> list[SteeredDraw]:
    """Draw in rounds, the first from the prior, the others near the best new ions of the rounds before.

    Args:
        model: of ions.
        charges: net charge of each draw, e; split evenly over the rounds.
        judge: tells which are new and sane; only those are scored, each once.
        score: what to look for.
        rounds: how many; 1 draws from the prior alone.
        spread: standard deviation of a move.
        scale: of the prior.
        temperature: of the decoder.
        mask: restricts the decoder.
        seed: of everything.

    Returns:
        All draws, round by round.
    """
    rng = np.random.default_rng([seed, 3])
    archive, draws = _Archive(), []
    for number, part in enumerate(np.array_split(np.array(charges, dtype=np.int64), rounds)):
        own = int(rng.integers(2**31))
        z = model.prior(len(part), part, seed=own, scale=scale)
        if number:
            z = _offspring(archive, part, z, spread, rng)
        drawn = model.draw(z, part, mask=mask, temperature=temperature, seed=own)
        ends = drawn.finished.tolist()
        draws += [
            SteeredDraw(raw, charge, end, number)
            for raw, charge, end in zip(drawn.smiles, part.tolist(), ends, strict=True)
        ]
        if number + 1 < rounds:
            _learn(archive, model, draws[-len(part) :], judge, score)
    return draws


def _learn(archive: _Archive, model: SequenceVAE, draws: Sequence[SteeredDraw], judge: Judge, score: Score) -> None:
    new: list[tuple[str, int]] = []
    for draw in draws:
        found = judge.judge(draw.raw, draw.charge, finished=draw.finished)
        if found.outcome == "novel" and found.key not in archive.keys:
            archive.keys.add(found.key)
            new.append((found.ion.smiles, draw.charge))
    if not new:
        return
    scores = score([smiles for smiles, _ in new])
    # The settled form of an ion may be spelt with a token that the model lacks.
    good = [i for i, (smiles, _) in enumerate(new) if np.isfinite(scores[i]) and model.vocabulary.knows(smiles)]
    if good:
        codes, _ = model.encode([new[i][0] for i in good], [new[i][1] for i in good])
        archive.z += list(codes)
        archive.charges += [new[i][1] for i in good]
        archive.scores += [float(scores[i]) for i in good]


def _offspring(
    archive: _Archive, charges: npt.NDArray[np.int64], fresh: Vectors, spread: float, rng: np.random.Generator
) -> Vectors:
    """Codes of good ions, moved; some draws stay fresh ones, and all where nothing good is known."""
    z = fresh.copy()
    for charge in np.unique(charges).tolist():
        elite = archive.best(charge)
        rows = np.flatnonzero((charges == charge) & (rng.random(len(charges)) >= _FRESH_SHARE))
        if len(elite) == 0:
            continue
        parents = np.stack([archive.z[i] for i in elite])[rng.integers(len(elite), size=len(rows))]
        z[rows] = parents + spread * rng.standard_normal(parents.shape).astype(np.float32)
    return z
