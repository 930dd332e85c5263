"""A pick of few, good and different candidates."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from ildb.chem.fingerprints import tanimoto

Ints = npt.NDArray[np.int64]

_RELAX: Final = 0.5


def diverse_pick(
    cation: Ints,
    anion: Ints,
    core: Ints,
    fingerprints: npt.NDArray[np.uint8],
    *,
    budget: int,
    max_similarity: float,
    per_core: int | None = None,
    per_anion: int | None = None,
) -> list[int]:
    """Leader picking: the best candidate, then the next best that is unlike all those picked, and so on.

    The similarity of two salts is that of their cations times that of their anions (Tanimoto). Where a round ends short
    of the budget, the next allows more similarity (half of what is missing to 1), up to any; the caps always hold.

    Args:
        cation: position of each candidate's cation in `fingerprints`; candidates in order of preference, shape (n,).
        anion: the same for anions.
        core: number of the core of each candidate's cation, shape (n,).
        fingerprints: of the ions, values 0 and 1, shape (n_ions, bits).
        budget: at most so many.
        max_similarity: of two picked.
        per_core: at most so many with one core; None for any number.
        per_anion: at most so many with one anion.

    Returns:
        Positions of the picked, in the order of picking.
    """
    n = len(cation)
    limit = max_similarity
    nearest = np.zeros(n)
    picked: list[int] = []
    open_ = np.ones(n, dtype=np.bool_)
    cores: Counter[int] = Counter()
    anions: Counter[int] = Counter()
    while len(picked) < budget and open_.any():
        allowed = np.flatnonzero(open_ & (nearest <= limit))
        if not allowed.size:
            if limit >= 1:
                break
            limit = 1.0 if limit > 0.95 else limit + (1 - limit) * _RELAX
            continue
        best = int(allowed[0])
        picked.append(best)
        open_[best] = False
        cores[int(core[best])] += 1
        anions[int(anion[best])] += 1
        if per_core is not None and cores[int(core[best])] >= per_core:
            open_ &= core != core[best]
        if per_anion is not None and anions[int(anion[best])] >= per_anion:
            open_ &= anion != anion[best]
        like = [tanimoto(fingerprints[ion[best]][None], fingerprints)[0][ion] for ion in (cation, anion)]
        np.maximum(nearest, like[0] * like[1], out=nearest)
    return picked
