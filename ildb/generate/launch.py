"""Training by several processes of this machine, one a GPU, started by torch's own launcher."""

from __future__ import annotations

import multiprocessing
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import torch
from torch import distributed
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ildb.errors import IldbError, InputError
from ildb.generate.batches import EPOCH, Corpus
from ildb.generate.params import VaeParams
from ildb.generate.ranks import Ranks
from ildb.generate.training import Trainer, pick_device
from ildb.processes import end_with_parent

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class LostRankError(IldbError):
    """A process of a training ended without saying why."""

    exit_code = 6


def train(
    corpus: Corpus, params: VaeParams, checkpoint: Path, *, device: str = "auto", processes: int = 1, threads: int = 1
) -> Trainer:
    """Train to the end, or go on from the checkpoint to it.

    The weights are those of one process but for rounding: the processes divide each batch among them and add up their
    gradients. So a training may go on with another number of processes than it began with.

    Args:
        corpus: what to learn from.
        params: sizes and settings.
        checkpoint: where to leave checkpoints.
        device: ``cpu``, ``cuda`` or ``auto``.
        processes: how many; 0 for as many as there are GPUs.
        threads: of all processes together, on the CPU.

    Returns:
        A trainer with the weights.

    Raises:
        InputError: more processes than GPUs, or than strings in a batch.
        LostRankError: one of the processes was killed or crashed; the last checkpoint is whole.
        IldbError: whatever `Trainer` raises.
    """
    kind = pick_device(device).type
    n = processes or max(1, torch.cuda.device_count() if kind == "cuda" else 1)
    if n > 1:
        _check(n, kind, params.batch)
        if not _is_trained(corpus, params, checkpoint):
            _launch(n, corpus, params, checkpoint, kind, max(1, threads // n))
    return Trainer(corpus, params, checkpoint, device).run()


def _check(n: int, kind: str, batch: int) -> None:
    if kind == "cuda" and n > torch.cuda.device_count():
        raise InputError(
            f"processes = {n}, but this task may use {torch.cuda.device_count()} GPUs.",
            "Give it as many, or set processes = 0 for as many as there are.",
        )
    smallest = EPOCH % batch or batch
    if smallest < n:
        raise InputError(
            f"Batches of {batch} strings leave one of {smallest}, too few for {n} processes.",
            "Set batch to a power of two that is larger.",
        )


def _is_trained(corpus: Corpus, params: VaeParams, checkpoint: Path) -> bool:
    return checkpoint.exists() and Trainer(corpus, params, checkpoint, "cpu").is_done


def _launch(n: int, corpus: Corpus, params: VaeParams, checkpoint: Path, kind: str, threads: int) -> None:
    said: SimpleQueue[IldbError] = multiprocessing.get_context("spawn").SimpleQueue()
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(),
        shutdown_timeout=5,
    )
    try:
        with _handlers_kept():
            elastic_launch(config, _rank)(corpus, params, checkpoint, kind, threads, said)
    except ChildFailedError as error:
        if not said.empty():
            raise said.get() from error
        raise LostRankError(
            f"A process of the training was lost: {error.get_first_failure()[1].message}", "Resume the run."
        ) from error


def _rank(
    corpus: Corpus, params: VaeParams, checkpoint: Path, kind: str, threads: int, said: SimpleQueue[IldbError]
) -> None:
    end_with_parent()
    torch.set_num_threads(threads)
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        ranks = Ranks.of_group()
        Trainer(corpus, params, checkpoint, f"cuda:{ranks.rank}" if kind == "cuda" else "cpu", ranks).run()
        distributed.barrier()
    except IldbError as error:
        said.put(error)
        raise
    finally:
        distributed.destroy_process_group()


@contextmanager
def _handlers_kept() -> Iterator[None]:
    # The launcher sets handlers of its own, and leaves them behind.
    before = {one: signal.getsignal(one) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
