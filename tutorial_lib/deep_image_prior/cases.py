"""What is fitted to what: photographs, masks, networks, and a case that binds them together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from tutorial_lib.data import add_noise, embedded, load, mod_crop
from tutorial_lib.deep_image_prior.fit import Settings
from tutorial_lib.deep_image_prior.networks import INPUTS, PriorNet, SkipNetwork, draw_input
from tutorial_lib.deep_image_prior.tasks import Task
from tutorial_lib.metrics import imresize

SHARES = {"paper": (1, 1, 1, 1, 1), "slim": (8, 4, 2, 1, 1)}
"""By what the channels of the paper's network are divided, level by level."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One picture to fit.

    Attributes
    ----------
    name : str
        In the record, and of the files beside it.
    task : Task
        The damaged picture.
    network : callable
        Builds the network.
    truth : Tensor or None
        The true picture, where there is one.
    settings : Settings
        Of the fit.
    seed : int
        Of weights, z and jitter.
    draw : callable
        From the picture's size to what the network is fed.
    """

    name: str
    task: Task
    network: Callable[[], nn.Module]
    truth: Tensor | None
    settings: Settings
    seed: int = 0
    draw: Callable[[tuple[int, int]], Tensor] = draw_input


def prior(
    name: str,
    *,
    width: int,
    inputs: int = INPUTS,
    skip: int = 4,
    upsampling: Literal["bilinear", "nearest"] = "bilinear",
) -> Callable[[], nn.Module]:
    """Choose a network.

    Parameters
    ----------
    name : str
        "paper", "slim" or "article".
    width : int
        Its channels, or those of its widest levels.
    inputs : int
        Channels of what it is fed.
    skip : int
        Channels of each skip; the article's has its own.
    upsampling : {"bilinear", "nearest"}
        Likewise.

    Returns
    -------
    callable
        Builds it.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    if name == "article":
        return partial(PriorNet, inputs, latent=width)
    if name not in SHARES:
        raise ValueError(f"no network {name!r}; there are {', '.join(SHARES)}, article")
    channels = tuple(width // share for share in SHARES[name])
    return partial(
        SkipNetwork,
        inputs,
        channels=channels,
        skips=(skip,) * len(channels),
        upsampling=upsampling,
    )


def picture(name: str, *, shrink: int = 1) -> Tensor:
    """Read a registered or an embedded photograph, and shrink its sides."""
    image = load(name) if "/" in name else embedded(name)
    return image if shrink == 1 else imresize(mod_crop(image, shrink), scale=1 / shrink).clamp(0, 1)


def known(name: str, *, shrink: int = 1) -> Tensor:
    """Read a mask; a shrunk pixel is known if all that went into it is."""
    mask = (load(name)[:, :1] > 0.5).float()
    return 1 - nn.functional.max_pool2d(1 - mod_crop(mask, shrink), shrink)


def shuffled(image: Tensor, *, seed: int = 0) -> Tensor:
    """The same pixels in random order."""
    order = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(seed))
    return image.flatten(2)[..., order].view_as(image)


def noisy(truth: Tensor, *, sigma: float) -> Tensor:
    """The noisy twin of a picture; the noise is the same in all experiments."""
    return add_noise(truth, sigma=sigma, generator=torch.Generator().manual_seed(0))
