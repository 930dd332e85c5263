"""Training of a sequence VAE that can be cut off anywhere and goes on from its last checkpoint to the same weights.

Each epoch's batches depend on the seed and its number, each step's noise on the seed and the step's number, so that
position and step are all there is to remember beside tensors. Both are of the whole batch, so that the number of
processes that share it changes nothing but rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ildb.errors import ArtifactError, IldbError
from ildb.generate.batches import Corpus
from ildb.generate.checkpoint import CheckpointError, read_tensors, write_tensors
from ildb.generate.network import Batch, VaeNetwork, divergence, shifted
from ildb.generate.params import VaeParams
from ildb.generate.ranks import Ranks
from ildb.generate.schedule import kl_weight, learning_rate
from ildb.hashing import sha256_json

CHECKPOINT_FORMAT = "ildb.generate.checkpoint/1"
_LOOK_EVERY = 50
_HIDDEN = 0
"""A hidden token is shown to the decoder as padding."""
_ALONE = Ranks()


class DivergedError(IldbError):
    """The loss is not a number any more."""

    exit_code = 6


class Figures(NamedTuple):
    """Means over the strings since the last look.

    Attributes:
        step: steps done.
        million_tokens: target tokens read.
        cross_entropy: nats of a string.
        kl: nats of a string.
        weight: of the KL term.
        cpu_s: CPU time of the training so far, of all processes.
    """

    step: int
    million_tokens: float
    cross_entropy: float
    kl: float
    weight: float
    cpu_s: float


@dataclass
class _Position:
    step: int = 0
    epoch: int = 0
    batch: int = 0
    tokens: int = 0
    cpu_s: float = 0.0


class Trainer:
    """Trains a network on a corpus.

    Attributes:
        network: as trained so far; `averaged` has the weights to use.
        history: one entry per `_LOOK_EVERY` steps.

    Args:
        corpus: what to learn from.
        params: sizes and settings.
        checkpoint: where to leave checkpoints; an earlier one of the same training there is taken up. None for none.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.
        ranks: this process among those that train together.

    Raises:
        CheckpointError: the checkpoint there is of another training.
        ArtifactError: it is damaged.
    """

    def __init__(
        self,
        corpus: Corpus,
        params: VaeParams,
        checkpoint: Path | None = None,
        device: str = "auto",
        ranks: Ranks = _ALONE,
    ) -> None:
        self.corpus, self.params, self.checkpoint, self.ranks = corpus, params, checkpoint, ranks
        self.device = pick_device(device)
        self.history: list[Figures] = []
        self._at = _Position()
        self._clock_s = time.process_time()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(params.seed)
            vocabulary = corpus.vocabulary
            self.network = VaeNetwork(params.network(), len(vocabulary), len(vocabulary.charges))
        self.network.to(self.device)
        self._average = {name: one.detach().clone() for name, one in self.network.named_parameters()}
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=params.lr, betas=(0.9, 0.99), weight_decay=params.weight_decay, fused=True
        )
        self._low = params.precision == "bfloat16" or (params.precision == "auto" and has_bfloat16(self.device))
        self._identity = sha256_json(
            [params.model_dump(mode="json", exclude={"max_cpu_min", "checkpoint_s"}), corpus.sha256()]
        )
        self._sums = torch.zeros(3, device=self.device, dtype=torch.float64)
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return min(1.0, self._at.tokens / (self.params.million_tokens * 1e6))

    @property
    def tokens(self) -> int:
        """Target tokens read so far."""
        return self._at.tokens

    @property
    def steps(self) -> int:
        """Steps done so far."""
        return self._at.step

    @property
    def cpu_s(self) -> float:
        """CPU time of all steps so far, those before an interruption too."""
        return self._at.cpu_s

    def run(self, look: Callable[[Figures], None] | None = None, max_steps: int | None = None) -> Trainer:
        """Train until the tokens, the CPU minutes or the steps are used up.

        Args:
            look: called with the figures of every fifty steps.
            max_steps: stop after so many steps in all.

        Raises:
            DivergedError: the loss is not finite; the last checkpoint is from before.
            CheckpointError: a checkpoint cannot be written.
        """
        last_saved, self._clock_s = time.monotonic(), time.process_time()
        rng_devices = [] if self.device.type == "cpu" else [self.device.index or 0]
        with torch.random.fork_rng(devices=rng_devices):
            while not self._is_done(max_steps):
                batches = self.corpus.batches(
                    self.params.seed, self._at.epoch, self.params.batch, self.params.random_input, self._at.batch
                )
                ended = True
                for batch in batches:
                    if self._is_done(max_steps):
                        ended = False
                        break
                    self._step(batch)
                    if self._at.step % _LOOK_EVERY == 0:
                        self._look(look)
                    if self.checkpoint is not None and time.monotonic() - last_saved >= self.params.checkpoint_s:
                        self.save()
                        last_saved = time.monotonic()
                if ended:
                    self._at.epoch, self._at.batch = self._at.epoch + 1, 0
        if self.checkpoint is not None:
            self.save()
        return self

    def averaged(self) -> VaeNetwork:
        """A network with the averaged weights, on the CPU, ready for use."""
        vocabulary = self.corpus.vocabulary
        network = VaeNetwork(self.params.network(), len(vocabulary), len(vocabulary.charges))
        network.load_state_dict({name: tensor.cpu() for name, tensor in self._average.items()})
        return network.eval()

    def save(self) -> None:
        """Write a checkpoint; of processes that train together, the first does.

        Raises:
            DivergedError: the loss is not finite; nothing was written.
            CheckpointError: it cannot be written.
        """
        if self.checkpoint is None:
            return
        self._check_finite()
        if self.ranks.rank:
            return
        tensors: dict[str, Tensor] = {"sums": self._sums}
        for name, parameter in self.network.named_parameters():
            tensors[f"network.{name}"] = parameter
            tensors[f"average.{name}"] = self._average[name]
            for key, value in self._optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{key}.{name}"] = value
        about = {
            "format": CHECKPOINT_FORMAT,
            "training": self._identity,
            "at": vars(self._at),
            "history": [list(figures) for figures in self.history],
        }
        write_tensors(self.checkpoint, tensors, about)

    def _restore(self, path: Path) -> None:
        tensors, about = read_tensors(path, CHECKPOINT_FORMAT)
        if about["training"] != self._identity:
            raise CheckpointError(f"{path} is of a training with other data or settings.", "Move it away.")
        try:
            self._at = _Position(**about["at"])
            self.history = [Figures(*figures) for figures in about["history"]]
            self._sums = tensors["sums"].to(self.device)
            for name, parameter in self.network.named_parameters():
                parameter.data.copy_(tensors[f"network.{name}"])
                self._average[name].copy_(tensors[f"average.{name}"])
                if f"optimiser.step.{name}" in tensors:
                    keys = ("step", "exp_avg", "exp_avg_sq")
                    state = {key: tensors[f"optimiser.{key}.{name}"].to(self.device) for key in keys}
                    self._optimiser.state[parameter] = state
        except (KeyError, TypeError, RuntimeError) as error:
            raise ArtifactError(f"{path} is damaged: {error}.", "Remove it; the training then starts anew.") from error

    @property
    def is_done(self) -> bool:
        """Whether the tokens or the CPU minutes are used up."""
        limit = self.params.max_cpu_min
        return self.progress >= 1.0 or (limit is not None and self._at.cpu_s >= 60 * limit)

    def _is_done(self, max_steps: int | None) -> bool:
        return self.is_done or (max_steps is not None and self._at.step >= max_steps)

    def _step(self, batch: Batch) -> None:
        params, progress = self.params, self.progress
        torch.manual_seed(int(np.random.SeedSequence([params.seed, 1, self._at.step]).generate_state(1)[0]))
        tokens, n = int((batch.targets != 0).sum()), batch.targets.shape[1]
        moved = self.ranks.own(batch).to(self.device)
        noise = self.ranks.own_rows(torch.randn(n, params.latent, device=self.device), 0)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._low):
            mu, logvar = self.network.encode(moved.inputs, moved.lengths, moved.conditions)
            z = mu + torch.exp(0.5 * logvar) * noise
            shown = shifted(moved.targets)
            if params.word_dropout:
                chance = self.ranks.own_rows(torch.rand(batch.targets.shape, device=self.device), 1)
                shown = shown.masked_fill(chance < params.word_dropout, _HIDDEN)
            losses = self.network.token_losses(z, moved.conditions, moved.targets, shown)
        entropy = losses.sum() / n
        kl = divergence(mu, logvar)
        weight = kl_weight(progress, params.kl_weight, params.kl_cycles, params.kl_cycle_share)
        loss = entropy + weight * kl.clamp(min=params.free_bits).sum() / n
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(progress, params.lr)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        means = torch.stack([entropy.detach(), kl.detach().sum() / n])
        now_s = time.process_time()
        spent_s, self._clock_s = torch.tensor([now_s - self._clock_s], device=self.device), now_s
        # With the gradients, as all processes must come to their limit of time in the same step.
        gradients = [one.grad for one in self.network.parameters() if one.grad is not None]
        self.ranks.add_up([*gradients, means, spent_s])
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), params.clip)
        self._optimiser.step()
        decay = min(params.ema, (1 + self._at.step) / (10 + self._at.step))
        parameters = [one.detach() for one in self.network.parameters()]
        torch._foreach_lerp_(list(self._average.values()), parameters, 1 - decay)
        self._sums += torch.cat([means, norm.detach()[None]]).double()
        self._at.step += 1
        self._at.batch += 1
        self._at.tokens += tokens
        self._at.cpu_s += spent_s.item()

    def _look(self, look: Callable[[Figures], None] | None) -> None:
        self._check_finite()
        entropy, kl, _ = (self._sums / _LOOK_EVERY).tolist()
        params, at = self.params, self._at
        weight = kl_weight(self.progress, params.kl_weight, params.kl_cycles, params.kl_cycle_share)
        figures = Figures(at.step, at.tokens / 1e6, entropy, kl, weight, at.cpu_s)
        self._sums.zero_()
        self.history.append(figures)
        if look is not None:
            look(figures)

    def _check_finite(self) -> None:
        if not all(math.isfinite(value) for value in self._sums.tolist()):
            kept = f" The checkpoint {self.checkpoint} is from before." if self.checkpoint is not None else ""
            raise DivergedError(
                f"The loss is not a number any more, at step {self._at.step}.{kept}",
                "Lower the learning rate (lr) or use precision = 'float32'.",
            )


def pick_device(name: str) -> torch.device:
    """``auto`` is the first GPU where there is one.

    Raises:
        IldbError: a GPU was asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise IldbError("There is no GPU that torch can use here.", "Use device = 'auto' or 'cpu'.")
    return torch.device(name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 matrices itself."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    supported: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported is not None and supported())
