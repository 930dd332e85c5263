"""SMILES to token ids and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ildb.errors import InputError
from ildb.generate.tokens import UnknownConditionError, UnknownTokenError, Vocabulary, condition_name, split_smiles


def test_atoms_stay_whole() -> None:
    assert split_smiles("C[n+]1cc%12Cl.[Br-]", "atom") == ["C", "[n+]", "1", "c", "c", "%12", "Cl", ".", "[Br-]"]
    assert split_smiles("CCl", "char") == ["C", "C", "l"]


@given(st.text(max_size=40))
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(split_smiles(text, "atom")) == text == "".join(split_smiles(text, "char"))


def test_there_and_back() -> None:
    vocabulary = Vocabulary.of(["CCn1cc[n+](C)c1", "[Cl-]"], "atom", [1, -1])
    assert vocabulary.tokens[:3] == ("<pad>", "<bos>", "<eos>")
    assert vocabulary.charges == (-1, 1)
    ids = vocabulary.encode("Cn1cc[n+](C)c1")
    assert vocabulary.decode(ids) == "Cn1cc[n+](C)c1"
    assert vocabulary.decode([1, *ids, 2, 5, 5]) == "Cn1cc[n+](C)c1"
    assert vocabulary.condition_ids([1, -1, 1]).tolist() == [1, 0, 1]


def test_what_is_missing_is_named() -> None:
    vocabulary = Vocabulary.of(["CCN"], "char", [0])
    with pytest.raises(UnknownTokenError, match=r"'F' in 'CCF' is not among the 2 tokens"):
        vocabulary.encode("CCF")
    assert not vocabulary.knows("CCF")
    assert vocabulary.knows("NCC")
    with pytest.raises(UnknownConditionError, match=r"cation\+2; it knows pair"):
        vocabulary.condition_ids([2])


def test_a_vocabulary_has_its_specials() -> None:
    with pytest.raises(InputError, match="<pad>"):
        Vocabulary("char", ("C", "N", "O"), (0,))
    with pytest.raises(InputError, match="once"):
        Vocabulary("char", ("<pad>", "<bos>", "<eos>", "C", "C"), (0,))


def test_conditions_have_names() -> None:
    assert [condition_name(charge) for charge in (-2, 0, 1)] == ["anion-2", "pair", "cation+1"]
