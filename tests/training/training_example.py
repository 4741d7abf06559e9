"""A small training that tests run in this process, in others, and kill."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from tutorial_lib.training import make_fabric, set_up, shard, train

CONFIG = {"width": 8}


class Recipe:
    """Fits a little network to random targets; dropout and Adam give it all kinds of state."""

    batch_size = 4

    def __init__(self, fabric, *, dropout=0.2, pause=0.0, poison_at=None, progress=None):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Dropout(dropout), nn.Conv2d(8, 3, 1)
        )
        self.fabric, self.pause, self.poison_at, self.progress = fabric, pause, poison_at, progress
        self.network, self.optimizer = set_up(
            fabric, network, torch.optim.Adam(network.parameters(), lr=1e-2)
        )
        self.modules = {"network": network}
        self.optimizers = {"network": self.optimizer}

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        x = torch.rand(4, 3, 8, 8, generator=generator)
        x, y = shard(self.fabric, x, x.flip(-1))
        loss = (self.network(x) - y).square().mean()
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()
        if self.progress:
            with self.progress.open("a") as file:
                file.write(f"{index}\n")
        time.sleep(self.pause)
        poisoned = float("nan") if index == self.poison_at else 0.0
        return {"fit": loss.detach(), "other": loss.detach() + poisoned}


def run(folder: Path, *, steps=60, every=5, **recipe):
    """Train in this process; returns the recipe and the history."""
    fabric = make_fabric(precision="32-true")
    example = Recipe(fabric, **recipe)
    history = train(
        example, fabric=fabric, steps=steps, folder=folder, config=CONFIG, checkpoint_every=every
    )
    return example, history


def on_two_processes(fabric, folder: Path) -> None:
    """Train as one of several processes; the first writes the losses."""
    example = Recipe(fabric, dropout=0.0)
    history = train(example, fabric=fabric, steps=8, folder=folder, config=CONFIG)
    if fabric.is_global_zero:
        torch.save(history.losses, folder / "losses.pt")


if __name__ == "__main__":
    where = Path(sys.argv[1])
    run(where, pause=0.02, progress=where / "progress")
