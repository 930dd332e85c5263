"""The trained model as its users see it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ildb.errors import ArtifactError, InputError
from ildb.generate.decoding import Writer, beam_search
from ildb.generate.judge import ion_key
from ildb.generate.sequence import SequenceVAE, UnknownConditionError, UnknownTokenError
from ildb.generate.tokens import TokenIds, Vocabulary, split_smiles
from tests.unit.generate.small import corpus, ions, trained


class Carbons:
    """A mask that allows carbon only, up to a length that each charge says."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.carbon = vocabulary.tokens.index("C")

    def start(self, n: int, charges: npt.NDArray[np.int64], max_length: int) -> list[int]:
        del max_length
        assert len(charges) == n
        return [4 if charge > 0 else 2 for charge in charges]

    def allowed(self, state: list[int]) -> npt.NDArray[np.bool_]:
        table = np.zeros((len(state), len(self.vocabulary)), dtype=np.bool_)
        for row, left in enumerate(state):
            table[row, self.carbon if left else self.vocabulary.eos_id] = True
        return table

    def advance(self, state: list[int], token_ids: TokenIds) -> None:
        assert (token_ids == self.carbon).all()
        state[:] = [left - 1 for left in state]

    def take(self, state: list[int], rows: npt.NDArray[np.int64]) -> list[int]:
        return [state[i] for i in rows]


def test_known_ions_come_back() -> None:
    model, known = trained(), ions()
    smiles, charges = [ion.smiles for ion in known], [ion.charge for ion in known]
    assert model.reconstruct(smiles, charges) == smiles
    assert model.reconstruct(smiles, charges, beams=3) == smiles


def test_encoding_does_not_depend_on_company() -> None:
    model, known = trained(), ions()
    smiles, charges = [ion.smiles for ion in known], [ion.charge for ion in known]
    mu, logvar = model.encode(smiles, charges)
    assert mu.shape == logvar.shape == (len(known), model.latent)
    for i in (0, 5, len(known) - 1):
        alone, _ = model.encode([smiles[i]], [charges[i]])
        np.testing.assert_allclose(alone[0], mu[i], atol=1e-5)


def test_draws_are_repeatable_and_say_whether_they_ended() -> None:
    model = trained()
    charges = [1, -1] * 20
    z = model.prior(40, charges, seed=5)
    one, again = (model.draw(z, charges, seed=7) for _ in range(2))
    assert one.smiles == again.smiles
    assert one.smiles != model.decode(z, charges, seed=8)
    assert model.decode(z, charges, temperature=0.0, seed=1) == model.decode(z, charges, temperature=0.0, seed=2)
    assert (one.log_probability < 0).all()
    short = model.draw(z, charges, seed=7, max_length=2)
    assert not short.finished.all()
    lengths = [len(model.vocabulary.encode(text)) for text in short.smiles]
    assert max(lengths) == 2
    assert [length == 2 for length, ended in zip(lengths, short.finished, strict=True) if not ended]
    assert np.std(model.prior(4000, [1] * 4000, seed=0, scale=0.5)) == pytest.approx(0.5, abs=0.01)
    assert model.decode(z[:0], []) == []


def test_a_draw_is_as_probable_as_the_network_says() -> None:
    model = trained()
    charges = [1, -1, 1, -1]
    z = model.prior(4, charges, seed=1)
    drawn = model.draw(z, charges, seed=2, max_length=60)
    assert drawn.finished.all()
    network, vocabulary = model.network, model.vocabulary
    for i, text in enumerate(drawn.smiles):
        targets = torch.tensor([*vocabulary.encode(text), vocabulary.eos_id])[:, None]
        shown = torch.cat([torch.tensor([[vocabulary.bos_id]]), targets[:-1]])
        rows = torch.from_numpy(vocabulary.condition_ids(charges[i : i + 1]))
        with torch.inference_mode():
            losses = network.token_losses(torch.from_numpy(z[i : i + 1]), rows, targets, shown)
        # The network could also write padding and bos, which a draw cannot.
        assert drawn.log_probability[i] == pytest.approx(-float(losses.sum()), abs=0.3)


def test_a_mask_is_obeyed() -> None:
    model = trained()
    mask = Carbons(model.vocabulary)
    charges = [1, -1, 1]
    z = model.prior(3, charges, seed=1)
    assert model.decode(z, charges, mask=mask) == ["CCCC", "CC", "CCCC"]
    assert model.best(z, charges, mask=mask, beams=3) == [["CCCC"], ["CC"], ["CCCC"]]


def test_a_beam_finds_nothing_less_probable_than_greed() -> None:
    model = trained()
    charges = np.array([1, -1] * 10)
    z = model.prior(20, charges, seed=11)
    greedy = model.draw(z, charges, temperature=0.0)
    writer = Writer(model.network, model.vocabulary)
    rows = torch.from_numpy(model.vocabulary.condition_ids(charges))
    found = beam_search(writer, torch.from_numpy(z), rows, charges, None, 4, model.max_length)
    best = np.array([one[0][0] for one in found])
    assert (best >= greedy.log_probability - 1e-4)[greedy.finished].all()
    assert all(scores == sorted(scores, reverse=True) for one in found if (scores := [score for score, _ in one]))


def test_the_encoder_picks_among_what_the_decoder_proposes() -> None:
    model, known = trained(), ions()
    smiles, charges = [ion.smiles for ion in known], [ion.charge for ion in known]
    mu, logvar = model.encode(smiles, charges)
    noise = np.random.default_rng(2).standard_normal(mu.shape, dtype=np.float32)
    z = mu + 2 * np.exp(0.5 * logvar) * noise
    inverted = model.invert(z, charges, beams=8)
    rows = torch.from_numpy(model.vocabulary.condition_ids(charges))
    proposals = beam_search(
        Writer(model.network, model.vocabulary), torch.from_numpy(z), rows, np.array(charges), None, 8, 60
    )
    changed = 0
    for i, (chosen, proposed) in enumerate(zip(inverted, proposals, strict=True)):
        scores = {model.vocabulary.decode(ids): score for score, ids in proposed}
        molecules = [text for text in scores if ion_key(text) is not None]
        means, logvars = model.encode(molecules, [charges[i]] * len(molecules))
        away = 0.5 * ((z[i] - means) ** 2 / np.exp(logvars) + logvars).sum(1)
        joint = [scores[text] - float(far) for text, far in zip(molecules, away, strict=True)]
        assert chosen == molecules[int(np.argmax(joint))]
        changed += chosen != molecules[0]
    assert changed > 0
    assert model.invert(z[:0], [], beams=8) == []
    # Where no proposal is a molecule, the most probable string stays.
    far = np.full((2, model.latent), 40.0, dtype=np.float32)
    assert len(model.invert(far, [1, -1], beams=2)) == 2


def test_the_bound_tightens_and_tells_ions_from_nonsense() -> None:
    model, known = trained(), ions()
    smiles, charges = [ion.smiles for ion in known], [ion.charge for ion in known]
    one, many = (model.log_likelihood(smiles, charges, samples=n, seed=1) for n in (1, 32))
    assert many.mean() > one.mean()
    assert (many < 0).all()
    nonsense = ["".join(reversed(split_smiles(text, "atom"))) for text in smiles]
    assert many.mean() > model.log_likelihood(nonsense, charges, samples=4).mean() + 10


def test_a_model_is_stored_without_loss(tmp_path: Path) -> None:
    model, known = trained(), ions()
    smiles, charges = [ion.smiles for ion in known], [ion.charge for ion in known]
    path = tmp_path / "model.safetensors"
    sha256 = model.save(path)
    assert model.save(tmp_path / "again.safetensors") == sha256
    read = SequenceVAE.load(path, sha256, device="cpu")
    assert read.about == {"note": "test"}
    assert (read.vocabulary, read.latent, read.max_length) == (model.vocabulary, model.latent, model.max_length)
    np.testing.assert_array_equal(read.encode(smiles, charges)[0], model.encode(smiles, charges)[0])
    half = tmp_path / "half.safetensors"
    smaller = SequenceVAE.load(half, model.save(half, half=True), device="cpu")
    assert half.stat().st_size < 0.6 * path.stat().st_size
    assert smaller.reconstruct(smiles, charges) == smiles


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    sha256 = trained().save(path)
    with pytest.raises(ArtifactError, match="missing"):
        SequenceVAE.load(tmp_path / "none", sha256)
    with pytest.raises(ArtifactError, match="not the model that was asked for"):
        SequenceVAE.load(path, "0" * 64)
    path.write_bytes(b"not a model")
    from ildb.hashing import sha256_file

    with pytest.raises(ArtifactError, match="cannot be read"):
        SequenceVAE.load(path, sha256_file(path))


def test_what_it_does_not_know_is_said() -> None:
    model = trained()
    with pytest.raises(UnknownTokenError, match="Zn"):
        model.encode(["[Zn+2]"], [1])
    with pytest.raises(UnknownConditionError, match=r"cation\+3"):
        model.prior(1, [3], seed=0)
    with pytest.raises(InputError, match="empty"):
        model.encode([""], [1])
    assert corpus().vocabulary == model.vocabulary
