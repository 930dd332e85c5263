"""New ions from the cores and substituents of known ones: a generator without a network, and the one to beat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.errors import InputError
from ildb.generate.fragments import Core, FragmentRules, classes_together, with_ring_digits

MIN_BONDS: Final = 3
"""Ions that must have a bond between two classes of atoms before new ones may have it."""
TWO_SITES: Final = 0.3
"""Share of draws that exchange two substituents instead of one."""

POWER: Final = 0.5
"""How much more often a frequent core or substituent is drawn: by this power of its frequency."""

Floats = npt.NDArray[np.float64]


class Enumerator:
    """Draws ions: a core in proportion to a power of its frequency, then a substituent for each of its sites likewise.

    The root by default, because a third of all cores are alkylimidazoliums. Nothing is checked here: what is drawn may
    be known, twice the same, or implausible.

    Args:
        rules: learnt from known ions.
        min_bonds: see `MIN_BONDS`; small collections need less.
        two_sites: see `TWO_SITES`.
        power: see `POWER`.
    """

    def __init__(
        self, rules: FragmentRules, *, min_bonds: int = MIN_BONDS, two_sites: float = TWO_SITES, power: float = POWER
    ) -> None:
        self._two_sites = two_sites
        by_class: dict[str, list[int]] = defaultdict(list)
        for i, substituent in enumerate(rules.substituents):
            by_class[substituent.atom_class].append(i)
        self._texts = {label: [with_ring_digits(s.smiles, label) for s in rules.substituents] for label in (1, 2)}
        weights = np.array([substituent.times for substituent in rules.substituents]) ** power
        self._choices: dict[str, tuple[npt.NDArray[np.int64], Floats]] = {}
        for core_class, groups in classes_together(rules, min_bonds).items():
            which = np.array(sorted(i for group in groups for i in by_class[group]), dtype=np.int64)
            if len(which) > 1:
                self._choices[core_class] = which, np.cumsum(weights[which])
        self._cores: dict[tuple[int, int], tuple[list[Core], Floats]] = {}
        usable: dict[tuple[int, int], list[Core]] = defaultdict(list)
        for core in rules.cores:
            if all(name in self._choices for name in core.classes):
                usable[core.charge, len(core.classes)].append(core)
        for key, cores in usable.items():
            self._cores[key] = cores, np.cumsum(np.array([core.times for core in cores]) ** power)

    @property
    def charges(self) -> tuple[int, ...]:
        """Net charges it can draw, e, ascending."""
        return tuple(sorted({charge for charge, _ in self._cores}))

    def draw(self, charges: Sequence[int] | npt.NDArray[np.int64], seed: int | Sequence[int]) -> list[str]:
        """One SMILES for each charge asked for, not canonical.

        Args:
            charges: net charge of each draw, e.
            seed: the same charges and seed give the same ions.

        Raises:
            InputError: no core has one of the charges.
        """
        rng = np.random.default_rng(seed)
        numbers = rng.random((len(charges), 4))
        return [self._one(int(charge), *row) for charge, row in zip(charges, numbers.tolist(), strict=True)]

    def _one(self, charge: int, which: float, place: float, first: float, second: float) -> str:
        n_sites = 2 if which < self._two_sites and (charge, 2) in self._cores else 1
        if (charge, n_sites) not in self._cores:
            known = ", ".join(f"{known:+d}" for known in self.charges) or "none"
            raise InputError(
                f"No known ion of charge {charge:+d} has a substituent to exchange.", f"Charges there are: {known}."
            )
        cores, sums = self._cores[charge, n_sites]
        core = cores[_pick(sums, place)]
        text = core.smiles
        for label, name, number in zip((1, 2), core.classes, (first, second), strict=False):
            among, weights = self._choices[name]
            text = text.replace(f"[*:{label}]", self._texts[label][among[_pick(weights, number)]])
        return text


def _pick(sums: Floats, number: float) -> int:
    """Place of a number in 0..1 among cumulative weights."""
    return min(int(np.searchsorted(sums, number * sums[-1], side="right")), len(sums) - 1)
