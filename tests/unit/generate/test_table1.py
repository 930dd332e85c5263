"""The paper's columns."""

import pytest

from ildb.generate.judge import ion_key, judge_ions, judge_pairs, reconstructed_ions
from ildb.generate.table1 import PAPER, beside_paper, canonical_salt, table1, with_paper
from tests.unit.generate.small import ions, trained


def test_a_valid_string_is_two_ions_whose_charges_cancel() -> None:
    assert canonical_salt("[Br-].C[n+]1ccn(CC)c1") == "CCn1cc[n+](C)c1.[Br-]"
    for text in ("", ".", "CC.CC", "CC[NH3+]", "CC[NH3+].", "CC[NH3+].[Cl-].[Cl-]", "CC[NH3+].[O-2]", "C(.[Cl-]"):
        assert canonical_salt(text) is None, text


def test_the_columns_are_shares_of_what_is_left() -> None:
    drawn = ["CC[NH3+].[Cl-]", "[Cl-].CC[NH3+]", "CCC[NH3+].[Cl-]", "CC.CC"]
    figures = table1(drawn, {"CC[NH3+].[Cl-]"}, [True, True, True, False])
    assert figures == pytest.approx(
        {
            "validity": 0.75, "uniqueness": 2 / 3, "novelty": 0.5, "sample_efficiency": 0.25, "reconstruction": 0.75,
        }
    )  # fmt: skip
    assert table1([], set())["sample_efficiency"] == 0.0
    assert PAPER["sample_efficiency"] == pytest.approx(
        PAPER["validity"] * PAPER["uniqueness"] * PAPER["novelty"], abs=0.005
    )
    assert beside_paper(figures).startswith("validity 0.750 (paper 0.84), uniqueness 0.667 (paper 0.99), ")
    assert with_paper(figures)["baselines.paper.reconstruction"] == 0.90


def test_a_model_of_ions_is_judged() -> None:
    model, known = trained(), ions()
    figures = judge_ions(model, known, known[:4], set(), 50, 1)
    assert figures["reconstruction"] == figures["reconstruction_heldout"] == 1.0
    assert figures["reconstruction_heldout_greedy"] == 1.0
    assert figures["log_likelihood_heldout"] < 0
    assert set(PAPER) <= set(figures)
    assert reconstructed_ions(model, [known[0]._replace(smiles="[Zn+2]"), known[0]]) == [False, True]
    assert ion_key("") is None


def test_a_model_of_pairs_is_judged() -> None:
    from ildb.generate.corpora import combinations, pair_data
    from ildb.generate.sequence import SequenceVAE
    from ildb.generate.training import Trainer
    from ildb.links.dataset import IonRow
    from tests.unit.generate.small import PARAMS

    rows = [IonRow(ion.inchikey, ion.smiles, ion.charge) for ion in ions()]
    params = PARAMS.model_copy(update={"level": "char", "max_length": 80})
    data = pair_data(combinations(rows, 40, 0), params, heldout=0.1)
    network = Trainer(data.corpus, params, device="cpu").run().averaged()
    figures = judge_pairs(SequenceVAE(network, data.corpus.vocabulary), data.train, data.heldout, 20, 1)
    assert set(PAPER) | {"reconstruction_heldout", "log_likelihood_heldout"} <= set(figures)
    assert all(0 <= figures[name] <= 1 for name in PAPER)
