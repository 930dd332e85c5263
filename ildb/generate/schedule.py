"""What changes in the course of a training: the weight of the KL term and the learning rate."""

from __future__ import annotations

import math

_RAMP = 0.5
_LAST_RATE = 0.03
_WARM_UP = 0.01


def kl_weight(progress: float, weight: float, cycles: int, share: float) -> float:
    """Weight of the KL term.

    Within each cycle it rises from zero linearly over the first half and then stays; after the last cycle it stays
    (Fu et al., NAACL 2019, arXiv:1903.10145).

    Args:
        progress: share of the training that is done, 0 to 1.
        weight: the largest weight.
        cycles: number of cycles; 0 for a constant weight.
        share: share of the training that all cycles take.
    """
    if cycles == 0 or progress >= share:
        return weight
    within = progress / share * cycles % 1.0
    return weight * min(1.0, within / _RAMP)


def learning_rate(progress: float, rate: float) -> float:
    """Learning rate: a short linear rise, then a cosine to 3 % of it.

    Args:
        progress: share of the training that is done, 0 to 1.
        rate: the largest rate.
    """
    if progress < _WARM_UP:
        return rate * max(progress / _WARM_UP, _LAST_RATE)
    fall = (min(progress, 1.0) - _WARM_UP) / (1.0 - _WARM_UP)
    return rate * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * fall)))
