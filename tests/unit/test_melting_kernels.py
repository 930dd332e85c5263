"""Pair kernels, their weights, and the machines on them, against direct computation."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ildb.melting.experts import EXPERTS, Pairs, RoleInputs, RoleSpace
from ildb.melting.ions import IonTable
from ildb.melting.kernel_machine import KernelMachine, student_process
from ildb.melting.kernel_weights import grouped_weights, marginal_weights
from ildb.melting.kernels import ION_KERNELS, TERMS, pair_gram
from ildb.melting.nets import Nets
from ildb.melting.quantiles import Quantiles
from tests.unit.melting_sample import data, trained

BMIM_TWINS = ("CCCCn1cc[n+](C)c1", "CCCC[n+]1ccn(C)c1")


@cache
def spaces() -> tuple[RoleSpace, RoleSpace]:
    model = trained().model
    return RoleSpace.of("cation", model.cations), RoleSpace.of("anion", model.anions)


@cache
def inputs() -> tuple[RoleInputs, RoleInputs]:
    model = trained().model
    return spaces()[0].inputs(model.cations), spaces()[1].inputs(model.anions)


def index() -> tuple[np.ndarray, np.ndarray]:
    return trained().model.cation_index, trained().model.anion_index


@cache
def grams() -> np.ndarray:
    cation, anion = inputs()
    return np.stack([pair_gram(term, cation.kernels, anion.kernels, index(), index()) for term in TERMS])


@cache
def z() -> np.ndarray:
    tm_k = trained().model.data.tm_k
    return (tm_k - tm_k.mean()) / tm_k.std()


def test_every_term_is_a_kernel() -> None:
    for term, gram in zip(TERMS, grams(), strict=True):
        assert np.allclose(gram, gram.T), term
        assert np.linalg.eigvalsh(gram).min() > -1e-8, term
    assert {name for term in TERMS for name in term if name is not None} == set(ION_KERNELS)


def test_resonance_twins_are_one_point() -> None:
    kernels = spaces()[0].inputs(IonTable.build(BMIM_TWINS)).kernels
    for name in ION_KERNELS:
        assert np.array_equal(kernels[name][0], kernels[name][1]), name


def test_known_ions_asked_about_again_are_where_they_were() -> None:
    space = spaces()[0]
    again = space.inputs(IonTable.build(space.space.known.smiles, space.space.known.inchikey))
    assert np.array_equal(again.coordinates, inputs()[0].coordinates)
    assert np.array_equal(np.diag(again.kernels["same"]), np.ones(len(space.space.known)))


def test_quantiles_are_normal_deviates_and_stay_so_outside() -> None:
    values = np.random.default_rng(0).exponential(size=(500, 1))
    found = Quantiles.of(values).deviates(np.concatenate([values, [[-5.0]], [[1e4]]]))
    assert abs(found[:500].mean()) < 0.05
    assert found[:500].std() == pytest.approx(1, abs=0.1)
    assert found[500:, 0].tolist() == [-3.0, 3.0]


def evidence(weights: np.ndarray, n: int) -> float:
    gram = np.tensordot(weights[:-1], grams()[:, :n, :n], axes=1) + weights[-1] * np.eye(n)
    return float(-0.5 * z()[:n] @ np.linalg.solve(gram, z()[:n]) - 0.5 * np.linalg.slogdet(gram)[1])


def test_marginal_weights_are_the_likeliest_nearby() -> None:
    n = 60
    weights = marginal_weights(grams()[:, :n, :n], z()[:n], n_steps=100)
    assert (weights > 0).all()
    best = evidence(weights, n)
    assert best > evidence(np.append(np.full(len(TERMS), 1 / len(TERMS)), 0.2), n)
    for i in range(len(weights)):
        for factor in (0.5, 2.0):  # a prior of strength 0.01 pulls a little
            moved = weights.copy()
            moved[i] *= factor
            assert evidence(moved, n) < best + 0.1


def refitted_error(weights: np.ndarray, groups: np.ndarray, n: int) -> np.ndarray:
    """Errors of predicting each group from the others, by refitting."""
    gram = np.tensordot(weights[:-1], grams()[:, :n, :n], axes=1)
    noisy = gram + weights[-1] * np.eye(n)
    error = np.empty(n)
    for group in np.unique(groups):
        out, kept = groups == group, groups != group
        error[out] = z()[:n][out] - gram[np.ix_(out, kept)] @ np.linalg.solve(noisy[np.ix_(kept, kept)], z()[:n][kept])
    return error


def huber(error: np.ndarray) -> float:
    small = np.abs(error) < 0.5
    return float(np.where(small, 0.5 * error**2, 0.5 * (np.abs(error) - 0.25)).sum())


def test_grouped_weights_predict_groups_left_out_better() -> None:
    n = 70
    groups = index()[1][:n]
    start = marginal_weights(grams()[:, :n, :n], z()[:n])
    weights = grouped_weights(grams()[:, :n, :n], z()[:n], groups, start)
    assert huber(refitted_error(weights, groups, n)) < huber(refitted_error(start, groups, n))


def test_a_machine_predicts_the_sum_it_was_fitted_to() -> None:
    weights = np.full(len(TERMS), 0.2)
    gram = np.tensordot(weights, grams(), axes=1)
    noise = np.full(len(z()), 0.3)
    cation, anion = inputs()
    machine = KernelMachine.fit(gram, z(), weights, noise, index(), (len(cation.features), len(anion.features)))
    direct = machine.offset + gram @ machine.coefficients[index()]
    assert np.allclose(machine.predict(cation.kernels, anion.kernels, *index()), direct)
    assert np.corrcoef(direct, z())[0, 1] > 0.8


def test_one_wrong_value_moves_its_neighbours_little() -> None:
    x = np.linspace(0, 1, 40)
    gram = np.exp(-0.5 * ((x[:, None] - x[None]) / 0.2) ** 2)
    truth, noise = np.sin(4 * x), np.full(40, 0.05)
    wrong = truth.copy()
    wrong[20] += 6.0

    def error(values: np.ndarray) -> float:
        return float(np.abs(gram @ student_process(gram, values, noise) - truth).max())

    gaussian = float(np.abs(gram @ np.linalg.solve(gram + 0.05 * np.eye(40), wrong) - truth).max())
    assert error(wrong) < 0.2 * gaussian
    assert error(truth) < 0.1


def test_a_doubted_row_counts_less() -> None:
    gram = np.array([[1.0, 0.9], [0.9, 1.0]])
    values = np.array([1.0, -1.0])
    trusted = gram @ student_process(gram, values, np.array([0.1, 2.0]))
    assert trusted[0] > 0
    assert trusted[1] > -0.2


def test_nets_learn_repeatably_and_predict_by_ion() -> None:
    rng = np.random.default_rng(0)
    cation, anion = (rng.normal(size=(n, 5)).astype(np.float32) for n in (30, 12))
    c, a = rng.integers(0, 30, 300), rng.integers(0, 12, 300)
    values = cation[c, 0] * anion[a, 1]
    nets = Nets.fit(np.hstack([cation[c], anion[a]]), values.astype(np.float64), 3, 60, 1)
    found = nets.predict(cation, anion, c, a)
    assert found.shape == (3, 300)
    assert np.corrcoef(found.mean(axis=0), values)[0, 1] > 0.9
    again = Nets.fit(np.hstack([cation[c], anion[a]]), values.astype(np.float64), 3, 60, 1)
    assert np.array_equal(again.predict(cation, anion, c, a), found)
    assert not np.array_equal(found[0], found[1])


def test_the_experts_are_those_named() -> None:
    model = trained().model
    raw = model.experts.predict(inputs(), trained_pairs())
    assert raw.experts.shape == (len(data()), len(EXPERTS))
    assert all(hasattr(model.experts, name) for name in EXPERTS)
    # Each has learned the rows it saw.
    assert min(np.corrcoef(column, z())[0, 1] for column in raw.experts.T) > 0.5


def trained_pairs() -> Pairs:
    return Pairs(*index(), data().n_cation, data().n_anion)
