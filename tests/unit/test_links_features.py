"""Ion features, similarities, and the reasons made from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ildb.errors import StructureError
from ildb.links.features import DESCRIPTORS, ECFP_BITS, N_FEATURES, graph_features, ion_features, tanimoto
from ildb.links.neighbours import explain
from ildb.links.salts import graph_from_salts

BMIM, EMIM, C10MIM, C12MIM = ("CCCC[n+]1ccn(C)c1", "CC[n+]1ccn(C)c1", *(f"{'C' * n}[n+]1ccn(C)c1" for n in (10, 12)))


def test_resonance_forms_of_an_ion_look_alike():
    features = ion_features((BMIM, "CCCCn1cc[n+](C)c1"))
    assert features.x.shape == (2, N_FEATURES)
    assert features.x.dtype == np.float32
    assert np.array_equal(features.counts[0], features.counts[1])
    assert features.x[0] == pytest.approx(features.x[1], abs=0.05)  # Crippen logP alone sees where the charge is drawn


def test_features_do_not_depend_on_the_other_ions():
    assert np.array_equal(ion_features((BMIM, EMIM)).x[1], ion_features((EMIM,)).x[0])


def test_descriptors_of_a_known_ion():
    row = dict(zip(DESCRIPTORS, ion_features((BMIM,)).x[0, ECFP_BITS:].tolist(), strict=True))
    assert row["charge"] == 1
    assert np.expm1(row["log_heavy_atoms"]) == pytest.approx(10, rel=1e-5)
    assert np.expm1(row["log_methylenes"]) == pytest.approx(3, rel=1e-5)
    assert np.expm1(row["log_nitrogens"]) == pytest.approx(2, rel=1e-5)


def test_counts_tell_chain_lengths_apart():
    counts = ion_features((BMIM, EMIM, C10MIM, C12MIM)).counts
    similarity = tanimoto(counts, counts)
    assert 0.5 < similarity[2, 3] < 1
    assert similarity[0, 1] > similarity[1, 3]


def test_unreadable_ion_is_named():
    with pytest.raises(StructureError, match="C1CC"):
        ion_features(("C1CC",))


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.uint8, (3, ECFP_BITS), elements=st.integers(0, 31), fill=st.just(0)))
def test_tanimoto_is_minima_over_maxima(counts):
    similarity = tanimoto(counts, counts)
    for i in range(3):
        for j in range(3):
            most = np.maximum(counts[i], counts[j]).sum()
            expected = np.minimum(counts[i], counts[j]).sum() / most if most else 0.0
            assert similarity[i, j] == pytest.approx(expected, abs=1e-6)


def test_reasons_name_similar_ions_known_with_the_partner():
    anions = {"Cl": "[Cl-]", "NTf2": "O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", "OTf": "O=S(=O)([O-])C(F)(F)F"}
    graph = graph_from_salts(
        [
            f"{BMIM}.{anions['Cl']}",
            f"{EMIM}.{anions['NTf2']}",
            f"{C12MIM}.{anions['NTf2']}",
            f"C[N+](C)(C)C.{anions['NTf2']}",
            f"{BMIM}.{anions['OTf']}",
            f"C[N+](C)(C)C.{anions['OTf']}",
        ]
    )

    def cation(smiles):
        return graph.cation_smiles.index(graph_from_salts([f"{smiles}.[Cl-]"]).cation_smiles[0])

    ntf2 = next(i for i, text in enumerate(graph.anion_smiles) if text.count("S") == 2)
    otf = next(i for i, text in enumerate(graph.anion_smiles) if text.count("S") == 1)
    features = graph_features(graph)
    reasons = explain(graph, features, np.array([[cation(BMIM), ntf2], [cation("C[N+](C)(C)C"), ntf2]]), k=2)
    first = reasons[0]
    assert [n.index for n in first.cations] == [cation(EMIM), cation(C12MIM)]
    similarity = tanimoto(features.cations.counts, features.cations.counts)[cation(BMIM)]
    assert [n.similarity for n in first.cations] == pytest.approx(similarity[[cation(EMIM), cation(C12MIM)]].tolist())
    assert first.anions[0].index == otf
    # A pair that is known already does not speak for itself.
    assert cation("C[N+](C)(C)C") not in [n.index for n in reasons[1].cations]
    assert [n.index for n in reasons[1].anions] == [otf]
