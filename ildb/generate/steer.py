"""Steered draws: a search of the latent space for ions with a high score, without gradients.

An evolution strategy with recombination (Beyer and Schwefel, Nat. Comput. 2002, 1, 3): each round's vectors are
mixtures of two of the best so far, moved a little. All the rounds' draws are kept and accounted for.
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

_ELITE_SHARE = 0.25
_FRESH_SHARE = 0.2


@dataclass(frozen=True)
class SteeredDraw:
    """One string of a steered search; ``round`` counts from 0."""

    raw: str
    charge: int
    finished: bool
    round: int


@dataclass
class _Archive:
    """New sane ions so far, with the vector and score of each."""

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
            _learn(archive, draws[-len(part) :], z, judge, score)
    return draws


def _learn(archive: _Archive, draws: Sequence[SteeredDraw], z: Vectors, judge: Judge, score: Score) -> None:
    new: list[tuple[str, int, int]] = []
    for row, draw in enumerate(draws):
        found = judge.judge(draw.raw, draw.charge, finished=draw.finished)
        if found.outcome == "novel" and found.key not in archive.keys:
            archive.keys.add(found.key)
            new.append((found.ion.smiles, draw.charge, row))
    if not new:
        return
    for (_, charge, row), value in zip(new, score([smiles for smiles, _, _ in new]), strict=True):
        if np.isfinite(value):
            archive.z.append(z[row])
            archive.charges.append(charge)
            archive.scores.append(float(value))


def _offspring(
    archive: _Archive, charges: npt.NDArray[np.int64], fresh: Vectors, spread: float, rng: np.random.Generator
) -> Vectors:
    """Mixtures of two good vectors each, moved; some draws stay fresh ones, and all where nothing good is known."""
    z = fresh.copy()
    for charge in np.unique(charges).tolist():
        elite = archive.best(charge)
        rows = np.flatnonzero((charges == charge) & (rng.random(len(charges)) >= _FRESH_SHARE))
        if len(elite) == 0:
            continue
        parents = np.stack([archive.z[i] for i in elite])
        pairs = rng.integers(len(parents), size=(len(rows), 2))
        mix = rng.random((len(rows), fresh.shape[1])) < 0.5
        child = np.where(mix, parents[pairs[:, 0]], parents[pairs[:, 1]])
        z[rows] = child + spread * rng.standard_normal(child.shape).astype(np.float32)
    return z
