"""Regimes of novelty and the weights of experts in them."""

from __future__ import annotations

import numpy as np
import pytest

from ildb.melting.blend import REGIMES, fit_blend, regime
from ildb.melting.experts import EXPERTS


def test_regimes_follow_the_nearest_training_ions() -> None:
    cation = np.array([0.0, 0.49, 0.51, 0.9, 0.0, 0.9])
    anion = np.array([0.0, 0.0, 0.0, 0.3, 0.59, 0.61])
    names = [REGIMES[i] for i in regime(cation, anion)]
    assert names == ["familiar", "familiar", "far_cation", "near_anion", "near_anion", "far_anion"]


def test_the_better_expert_counts_more_in_its_regime() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=900)
    regimes = np.repeat([0, 1, 2], 300)
    experts = z[:, None] + rng.normal(size=(900, len(EXPERTS)))
    experts[:300, 0] = z[:300] + 0.1 * rng.normal(size=300)  # the first is good where all is familiar
    experts[300:600, 3] = z[300:600] + 0.1 * rng.normal(size=300)  # the fourth with far cations
    blend = fit_blend([experts[:450], experts[450:]], [regimes[:450], regimes[450:]], [z[:450], z[450:]])
    weights = np.array(blend.weights)
    assert np.allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all()
    assert weights[0].argmax() == 0
    assert weights[1].argmax() == 3
    assert weights[2].max() < 0.4  # none is better than the others
    error = np.abs(blend.predict(experts, regimes) - z)
    assert error[600:].mean() < 0.7 * np.abs(experts[600:] - z[600:, None]).mean()


def test_an_anion_unlike_all_others_is_left_to_the_transfer_expert() -> None:
    blend = fit_blend([np.zeros((0, len(EXPERTS)))], [np.zeros(0, dtype=np.int64)], [np.zeros(0)])
    experts = np.arange(2.0 * len(EXPERTS)).reshape(2, -1)
    far = np.full(2, REGIMES.index("far_anion"))
    assert np.array_equal(blend.predict(experts, far), experts[:, EXPERTS.index("transfer")])
    # Without rows to fit on, all count the same.
    assert blend.predict(experts, np.zeros(2, dtype=np.int64)) == pytest.approx(experts.mean(axis=1))
