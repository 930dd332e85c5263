"""Families of anions, and the splits that leave them or sources out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ildb.errors import StructureError
from ildb.melting.families import anion_family
from ildb.melting.params import MeltingParams
from ildb.melting.splits import fold_ids, split_groups
from ildb.melting.train import prepare
from tests.unit.melting_sample import PARAMS, data


@pytest.mark.parametrize(
    ("smiles", "family"),
    [
        ("[Br-]", "halide"),
        ("I[I-]I", "halide"),
        ("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "sulfonylimide"),
        ("O=S(=O)(N=S([O-])(=O)C(F)(F)F)C(F)(F)F", "sulfonylimide"),  # charge drawn on oxygen
        ("O=C([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "sulfonylimide"),
        ("F[B-](F)(F)F", "borate"),
        ("F[P-](F)(F)(F)(F)F", "fluorophosphate"),
        ("O=P([O-])(F)F", "fluorophosphate"),
        ("COS(=O)(=O)[O-]", "sulfonate_sulfate"),
        ("O=S(=O)([O-])C(F)(F)F", "sulfonate_sulfate"),
        ("CCOP(=O)([O-])OCC", "phosphate"),
        ("CC(=O)[O-]", "carboxylate"),
        ("N#C[N-]C#N", "cyano"),
        ("N#C[S-]", "cyano"),
        ("N#C[C-](C#N)C#N", "cyano"),
        ("O=[N+]([O-])[O-]", "oxoanion"),
        ("[O-][Cl+3]([O-])([O-])[O-]", "oxoanion"),
        ("[O-]Cl(=O)(=O)=O", "oxoanion"),
        ("c1nc[n-]n1", "azolate"),
        ("[Cl][Fe-]([Cl])([Cl])[Cl]", "other"),
    ],
)
def test_anions_have_the_family_of_what_carries_the_charge(smiles: str, family: str) -> None:
    assert anion_family(smiles) == family


def test_what_is_no_structure_has_no_family() -> None:
    with pytest.raises(StructureError):
        anion_family("nonsense")


def groups(split: str, rows: object = None) -> np.ndarray:
    params = MeltingParams.model_validate(PARAMS.model_dump() | {"extra_splits": ()})
    prepared = prepare(data() if rows is None else rows, params)  # type: ignore[arg-type]
    index = prepared.problem.pairs.cation
    return split_groups(split, prepared.data, prepared.cations, index, params)  # type: ignore[arg-type]


def test_a_family_is_never_parted_and_each_is_left_out() -> None:
    found = groups("anion_family")
    families = [anion_family(smiles) for smiles in data().anion_smiles]
    assert len(np.unique(found)) == len(set(families)) > 3
    folds = fold_ids(found, len(np.unique(found)), 0)
    assert folds is not None
    for family in set(families):
        members = np.array([name == family for name in families])
        assert len(set(folds[members])) == 1
        assert not set(folds[members]) & set(folds[~members])


def test_sources_are_never_parted_and_stereoisomers_stay_together() -> None:
    rows = data()
    sources = [f"source {i % 4}" for i in range(len(rows))]
    found = groups("source", replace(rows, source=sources))
    assert len(np.unique(found)) == 4
    assert all(len(set(found[np.array(sources) == name])) == 1 for name in set(sources))
    # Two rows that differ in stereochemistry alone, from two sources, are one pairing to the model.
    twin = list(rows.cation_inchikey)
    twin[1] = twin[0][:15] + "ABCDEFGHSA-N"
    anions = [rows.anion_inchikey[0] if i == 1 else key for i, key in enumerate(rows.anion_inchikey)]
    smiles = [rows.anion_smiles[0] if i == 1 else text for i, text in enumerate(rows.anion_smiles)]
    cations = [rows.cation_smiles[0] if i == 1 else text for i, text in enumerate(rows.cation_smiles)]
    twins = replace(
        rows, cation_inchikey=twin, cation_smiles=cations, anion_inchikey=anions, anion_smiles=smiles, source=sources
    )
    prepared = prepare(twins, PARAMS)
    place = {key: i for i, key in enumerate(prepared.data.keys)}
    grouped = groups("source", twins)
    assert grouped[place[twins.keys[0]]] == grouped[place[twins.keys[1]]]


def test_one_source_makes_no_split() -> None:
    assert fold_ids(groups("source"), 5, 0) is None
