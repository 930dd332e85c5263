from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.chem.findings import RefusedError
from ildb.chem.parse import parse_smarts, parse_smiles
from ildb.errors import StructureError


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("C" * 5000, "too_long"),
        ("C" * 1999, "too_many_atoms"),
        ("C" * 501, "too_many_atoms"),
        ("CC ethane", "white_space"),
        ("C\n", "white_space"),
        ("C\x00", "white_space"),
        ("CC |$a;b$|", "white_space"),
        ("Cé", "not_ascii"),
        ("C1CC", "syntax"),
        ("CC(", "syntax"),
        (".", "syntax"),
        ("C>>C", "syntax"),
        ("[R1]C", "syntax"),
        ("c1cccc1", "kekulize"),
        ("CC(C)(C)(C)C", "valence"),
        ("C1=CN(Cc2ccccc2)CC=[CH2+]1", "valence"),
    ],
)
def test_bad_smiles_is_refused_at_once_with_a_reason(text: str, code: str, capfd: pytest.CaptureFixture[str]) -> None:
    start = time.perf_counter()
    with pytest.raises(RefusedError) as caught:
        parse_smiles(text)
    assert time.perf_counter() - start < 20  # some would take minutes
    assert caught.value.codes == (code,)
    assert isinstance(caught.value, StructureError)
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert len(str(caught.value)) < 400
    assert capfd.readouterr() == ("", "")


def test_the_position_of_a_syntax_error_is_named() -> None:
    with pytest.raises(StructureError, match="position 13"):
        parse_smiles("CC(C)(C)(C)C(")


def test_a_molecule_of_the_greatest_size_is_parsed() -> None:
    assert parse_smiles("C" * 500).GetNumAtoms() == 500


def test_bracket_atoms_beyond_the_short_text_limit_are_counted_not_guessed() -> None:
    assert parse_smiles("[13CH2]" * 200).GetNumAtoms() == 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("C" * 401, "too_long"),
        ("C" * 101, "too_many_atoms"),
        ("[$(CC)]" * 40, "too_many_atoms"),
        ("C.C.C", "too_many_fragments"),
        ("[$(C.C.C)]", "too_many_fragments"),
        ("[$([$([$([$(C)])])])]", "too_deep"),
        ("[C,", "syntax"),
        ("[$(]", "syntax"),
        ("C>>N", "reaction"),
        ("C C", "white_space"),
        ("Cß", "not_ascii"),
    ],
)
def test_bad_smarts_is_refused(text: str, code: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_smarts(text)
    assert caught.value.codes == (code,)
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "atoms", "fragments"),
    [("c1c[n+]cn1", 5, 1), ("[#6]~[!#1]", 2, 1), ("[$([CX4][$(N)])]C", 5, 1), ("Cn1cc[n+](C)c1.[Br-]", 8, 2)],
)
def test_good_smarts_is_measured(text: str, atoms: int, fragments: int) -> None:
    pattern = parse_smarts(text)
    assert (pattern.text, pattern.n_atoms, pattern.n_fragments) == (text, atoms, fragments)


@settings(max_examples=300, deadline=2000)
@given(st.text(alphabet="CNOPSFcnos[]()=#+-.@/\\%0123456789$:~*HBrl,;!&", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (parse_smiles, parse_smarts):
        # Any other exception is a failure.
        with contextlib.suppress(StructureError):
            assert parse(text) is not None
