"""The holes that the chapter fills: each a picture, a mask, and the network published for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from tutorial_lib.data import random_mask, text_mask
from tutorial_lib.deep_image_prior.cases import Case, known, picture, prior
from tutorial_lib.deep_image_prior.configs import InpaintConfig
from tutorial_lib.deep_image_prior.networks import INPUTS, draw_input, mesh_input
from tutorial_lib.deep_image_prior.tasks import Inpainting


@dataclasses.dataclass(frozen=True)
class Hole:
    """What is lost of which picture.

    Attributes
    ----------
    name : str
        In the configuration and in the record.
    picture : str
        In the registry, or the name of an embedded photograph.
    mask : callable
        From the picture's size and the configuration to (1, 1, H, W): 1 where it is known.
    files : tuple of str
        Registered files that are read.
    has_truth : bool
        Whether the picture is known in the hole.
    draw : callable
        From the picture's size to what the network is fed.
    inputs : int
        Channels of that.
    skips : bool
        Whether the published network has skips, then as wide as its levels.

    References
    ----------
    Ulyanov 2018, supplementary material: the settings for inpainting.
    """

    name: str
    picture: str
    mask: Callable[[tuple[int, int], InpaintConfig], Tensor]
    files: tuple[str, ...] = ()
    has_truth: bool = True
    draw: Callable[[tuple[int, int]], Tensor] = draw_input
    inputs: int = INPUTS
    skips: bool = True

    def task(self, config: InpaintConfig) -> Inpainting:
        """The picture with its mask."""
        image = picture(self.picture, shrink=config.shrink)
        return Inpainting(image, self.mask((image.shape[-2], image.shape[-1]), config))

    def case(self, config: InpaintConfig) -> Case:
        """The hole as something to fit."""
        task = self.task(config)
        network = prior(
            config.network,
            width=config.width,
            inputs=self.inputs,
            skip=config.width if self.skips else 0,
            upsampling="nearest",
        )
        return Case(
            self.name,
            task,
            network,
            task.observed if self.has_truth else None,
            config.settings(),
            draw=self.draw,
        )


def drawn_mask(name: str, _: tuple[int, int], config: InpaintConfig) -> Tensor:
    """A mask that somebody drew, at the size of its picture."""
    return known(name, shrink=config.shrink)


def random_pixels(size: tuple[int, int], config: InpaintConfig) -> Tensor:
    """Pixels lost at random, the same in all runs."""
    generator = torch.Generator().manual_seed(0)
    return random_mask(size, missing=config.missing, generator=generator)


def written_over(size: tuple[int, int], _: InpaintConfig) -> Tensor:
    """A word across the picture."""
    return text_mask(size)


HOLES = (
    Hole(
        "text",
        "dip/kate.png",
        partial(drawn_mask, "dip/kate_mask.png"),
        files=("dip/kate.png", "dip/kate_mask.png"),
    ),
    # What stands behind the vase, nobody knows.
    Hole(
        "region",
        "dip/vase.png",
        partial(drawn_mask, "dip/vase_mask.png"),
        files=("dip/vase.png", "dip/vase_mask.png"),
        has_truth=False,
        draw=mesh_input,
        inputs=2,
        skips=False,
    ),
    Hole("random", "dip/barbara.png", random_pixels, files=("dip/barbara.png",)),
    Hole("sample", "astronaut", written_over),
)


def chosen_holes(names: Sequence[str]) -> list[Hole]:
    """The holes of these names, in their order.

    Raises
    ------
    ValueError
        If there is none of such a name.
    """
    there = {hole.name: hole for hole in HOLES}
    for name in names:
        if name not in there:
            raise ValueError(f"no hole {name!r}; there are {', '.join(there)}")
    return [there[name] for name in names]
