"""Ion and pair features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from ildb.errors import InputError, StructureError
from ildb.melting.features import (
    DESCRIPTOR_NAMES,
    ION_FEATURE_NAMES,
    PAIR_FEATURE_NAMES,
    ion_features,
    pair_features,
)
from ildb.melting.ions import IonTable
from ildb.melting.similarity import binary_tanimoto, butina_clusters, count_tanimoto
from tests.unit.melting_sample import data

BMIM = "CCCCn1cc[n+](C)c1"


def descriptor(smiles: str, name: str) -> float:
    return float(ion_features([smiles])[0, DESCRIPTOR_NAMES.index(name)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BMIM, "CCCC[n+]1ccn(C)c1"),
        ("CN(C)C(N)=[N+](C)C", "C[N+](C)=C(N)N(C)C"),
        ("CC(=O)[O-]", "[O-]C(C)=O"),
    ],
)
def test_resonance_forms_have_the_same_features(one: str, other: str) -> None:
    features = ion_features([one, other])
    assert np.array_equal(features[0], features[1])


def test_homologues_differ() -> None:
    features = ion_features([BMIM, "CCCCCCCCn1cc[n+](C)c1", "CCCCCCCCCCCCn1cc[n+](C)c1"])
    counts = features[:, len(DESCRIPTOR_NAMES) :]
    assert len(np.unique(counts, axis=0)) == 3


@pytest.mark.parametrize(
    ("smiles", "chains"),
    [
        (BMIM, (4, 1)),
        ("CCCC[N+](CCCC)(CCCC)CC", (4, 4)),
        ("CC(C)CC[n+]1ccccc1", (4, 0)),  # the branch does not lengthen the chain
        ("[Cl-]", (0, 0)),
        ("OCC[N+](C)(C)C", (2, 1)),
        ("C1CCCCC1[NH3+]", (0, 0)),  # rings are no chains
    ],
)
def test_alkyl_chains(smiles: str, chains: tuple[int, int]) -> None:
    assert (descriptor(smiles, "longest_alkyl_chain"), descriptor(smiles, "second_alkyl_chain")) == chains


@pytest.mark.parametrize(
    ("smiles", "classes"),
    [("CCCC[N+](CCCC)(CCCC)CCCC", 5), ("F[P-](F)(F)(F)(F)F", 2), ("Cn1cc[n+](C)c1", 4), (BMIM, 10)],
)
def test_symmetry_counts_distinct_atoms(smiles: str, classes: int) -> None:
    assert descriptor(smiles, "n_atom_classes") == classes


@pytest.mark.parametrize(
    "smiles",
    ["[I-]", "F[B-](F)(F)F", "C[As+](C)(C)C", "[Al-](Cl)(Cl)(Cl)Cl", "[Fe-2](Cl)(Cl)(Cl)Cl", "C" * 396 + "[N+](C)(C)C"],
)
def test_unusual_ions_have_finite_features(smiles: str) -> None:
    features = ion_features([smiles])
    assert features.shape == (1, len(ION_FEATURE_NAMES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert features.any()


@settings(max_examples=25, deadline=None)
@given(row=st.integers(0, 92), seed=st.integers(0, 2**31 - 1))
def test_features_do_not_depend_on_atom_order(row: int, seed: int) -> None:
    smiles = data().cation_smiles[row]
    (other,) = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)
    features = ion_features([smiles, other])
    assert np.allclose(features[0], features[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("smiles", ["", "not a smiles", "C[N+](C)(C)C.[Cl-]", "[H+]", "CN(C)(C)(C)C", "C" * 5000])
def test_an_ion_that_cannot_be_featurised_is_named(smiles: str) -> None:
    with pytest.raises(StructureError, match="Ion 1:"):
        ion_features([BMIM, smiles])


def test_the_table_flags_such_an_ion_and_keeps_the_others() -> None:
    table = IonTable.build([BMIM, "not a smiles", "[Cl-]"])
    assert np.isnan(table.features[1]).all()
    assert np.isfinite(table.features[[0, 2]]).all()
    assert [bool(problem) for problem in table.problem] == [False, True, False]
    assert table.inchikey[2] == "VEXZGXHMUGYJMC-UHFFFAOYSA-M"
    assert table.charge.tolist() == [1, 0, -1]
    assert table.elements[0] == {"C", "N"}
    with pytest.raises(InputError, match="InChIKeys"):
        IonTable.build([BMIM], [])


def test_chosen_columns_equal_those_of_all() -> None:
    features = ion_features([BMIM, "C[N+](C)(C)CC[N+](C)(C)C", "[Cl-]", "[O-]S([O-])(=O)=O"])
    cation, anion = features[[0, 1, 1]], features[[2, 2, 3]]
    n_cation, n_anion = np.array([1, 1, 1]), np.array([1, 2, 1])
    everything = pair_features(cation, anion, n_cation, n_anion)
    assert everything.shape == (3, len(PAIR_FEATURE_NAMES))
    columns = np.array([0, 5, 700, 1159, 1500, 2318, 2319, 2320, 2322])
    assert np.array_equal(pair_features(cation, anion, n_cation, n_anion, columns), everything[:, columns])
    named = dict(zip(PAIR_FEATURE_NAMES, everything[1], strict=True))
    assert named["n_anion"] == 2
    assert named["charge_product"] == -2
    assert named["heavy_atoms_total"] == 12
    assert named["anion.MolWt"] == pytest.approx(35.453)
    assert named["mass_ratio"] == pytest.approx(named["cation.MolWt"] / (2 * 35.453))


def test_count_tanimoto_is_minima_over_maxima() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 4, (n, 20)).astype(np.float32) for n in (5, 7))
    direct = np.minimum(a[:, None], b[None]).sum(-1) / np.maximum(a[:, None], b[None]).sum(-1)
    assert np.allclose(count_tanimoto(a, b), direct)


def test_clusters_hold_similar_ions() -> None:
    smiles = [BMIM, "CCCCCn1cc[n+](C)c1", "CCCCCCCCn1cc[n+](C)c1", "CCCC[P+](CCCC)(CCCC)CCCC", "[NH3+]CC"]
    counts = IonTable.build(smiles).counts
    labels = butina_clusters(counts, 0.6)
    assert labels[0] == labels[1] == labels[2]
    assert len({labels[0], labels[3], labels[4]}) == 3
    similarity = binary_tanimoto(counts)
    assert np.allclose(np.diag(similarity), 1)
    assert np.allclose(similarity, similarity.T)
