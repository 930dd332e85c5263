"""The mask lets known ions through and keeps a decoder to strings that are ions."""

from __future__ import annotations

import numpy as np
import pytest

from ildb.chem.standardize import ResolvedIon, examine_ion
from ildb.errors import InputError
from ildb.generate.grammar import IonGrammar
from ildb.generate.kekule import has_matching
from ildb.generate.tokens import Vocabulary
from tests.unit.generate.small import IONS, trained

MORE = (
    ("CCOC(=O)C[n+]1c(CC)n(C)c2ccccc21", 1), ("C[n+]1ccn(CCCCn2cc[n+](C)c2)c1", 2), ("CCOS(=O)(=O)CC[n+]1ccn(C)c1", 1),
    ("O=[N+]([O-])c1cc([N+](=O)[O-])c([O-])c([N+](=O)[O-])c1", -1), ("CCCC[n+]1ccc2ccccc2c1", 1),
    ("F[P-](F)(F)(F)(F)F", -1), ("CC1(C)CCC[NH+]1CC=C", 1), ("O=C([O-])C(O)CC(=O)O", -1), ("CC[S+](CC)CC#N", 1),
)  # fmt: skip


def rejected_at(smiles: str, charge: int, vocabulary: Vocabulary) -> str | None:
    """What the mask lets through of a string before it stops; None when it lets all through."""
    mask = IonGrammar(vocabulary)
    state = mask.start(1, [charge], 80)
    written = ""
    for token in [*vocabulary.encode(smiles).tolist(), vocabulary.eos_id]:
        if not mask.allowed(state)[0, token]:
            return written
        if token != vocabulary.eos_id:
            mask.advance(state, np.array([token]))
            written += vocabulary.tokens[token]
    return None


VOCABULARY = Vocabulary.of([smiles for smiles, _ in (*IONS, *MORE)], "atom", [-1, 1, 2])


@pytest.mark.parametrize(("smiles", "charge"), [*IONS, *MORE])
def test_known_ions_pass(smiles: str, charge: int) -> None:
    assert rejected_at(smiles, charge, VOCABULARY) is None


@pytest.mark.parametrize(
    ("smiles", "charge", "up_to"),
    [
        ("CC(C)(C)(C)C", 1, "CC(C)(C)"),  # five bonds
        ("CC(=O)[O-]", 1, "CC(=O)"),  # the other sign
        ("CCO", -1, "CCO"),  # no charge
        ("C[N+](C)C", 1, "C[N+](C)"),  # a hydrogen short
        ("c1ccc1", 1, "c1ccc"),  # antiaromatic
        ("CC(C", -1, "CC(C"),  # an open branch
        ("C1CC", 1, "C1CC"),  # an open ring
        ("C=O", -1, "C="),  # nothing could follow that carries the charge
    ],
)
def test_what_cannot_be_an_ion_is_stopped(smiles: str, charge: int, up_to: str) -> None:
    assert rejected_at(smiles, charge, VOCABULARY) == up_to


def test_masked_draws_of_a_bad_model_are_mostly_ions_and_end_in_time() -> None:
    model = trained()
    charges = [1, -1] * 100
    z = model.prior(200, charges, seed=3, scale=2.0)

    def n_ions(masked: bool) -> int:
        mask = IonGrammar(model.vocabulary) if masked else None
        drawn = model.draw(z, charges, mask=mask, temperature=1.0, seed=3, max_length=40)
        found = [examine_ion(text) for text in drawn.smiles]
        right = [isinstance(x, ResolvedIon) and x.ion.charge == q for x, q in zip(found, charges, strict=True)]
        return sum(right)

    assert n_ions(True) > n_ions(False) + 10
    assert n_ions(True) > 150


def test_states_are_taken_apart_and_together() -> None:
    mask = IonGrammar(VOCABULARY)
    state = mask.start(2, [1, -1], 30)
    first = VOCABULARY.encode("C[N+]")
    for token in first:
        mask.advance(state, np.array([token, VOCABULARY.encode("C")[0]]))
    twice = mask.take(state, np.array([0, 0, 1]))
    assert (mask.allowed(twice)[0] == mask.allowed(state)[0]).all()
    mask.advance(twice, np.array([VOCABULARY.encode("(")[0]] * 3))
    assert state.depth.tolist() == [0, 0]
    assert twice.depth.tolist() == [1, 1, 1]


def test_characters_are_refused() -> None:
    with pytest.raises(InputError, match="atom tokens"):
        IonGrammar(Vocabulary.of(["CC"], "char", [0]))


def test_matching() -> None:
    ring = {i: [(i + 1) % 6, (i - 1) % 6] for i in range(6)}
    assert has_matching(ring)
    assert not has_matching({i: [(i + 1) % 5, (i - 1) % 5] for i in range(5)})
    assert not has_matching({0: [1], 1: [0, 2, 3], 2: [1], 3: [1]})
