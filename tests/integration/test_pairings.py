"""Questions about pairings: logic, filters, pages and counts, judged by Python's RDKit; and the indexes they use."""

# ruff: noqa: F811 (fixtures are imported by name)
from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rdkit import Chem, DataStructs
from sqlalchemy import Connection, Engine, text

from ildb.chem.fingerprints import morgan_fingerprint
from ildb.chem.identity import identify
from ildb.errors import InputError, StructureError
from ildb.search import looking
from ildb.search.ask import property_range, question
from ildb.search.cartridge import CartridgeMatcher
from ildb.search.filters import Filters, PropertyRange
from ildb.search.logic import All, AnyOf, Clause, Is, NearestTo, Not, SimilarTo, contains
from ildb.search.matcher import Matcher, ProcessMatcher
from ildb.search.pairings import Answer, Question
from tests.integration.populate import Populated, populated  # noqa: F401

BMIM = "CCCCn1cc[n+](C)c1"


@pytest.fixture
def connection(engine: Engine, populated: Populated) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module", params=["cartridge", "process"])
def matcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matcher]:
    with ProcessMatcher(tmp_path_factory.mktemp("ions"), resident=True) as process:
        yield process if request.param == "process" else CartridgeMatcher(lambda: process)


@pytest.fixture
def rows(connection: Connection) -> list[dict[str, Any]]:
    statement = (
        "SELECT p.id, c.smiles AS cation, a.smiles AS anion, c.id AS cation_id, a.id AS anion_id FROM ildb.pairing p"
        " JOIN ildb.ion c ON c.id = p.cation_id JOIN ildb.ion a ON a.id = p.anion_id ORDER BY p.id"
    )
    return [dict(row) for row in connection.execute(text(statement)).mappings()]


def similarity(a: str, b: str) -> float:
    fingerprints = [morgan_fingerprint(Chem.MolFromSmiles(x)) for x in (a, b)]
    return float(DataStructs.TanimotoSimilarity(*fingerprints))


def holds(clause: Clause, row: dict[str, Any]) -> bool:
    """What a clause means, by RDKit alone."""
    if isinstance(clause, All):
        return all(holds(part, row) for part in clause.parts)
    if isinstance(clause, AnyOf):
        return any(holds(part, row) for part in clause.parts)
    if isinstance(clause, Not):
        return not holds(clause.part, row)
    ions = [row[side] for side in ("cation", "anion") if clause.side in {side, "either"}]
    if isinstance(clause, SimilarTo):
        return any(similarity(ion, identify(clause.smiles).smiles) >= clause.threshold for ion in ions)
    if isinstance(clause, Is):
        return any(ion == identify(clause.ion).smiles for ion in ions)
    assert not isinstance(clause, NearestTo)
    pattern = Chem.MolFromSmarts(clause.pattern.text)
    return any(Chem.MolFromSmiles(ion).HasSubstructMatch(pattern) for ion in ions)


def clauses() -> list[Clause]:
    """Random trees of tests."""
    chooser = random.Random(5)
    leaves: list[Clause] = [
        contains(smarts, side)  # type: ignore[arg-type]
        for smarts in ("c1c[n+]cn1", "[OX2H]", "C#N", "C.C.C")
        for side in ("cation", "anion", "either")
    ]
    leaves += [
        SimilarTo(BMIM, 0.5, "cation"),
        SimilarTo("[Cl-]", 0.3),
        Is(BMIM),
        Is("[Br-]", "anion"),
        Is("[Br-]", "cation"),
    ]

    def tree(depth: int) -> Clause:
        if depth == 0 or chooser.random() < 0.2:
            return chooser.choice(leaves)
        parts = tuple(tree(depth - 1) for _ in range(chooser.randint(1, 3)))
        return chooser.choice([All(parts), AnyOf(parts), Not(parts[0])])

    return [All(()), AnyOf(()), Not(All(())), *leaves, *(tree(3) for _ in range(15))]


def test_any_logic_is_what_it_says(connection: Connection, matcher: Matcher, rows: list[dict[str, Any]]) -> None:
    for clause in clauses():
        expected = {row["id"] for row in rows if holds(clause, row)}
        answer = Answer(connection, matcher, Question(clause))
        assert set(answer.ids()) == expected, clause
        assert answer.count() == len(expected)
        # Looking pairing by pairing says the same as searching all ions.
        looked = Answer(connection, matcher, Question(clause)).page(1000)
        assert [hit["pairing_id"] for hit in looked.hits] == list(answer.ids())
        assert looked.next is None


def test_pages_join_to_the_whole(
    connection: Connection, matcher: Matcher, monkeypatch: pytest.MonkeyPatch, populated: Populated
) -> None:
    """With every way of looking: one by one only, all ions only, and the first turning into the second."""
    asked = Question(contains("[#6]"), Filters())
    whole = list(Answer(connection, matcher, asked).ids())
    assert whole[: len(populated.passed)] == populated.passed
    for first, tried, n_looks in ((3, 1, 0), (2, 5, 3), (1_000, 1_000, 1), (7, 50, 50)):
        monkeypatch.setattr(looking, "FIRST_LOOK", first)
        monkeypatch.setattr(looking, "IN_VAIN", tried)
        monkeypatch.setattr(looking, "N_LOOKS", n_looks)
        for size in (5, 40, len(whole) - 1, len(whole), len(whole) + 1):
            seen: list[int] = []
            token = None
            while True:
                page = Answer(connection, matcher, asked).page(size, token)
                seen += [hit["pairing_id"] for hit in page.hits]
                token = page.next
                if token is None:
                    break
                assert len(page.hits) == size
            assert seen == whole, (first, tried, size)


def test_pages_are_stable_while_rows_come_and_go(
    connection: Connection, matcher: Matcher, populated: Populated
) -> None:
    asked = Question(contains("[#6]"))
    before = list(Answer(connection, matcher, asked).ids())
    page = Answer(connection, matcher, asked).page(20)
    gone = before[5]
    connection.execute(text("DELETE FROM ildb.screening_decision WHERE pairing_id = :id"), {"id": gone})
    rest = []
    token = page.next
    while token is not None:
        following = Answer(connection, matcher, asked).page(20, token)
        rest += [hit["pairing_id"] for hit in following.hits]
        token = following.next
    # It lost its rank and is shown once more at its new place; nothing else is doubled or missing.
    assert sorted(set(before)) == sorted({*(hit["pairing_id"] for hit in page.hits), *rest})
    assert len(rest) == len(before) - 20 + 1


def test_a_token_is_of_one_question(connection: Connection, matcher: Matcher) -> None:
    token = Answer(connection, matcher, Question(contains("C"))).page(1).next
    assert token is not None
    for other in (Question(contains("N")), Question(contains("C"), Filters(passed=True))):
        with pytest.raises(InputError, match="another search"):
            Answer(connection, matcher, other).page(1, token)
    for bad in ("", "x", "AAAA", token[:-4], "'; DROP TABLE ildb.ion; --"):
        with pytest.raises(InputError):
            Answer(connection, matcher, Question(contains("C"))).page(1, bad)
    with pytest.raises(InputError, match="at least 1"):
        Answer(connection, matcher, Question()).page(0)


def test_nearest_and_similar(connection: Connection, matcher: Matcher) -> None:
    ions = connection.execute(text("SELECT id, smiles, charge FROM ildb.ion")).all()
    wanted = identify(BMIM).smiles
    for side, sign in (("cation", 1), ("anion", -1), ("either", 0)):
        scored = {row.id: similarity(row.smiles, wanted) for row in ions if sign in {0, 1 if row.charge > 0 else -1}}
        for threshold in (0.05, 0.3, 0.5, 1.0):
            found = matcher.similar(connection, BMIM, side, threshold=threshold)  # type: ignore[arg-type]
            assert set(found) == {ion for ion, score in scored.items() if score >= threshold}
        for top in (1, 3, 100):
            found = matcher.similar(connection, BMIM, side, top=top)  # type: ignore[arg-type]
            assert sorted((scored[ion] for ion in found), reverse=True) == sorted(scored.values(), reverse=True)[:top]
    with pytest.raises(StructureError, match="several fragments"):
        matcher.similar(connection, "C.C", "either")


FILTERS: list[tuple[Filters, Callable[[dict[str, Any]], bool]]] = [
    (Filters(evidence="known"), lambda hit: "known" in hit["evidence"]),
    (Filters(passed=True), lambda hit: hit["passed"] is True),
    (Filters(tm_below_k=310.0), lambda hit: _tm(hit) is not None and _tm(hit) < 310),
    (Filters(tm_above_k=310.0), lambda hit: _tm(hit) is not None and _tm(hit) >= 310),
    (Filters(tm_above_k=259.0, tm_below_k=261.0), lambda hit: _tm(hit) is not None and 259 <= _tm(hit) < 261),
    (Filters(min_link_probability=0.8), lambda hit: (hit["link_probability"] or 0) >= 0.8),
    (Filters(min_p_below_373_k=0.5), lambda hit: (hit["p_below_373_k"] or 0) >= 0.5),
    (
        Filters(evidence="predicted", tm_below_k=311.0),
        lambda hit: "predicted" in hit["evidence"] and (_tm(hit) or 999) < 311,
    ),
]  # fmt: skip


def _tm(hit: dict[str, Any]) -> Any:
    return hit["tm_k"] if hit["tm_k"] is not None else hit["tm_predicted_k"]


@pytest.mark.parametrize(("filters", "test"), FILTERS)
def test_filters_go_by_what_is_shown(
    connection: Connection, matcher: Matcher, filters: Filters, test: Callable[[dict[str, Any]], bool]
) -> None:
    everything = list(Answer(connection, matcher, Question(contains("[#6]"))).hits())
    expected = [hit["pairing_id"] for hit in everything if test(hit)]
    assert expected
    answer = Answer(connection, matcher, Question(contains("[#6]"), filters))
    assert list(answer.ids()) == expected
    assert answer.count() == len(expected)
    assert [hit["pairing_id"] for hit in answer.page(500).hits] == expected


def test_source_run_property_and_domain(connection: Connection, matcher: Matcher, populated: Populated) -> None:
    def ids(**filters: Any) -> set[int]:
        return set(Answer(connection, matcher, Question(filters=Filters(**filters))).ids())

    assert ids(source="catalogue") == set(populated.known)
    assert 0 < len(ids(source="melting table")) < len(populated.known)
    assert ids(source="nobody") == set()
    assert ids(run_id=populated.run_id) == set(populated.predicted)
    assert ids(run_id=populated.run_id + 1) == set()
    assert len(ids(in_domain=True)) + len(ids(in_domain=False)) == 30
    melting = ids(properties=(PropertyRange("melting_point", low=252.0, high=257.0),))
    assert melting == {populated.known[n] for n in (1, 2)}
    assert ids(properties=(property_range("melting_point < 251"), property_range("melting_point>249"))) == {
        populated.known[0]
    }
    assert ids(properties=(property_range("viscosity<1"),)) == set()
    for bad in ("viscosity", "viscosity=1", "<1", "a<b", "a<1<2", "x<1e"):
        with pytest.raises(InputError):
            property_range(bad)
    with pytest.raises(InputError, match="evidence"):
        Filters(evidence="hearsay")  # type: ignore[arg-type]


def test_words_become_a_question() -> None:
    asked = question(
        cation="n", anion=["F", "S"], any_of=["cation:C#N", "O"], none_of="anion:[Cl-]", similar=f"cation:{BMIM}",
        exact="anion:[Br-]", threshold=0.7,
    )  # fmt: skip
    assert asked.ions == All((
        contains("n", "cation"), contains("F", "anion"), contains("S", "anion"),
        AnyOf((contains("C#N", "cation"), contains("O"))), Not(contains("[Cl-]", "anion")),
        SimilarTo(BMIM, 0.7, "cation"), Is("[Br-]", "anion"),
    ))  # fmt: skip
    for bad in ({"cation": "[C"}, {"similar": "C1"}, {"exact": "xx"}, {"threshold": 0.0}, {"top": 0}):
        with pytest.raises(InputError):
            question(**bad)  # type: ignore[arg-type]


def test_an_estimate_is_near(connection: Connection, matcher: Matcher) -> None:
    answer = Answer(connection, matcher, Question(contains("[#6]", "cation")))
    assert 0.3 * answer.count() < answer.estimate() < 3 * answer.count()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("cation_none => '{[#7]}'", All((Not(contains("[#7]", "cation")),))),
        ("anion_none => '{F,S}'", Not(AnyOf((contains("F", "anion"), contains("S", "anion"))))),
        (
            "cation_any => '{[P+],[S+]}', anion_smarts => 'F'",
            question(any_of=["cation:[P+]", "cation:[S+]"], either="anion:F").ions,
        ),
        (
            "cation_smarts => 'n', cation_any => '{CCCCCC,C=C}'",
            question(cation="n", any_of=["cation:CCCCCC", "cation:C=C"]).ions,
        ),
        ("cation_similar => 'CCCC[n+]1ccn(C)c1', threshold => 0.6", SimilarTo(BMIM, 0.6, "cation")),
    ],
)  # fmt: skip
def test_the_sql_function_has_the_same_logic(
    connection: Connection, matcher: Matcher, arguments: str, expected: Clause
) -> None:
    found = connection.execute(text(f"SELECT pairing_id FROM ildb.find_pairings({arguments}, max_rows => NULL)"))
    assert list(found.scalars()) == list(Answer(connection, matcher, Question(expected)).ids())


@pytest.mark.parametrize(
    ("arguments", "filters"),
    [
        ("tm_above_k => 310", Filters(tm_above_k=310)),
        ("tm_below_k => 261, tm_above_k => 259", Filters(tm_below_k=261, tm_above_k=259)),
        ("min_link_probability => 0.8", Filters(min_link_probability=0.8)),
        ("min_p_below_373_k => 0.5", Filters(min_p_below_373_k=0.5)),
        ("source_name => 'melting table'", Filters(source="melting table")),
        ("run => 1, passed_only => true", Filters(run_id=1, passed=True)),
        ("in_domain => true", Filters(in_domain=True)),
        ("in_domain => false", Filters(in_domain=False)),
        ("property => 'melting_point'", Filters(properties=(PropertyRange("melting_point"),))),
        (
            "property => 'melting_point', property_from => 255, property_to => 300",
            Filters(properties=(PropertyRange("melting_point", 255, 300),)),
        ),
    ],
)
def test_the_sql_function_has_the_same_filters(
    connection: Connection, matcher: Matcher, arguments: str, filters: Filters
) -> None:
    found = connection.execute(text(f"SELECT pairing_id FROM ildb.find_pairings({arguments}, max_rows => NULL)"))
    ids = list(found.scalars())
    assert ids
    assert ids == list(Answer(connection, matcher, Question(filters=filters)).ids())
    assert connection.execute(text(f"SELECT ildb.count_pairings({arguments})")).scalar_one() == len(ids)


def test_the_sql_function_estimates_as_the_planner_does(connection: Connection, matcher: Matcher) -> None:
    connection.execute(text("RESET ROLE"))
    connection.execute(text("ANALYZE ildb.pairing"))
    sql = "SELECT ildb.count_pairings('[#6]', exact => false)"
    answer = Answer(connection, matcher, Question(question(cation="[#6]").ions))
    assert connection.execute(text(sql)).scalar_one() == answer.estimate()


def test_pages_of_the_sql_function(connection: Connection) -> None:
    whole = (
        connection.execute(text("SELECT pairing_id FROM ildb.find_pairings('[#6]', max_rows => NULL)")).scalars().all()
    )
    seen: list[int] = []
    place = None
    while True:
        page = connection.execute(
            text("SELECT pairing_id, place FROM ildb.find_pairings('[#6]', max_rows => 7, after => :place)"),
            {"place": place},
        ).all()
        if not page:
            break
        seen += [row.pairing_id for row in page]
        place = page[-1].place
    assert seen == list(whole)
