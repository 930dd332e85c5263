"""Known ions drawn at random: no chemistry at all, and nearly perfect by the usual columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Shuffle:
    """Draws known ions of the charge asked for.

    Args:
        ions: SMILES and charge.
    """

    def __init__(self, ions: Sequence[tuple[str, int]]) -> None:
        self._by_charge: dict[int, list[str]] = {}
        for smiles, charge in ions:
            self._by_charge.setdefault(charge, []).append(smiles)

    def draw(self, charges: Sequence[int], seed: int) -> list[str]:
        """One known ion for each charge."""
        rng = np.random.default_rng(seed)
        return [str(rng.choice(self._by_charge[int(charge)])) for charge in charges]
