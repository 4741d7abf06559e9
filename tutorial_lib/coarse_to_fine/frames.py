"""The eight pictures that trainings keep as they go: which, when, and in what files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torchvision.utils import make_grid

from tutorial_lib.coarse_to_fine.networks import sizes
from tutorial_lib.coarse_to_fine.recipe import Config
from tutorial_lib.data import write_image
from tutorial_lib.ledger import Record


def shown(count: int) -> Tensor:
    """Which test pictures the chapter shows: the first eight."""
    return torch.arange(min(8, count))


def frame_epochs(config: Config) -> list[int]:
    """Epochs after which the eight pictures are kept: three a stage, the first ones, the last."""
    parts = 3 * len(sizes(config.top))
    return sorted({0, 1, 2, *(round(k * config.epochs / parts) for k in range(parts + 1))})


def frame_name(epoch: int) -> str:
    """File with the eight pictures side by side after so many epochs."""
    return f"epoch_{epoch:03d}.webp"


def write_strip(path: Path, images: Tensor, *, lossless: bool) -> None:
    """Write pictures side by side."""
    strip = make_grid(images.cpu(), nrow=len(images), padding=0)[None]
    write_image(path, strip, quality=100 if lossless else 95, overwrite=True)


def kept_epochs(record: Record) -> list[int]:
    """Epochs after which a training has kept its pictures, in order."""
    planned = frame_epochs(Config(**record.config))
    return [epoch for epoch in planned if frame_name(epoch) in record.artefacts]


def stage_end(record: Record, stage: int) -> int:
    """The kept epoch that is nearest to the end of a stage of *train each*.

    Parameters
    ----------
    record : Record
        Of a training.
    stage : int
        From 1.
    """
    wanted = record.config["epochs"] * stage / len(sizes(record.config["top"]))
    return min(kept_epochs(record), key=lambda epoch: abs(epoch - wanted))
