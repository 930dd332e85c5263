"""Training: exact resumption, and clear ends with the last good checkpoint kept."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from ildb.errors import ArtifactError, IldbError
from ildb.generate import checkpoint as checkpoints
from ildb.generate.batches import Corpus, EmptyCorpusError
from ildb.generate.checkpoint import CheckpointError
from ildb.generate.params import PAPER_SETTINGS, PAPER_TEXT, VaeParams
from ildb.generate.schedule import kl_weight, learning_rate
from ildb.generate.tokens import UnknownTokenError, Vocabulary
from ildb.generate.training import DivergedError, Figures, Trainer
from tests.unit.generate.small import PARAMS, corpus


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.averaged().state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_weight_of_the_kl_term_rises_in_cycles() -> None:
    rises = [kl_weight(p, 0.05, 4, 0.5) for p in (0.0, 0.03125, 0.0625, 0.12, 0.125, 0.4999, 0.5, 1.0)]
    assert rises == pytest.approx([0.0, 0.025, 0.05, 0.05, 0.0, 0.05, 0.05, 0.05])
    assert kl_weight(0.0, 0.05, 0, 0.5) == 0.05
    assert learning_rate(0.01, 2.0) == 2.0
    assert learning_rate(1.0, 2.0) == pytest.approx(0.06)
    assert learning_rate(0.005, 2.0) == 1.0


def test_epochs_depend_on_seed_and_number_only() -> None:
    first = list(corpus().batches(1, 0, 64, 0.5))
    again = list(corpus().batches(1, 0, 64, 0.5))
    other = list(corpus().batches(1, 1, 64, 0.5))
    assert all(torch.equal(x, y) for a, b in zip(first, again, strict=True) for x, y in zip(a, b, strict=True))
    assert any(not torch.equal(a.targets, b.targets) for a, b in zip(first, other, strict=True))
    rest = list(corpus().batches(1, 0, 64, 0.5, 5))
    assert len(rest) == len(first) - 5
    assert all(torch.equal(a.targets, b.targets) for a, b in zip(first[5:], rest, strict=True))


def test_batches_hold_strings_of_equal_length() -> None:
    batches = list(corpus().batches(1, 0, 64, 0.5))
    real = sum(int((batch.targets != 0).sum()) for batch in batches)
    padded = sum(batch.targets.numel() for batch in batches)
    assert padded < 1.1 * real
    for batch in batches[:5]:
        assert ((batch.targets == 2).sum(0) == 1).all()
        assert torch.equal((batch.inputs != 0).sum(0), batch.lengths)


def test_half_the_inputs_are_spelt_at_random() -> None:
    made = corpus()
    batches = list(made.batches(1, 0, 64, 0.5))
    decode = made.vocabulary.decode
    pairs = [
        (decode(x.tolist()), decode(y.tolist()))
        for batch in batches
        for x, y in zip(batch.inputs.T, batch.targets.T, strict=True)
    ]
    differ = np.mean([x != y for x, y in pairs])
    assert 0.3 < differ < 0.5  # some random spellings are the canonical one
    assert {y for _, y in pairs} == {
        decode(made.targets.padded(np.array([i]))[:, 0].tolist()) for i in range(len(made))
    }


def test_training_learns() -> None:
    seen: list[Figures] = []
    trainer = Trainer(corpus(), PARAMS, device="cpu").run(seen.append)
    assert trainer.progress == 1.0
    assert 0.02e6 <= trainer.tokens < 0.021e6
    assert seen[-1].cross_entropy < 0.6 * seen[0].cross_entropy
    assert seen[-1].kl > 0


def test_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = Trainer(corpus(), PARAMS, device="cpu").run()
    path = tmp_path / "deep" / "checkpoint.safetensors"
    Trainer(corpus(), PARAMS, path, device="cpu").run(max_steps=17)
    resumed = Trainer(corpus(), PARAMS, path, device="cpu")
    assert resumed.steps == 17
    resumed.run()
    assert resumed.steps == whole.steps
    assert same(weights(resumed), weights(whole))
    assert [f[:5] for f in resumed.history] == [f[:5] for f in whole.history]
    finished = Trainer(corpus(), PARAMS, path, device="cpu")
    assert same(weights(finished.run()), weights(whole))


def test_kill_9_in_training_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    params = PARAMS.model_copy(update={"checkpoint_s": 0.0})
    script = f"""
    import os, signal
    from pathlib import Path
    from ildb.generate.training import Trainer
    from tests.unit.generate.small import PARAMS, corpus
    params = PARAMS.model_copy(update={{"checkpoint_s": 0.0}})
    trainer = Trainer(corpus(), params, Path({str(path)!r}), device="cpu")
    step = trainer._step
    def fatal(batch):
        if trainer.steps == 23:
            os.kill(os.getpid(), signal.SIGKILL)
        step(batch)
    trainer._step = fatal
    trainer.run()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[3], env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    resumed = Trainer(corpus(), params, path, device="cpu")
    assert resumed.steps == 23
    whole = Trainer(corpus(), PARAMS, device="cpu").run(max_steps=40)
    assert same(weights(resumed.run(max_steps=40)), weights(whole))


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    Trainer(corpus(), PARAMS, path, device="cpu").run(max_steps=2)
    with pytest.raises(CheckpointError, match="other data or settings"):
        Trainer(corpus(), PARAMS.model_copy(update={"lr": 0.5}), path, device="cpu")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="cannot be read"):
        Trainer(corpus(), PARAMS, path, device="cpu")


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    Trainer(corpus(), PARAMS, path, device="cpu").run(max_steps=10)
    good = path.read_bytes()
    trainer = Trainer(corpus(), PARAMS.model_copy(update={"checkpoint_s": 0.0}), path, device="cpu")
    with torch.no_grad():
        trainer.network.output.weight[0, 0] = torch.nan
    with pytest.raises(DivergedError, match=r"at step 11\. The checkpoint .* is from before"):
        trainer.run()
    assert path.read_bytes() == good


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.safetensors"
    trainer = Trainer(corpus(), PARAMS, path, device="cpu").run(max_steps=5)
    good = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*untouched"):
        trainer.run(max_steps=6)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_training_set_is_an_error() -> None:
    vocabulary = Vocabulary.of(["CC"], "atom", [1])
    with pytest.raises(EmptyCorpusError, match="empty"):
        Corpus.of(vocabulary, [], [], [], [])
    with pytest.raises(UnknownTokenError, match="'N'"):
        Corpus.of(vocabulary, ["CCN"], [[]], [1], [1.0])


def test_cpu_minutes_end_a_training() -> None:
    trainer = Trainer(corpus(), PARAMS.model_copy(update={"max_cpu_min": 1e-4}), device="cpu").run()
    assert 0 < trainer.progress < 1


@pytest.mark.parametrize("sizes", [PAPER_TEXT, PAPER_SETTINGS])
def test_the_sizes_of_the_paper_run(sizes: dict[str, object]) -> None:
    texts = ["CCn1cc[n+](C)c1.[Br-]", "CCCC[N+](C)(C)C.CC(=O)[O-]"]
    vocabulary = Vocabulary.of(texts, "char", [0])
    params = VaeParams.model_validate({**sizes, "batch": 4})
    made = Corpus.of(vocabulary, texts, [[], []], [0, 0], [1, 1])
    trainer = Trainer(made, params, device="cpu").run(max_steps=2)
    layers = sizes["encoder_layers"]
    assert trainer.network.encoder.num_layers == trainer.network.decoder.num_layers == layers
    assert trainer.steps == 2


def test_a_missing_gpu_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(IldbError, match="no GPU"):
        Trainer(corpus(), PARAMS, device="cuda")
