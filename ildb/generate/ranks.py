"""The processes that train one model together: each takes a part of every batch, and gradients are added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from ildb.generate.network import Batch


@dataclass(frozen=True)
class Ranks:
    """This process among those of a training; by itself unless a process group of torch was set up.

    Attributes:
        rank: number of this one; 0 writes checkpoints.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def of_group(cls) -> Ranks:
        """The place of this process in torch's process group."""
        return cls(distributed.get_rank(), distributed.get_world_size())

    def own(self, batch: Batch) -> Batch:
        """This process's strings of a batch: every `world`-th, so that all get strings of the same lengths."""
        if self.world == 1:
            return batch
        mine = slice(self.rank, None, self.world)
        return Batch(
            batch.inputs[:, mine].contiguous(),
            batch.lengths[mine].contiguous(),
            batch.targets[:, mine].contiguous(),
            batch.conditions[mine].contiguous(),
        )

    def own_rows(self, table: Tensor, dim: int) -> Tensor:
        """The same part of a tensor with one entry a string along `dim`."""
        if self.world == 1:
            return table
        index = torch.arange(self.rank, table.shape[dim], self.world, device=table.device)
        return table.index_select(dim, index)

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, in one exchange.

        Encoder and decoder are called apart, so that torch's ``DistributedDataParallel``, which hooks a module's
        ``forward``, would not see them.
        """
        if self.world == 1:
            return
        listed = list(tensors)
        flat = torch.cat([one.reshape(-1) for one in listed])
        distributed.all_reduce(flat)
        for one, total in zip(listed, torch.split(flat, [one.numel() for one in listed]), strict=True):
            one.copy_(total.view_as(one))
