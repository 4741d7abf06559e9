"""Batch normalisation over a batch that lies on several devices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Total(torch.autograd.Function):
    """The sum of a tensor over all processes; its slope is summed over them likewise."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        """Add up the parts."""
        total = part.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        """Add up what every process asks of this part."""
        added: Tensor = Total.apply(slope)
        return added


class WholeBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose statistics are those of all devices' parts of a batch together.

    PyTorch's ``SyncBatchNorm`` does so on GPUs only. Here and there the parts are equally large.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        if not self.training:
            return super().forward(input)
        x = input.float()
        parts = torch.distributed.get_world_size()
        # In two rounds: the mean square less the square of the mean would lose what is small.
        mean = Total.apply(x.mean((0, 2, 3))) / parts
        centred = x - mean[:, None, None]
        variance = Total.apply(centred.square().mean((0, 2, 3))) / parts
        if self.running_mean is not None and self.running_var is not None:
            assert self.num_batches_tracked is not None
            with torch.no_grad():
                self.num_batches_tracked += 1
                count = parts * x.numel() / x.shape[1]
                share = self.momentum
                if share is None:  # PyTorch's name for the cumulative mean
                    share = 1 / self.num_batches_tracked.item()
                self.running_mean.lerp_(mean.detach(), share)
                self.running_var.lerp_(variance.detach() * count / (count - 1), share)
        made = centred * (variance + self.eps).rsqrt()[:, None, None]
        if self.affine:
            made = made * self.weight[:, None, None] + self.bias[:, None, None]
        return made.to(input.dtype)


def synchronise(network: nn.Module) -> None:
    """Let all of a network's batch normalisation look at the whole batch, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            # The layer stays the same object, with its weights: who holds it needs no new one.
            module.__class__ = WholeBatchNorm2d
