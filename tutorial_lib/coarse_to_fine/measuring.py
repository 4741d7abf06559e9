"""What is measured of a network while it is trained and afterwards, and what it has to beat."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.coarse_to_fine.networks import CoarseToFine
from tutorial_lib.coarse_to_fine.octaves import Octaves
from tutorial_lib.coarse_to_fine.recipe import Config, Sets
from tutorial_lib.coarse_to_fine.schedule import Phase
from tutorial_lib.metrics import Protocol, psnr
from tutorial_lib.training import reestimate_statistics

PROTOCOL = Protocol("rgb", crop=0, rounding=False)


class AtStage(nn.Module):
    """A network that answers at one stage of it, for those who call it with a picture alone.

    Parameters
    ----------
    network : CoarseToFine
        Shared, not copied.
    now : Phase
        The stage, and how far its level has been faded in.
    """

    def __init__(self, network: CoarseToFine, now: Phase) -> None:
        super().__init__()
        self.network, self.now = network, now

    def forward(self, picture: Tensor) -> Tensor:
        """Answer (N, 3, s, s) at the stage's size, in [0, 1]."""
        return self.network(picture, stage=self.now.stage, fade=self.now.fade)


@torch.no_grad()
def answers(network: Any, pictures: Octaves, index: Tensor, *, side: int) -> Tensor:
    """What a network in evaluation mode makes of pictures, (B, 3, side, side), on its device."""
    made = [network(pictures.batch(part, side=side)[0]) for part in index.split(64)]
    return torch.cat([part.float() for part in made])


def quality(made: Tensor, pictures: Octaves, index: Tensor) -> float:
    """Mean PSNR of answers of any size against the true pictures of that size."""
    side = made.shape[-1]
    pairs = zip(made.split(64), index.split(64), strict=True)
    found = [psnr(a, pictures.batch(b, side=side)[1], protocol=PROTOCOL) for a, b in pairs]
    return torch.cat(found).mean().item()


def enlarged(images: Tensor, top: int) -> Tensor:
    """Pictures at full size (bilinear): what a reader gets who stops at a small stage."""
    return F.interpolate(images, size=top, mode="bilinear")


def settled(network: CoarseToFine, pictures: Octaves, now: Phase, *, count: int) -> AtStage:
    """A copy that answers at a stage, its statistics re-estimated over the first pictures there.

    Parameters
    ----------
    network : CoarseToFine
        Left as it is.
    pictures : Octaves
        Those it is trained on.
    now : Phase
        The stage.
    count : int
        How many pictures, in batches of 32.
    """
    twin = AtStage(copy.deepcopy(network), now)
    side = network.sizes[now.stage - 1]
    parts = torch.arange(min(count, len(pictures))).split(32)
    reestimate_statistics(twin, (pictures.batch(part, side=side)[0] for part in parts))
    return twin


@torch.no_grad()
def with_strangers_coarse(twin: AtStage, pictures: Octaves, index: Tensor, *, side: int) -> Tensor:
    """Answers when the levels below have seen another picture: each the one before it.

    What the level below has made is exchanged on its way up; all else is the picture's own. A
    network that does not listen to its lower levels answers as before.
    """
    level: Any = twin.network.levels[twin.now.stage - 1]

    def exchange(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (given[0].roll(1, 0),)

    hook = level.up.register_forward_pre_hook(exchange)
    try:
        return answers(twin, pictures, index, side=side)
    finally:
        hook.remove()


def watched(
    network: CoarseToFine, sets: Sets, config: Config, *, now: Phase
) -> tuple[dict[str, float], Tensor]:
    """Measure a network in the middle of its training, and leave it in evaluation mode.

    Returns
    -------
    numbers : dict
        By the names in :data:`tutorial_lib.coarse_to_fine.experiments.PROTOCOLS`.
    made : Tensor
        (B, 3, s, s), the answers to the first test pictures.
    """
    side = network.sizes[now.stage - 1]
    network.eval()
    twin, found = AtStage(network, now), {}
    index = torch.arange(min(config.watched, len(sets.test)))
    if config.statistics:
        running = answers(twin, sets.test, index, side=side)
        found["running_psnr_top"] = quality(enlarged(running, config.top), sets.test, index)
        twin = settled(network, sets.train, now, count=config.statistics)
    known = torch.arange(min(config.watched, len(sets.train)))
    found["train_psnr"] = quality(answers(twin, sets.train, known, side=side), sets.train, known)
    made = answers(twin, sets.test, index, side=side)
    found["val_psnr"] = quality(made, sets.test, index)
    found["val_psnr_top"] = quality(enlarged(made, config.top), sets.test, index)
    found["stage"] = float(now.stage)
    if config.statistics and now.stage > 1:
        strange = with_strangers_coarse(twin, sets.test, index, side=side)
        found["strange_psnr"] = quality(strange, sets.test, index)
    if config.statistics and config.each and now.stage > 1:
        below = settled(network, sets.train, Phase(now.stage - 1), count=config.statistics)
        made_below = answers(below, sets.test, index, side=side // 2)
        found["below_psnr"] = quality(made_below, sets.test, index)
    return found, made


def at_the_end(network: CoarseToFine, sets: Sets, stage: int) -> dict[str, float]:
    """PSNR of the network as it is stored, on all test pictures and as many to train on."""
    found = {}
    side = network.sizes[stage - 1]
    twin = AtStage(network, Phase(stage))
    for name, pictures in (("train", sets.train), ("test", sets.test)):
        index = torch.arange(min(len(sets.test), len(pictures)))
        made = answers(twin, pictures, index, side=side)
        found[f"{name}_psnr"] = round(quality(made, pictures, index), 4)
    return found
