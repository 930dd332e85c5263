"""Training: honest folds, agreement of class and temperature, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from ildb.errors import InputError
from ildb.melting.data import SIMULATED, MeltingData, ion_key
from ildb.melting.ions import IonTable
from ildb.melting.params import MeltingParams
from ildb.melting.score import PairScores, score_pairs
from ildb.melting.similarity import butina_clusters
from ildb.melting.splits import fold_ids
from ildb.melting.train import TrainedMelting, train_melting
from tests.unit.melting_sample import PARAMS, data, trained

KEYS = {"auroc", "accuracy", "brier", "ece", "mae_k", "rmse_k", "r2", "coverage_90", "width_90_k"}
SPLITS = ("random", "cation_cluster", "anion_group")


def scores_of(result: TrainedMelting, rows: MeltingData) -> PairScores:
    n = len(rows)
    ions = IonTable.build([*rows.cation_smiles, *rows.anion_smiles], [*rows.cation_inchikey, *rows.anion_inchikey])
    return score_pairs(result.model, ions, np.arange(n), np.arange(n, 2 * n), rows.n_cation, rows.n_anion)


def test_every_metric_of_the_contract_is_there() -> None:
    metrics = trained().metrics
    for split in SPLITS:
        assert {f"{split}.{key}" for key in KEYS} <= set(metrics)
        assert f"baselines.anion_mean.{split}.mae_k" in metrics
        assert f"baselines.anion_mean.{split}.auroc" in metrics
    assert "anion_group.bromide.mae_k" in metrics
    assert all(type(value) is float and np.isfinite(value) for value in metrics.values())


def test_the_model_has_learned_something() -> None:
    metrics = trained().metrics
    assert metrics["random.auroc"] > 0.75
    assert metrics["random.mae_k"] < metrics["baselines.anion_mean.random.mae_k"]
    for split in SPLITS:
        assert 0.8 <= metrics[f"{split}.coverage_90"] <= 1.0
        assert metrics[f"{split}.ece"] < 0.2


def test_held_out_rows_are_covered_and_predicted_better_than_by_the_mean() -> None:
    covered, error, naive_error, brier, naive_brier = [], [], [], [], []
    for seed in (0, 1):
        rows = np.random.default_rng(seed).permutation(len(data()))
        training, held_out = data().take(rows[36:]), data().take(rows[:36])
        scores = scores_of(train_melting(training, PARAMS), held_out)
        tm_k, below = held_out.tm_k, held_out.tm_k < PARAMS.threshold_k
        covered.append((tm_k >= scores.tm_low_k) & (tm_k <= scores.tm_high_k))
        error.append(np.abs(scores.tm_k - tm_k))
        naive_error.append(np.abs(training.tm_k.mean() - tm_k))
        brier.append((scores.p_below_threshold - below) ** 2)
        naive_brier.append(((training.tm_k < PARAMS.threshold_k).mean() - below) ** 2)
    assert 0.78 <= np.mean(covered) <= 0.98
    assert np.mean(error) < 0.9 * np.mean(naive_error)
    assert np.mean(brier) < 0.9 * np.mean(naive_brier)


def test_simulated_values_train_but_neither_judge_nor_calibrate() -> None:
    rows, simulated = data(), np.arange(len(data())) % 3 == 0
    # Absurd on purpose: any share of theirs in a metric would show.
    mixed = replace(
        rows,
        tm_k=np.where(simulated, rows.tm_k + 300, rows.tm_k),
        source=tuple(f"{SIMULATED}1" if is_simulated else "table" for is_simulated in simulated),
    )
    result = train_melting(mixed, PARAMS)
    for split in SPLITS:
        found = result.predictions[split]
        error = np.abs(found.tm_k - rows.tm_k)[~simulated]
        assert result.metrics[f"{split}.mae_k"] == pytest.approx(error.mean())
        inside = ((found.tm_low_k <= rows.tm_k) & (rows.tm_k <= found.tm_high_k))[~simulated]
        assert result.metrics[f"{split}.coverage_90"] == pytest.approx(inside.mean())
        assert inside.mean() > 0.8
    assert len(result.model.data) == len(rows)
    few = replace(mixed, source=tuple(f"{SIMULATED}1" for _ in rows.tm_k[:-20]) + ("table",) * 20)
    with pytest.raises(InputError, match="20 measured pairings are too few"):
        train_melting(few, PARAMS)


def test_no_group_crosses_a_fold() -> None:
    folds, rows, model = trained().folds, data(), trained().model
    assert model.data.keys == rows.keys
    groups = {
        "random": [ion_key(c) + ion_key(a) for c, a, *_ in rows.keys],
        "cation_cluster": butina_clusters(model.cations.counts, PARAMS.cluster_distance)[model.cation_index].tolist(),
        "anion_group": [ion_key(key) for key in rows.anion_inchikey],
    }
    for split in SPLITS:
        assert len(folds[split]) == len(rows)
        assert set(folds[split].tolist()) == set(range(PARAMS.n_folds))
        where: dict[object, set[int]] = {}
        for group, fold in zip(groups[split], folds[split].tolist(), strict=True):
            where.setdefault(group, set()).add(fold)
        assert max(len(found) for found in where.values()) == 1
    assert np.array_equal(trained().fold, folds["random"])


def test_two_groups_make_two_folds_and_one_makes_none() -> None:
    two = fold_ids(np.array([0, 1, 1, 0]), 5, 0)
    assert two is not None
    assert sorted(set(two.tolist())) == [0, 1]
    assert fold_ids(np.zeros(4, dtype=np.int64), 5, 0) is None


def test_training_is_deterministic_and_blind_to_row_order() -> None:
    order = np.random.default_rng(0).permutation(len(data()))
    again = train_melting(data().take(order), PARAMS)
    assert again.metrics == trained().metrics
    assert np.array_equal(again.fold, trained().fold[order])
    one, other = scores_of(trained(), data()), scores_of(again, data())
    assert np.array_equal(one.tm_k, other.tm_k)
    assert np.array_equal(one.p_below_threshold, other.p_below_threshold)


def test_another_seed_draws_other_folds() -> None:
    groups = np.arange(50)
    one, other = fold_ids(groups, 5, 0), fold_ids(groups, 5, 1)
    assert one is not None
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
def test_probability_and_temperature_agree(calibration: str) -> None:
    result = trained()
    if calibration == "isotonic":
        result = train_melting(data(), PARAMS.model_copy(update={"calibration": "isotonic", "n_folds": 2}))
    scores = scores_of(result, data())
    assert np.array_equal(scores.p_below_threshold > 0.5, scores.tm_k < PARAMS.threshold_k)
    assert (scores.tm_low_k <= scores.tm_k).all()
    assert (scores.tm_k <= scores.tm_high_k).all()


def test_anions_all_alike_leave_that_split_out() -> None:
    chloride = IonTable.build(["[Cl-]"])
    cations, index = np.unique(data().cation_inchikey, return_index=True)
    rows = data().take(index)
    n = len(cations)
    result = train_melting(replace(rows, anion_inchikey=[chloride.inchikey[0]] * n, anion_smiles=["[Cl-]"] * n), PARAMS)
    assert "anion_group" not in result.folds
    assert not any(key.startswith("anion_group") for key in result.metrics)
    assert "random.mae_k" in result.metrics


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="at least 30"):
        train_melting(data().take(np.arange(29)), PARAMS)


@pytest.mark.parametrize(("threshold_k", "side"), [(100.0, "at or above"), (900.0, "below")])
def test_labels_on_one_side_are_refused(threshold_k: float, side: str) -> None:
    with pytest.raises(InputError, match=f"lie {side} {threshold_k:g} K"):
        train_melting(data(), PARAMS.model_copy(update={"threshold_k": threshold_k}))


def test_swapped_ions_are_refused() -> None:
    rows = data()
    swapped = replace(
        rows,
        cation_inchikey=rows.anion_inchikey,
        cation_smiles=rows.anion_smiles,
        anion_inchikey=rows.cation_inchikey,
        anion_smiles=rows.cation_smiles,
    )
    with pytest.raises(InputError, match="cannot be a cation"):
        train_melting(swapped, PARAMS)


def test_charged_pairings_are_refused() -> None:
    with pytest.raises(InputError, match="not neutral"):
        train_melting(replace(data(), n_anion=np.full(len(data()), 2)), PARAMS)


def test_an_unreadable_ion_is_named() -> None:
    rows = data()
    smiles = [
        "nonsense" if key == rows.cation_inchikey[7] else text
        for key, text in zip(rows.cation_inchikey, rows.cation_smiles, strict=True)
    ]
    with pytest.raises(InputError, match=rows.cation_inchikey[7]):
        train_melting(replace(rows, cation_smiles=smiles), PARAMS)


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ValidationError, match="n_tree"):
        MeltingParams.model_validate({"n_tree": 5})
