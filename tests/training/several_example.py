"""A small experiment that tests run in several processes, and stop."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import torch
import typer
from torch import nn

from tutorial_lib import cli
from tutorial_lib.experiment import Experiment, Run, execute
from tutorial_lib.training import set_up, shard, train


@dataclasses.dataclass(frozen=True)
class Config:
    steps: int = 6
    batch: int = 4
    pause: float = 0.0


class Recipe:
    """A little network with batch normalisation, and half of each batch in each process."""

    def __init__(self, config, fabric, folder):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 3, 1),
        )
        self.config, self.fabric, self.folder = config, fabric, folder
        self.batch_size = config.batch
        self.network, self.optimizer = set_up(
            fabric, network, torch.optim.Adam(network.parameters(), lr=1e-2)
        )
        self.modules = {"network": network}
        self.optimizers = {"network": self.optimizer}

    def step(self, index, generator):
        # The pictures differ in brightness, so that half a batch has another mean than the whole.
        x = torch.rand(self.config.batch, 3, 8, 8, generator=generator)
        x = x * torch.arange(1.0, self.config.batch + 1).view(-1, 1, 1, 1)
        x, y = shard(self.fabric, x, x.flip(-1))
        loss = (self.network(x) - y).square().mean()
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()
        (self.folder / "progress").write_text(f"{index}")
        time.sleep(self.config.pause)
        return {"fit": loss.detach()}


def learn(run: Run):
    recipe = Recipe(run.config, run.fabric, run.folder)
    history = train(
        recipe, fabric=run.fabric, steps=run.steps, folder=run.folder, config=run.settings()
    )
    (run.folder / "written.txt").write_text(f"{run.fabric.world_size}")
    network = recipe.modules["network"]
    mean = network[1].running_mean.tolist()
    return run.record(
        history=history, metrics={"mean": mean}, protocol={}, artefacts=["written.txt"]
    )


LITTLE = Experiment("tests/little", "learns a little", {"smoke": Config()}, learn)


if __name__ == "__main__":
    folder, devices, *changes = sys.argv[1:]
    try:
        with cli.plain_errors():
            execute(
                LITTLE,
                "smoke",
                changes=dict(change.split("=") for change in changes),
                devices=int(devices),
                precision="32-true",
                folder=Path(folder),
            )
    except typer.Exit as end:
        sys.exit(end.exit_code)
