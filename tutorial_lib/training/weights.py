"""What happens to weights outside a step: stored in half precision, averaged, re-estimated."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tutorial_lib.states import plain_state


def half_state(network: nn.Module) -> dict[str, Tensor]:
    """The weights of a network as they are stored: in half precision, without counters.

    Parameters
    ----------
    network : nn.Module
        On any device.

    Returns
    -------
    dict of Tensor
        Name → float16 tensor on the CPU; of a compiled network, the names inside. Batch
        normalisation's counters of batches are left out: nothing reads them after training.
    """
    return {
        key: value.detach().cpu().half().contiguous()
        for key, value in plain_state(network.state_dict()).items()
        if value.is_floating_point()
    }


def load_half_state(network: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """Give a network weights that :func:`half_state` stored; strict about every name.

    Parameters
    ----------
    network : nn.Module
        Changed in place.
    state : dict of Tensor
        Name → tensor, for every floating-point tensor of the network; it may be wrapped as
        :func:`tutorial_lib.states.plain_state` says.

    Returns
    -------
    nn.Module
        The same network, in evaluation mode.

    Raises
    ------
    RuntimeError
        If a name is missing, unknown, or has another shape; lists them.
    """
    # A compiled or parallel network holds the one whose names these are.
    inside: Any = network
    while (found := getattr(inside, "_orig_mod", getattr(inside, "module", None))) is not None:
        inside = found
    counters = {k: v for k, v in inside.state_dict().items() if not v.is_floating_point()}
    inside.load_state_dict({k: v.float() for k, v in plain_state(state).items()} | counters)
    return network.eval()


@torch.no_grad()
def average_weights(average: nn.Module, network: nn.Module, index: int) -> None:
    """Move a running mean of a network's weights and statistics on by one step, in place.

    Parameters
    ----------
    average, network : nn.Module
        The mean, and the network as it stands; of the same layers.
    index : int
        Of the step, from 0. The newest weights count 10/(index + 10), so that the mean reaches
        over about the last tenth of the steps, however many there were.

    References
    ----------
    Shamir and Zhang 2013, polynomial-decay averaging with η = 9.
    """
    weight = 10 / (index + 10)
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, weight)
        else:
            kept.copy_(new)


@torch.no_grad()
def reestimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set batch normalisation's statistics to their means over given batches, in place.

    In training each batch is normalised by its own mean and variance; the *running* ones that
    evaluation uses are a short memory of the last few of them, and belong to weights that have
    moved since. After re-estimation they belong to the weights as they are.

    Parameters
    ----------
    network : nn.Module
        Left in evaluation mode. One without batch normalisation is left as it is.
    batches : iterable of Tensor
        Inputs of the network, (N, C, H, W), on its device. Every batch counts alike.

    Raises
    ------
    ValueError
        If there is no batch; the statistics are then as they were.

    References
    ----------
    Ioffe and Szegedy 2015, Algorithm 2, lines 7 to 12; Wu and Johnson 2021 (arXiv:2105.07576),
    Section 3 ("PreciseBN").

    Examples
    --------
    >>> norm = nn.BatchNorm2d(1)
    >>> reestimate_statistics(norm, [torch.full((2, 1, 2, 2), 1.0), torch.full((2, 1, 2, 2), 3.0)])
    >>> norm.running_mean
    tensor([2.])
    """
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    network.eval()
    if not norms:
        return
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        raise ValueError("no batches to estimate statistics from")
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # PyTorch's name for the cumulative mean
        norm.train()
    try:
        for batch in chain([first], rest):
            network(batch.float())
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
