"""Ions and a network small enough to train in seconds."""

from __future__ import annotations

from functools import cache

from ildb.generate.batches import Corpus
from ildb.generate.ions import FlatIon, flat_ions
from ildb.generate.params import VaeParams
from ildb.generate.sequence import SequenceVAE
from ildb.generate.tokens import Vocabulary
from ildb.generate.training import Trainer
from ildb.generate.variants import spellings

IONS = (
    ("CCn1cc[n+](C)c1", 1), ("CCCn1cc[n+](C)c1", 1), ("CCCCn1cc[n+](C)c1", 1), ("CCCCCCn1cc[n+](C)c1", 1),
    ("CCCC[N+](C)(C)C", 1), ("CCCC[N+]1(C)CCCC1", 1), ("CCCC[P+](CCCC)(CCCC)CCCC", 1), ("CC[n+]1ccccc1", 1),
    ("CCCC[n+]1cccc(C)c1", 1), ("C[N+](C)(C)CCO", 1), ("CC(=O)[O-]", -1), ("CCC(=O)[O-]", -1),
    ("CS(=O)(=O)[O-]", -1), ("COS(=O)(=O)[O-]", -1), ("N#C[N-]C#N", -1), ("F[B-](F)(F)F", -1),
    ("O=S(=O)([N-]S(=O)(=O)C(F)(F)F)C(F)(F)F", -1), ("O=C([O-])c1ccccc1", -1),
)  # fmt: skip
PARAMS = VaeParams(
    embedding=16, encoder_hidden=32, decoder_hidden=32, latent=8, condition=4, million_tokens=0.02, batch=8, lr=1e-2,
    spellings=3, precision="float32", kl_weight=0.01, ema=0.9, seed=3,
)  # fmt: skip


def ions() -> list[FlatIon]:
    """The ions above."""
    return flat_ions(IONS, "atom", 60)


def corpus() -> Corpus:
    """All of them, each with random spellings."""
    known = ions()
    spelt = [spellings(ion.smiles, 3, i) for i, ion in enumerate(known)]
    texts = [ion.smiles for ion in known] + [text for own in spelt for text in own]
    vocabulary = Vocabulary.of(texts, "atom", [ion.charge for ion in known])
    return Corpus.of(
        vocabulary, [ion.smiles for ion in known], spelt, [ion.charge for ion in known], [1.0] * len(known)
    )


@cache
def trained() -> SequenceVAE:
    """A model that knows the ions by heart."""
    made = corpus()
    params = PARAMS.model_copy(
        update={
            "million_tokens": 0.25, "batch": 36, "encoder_hidden": 64, "decoder_hidden": 64, "latent": 16,
            "random_input": 0.1, "word_dropout": 0.0, "kl_weight": 0.003, "ema": 0.95,
        }
    )  # fmt: skip
    return SequenceVAE(Trainer(made, params, device="cpu").run().averaged(), made.vocabulary, {"note": "test"})
