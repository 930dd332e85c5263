"""A Markov chain of SMILES tokens: what spelling alone can do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ildb.errors import InputError
from ildb.generate.tokens import BOS, EOS, split_smiles

ORDER: Final = 5
_UNSEEN: Final = 1e-3


class NGram:
    """Draws strings token by token, each by the last few; learnt per charge, so that it can be asked for one.

    Args:
        ions: canonical SMILES and charge.
        order: tokens it looks back; it looks back less where it has never seen so many.
    """

    def __init__(self, ions: Iterable[tuple[str, int]], order: int = ORDER) -> None:
        self._order = order
        self._counts: dict[tuple[int, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
        self._tokens: set[str] = {EOS}
        for smiles, charge in ions:
            tokens = [BOS] * order + [*split_smiles(smiles, "atom"), EOS]
            self._tokens.update(tokens[order:])
            for i in range(order, len(tokens)):
                for back in range(order + 1):
                    self._counts[charge, tuple(tokens[i - back : i])][tokens[i]] += 1

    def draw(self, charges: Sequence[int], seed: int, max_length: int = 60) -> list[str]:
        """One string for each charge; cut at the longest length.

        Raises:
            InputError: a charge it has not learnt.
        """
        rng = np.random.default_rng(seed)
        return [self._one(int(charge), rng, max_length) for charge in charges]

    def log_likelihood(self, ions: Sequence[tuple[str, int]]) -> list[float]:
        """Log probability of each string, in nats, with a little left for tokens never seen after such a beginning."""
        found: list[float] = []
        for smiles, charge in ions:
            tokens = [BOS] * self._order + [*split_smiles(smiles, "atom"), EOS]
            steps = range(self._order, len(tokens))
            found.append(sum(np.log(self._probability(charge, tokens[i - self._order : i], tokens[i])) for i in steps))
        return found

    def _probability(self, charge: int, before: Sequence[str], token: str) -> float:
        """Interpolated over all lengths of the look-back (Jelinek and Mercer, 1980), half of the rest for each."""
        p = 1 / (len(self._tokens) + 1)
        for back in range(self._order + 1):
            counts = self._counts.get((charge, tuple(before[len(before) - back :])))
            if counts:
                p = 0.5 * p + 0.5 * counts[token] / counts.total()
        return max(p, _UNSEEN / len(self._tokens))

    def _one(self, charge: int, rng: np.random.Generator, max_length: int) -> str:
        tokens = [BOS] * self._order
        while len(tokens) < self._order + max_length:
            counts = self._longest(charge, tokens)
            names = list(counts)
            weights = np.fromiter(counts.values(), dtype=np.float64)
            token = names[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))]
            if token == EOS:
                break
            tokens.append(token)
        return "".join(tokens[self._order :])

    def _longest(self, charge: int, tokens: Sequence[str]) -> Counter[str]:
        for back in range(self._order, -1, -1):
            counts = self._counts.get((charge, tuple(tokens[len(tokens) - back :])))
            if counts:
                return counts
        raise InputError(f"No ion of charge {charge:+d} was learnt from.")
