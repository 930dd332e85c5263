"""Decisions of a screen: one for each candidate, with every reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rdkit import Chem

from ildb.errors import InputError
from ildb.screen import decide as deciding
from ildb.screen.accessibility import sa_score
from ildb.screen.candidate import NOTES, CandidateIon, Candidates, Reason
from ildb.screen.ions import ion_core
from ildb.screen.params import ORDINARY_ALERTS, ScreenParams

CATIONS = ("CCCC[n+]1ccn(C)c1", "CC[n+]1ccn(C)c1", "CCCC[P+](CCCC)(CCCC)CCCC", "C[N+](C)(C)CCO")
NUMBERS = ("link_probability", "p_below_373_k", "tm_k", "tm_low_k", "tm_high_k", "nearest_similarity")
ANIONS = ("[Cl-]", "[Br-]", "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F")


@dataclass(frozen=True)
class Candidate:
    """One row of `Candidates`."""

    pairing_id: int
    cation: str
    anion: str
    known: bool
    link_probability: float | None
    p_below_373_k: float | None
    tm_k: float | None
    tm_low_k: float | None
    tm_high_k: float | None
    in_domain: bool
    domain_reasons: str = ""
    nearest: str = ""
    nearest_similarity: float | None = None


@dataclass(frozen=True)
class Decision:
    """One row of `Decisions`, None where a figure is missing."""

    pairing_id: int
    passed: bool
    rank: int | None
    score: float
    pareto_rank: int | None
    pick_order: int | None
    reasons: tuple[Reason, ...]

    @property
    def against(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if not reason.ok)


GOOD = Candidate(
    pairing_id=1,
    cation=CATIONS[0],
    anion=ANIONS[0],
    known=False,
    link_probability=0.81,
    p_below_373_k=0.9,
    tm_k=340.0,
    tm_low_k=300.0,
    tm_high_k=380.0,
    in_domain=True,
    nearest="CC[n+]1ccn(C)c1.[Cl-] melts at 358 K (similarity 0.70)",
    nearest_similarity=0.7,
)
EVERYTHING = ScreenParams(
    allowed_elements=("C", "N", "O", "F", "S", "P", "Cl", "Br"), alert_catalogs=("PAINS",), max_heavy_atoms=30
)
NEW_IONS = frozenset({"CC1C2CC3C1C[N+](C)(C2)C(O)C3CC1=CC(F)C2OC2C1"})


def table(rows: Sequence[Candidate]) -> Candidates:
    ions = sorted({ion for row in rows for ion in (row.cation, row.anion)})

    def numbers(name: str) -> np.ndarray:
        return np.array([np.nan if getattr(row, name) is None else getattr(row, name) for row in rows], dtype=float)

    return Candidates(
        ions=[CandidateIon(ion, ion not in NEW_IONS) for ion in ions],
        pairing_id=np.array([row.pairing_id for row in rows], dtype=np.int64),
        cation=np.array([ions.index(row.cation) for row in rows], dtype=np.int64),
        anion=np.array([ions.index(row.anion) for row in rows], dtype=np.int64),
        known=np.array([row.known for row in rows], dtype=np.bool_),
        in_domain=np.array([row.in_domain for row in rows], dtype=np.bool_),
        domain_reasons=[row.domain_reasons for row in rows],
        nearest=[row.nearest for row in rows],
        **{name: numbers(name) for name in NUMBERS},
    )


def decide(rows: Sequence[Candidate], params: ScreenParams) -> list[Decision]:
    """Row by row, for the tests to read."""
    found = deciding.decide(table(rows), params)
    assert [json.loads(text) for text in found.reasons_json()] == [
        [reason.to_json() for reason in found.reasons(i)] for i in range(len(rows))
    ]
    return [
        Decision(
            row.pairing_id,
            bool(found.passed[i]),
            int(found.rank[i]) or None,
            float(found.score[i]),
            int(found.pareto_rank[i]) or None,
            int(found.pick_order[i]) or None,
            tuple(found.reasons(i)),
        )
        for i, row in enumerate(rows)
    ]


def combined_score(candidate: Candidate, link_weight: float) -> float:
    return float(deciding.combined_scores(table([candidate]), link_weight)[0])


def reason(decision: Decision, code: str) -> Reason:
    (found,) = [r for r in decision.reasons if r.code == code]
    return found


def decide_one(candidate: Candidate, params: ScreenParams = EVERYTHING) -> Decision:
    (decision,) = decide([candidate], params)
    return decision


def test_a_good_candidate_passes_with_reasons_for_it() -> None:
    decision = decide_one(GOOD)
    assert decision.passed
    assert decision.rank == 1
    assert decision.against == ()
    assert [r.code for r in decision.reasons] == [
        *("readable", "link_probability", "p_below_373_k", "tm_k", "in_domain"),
        *("heavy_atoms", "charge", "elements", "sa_score", "alerts", "nearest_known"),
    ]
    assert reason(decision, "p_below_373_k").value == 0.9
    assert "340 K (300 to 380 K)" in reason(decision, "tm_k").message
    assert "358 K" in reason(decision, "nearest_known").message
    assert {r.code for r in decision.reasons} > NOTES
    json.dumps([r.to_json() for r in decision.reasons], allow_nan=False)


@pytest.mark.parametrize(("similarity", "is_near"), [(0.03, False), (0.19, False), (0.2, True), (None, False)])
def test_what_is_far_is_not_called_the_nearest(similarity: float | None, is_near: bool) -> None:
    (decision,) = decide([replace(GOOD, nearest_similarity=similarity)], EVERYTHING)
    message = reason(decision, "nearest_known").message
    assert message == (GOOD.nearest if is_near else "no measured ionic liquid is near")
    assert decision.passed


@pytest.mark.parametrize(
    ("change", "code", "in_message"),
    [
        ({"link_probability": 0.49}, "link_probability", "below 0.5"),
        ({"link_probability": None}, "link_probability", "no link model"),
        ({"p_below_373_k": 0.2}, "p_below_373_k", "below 0.5"),
        ({"p_below_373_k": float("nan"), "tm_k": float("nan")}, "p_below_373_k", "could not be predicted"),
        ({"in_domain": False, "domain_reasons": "unseen_anion: nothing like it"}, "in_domain", "unseen_anion"),
        ({"cation": "C" * 40 + "[N+](C)(C)C"}, "heavy_atoms", "44 heavy atoms"),
        ({"cation": "C[N+](C)(C)CC(C[N+](C)(C)C)C[N+](C)(C)C"}, "charge", "+3"),
        ({"cation": "C[Se+](C)C"}, "elements", "Se"),
        ({"cation": "C[N+](C)(C)Cc1ccc(N=Nc2ccc(N(C)C)cc2)cc1"}, "alerts", "azo"),
        ({"anion": "nonsense"}, "readable", "nonsense"),
        ({"cation": next(iter(NEW_IONS))}, "sa_score", "of its new ion, above 6"),
    ],
)
def test_each_check_can_speak_against(change: dict[str, object], code: str, in_message: str) -> None:
    decision = decide_one(replace(GOOD, **change))  # type: ignore[arg-type]
    assert not decision.passed
    assert decision.rank is None
    assert [r.code for r in decision.against] == [code]
    assert in_message in reason(decision, code).message
    json.dumps([r.to_json() for r in decision.reasons], allow_nan=False)


def test_all_that_speaks_against_is_said() -> None:
    decision = decide_one(replace(GOOD, link_probability=0.1, p_below_373_k=0.1, in_domain=False))
    assert {r.code for r in decision.against} == {"link_probability", "p_below_373_k", "in_domain"}


def test_limits_of_none_are_not_checked() -> None:
    params = ScreenParams(
        min_link_probability=None, min_p_below_373=None, max_heavy_atoms=None, max_abs_charge=None, max_sa_score=None,
        alert_catalogs=(),
    )  # fmt: skip
    decision = decide_one(replace(GOOD, link_probability=0.0, p_below_373_k=0.0), params)
    assert decision.passed
    assert [r.code for r in decision.reasons] == ["readable", "tm_k", "in_domain", "nearest_known"]


def test_outside_the_domain_can_be_accepted_but_is_still_said() -> None:
    decision = decide_one(replace(GOOD, in_domain=False), ScreenParams(require_in_domain=False))
    assert decision.passed
    assert "outside" in reason(decision, "in_domain").message


def test_alerts_can_be_ignored() -> None:
    candidate = replace(GOOD, cation="C[N+](C)(C)Cc1ccc(N=Nc2ccc(N(C)C)cc2)cc1")
    name = reason(decide_one(candidate), "alerts").value
    assert isinstance(name, str)
    assert decide_one(candidate, EVERYTHING.model_copy(update={"ignored_alerts": tuple(name.split(", "))})).passed


def test_the_score_is_a_weighted_geometric_mean() -> None:
    assert combined_score(GOOD, 0.5) == pytest.approx((0.81 * 0.9) ** 0.5)
    assert combined_score(GOOD, 0.0) == pytest.approx(0.9)
    assert combined_score(GOOD, 1.0) == pytest.approx(0.81)
    assert combined_score(replace(GOOD, known=True, link_probability=0.1), 0.5) == pytest.approx(0.9**0.5)
    assert combined_score(replace(GOOD, link_probability=None), 0.5) == pytest.approx(0.9)
    assert combined_score(replace(GOOD, p_below_373_k=None), 0.5) == 0.0


def test_a_known_pairing_needs_no_link_probability() -> None:
    decision = decide_one(replace(GOOD, known=True, link_probability=None))
    assert decision.passed
    assert "known" in reason(decision, "link_probability").message


def test_limits_on_homologues_keep_the_best_and_say_so() -> None:
    many = [replace(GOOD, pairing_id=i, p_below_373_k=0.6 + i / 100, anion=ANIONS[i % 3]) for i in range(9)]
    decisions = decide(many, ScreenParams(max_per_anion=2, top=5))
    passed = {d.pairing_id: d.rank for d in decisions if d.passed}
    assert passed == {8: 1, 7: 2, 6: 3, 5: 4, 4: 5}
    assert {r.code for r in decisions[3].against} == {"top"}
    assert {r.code for r in decisions[2].against} == {"per_anion", "top"}
    assert "2 better" in reason(decisions[2], "per_anion").message
    by_cation = decide(many, ScreenParams(max_per_cation=1))
    assert [d.pairing_id for d in by_cation if d.passed] == [8]
    assert all({r.code for r in d.against} == {"per_cation"} for d in by_cation if not d.passed)


def test_ties_go_to_the_lower_melting_point_then_the_smaller_id() -> None:
    tied = [
        replace(GOOD, pairing_id=3),
        replace(GOOD, pairing_id=2),
        replace(GOOD, pairing_id=9, tm_k=300.0),
        replace(GOOD, pairing_id=1, tm_k=None),
    ]
    decisions = decide(tied, ScreenParams())
    assert [d.pairing_id for d in sorted(decisions, key=lambda d: d.rank or 0)] == [9, 2, 3, 1]


def test_one_pairing_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="Pairing 1 occurs twice"):
        decide([GOOD, GOOD], ScreenParams())


def test_unknown_limits_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_link"):
        ScreenParams.model_validate({"min_link": 0.5})
    with pytest.raises(ValidationError, match="alert_catalogs"):
        ScreenParams.model_validate({"alert_catalogs": ["NONE_SUCH"]})


maybe = st.none() | st.floats(0, 1) | st.just(float("nan"))
candidates_strategy = st.lists(
    st.builds(
        lambda c, a, known, link, p, tm_k, inside: replace(
            GOOD,
            cation=CATIONS[c],
            anion=ANIONS[a],
            known=known,
            link_probability=link,
            p_below_373_k=p,
            tm_k=tm_k,
            in_domain=inside,
        ),
        st.integers(0, 3),
        st.integers(0, 2),
        st.booleans(),
        maybe,
        maybe,
        st.none() | st.floats(150, 600),
        st.booleans(),
    ),
    max_size=25,
)
limit = st.none() | st.integers(1, 4)


@settings(max_examples=80, deadline=None)
@given(rows=candidates_strategy, per_cation=limit, per_anion=limit, top=limit, shuffle=st.randoms())
def test_no_candidate_is_dropped(
    rows: list[Candidate], per_cation: int | None, per_anion: int | None, top: int | None, shuffle: object
) -> None:
    candidates = [replace(row, pairing_id=i) for i, row in enumerate(rows)]
    params = ScreenParams(max_per_cation=per_cation, max_per_anion=per_anion, top=top)
    decisions = decide(candidates, params)
    assert [d.pairing_id for d in decisions] == [c.pairing_id for c in candidates]
    assert all(d.passed == (d.rank is not None) == (not d.against) for d in decisions)
    passed = sorted((d for d in decisions if d.rank is not None), key=lambda d: d.rank or 0)
    assert [d.rank for d in passed] == list(range(1, len(passed) + 1))
    assert all(a.score >= b.score for a, b in pairwise(passed))
    assert all(0 <= d.score <= 1 for d in decisions)
    assert top is None or len(passed) <= top
    for key, most in (("cation", per_cation), ("anion", per_anion)):
        used = [getattr(candidates[d.pairing_id], key) for d in passed]
        assert most is None or all(used.count(ion) <= most for ion in used)
    shuffled = list(candidates)
    shuffle.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(decide(shuffled, params), key=lambda d: d.pairing_id) == decisions
    assert all((d.pareto_rank is not None) == d.passed for d in decisions)
    assert all(d.passed for d in decisions if d.pick_order is not None)


# --- accessibility, alerts, Pareto front and pick ---


def test_an_ion_of_a_known_liquid_needs_no_score() -> None:
    decision = decide_one(replace(GOOD, anion="F[P-](F)(F)(F)(F)F"), ScreenParams(max_sa_score=3.0))
    assert reason(decision, "sa_score").ok
    assert "known" in reason(decision, "sa_score").message


def test_small_ions_have_no_score() -> None:
    assert sa_score(Chem.MolFromSmiles("[Cl-]")) is None
    scored = [sa_score(Chem.MolFromSmiles(smiles)) for smiles in (CATIONS[0], next(iter(NEW_IONS)))]
    assert scored[0] is not None
    assert scored[1] is not None
    assert 1 < scored[0] < 4 < 6 < scored[1] < 10


@pytest.mark.parametrize(
    "anion", ["F[B-](F)(F)F", "F[P-](F)(F)(F)(F)F", ANIONS[2], "CCCCCCCCOS(=O)(=O)[O-]", "N#C[S-]"]
)
@pytest.mark.parametrize("cation", [*CATIONS, "CCCCCCCCCCCC[n+]1ccn(C)c1", "CC[S+](CC)CC"])
def test_the_default_alerts_leave_ordinary_ions_alone(cation: str, anion: str) -> None:
    assert reason(decide_one(replace(GOOD, cation=cation, anion=anion), ScreenParams()), "alerts").ok


def test_the_default_alerts_name_what_is_reactive() -> None:
    azide = decide_one(replace(GOOD, cation="C[N+](C)(C)CCN=[N+]=[N-]"), ScreenParams())
    assert reason(azide, "alerts").value == "azide"
    # Each of the ordinary entries is one of the catalog, so overlooking it does something.
    everything = ScreenParams(ignored_alerts=())
    assert reason(decide_one(replace(GOOD, anion="F[B-](F)(F)F"), everything), "alerts").value in {
        f"bad_boron, {name}" for name in ORDINARY_ALERTS
    }


def test_fronts_and_pick() -> None:
    best = replace(GOOD, pairing_id=1, link_probability=0.9, p_below_373_k=0.9, tm_k=300.0)
    homologue = replace(best, pairing_id=2, cation=CATIONS[1], tm_k=301.0)
    other = replace(best, pairing_id=3, cation=CATIONS[2], link_probability=0.7, tm_k=305.0)
    sooner = replace(best, pairing_id=4, link_probability=0.6, p_below_373_k=0.95, cation=CATIONS[3])
    refused = replace(best, pairing_id=5, link_probability=0.1)
    decisions = decide([best, homologue, other, sooner, refused], ScreenParams(pick=3))
    assert [d.pareto_rank for d in decisions] == [1, 2, 3, 1, None]
    assert [d.rank for d in decisions] == [1, 2, 3, 4, None]
    # The homologue of the best comes second by score, and waits for the others.
    assert [d.pick_order for d in decisions] == [1, None, 3, 2, None]


def test_a_screen_may_do_without_a_pick() -> None:
    (decision,) = decide([GOOD], ScreenParams(pick=None))
    assert (decision.rank, decision.pareto_rank, decision.pick_order) == (1, 1, None)


def test_nothing_to_decide() -> None:
    assert decide([], ScreenParams()) == []


def test_homologues_share_a_core() -> None:
    cores = [ion_core(Chem.MolFromSmiles(smiles)) for smiles in (*CATIONS, "CCCCCC[P+](C)(C)C")]
    assert cores[0] == cores[1]
    assert cores[2] == cores[4] == "acyclic P"
    assert len(set(cores)) == 3
