"""What models learn from."""

import numpy as np
import pytest
from rdkit import Chem

from ildb.generate.batches import EmptyCorpusError
from ildb.generate.corpora import Salt, combinations, ion_data, pair_data
from ildb.generate.ions import FlatIon, Known, flat_ions, split_ions
from ildb.generate.tokens import Vocabulary
from ildb.generate.variants import variants
from ildb.links.dataset import IonRow
from tests.unit.generate.small import IONS, PARAMS, ions


def rows() -> list[IonRow]:
    return [IonRow(f"{i}", smiles, charge) for i, (smiles, charge) in enumerate(IONS)]


def test_flat_ions_merge_twins_and_leave_out_what_cannot_be_learnt() -> None:
    twins = [("CCCCn1cc[n+](C)c1", 1), ("CCCC[n+]1ccn(C)c1", 1)]
    stereo = [("C[C@H](O)C(=O)[O-]", -1), ("C[C@@H](O)C(=O)[O-]", -1)]
    useless = [("[Li+]", 1), ("[2H]C([2H])([2H])[N+](C)(C)C", 1), ("C[N+]C", 1), ("C" * 80 + "[NH3+]", 1), ("C(", 1)]
    flat = flat_ions([*twins, *stereo, *useless], "atom", 60)
    assert sorted(ion.smiles for ion in flat) == ["CC(O)C(=O)[O-]", "CCCC[n+]1ccn(C)c1"]


def test_ions_are_held_out_on_both_sides() -> None:
    known = ions()
    train, test = split_ions(known, 0.3, 1)
    assert sorted(train + test) == sorted(known)
    assert [sum(ion.charge == sign for ion in test) for sign in (1, -1)] == [3, 2]
    assert split_ions(known, 0.3, 1) == (train, test)
    assert split_ions(known, 0.3, 2) != (train, test)


def test_variants_are_new_ions_of_the_right_charge() -> None:
    known = ions()
    vocabulary = Vocabulary.of((ion.smiles for ion in known), "atom", (1, -1))
    made = variants(
        known, 60, known=Known(known), vocabulary=vocabulary, max_length=60, anion_share=0.4, changed_share=0.5, seed=1
    )
    assert len({ion.smiles for ion in made}) == len(made) == 60
    keys = {ion.inchikey for ion in known}
    for ion in made:
        mol = Chem.MolFromSmiles(ion.smiles)
        assert Chem.GetFormalCharge(mol) == ion.charge
        assert Chem.MolToSmiles(mol) == ion.smiles
        assert vocabulary.knows(ion.smiles)
        assert Chem.MolToInchiKey(mol) not in keys
    assert 20 <= sum(ion.charge < 0 for ion in made) <= 28


def test_a_known_ion_is_known_in_any_resonance_form() -> None:
    known = Known([FlatIon("", "CCCCn1cc[n+](C)c1", 1)])
    for smiles, expected in (("CCCC[n+]1ccn(C)c1", True), ("CCC(C)n1cc[n+](C)c1", False), ("CCC", False)):
        mol = Chem.MolFromSmiles(smiles)
        assert known.has(mol, Chem.MolToSmiles(mol)) is expected


def test_ion_data_keeps_the_held_out_ions_away() -> None:
    data = ion_data(rows(), PARAMS, heldout=0.2, n_variants=80, variant_share=0.5, anion_share=0.4)
    assert data.n_variants == 80
    assert len(data.train) + len(data.heldout) == len(IONS)
    vocabulary, targets = data.corpus.vocabulary, data.corpus.targets
    learnt = {vocabulary.decode(targets.padded(np.array([i]))[:, 0].tolist()) for i in range(len(data.corpus))}
    assert not learnt & {ion.smiles for ion in data.heldout}
    n = len(data.train)
    assert data.corpus.weights[:n].sum() == pytest.approx(0.5)
    anions = data.corpus.conditions == vocabulary.charges.index(-1)
    assert data.corpus.weights[anions].sum() == pytest.approx(0.4)
    alone = ion_data(rows(), PARAMS, heldout=0.2, n_variants=0, variant_share=0.5, anion_share=0.4)
    assert len(alone.corpus) == n
    assert alone.corpus.weights.sum() == pytest.approx(1.0)


def test_pairs_are_split_and_spelt() -> None:
    salts = list(combinations(rows(), 1000, 0))
    assert len(set(salts)) == len(salts) == 10 * 8
    assert len(list(combinations(rows(), 30, 1))) == 30
    data = pair_data(salts, PARAMS.model_copy(update={"level": "char", "max_length": 70}), heldout=0.1)
    assert len(data.train) == 72
    assert not set(data.train) & set(data.heldout)
    assert data.corpus.vocabulary.charges == (0,)
    assert all(text.count(".") == 1 for text in data.train)


def test_dications_pair_with_dianions_only() -> None:
    ions_ = [
        IonRow("a", "C[N+](C)(C)CC[N+](C)(C)C", 2),
        IonRow("b", "CC[NH3+]", 1),
        IonRow("c", "[O-]C(=O)C(=O)[O-]", -2),
    ]
    assert list(combinations(ions_, 10, 0)) == [Salt("C[N+](C)(C)CC[N+](C)(C)C", "[O-]C(=O)C(=O)[O-]")]


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(EmptyCorpusError, match="no ions"):
        ion_data([], PARAMS, heldout=0.1, n_variants=0, variant_share=0.5, anion_share=0.4)
    with pytest.raises(EmptyCorpusError, match="no ionic liquids"):
        pair_data([], PARAMS, heldout=0.1)
