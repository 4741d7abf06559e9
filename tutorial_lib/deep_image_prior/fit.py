"""The fit of an untrained network to one damaged picture.

Taught in the chapter *Deep Image Prior*.

References
----------
D. Ulyanov, A. Vedaldi and V. Lempitsky, "Deep image prior", CVPR 2018.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from tutorial_lib.deep_image_prior.tasks import Task


@dataclass(frozen=True)
class Settings:
    """How a network is fitted.

    Attributes
    ----------
    jitter : float
        Size of the noise that is added to z anew in each step.
    uniform : bool
        The article's jitter is uniform between 0 and `jitter`; the paper's is Gaussian with this
        standard deviation.
    averaging : float
        Share of the old average that remains in each step; the article does not average.
    jump : float
        Go back when the loss exceeds that of the last good state so many times; the published
        code's 5 dB are a factor of 3.2. Infinity: never. From the second time on, the learning
        rate is halved each time, until there is a new good state; a scheduler's rate stays what
        the scheduler makes it, and is what is halved.
    """

    jitter: float = 1 / 30
    uniform: bool = False
    averaging: float = 0.99
    jump: float = 10**0.5


LEARNING_RATE = 0.01
"""Of Adam, in the paper's published code."""

KEEP_EVERY = 20
"""Steps between two states worth going back to."""


@dataclass(frozen=True)
class Step:
    """What one step of a fit shows.

    Attributes
    ----------
    step : int
        From 1.
    loss : float
        Of `output`, before the update.
    output, average : Tensor
        Shape (1, 3, H, W), range (0, 1): the network's picture, and the moving average of all.
    went_back : bool
        Whether the loss had jumped, and the last good state was restored instead of a step.
    """

    step: int
    loss: float
    output: Tensor
    average: Tensor
    went_back: bool


class Average(nn.Module):
    """An exponential moving average of pictures; the first one starts it.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    share : float
        What remains of the old average in each step.
    """

    value: Tensor
    seen: Tensor

    def __init__(self, size: tuple[int, int], *, share: float = 0.99) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("value", torch.zeros(1, 3, *size))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, picture: Tensor) -> Tensor:
        """Take one picture in, (1, 3, H, W), and return the new average."""
        first = self.seen == 0
        self.value = torch.where(first, picture, self.value.lerp(picture, 1 - self.share))
        self.seen += 1
        return self.value


class Snapshot:
    """A copy of all that a step changes: weights, and what the optimiser remembers.

    Parameters
    ----------
    network : nn.Module
        Whose weights and statistics are copied.
    optimizer : torch.optim.Optimizer
        Whose moments are copied. Its settings are not: a learning rate is its scheduler's.
    loss : float
        Of this state.
    """

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: float) -> None:
        self.loss = loss
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.memory = copy.deepcopy(optimizer.state_dict()["state"])

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put everything back as it was."""
        network.load_state_dict(self.weights)
        # An optimiser adopts the tensors that it is given, and would change the copy.
        memory = copy.deepcopy(self.memory)
        optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})


def take_step(optimizer: torch.optim.Optimizer, *, share: float = 1) -> None:
    """Step at a share of the learning rate, which afterwards is what it was.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        With gradients in its parameters.
    share : float
        1 is a step at the full rate.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = share * rate
    optimizer.step()
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def noise_like(z: Tensor, *, uniform: bool = False) -> Tensor:
    """Draw the noise that moves z in a step.

    Parameters
    ----------
    z : Tensor
        Any shape.
    uniform : bool
        Between 0 and 1, as in the article; else Gaussian with standard deviation 1.

    Returns
    -------
    Tensor
        Same shape, device and order in memory.
    """
    noise = torch.empty_like(z)
    # In the order of memory, whatever that is, numbers are drawn several times as fast.
    row = noise.as_strided((noise.numel(),), (1,))
    if uniform:
        row.uniform_()
    else:
        row.normal_()
    return noise


def fit(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    task: Task,
    z: Tensor,
    *,
    settings: Settings | None = None,
    average: Average | None = None,
    backward: Callable[[Tensor], Any] = Tensor.backward,
) -> Iterator[Step]:
    """Fit a network to one damaged picture, one step for each value that is asked for.

    Parameters
    ----------
    network : nn.Module
        From z to a picture; its weights are what is fitted.
    optimizer : torch.optim.Optimizer
        Of the network's parameters.
    task : Denoising, SuperResolution or Inpainting
        The damaged picture, and how an output is compared with it.
    z : Tensor
        The fixed noise, shape (1, inputs, H, W) with H and W of `task.size`.
    settings : Settings, optional
        Jitter, averaging and going back.
    average : Average, optional
        To go on from an earlier fit's.
    backward : callable
        Computes gradients from the loss; Fabric's, where Fabric scales it.

    Yields
    ------
    Step
        Loss, output and average. The caller decides when it is enough.

    Raises
    ------
    ArithmeticError
        If the loss of the first step is not a finite number: there is no state to go back to.

    References
    ----------
    Ulyanov 2018, equation 2.
    """
    settings = settings or Settings()
    if average is None:
        average = Average(task.size, share=settings.averaging).to(z.device)
    good, returns, share = Snapshot(network, optimizer, loss=math.inf), 0, 1.0
    for step in count(1):
        noise = noise_like(z, uniform=settings.uniform)
        output = network(z + settings.jitter * noise).float()
        loss = task.loss(output)
        value = loss.item()
        if step == 1 and not math.isfinite(value):
            raise ArithmeticError(
                f"the fit begins with a loss of {value}: look at z and the task",
            )
        # Written so that a loss that is not a number is a jump, too.
        jumped = not value <= settings.jump * good.loss
        if jumped:
            good.restore(network, optimizer)
            # The same step from the same state would lead to the same jump, for ever.
            share = 0.5**returns
            returns += 1
        else:
            if step % KEEP_EVERY == 1:
                good, returns, share = Snapshot(network, optimizer, value), 0, 1.0
            optimizer.zero_grad()
            backward(loss)
            take_step(optimizer, share=share)
            average.update(output)
        yield Step(step, value, output.detach(), average.value, jumped)
