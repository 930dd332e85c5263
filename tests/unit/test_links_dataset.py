"""The link graph: order, identity, stoichiometry, refusals."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ildb.errors import InputError
from ildb.links.dataset import IonRow, build_graph, graph_from_rows, stoichiometry
from ildb.links.salts import graph_from_salts

ROWS = [
    ("C2", "C[NH3+]", 1, "A1", "[Cl-]", -1),
    ("C1", "CC[NH3+]", 1, "A1", "[Cl-]", -1),
    ("C1", "CC[NH3+]", 1, "A2", "[Br-]", -1),
    ("C3", "[NH3+]CC[NH3+]", 2, "A2", "[Br-]", -1),
]


def test_order_and_hash_do_not_depend_on_row_order():
    graph = graph_from_rows(ROWS)
    assert graph.cations == ("C1", "C2", "C3")
    assert graph.edges.tolist() == [[0, 0], [0, 1], [1, 0], [2, 1]]
    shuffled = random.Random(1).sample(ROWS, len(ROWS)) + ROWS[:2]
    assert graph_from_rows(shuffled).sha256 == graph.sha256


@pytest.mark.parametrize(
    "change",
    [
        {0: ("C2", "C[NH3+]", 1, "A2", "[Br-]", -1)},
        {0: ("C2", "CN(C)[NH3+]", 1, "A1", "[Cl-]", -1)},
        {3: ("C3", "[NH3+]CC[NH3+]", 3, "A2", "[Br-]", -1)},
    ],
)
def test_hash_sees_edges_structures_and_charges(change):
    rows = [change.get(i, row) for i, row in enumerate(ROWS)]
    assert graph_from_rows(rows).sha256 != graph_from_rows(ROWS).sha256


def test_ions_without_pairing_stay():
    graph = build_graph(
        [IonRow("C1", "C[NH3+]", 1)], [IonRow("A1", "[Cl-]", -1), IonRow("A0", "[Br-]", -1)], [("C1", "A1")]
    )
    assert graph.anions == ("A0", "A1")
    assert graph.edges.tolist() == [[0, 1]]


def test_multiplicities_of_a_block():
    graph = build_graph(
        [IonRow("C1", "a", 1), IonRow("C2", "b", 2), IonRow("C3", "c", 3)],
        [IonRow("A1", "d", -1), IonRow("A2", "e", -2)],
        [],
    )
    assert graph.multiplicities().tolist() == [[1, 2], [2, 1], [3, 3]]
    assert graph.multiplicities(slice(1, 3), slice(1, 2)).tolist() == [[1], [3]]


@given(st.integers(1, 12), st.integers(-12, -1))
def test_stoichiometry_is_neutral_and_in_lowest_terms(cation, anion):
    n_cations, n_anions = stoichiometry(cation, anion)
    assert n_cations * cation + n_anions * anion == 0
    assert np.gcd(n_cations, n_anions) == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no cation"),
        ([("C1", "C", 0, "A1", "[Cl-]", -1)], "charge"),
        ([("C1", "C", 1, "A1", "[Cl-]", 1)], "anion A1"),
        ([ROWS[0], ("C2", "C", 2, "A1", "[Cl-]", -1)], "charge +1"),
    ],
)
def test_bad_rows_are_refused(rows, words):
    with pytest.raises(InputError, match=words.replace("+", r"\+")):
        graph_from_rows(rows)


def test_pairing_of_an_unlisted_ion_is_refused():
    with pytest.raises(InputError, match="not listed"):
        build_graph([IonRow("C1", "a", 1)], [IonRow("A1", "b", -1)], [("C1", "A9")])


def test_salts_merge_resonance_twins_and_pass_over_the_rest():
    graph = graph_from_salts(
        [
            "CCCC[n+]1ccn(C)c1.[Cl-]",
            "[Br-].CCCCn1cc[n+](C)c1",
            "CCO",
            "nonsense.[Cl-]",
            "[NH3+]CC[NH3+].[Cl-]",
            "[Na+].[Cl-].[Cl-]",
        ]
    )
    assert (graph.n_cations, graph.n_anions, graph.n_edges) == (1, 2, 2)
    assert graph_from_salts(["[NH3+]CC[NH3+].[Cl-]"], unbalanced=True).n_edges == 1
