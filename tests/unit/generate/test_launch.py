"""Training shared by processes that torch's launcher starts: the same model, and clear ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from ildb.errors import IldbError, InputError
from ildb.generate.launch import LostRankError, train
from ildb.generate.training import DivergedError, Trainer
from tests.unit.generate.small import PARAMS, corpus

SHORT = PARAMS.model_copy(update={"million_tokens": 0.008, "lr": 2e-3})


def test_two_processes_train_the_model_of_one(tmp_path: Path) -> None:
    one = Trainer(corpus(), SHORT, device="cpu").run()
    path = tmp_path / "checkpoint.safetensors"
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    two = train(corpus(), SHORT, path, device="cpu", processes=2)
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert (two.steps, two.tokens) == (one.steps, one.tokens)
    assert two.steps > 50
    for ours, theirs in zip(two.history, one.history, strict=True):
        assert ours[:5] == pytest.approx(theirs[:5], rel=2e-3)
    known, z = torch.zeros(4, dtype=torch.long), torch.randn(4, PARAMS.latent, generator=torch.manual_seed(1))
    first, second = (trainer.averaged().first_states(trainer.averaged().known(z, known)) for trainer in (one, two))
    assert torch.allclose(first, second, atol=0.02)
    # What two began one may go on with, and a trained model is not trained again.
    before = path.read_bytes()
    assert train(corpus(), SHORT, path, device="cpu").steps == two.steps
    assert path.read_bytes() == before


def test_what_one_process_says_is_what_the_training_says(tmp_path: Path) -> None:
    wild = SHORT.model_copy(update={"lr": 1e30, "clip": 1e30})
    with pytest.raises(DivergedError, match="not a number any more"):
        train(corpus(), wild, tmp_path / "checkpoint", device="cpu", processes=2)
    assert not (tmp_path / "checkpoint").exists()


def test_more_processes_than_strings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few for 9 processes"):
        train(corpus(), PARAMS, tmp_path / "checkpoint", device="cpu", processes=9)
    with pytest.raises(InputError, match="leave one of 1, too few for 2"):
        train(corpus(), PARAMS.model_copy(update={"batch": 3}), tmp_path / "c", device="cpu", processes=2)
    if not torch.cuda.is_available():
        with pytest.raises(IldbError, match="no GPU"):
            train(corpus(), PARAMS, tmp_path / "checkpoint", device="cuda", processes=2)


LONG = """
    import sys
    from pathlib import Path
    from ildb.generate.launch import train
    from tests.unit.generate.small import PARAMS, corpus
    if __name__ == "__main__":
        params = PARAMS.model_copy(update={"million_tokens": 100.0, "checkpoint_s": 0.0})
        train(corpus(), params, Path(sys.argv[1]), device="cpu", processes=2)
"""


def ranks_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("victim", ["rank", "launcher"])
def test_no_process_outlives_the_others(tmp_path: Path, victim: str) -> None:
    path = tmp_path / "checkpoint"
    script = tmp_path / "long.py"
    script.write_text(textwrap.dedent(LONG))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, str(script), str(path)], stderr=subprocess.PIPE, env=environment) as process:
        deadline = time.monotonic() + 120
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert path.exists()
        ranks = ranks_of(process.pid)
        assert len(ranks) == 2
        os.kill(ranks[1] if victim == "rank" else process.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=120)
        assert process.returncode == (1 if victim == "rank" else -signal.SIGKILL)
        assert victim == "launcher" or LostRankError.__name__.encode() in said
    while any(Path(f"/proc/{rank}").exists() for rank in ranks) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{rank}").exists() for rank in ranks)
    assert Trainer(corpus(), PARAMS.model_copy(update={"million_tokens": 100.0}), path, device="cpu").steps > 0
