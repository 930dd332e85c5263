"""Steered draws: a search of the latent space for ions with a high score, without gradients.

An evolution strategy without recombination (Beyer and Schwefel, Nat. Comput. 2002, 1, 3): each round's vectors are
those of the best so far, moved a little; the first round's those of the best known ions. An ion is inherited by its own
code, not by the vector it was drawn from: a decoder with a temperature wanders off, and so what was good would not be
what is passed on. All the rounds' draws are kept and accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ildb.generate.outcomes import Judge
from ildb.generate.sequence import Mask, SequenceVAE

Ion = tuple[str, int]
Vectors = npt.NDArray[np.float32]
Score = Callable[[Sequence[str]], npt.NDArray[np.float64]]
"""Scores of ions by SMILES, higher is better, shape (n,); NaN for one that cannot be scored."""

N_BEGIN: Final = 500
"""How many known ions a search begins with."""
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
    """Ions to move from, with the code and score of each: known ones to begin with, then the new sane ones."""

    z: list[Vectors] = field(default_factory=list)
    charges: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    keys: set[tuple[str, ...]] = field(default_factory=set)

    def best(self, charge: int) -> npt.NDArray[np.int64]:
        """Places of the best ions of a charge, at least two where there are two."""
        there = [i for i, q in enumerate(self.charges) if q == charge]
        n = max(2, round(_ELITE_SHARE * len(there)))
        return np.array(sorted(there, key=lambda i: -self.scores[i])[:n], dtype=np.int64)

    def add(self, model: SequenceVAE, ions: Sequence[Ion], score: Score) -> None:
        """Score ions and encode those that have one."""
        if not ions:
            return
        scores = score([smiles for smiles, _ in ions])
        # The settled form of an ion may be spelt with a token that the model lacks.
        good = [i for i, (smiles, _) in enumerate(ions) if np.isfinite(scores[i]) and model.vocabulary.knows(smiles)]
        if good:
            codes, _ = model.encode([ions[i][0] for i in good], [ions[i][1] for i in good])
            self.z += list(codes)
            self.charges += [ions[i][1] for i in good]
            self.scores += [float(scores[i]) for i in good]


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
    begin: Sequence[Ion] = (),
) -> list[SteeredDraw]:
    """Draw in rounds, each near the best ions so far; without any, from the prior.

    Args:
        model: of ions.
        charges: net charge of each draw, e; split evenly over the rounds.
        judge: tells which are new and sane; only those are scored, each once.
        score: what to look for.
        rounds: how many.
        spread: standard deviation of a move.
        scale: of the prior.
        temperature: of the decoder.
        mask: restricts the decoder.
        seed: of everything.
        begin: known ions, as SMILES and charge; they are scored, too.

    Returns:
        All draws, round by round.
    """
    rng = np.random.default_rng([seed, 3])
    archive, draws = _Archive(), []
    archive.add(model, begin, score)
    for number, part in enumerate(np.array_split(np.array(charges, dtype=np.int64), rounds)):
        own = int(rng.integers(2**31))
        z = model.prior(len(part), part, seed=own, scale=scale)
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
    new: list[Ion] = []
    for draw in draws:
        found = judge.judge(draw.raw, draw.charge, finished=draw.finished)
        if found.outcome == "novel" and found.key not in archive.keys:
            archive.keys.add(found.key)
            new.append((found.ion.smiles, draw.charge))
    archive.add(model, new, score)


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
