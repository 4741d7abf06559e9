"""Fitting a network to one picture: begun on this machine, watched, and resumed.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutorial_lib.deep_image_prior.cases import Case
from tutorial_lib.deep_image_prior.configs import FitConfig
from tutorial_lib.deep_image_prior.early_stopping import EarlyStopping
from tutorial_lib.deep_image_prior.fit import LEARNING_RATE, Average, Settings, Step, fit
from tutorial_lib.deep_image_prior.networks import SkipNetwork, draw_input
from tutorial_lib.deep_image_prior.tasks import Task
from tutorial_lib.training import make_fabric, set_up


def to_device(task: Task, device: torch.device) -> Task:
    """Move the pictures inside a task."""
    fields = {f.name: getattr(task, f.name) for f in dataclasses.fields(task)}
    moved: Any = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in fields.items()}
    return dataclasses.replace(task, **moved)


def start(
    task: Task,
    network: nn.Module,
    *,
    fabric: Fabric,
    z: Tensor,
    settings: Settings | None = None,
    average: Average | None = None,
    learning_rate: float = LEARNING_RATE,
    compile: bool = False,
) -> tuple[Iterator[Step], torch.optim.Optimizer]:
    """Begin a fit on this machine's fastest device, channels last and in its precision.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module
        Moved in place.
    fabric : Fabric
        From :func:`tutorial_lib.training.make_fabric`.
    z : Tensor
        What the network is fed.
    settings : Settings, optional
        Of the fit.
    average : Average, optional
        To go on with.
    learning_rate : float
        Of Adam.
    compile : bool
        Compile the network, on a GPU.

    Returns
    -------
    tuple
        The steps, to be asked for one by one, and the optimiser.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    fast, optimizer = set_up(fabric, network, optimizer, compile=compile)
    steps = fit(
        fast,
        optimizer,
        to_device(task, fabric.device),
        z.to(fabric.device).to(memory_format=torch.channels_last),
        settings=settings,
        average=average,
        backward=fabric.backward,
    )
    return steps, optimizer


def restore(
    task: Task,
    *,
    network: nn.Module | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Restore a picture on this machine, with the paper's network unless another is given.

    Parameters
    ----------
    task : Task
        The damaged picture.
    network : nn.Module, optional
        Takes as many channels as :func:`tutorial_lib.deep_image_prior.networks.draw_input` makes.
    settings : Settings, optional
        Of the fit.
    seed : int
        Of weights, z and jitter.

    Yields
    ------
    Step
        As long as they are asked for.
    """
    torch.manual_seed(seed)
    z = draw_input(task.size)
    if network is None:
        network = SkipNetwork()
    steps, _ = start(task, network, fabric=make_fabric(), z=z, settings=settings)
    yield from steps


class FitRecipe:
    """One fit as the training engine wants it: with everything that changes in modules."""

    batch_size = 1

    def __init__(self, case: Case, config: FitConfig, fabric: Fabric) -> None:
        torch.manual_seed(case.seed)
        network, device = case.network(), fabric.device
        size = case.task.size
        self.z = case.draw(size)
        self.average = Average(size, share=case.settings.averaging).to(device)
        self.stopping = EarlyStopping(size, window=config.window, patience=config.patience)
        self.stopping.to(device)
        self.steps, optimizer = start(
            case.task,
            network,
            fabric=fabric,
            z=self.z,
            settings=case.settings,
            average=self.average,
            learning_rate=config.learning_rate,
            compile=config.compile,
        )
        self.modules: dict[str, nn.Module] = {
            "network": network,
            "average": self.average,
            "stopping": self.stopping,
        }
        self.optimizers = {"network": optimizer}
        with torch.no_grad(), fabric.autocast():
            untrained = network(self.z.to(device))
        self.now = Step(0, float("nan"), untrained.float(), untrained.float(), False)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step."""
        before = self.now.loss
        self.now = now = next(self.steps)
        # A picture that is none would stay in the rule's window.
        if math.isfinite(now.loss):
            self.stopping.update(now.output, now.average)
        # What was thrown away is no loss of this fit, and may not even be a number.
        loss = before if now.went_back else now.loss
        return {"loss": torch.tensor(loss), "went_back": torch.tensor(float(now.went_back))}
