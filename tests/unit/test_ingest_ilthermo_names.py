from __future__ import annotations

import time
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ildb.chem.curation import RefusedError, resolve_salt
from ildb.ingest.ilthermo import read_catalogue
from ildb.ingest.names import clean_name, normalize_anion, normalize_cation, split_names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1-butyl-3-methylimidazolium", "3-butyl-1-methyl-1H-imidazol-3-ium"),
        ("1-ethyl-2,3-dimethylimidazolium", "3-ethyl-1,2-dimethylimidazolium"),
        ("1-methyl-3-(1-methylethyl)imidazolium", "1-isopropyl-3-methylimidazolium"),
        ("1-butyl-1-methylpyrrolidinium", "1-methyl-1-butylpyrrolidin-1-ium"),
        ("N-methyl-N-octylpyrrolidinium", "1-methyl-1-octylpyrrolidinium"),
        ("4-butyl-4-methylmorpholinium", "N-butyl-N-methylmorpholin-4-ium"),
        ("1-butyl-4-methylpyridinium", "4-methyl-N-butylpyridinium"),
        ("triethyloctylammonium", "N,N,N-triethyloctan-1-aminium"),
        ("tetrabutylammonium", "N,N,N-tributyl-1-butanaminium"),
        ("trihexyltetradecylphosphonium", "trihexyl(tetradecyl)phosphonium"),
        ("butylammonium", "n-butylammonium"),
        ("butyltriisoamylammonium", "butyltris(3-methylbutyl)ammonium"),
    ],
)
def test_names_of_one_cation_meet(one: str, other: str) -> None:
    assert normalize_cation(clean_name(one)) == normalize_cation(clean_name(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1-butyl-2-methylpyridinium", "1-butyl-3-methylpyridinium"),
        ("1-butyl-3-methylimidazolium", "1-butyl-2-methylimidazolium"),
        ("1,2-dimethyl-3-propylimidazolium", "1,3-dimethyl-2-propylimidazolium"),
        ("tributylmethylammonium", "tributylmethylphosphonium"),
        ("dimethylammonium", "ethylammonium"),
        ("tridecylammonium", "decylammonium"),
        ("isobutylammonium", "butylammonium"),
    ],
)
def test_different_cations_stay_apart(one: str, other: str) -> None:
    assert normalize_cation(clean_name(one)) != normalize_cation(clean_name(other))


@pytest.mark.parametrize(
    "name",
    [
        "bis[(trifluoromethyl)sulfonyl]imide",
        "bis((trifluoromethyl)sulfonyl)amide",
        "bis(trifluoromethylsulfonyl)imide",
        "bis(trifluoromethanesulfonyl)amide",
        "1,1,1-trifluoro-N-[(trifluoromethyl)sulfonyl]methanesulfonamide",
    ],
)
def test_names_of_ntf2_meet(name: str) -> None:
    assert normalize_anion(clean_name(name)) == "bis((trifluoromethyl)sulfonyl)amide"


def test_typography_is_cleaned() -> None:
    assert (
        clean_name(" 1\u2010Butyl\u20113\u2013methyl-imidazolium  Chloride ") == "1-butyl-3-methyl-imidazolium chloride"
    )
    assert clean_name("x borate Chemical Formula: C12H22BF10NO") == "x borate"


def test_no_two_structures_of_the_catalogue_get_one_name() -> None:
    structures: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for record in read_catalogue():
        try:
            pair = resolve_salt(record.salt_smiles or "")
        except RefusedError:
            continue
        for split in split_names(record.name or ""):
            structures[split].add((pair.cation.inchikey, pair.anion.inchikey))
    assert len(structures) > 2_900
    assert {split: found for split, found in structures.items() if len(found) > 1} == {}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["di", "tri", "tetra", "methyl", "ethyl", "decyl", "but", "prop", "n-", "N,N-", "1-", "2,3-"]  # noqa: RUF005
            + ["(", ")", "[", " ", "-", "\u2013", ",", "é", "imidazolium", "ammonium", "an-1-aminium", "chloride"]
        ),
        max_size=25,
    )
)
def test_any_text_is_normalised_once_and_in_time(words: list[str]) -> None:
    name = "".join(words)
    start = time.process_time()
    splits = split_names(name)
    assert clean_name(clean_name(name)) == clean_name(name)
    assert split_names(name) == splits
    assert time.process_time() - start < 1
