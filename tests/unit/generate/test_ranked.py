"""Ranked enumeration: known ions cut into a table, and its empty entries in order."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from ildb.errors import InputError
from ildb.generate.completion import FEATURES, Completion, Shapes
from ildb.generate.contest import identified
from ildb.generate.contestants import Ranked, WithoutRepeats
from ildb.generate.cuts import cut_table
from ildb.generate.enumerate import Enumerator
from ildb.generate.fragments import learn_fragments
from ildb.generate.outcomes import Judge
from ildb.generate.ranked import RankedEnumerator, spelt
from ildb.generate.shuffle import Shuffle
from tests.unit.generate.small import IONS

HEADS = ("C[n+]1ccn({})c1", "c1cc[n+]({})cc1", "C[N+](C)(C){}", "C[P+](C)(C){}", "C[S+](C){}", "C[N+]1({})CCCC1")
TAILS = ("CC", "CCC", "CCCC", "CCCCC", "CCCCCC", "CCCCCCCC", "CCO", "CCOC", "CC#N", "Cc2ccccc2")
ANIONS = ("[O-]C(=O){}", "[O-]S(=O)(=O){}", "[O-]S(=O)(=O)O{}")


def series() -> list[str]:
    """Heads with tails, the branched and rare ones left out of most of them."""
    made = [head.format(tail) for head in HEADS for tail in TAILS[: 5 + len(head) % 6]]
    made += [head.format(tail) for head in ANIONS for tail in ("C", "CC", "CCC", "CCCC", "CCO")]
    return [str(Chem.MolToSmiles(Chem.MolFromSmiles(text))) for text in made]


@pytest.fixture(scope="module")
def ranked() -> RankedEnumerator:
    return RankedEnumerator(series(), seed=1, min_bonds=1)


def test_every_cut_gives_the_ion_back() -> None:
    ions = [*series(), "[Br-]"]
    table = cut_table(ions)
    assert table.n_ions == len(ions)
    assert set(table.ion) == set(range(len(ions) - 1))  # bromide has nothing to cut
    for ion, core, group in zip(table.ion, table.core, table.substituent, strict=True):
        assert spelt(table.cores[core], table.substituents[group]) == ions[ion]
        assert table.core_charge[core] == Chem.GetFormalCharge(Chem.MolFromSmiles(ions[ion]))


def test_hidden_ions_do_not_describe_themselves() -> None:
    table = cut_table(series())
    known = np.ones(table.n_ions, dtype=np.bool_)
    known[3] = False
    view = Completion(table, Shapes.of(table), known, 1)
    hidden = {(table.core[i], table.substituent[i]) for i in np.flatnonzero(table.ion == 3)}
    entries = set()
    for block in view.blocks():
        cores, groups = view.empty(block)
        found = view.describe(block, cores, groups)
        assert found.shape == (len(cores), len(FEATURES))
        assert np.isfinite(found).all()
        assert (view.popularity(cores, groups) > 0).all()
        entries |= set(zip(cores.tolist(), groups.tolist(), strict=True))
    filled = {(table.core[i], table.substituent[i]) for i in np.flatnonzero(table.ion != 3)}
    assert hidden & entries
    assert not filled & entries


def test_proposals_are_unknown_distinct_and_likely_first(ranked: RankedEnumerator) -> None:
    assert ranked.charges == (-1, 1)
    texts = ranked.propose(1, 40, 0)
    assert len(set(texts)) == 40
    assert not set(texts) & set(series())
    everything = ranked.propose(1, 100_000, 0)
    assert len(ranked.propose(1, len(everything), 0)) == len(everything)  # an ion may have a dozen entries
    assert all(Chem.GetFormalCharge(Chem.MolFromSmiles(text)) == 1 for text in texts)
    # A tail that every other head has comes before one that makes a head of its own.
    likely = {Chem.CanonSmiles(head.format(tail)) for head in HEADS for tail in TAILS} - set(series())
    assert len(likely & set(texts[:20])) > len(likely & set(texts[20:]))


def test_the_same_seed_gives_the_same_order_and_noise_another(ranked: RankedEnumerator) -> None:
    again = RankedEnumerator(list(reversed(series())), seed=1, min_bonds=1)
    assert set(again.propose(1, 2000, 0)) == set(ranked.propose(1, 2000, 0))
    same = RankedEnumerator(series(), seed=1, min_bonds=1)
    assert same.propose(1, 50, 5, temperature=0.5) == ranked.propose(1, 50, 5, temperature=0.5)
    assert ranked.propose(1, 50, 5, temperature=0.5) != ranked.propose(1, 50, 6, temperature=0.5)


def test_draws_have_the_charges_asked_for(ranked: RankedEnumerator) -> None:
    drawn = ranked.draw([1, -1, 1, 2], 0)
    assert [charge for _, charge in drawn] == [1, -1, 1, 1]  # nothing here has two charges
    assert [Chem.GetFormalCharge(Chem.MolFromSmiles(text)) for text, _ in drawn] == [1, -1, 1, 1]
    with pytest.raises(InputError, match=r"Only \d+ unknown ions of charge -1"):
        ranked.draw([-1] * 100_000, 0)
    with pytest.raises(InputError, match="too few"):
        RankedEnumerator(["CC(=O)[O-]", "[Br-]"], min_bonds=1)


def test_contestants_that_repeat_nothing(ranked: RankedEnumerator) -> None:
    judge = Judge(identified(IONS))
    known = WithoutRepeats(Shuffle(IONS), judge)
    assert set(known.draw([1, -1], 0)) <= {smiles for smiles, _ in IONS}  # nothing else to be had
    assert known.n_raw > 2
    once = WithoutRepeats(Enumerator(learn_fragments(series()), min_bonds=1), judge)
    found = [judge.judge(text, 1) for text in once.draw([1] * 60, 3)]
    assert len({one.key for one in found}) == 60
    assert all(one.outcome != "known" for one in found)
    cycled = Ranked(ranked, 0.0).draw([1] * 5000, 0)
    assert len(set(cycled)) == len(ranked.propose(1, 5000, 0)) < 5000
