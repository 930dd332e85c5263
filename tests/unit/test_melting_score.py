"""Scores of pairings: domain flags, neighbours and chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ildb.errors import InputError
from ildb.generate.melting_score import CounterIon, MeltingScore
from ildb.melting.ions import IonTable
from ildb.melting.model import MeltingModel
from ildb.melting.score import PairScores, score_pairs
from tests.unit.melting_sample import PARAMS, data, trained

BMIM, CHLORIDE = "CCCC[n+]1ccn(C)c1", "[Cl-]"


def score(*pairs: tuple[str, str, int, int], model: MeltingModel | None = None) -> PairScores:
    smiles = sorted({ion for pair in pairs for ion in pair[:2]})
    position = {text: i for i, text in enumerate(smiles)}
    columns = [
        np.array(column, dtype=np.int64)
        for column in zip(*((position[c], position[a], nc, na) for c, a, nc, na in pairs), strict=True)
    ]
    cation, anion, n_cation, n_anion = columns
    return score_pairs(model or trained().model, IonTable.build(smiles), cation, anion, n_cation, n_anion)


@pytest.mark.parametrize(
    ("pair", "codes"),
    [
        ((BMIM, CHLORIDE, 1, 1), set()),
        (("CCCCn1cc[n+](C)c1", CHLORIDE, 1, 1), set()),  # the other resonance form
        (("CCCC[As+](CCCC)(CCCC)CCCC", CHLORIDE, 1, 1), {"unseen_element"}),
        (("C[N+](C)(C)CC(C[N+](C)(C)C)C[N+](C)(C)C", CHLORIDE, 1, 3), {"unseen_charge", "unseen_stoichiometry"}),
        (("C" * 396 + "[N+](C)(C)C", CHLORIDE, 1, 1), {"too_large"}),
        ((BMIM, "O=C([O-])C(F)(F)C(F)(F)F", 1, 1), {"unseen_anion"}),
        ((BMIM, "[O-]S(=O)(=O)[O-]", 1, 1), {"unseen_anion", "unseen_charge", "not_neutral"}),
        ((BMIM, "nonsense", 1, 1), {"anion_not_featurised"}),
        ((CHLORIDE, BMIM, 1, 1), {"unseen_charge", "unseen_anion"}),
    ],
)
def test_what_the_model_has_never_seen_is_flagged(pair: tuple[str, str, int, int], codes: set[str]) -> None:
    scores = score(pair)
    found = {reason.split(":")[0] for reason in scores.reasons[0]}
    assert codes <= found if codes else not found
    assert bool(scores.in_domain[0]) is not bool(codes)
    assert all(len(reason) > len(reason.split(":")[0]) + 5 for reason in scores.reasons[0])


def test_a_cation_unlike_all_others_is_far() -> None:
    scores = score(("[NH3+]O", CHLORIDE, 1, 1))
    assert "far_cation" in scores.reasons[0][0]


def test_a_pairing_without_features_has_no_numbers() -> None:
    scores = score((BMIM, CHLORIDE, 1, 1), ("nonsense", CHLORIDE, 1, 1))
    numbers = (scores.p_below_threshold, scores.tm_k, scores.tm_low_k, scores.tm_high_k)
    assert all(np.isfinite(values[0]) and np.isnan(values[1]) for values in numbers)
    assert scores.neighbours[1] == []


def test_unknown_ions_have_wider_intervals() -> None:
    rows = [i for i, key in enumerate(data().anion_smiles) if key == CHLORIDE]
    pairs = [(data().cation_smiles[i], CHLORIDE, 1, 1) for i in rows]
    strange = [(cation, "O=C([O-])c1ccccc1C(F)(F)Br", 1, 1) for cation, *_ in pairs]
    known, unknown = score(*pairs), score(*strange)
    assert np.median(unknown.tm_high_k - unknown.tm_low_k) > np.median(known.tm_high_k - known.tm_low_k)


def test_neighbours_are_measured_ils_nearest_first() -> None:
    scores = score((BMIM, CHLORIDE, 1, 1))
    neighbours = scores.neighbours[0]
    assert len(neighbours) == PARAMS.n_neighbours
    similarities = [n.similarity for n in neighbours]
    assert similarities == sorted(similarities, reverse=True)
    measured = {(c, a): t for (c, a, *_), t in zip(data().keys, data().tm_k.tolist(), strict=True)}
    for n in neighbours:
        assert measured[n.cation_inchikey, n.anion_inchikey] == n.tm_k
    assert f"{neighbours[0].tm_k:.0f} K" in str(neighbours[0])


def test_what_nobody_measured_is_no_neighbour() -> None:
    model = trained().model
    first = score((BMIM, CHLORIDE, 1, 1)).neighbours[0][0]
    keys = zip(data().cation_inchikey, data().anion_inchikey, strict=True)
    source = ["md run 7" if key == (first.cation_inchikey, first.anion_inchikey) else "a book" for key in keys]
    learnt = replace(model, data=replace(model.data, source=source))
    without = score((BMIM, CHLORIDE, 1, 1), model=learnt).neighbours[0]
    assert len(without) == PARAMS.n_neighbours
    assert first not in without
    assert np.array_equal(score((BMIM, CHLORIDE, 1, 1), model=learnt).tm_k, score((BMIM, CHLORIDE, 1, 1)).tm_k)


def test_a_training_row_is_its_own_nearest_neighbour() -> None:
    row = 11
    scores = score((data().cation_smiles[row], data().anion_smiles[row], 1, 1))
    nearest = scores.neighbours[0][0]
    assert (nearest.cation_inchikey, nearest.anion_inchikey) == data().keys[row][:2]
    assert nearest.similarity == pytest.approx(1)
    assert scores.in_domain[0]


def test_chunks_do_not_change_scores() -> None:
    model = trained().model
    ions = IonTable.build([*model.cations.smiles, *model.anions.smiles, "nonsense"])
    rng = np.random.default_rng(0)
    cation = rng.integers(0, len(model.cations), 200)
    anion = len(model.cations) + rng.integers(0, len(model.anions) + 1, 200)
    one = np.ones(200, dtype=np.int64)
    whole = score_pairs(model, ions, cation, anion, one, one)
    pieces = score_pairs(model, ions, cation, anion, one, one, chunk=7)
    assert np.array_equal(whole.tm_k, pieces.tm_k, equal_nan=True)
    assert np.array_equal(whole.tm_high_k, pieces.tm_high_k, equal_nan=True)
    assert whole.reasons == pieces.reasons
    assert whole.neighbours == pieces.neighbours
    assert np.isnan(whole.tm_k).any()


def test_no_pairings_give_no_scores() -> None:
    none = np.array([], dtype=np.int64)
    assert len(score_pairs(trained().model, IonTable.build([BMIM]), none, none, none, none)) == 0


def test_bad_positions_are_refused() -> None:
    ions, one = IonTable.build([BMIM, CHLORIDE]), np.ones(1, dtype=np.int64)
    with pytest.raises(InputError, match="anion_index"):
        score_pairs(trained().model, ions, one * 0, one * 2, one, one)
    with pytest.raises(InputError, match="same length"):
        score_pairs(trained().model, ions, one * 0, np.ones(2, dtype=np.int64), one, one)


def test_an_ion_alone_is_scored_with_its_counter_ions() -> None:
    model, counters = trained().model, [CounterIon(CHLORIDE, -1), CounterIon(BMIM, 1)]
    known, new_anion = MeltingScore(model, counters)([BMIM, "O=C([O-])C(F)(F)C(F)(F)F"])
    assert known == pytest.approx(score((BMIM, CHLORIDE, 1, 1)).p_below_threshold[0])
    assert known > 0
    assert new_anion == 0  # outside the domain, whatever the model says of it
    assert np.isnan(MeltingScore(model, counters[:1])([CHLORIDE])[0])
