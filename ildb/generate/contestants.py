"""What takes part in a contest: each draws one string for each charge asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, Final, Protocol

import numpy as np

from ildb.generate.outcomes import Judge
from ildb.generate.ranked import RankedEnumerator
from ildb.generate.sequence import Mask, SequenceVAE

_ROUNDS: Final = 40
"""Times a draw is made again before a repeat is let pass."""
_SEEDS_APART: Final = 1_000_003


class Generator(Protocol):
    """Draws ions."""

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One string for each charge."""
        ...


class FromPrior:
    """A sequence model, drawn from its prior.

    Args:
        model: of ions.
        mask: restricts its decoder.
        temperature: of the decoder.
        scale: standard deviation of the prior.
    """

    def __init__(self, model: SequenceVAE, mask: Mask[Any] | None, temperature: float, scale: float) -> None:
        self._model, self._mask, self._temperature, self._scale = model, mask, temperature, scale

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One string for each charge."""
        z = self._model.prior(len(charges), list(charges), seed=seed, scale=self._scale)
        return self._model.decode(z, list(charges), mask=self._mask, temperature=self._temperature, seed=seed)


class Around:
    """A sequence model, drawn from around known ions of the charge asked for, taken at random.

    Args:
        model: of ions.
        ions: SMILES and charge of those to begin at; what the model cannot read is left out.
        mask: restricts its decoder.
        temperature: of the decoder.
        spread: standard deviation of the distance in each direction.
    """

    def __init__(
        self,
        model: SequenceVAE,
        ions: Sequence[tuple[str, int]],
        mask: Mask[Any] | None,
        temperature: float,
        spread: float,
    ) -> None:
        self._model, self._mask, self._temperature, self._spread = model, mask, temperature, spread
        known = [(text, q) for text, q in ions if model.vocabulary.knows(text) and q in model.vocabulary.charges]
        self._charges = np.array([charge for _, charge in known], dtype=np.int64)
        self._z, _ = model.encode([text for text, _ in known], self._charges)

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One string for each charge."""
        rng = np.random.default_rng([seed, 5])
        asked = np.asarray(charges, dtype=np.int64)
        begin = np.zeros(len(asked), dtype=np.int64)
        for charge in np.unique(asked).tolist():
            mine = asked == charge
            begin[mine] = rng.choice(np.flatnonzero(self._charges == charge), size=int(mine.sum()))
        noise = rng.standard_normal((len(asked), self._z.shape[1]), dtype=np.float32)
        z = self._z[begin] + np.float32(self._spread) * noise
        return self._model.decode(z, asked, mask=self._mask, temperature=self._temperature, seed=seed)


class Ranked:
    """Ranked enumeration, with a little noise so that seeds differ.

    Args:
        ranked: fitted on the training ions.
        temperature: of the noise.
    """

    def __init__(self, ranked: RankedEnumerator, temperature: float) -> None:
        self._ranked, self._temperature = ranked, temperature

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One ion for each charge, in no order; some again where there are no more."""
        rng = np.random.default_rng([seed, 7])
        left: dict[int, Iterator[str]] = {}
        for charge, n in Counter(charges).items():
            texts = np.array(self._ranked.propose(charge, n, seed, temperature=self._temperature) or [""])
            left[charge] = cycle(rng.permutation(texts).tolist())
        return [next(left[charge]) for charge in charges]


class WithoutRepeats:
    """Another generator of which only new ions count, each once: what is known, unreadable or a repeat is redrawn.

    Attributes:
        n_raw: strings drawn so far to get what was asked for.

    Args:
        generator: to draw from.
        judge: tells what is known.
    """

    def __init__(self, generator: Generator, judge: Judge) -> None:
        self._generator, self._judge = generator, judge
        self.n_raw = 0

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One new ion for each charge; where none comes in many rounds, the last string drawn for it."""
        texts = [""] * len(charges)
        seen: set[tuple[str, ...]] = set()
        missing = list(range(len(charges)))
        for number in range(_ROUNDS):
            drawn = self._generator.draw([charges[i] for i in missing], seed + number * _SEEDS_APART)
            self.n_raw += len(drawn)
            left: list[int] = []
            for i, text in zip(missing, drawn, strict=True):
                texts[i] = text
                found = self._judge.judge(text, charges[i])
                if not found.ions or found.outcome == "known" or found.key in seen:
                    left.append(i)
                else:
                    seen.add(found.key)
            missing = left
            if not missing:
                break
        return texts
