"""How far the losses can fall where no network stands between them and the pixels."""

from __future__ import annotations

import dataclasses
import time
from typing import get_args

import torch
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.experiment import Run
from tutorial_lib.lapstyle.losses import Style
from tutorial_lib.lapstyle.measures import PROTOCOL, measure
from tutorial_lib.lapstyle.pictures import STYLES, middles, style_picture, write_picture
from tutorial_lib.lapstyle.pixels import four_losses, paint_pixels
from tutorial_lib.lapstyle.stylise import prepared_encoder
from tutorial_lib.settings import at_least, one_of, positive
from tutorial_lib.training import History
from tutorial_lib.vgg import VGG16_FILE, Backbone


@dataclasses.dataclass(frozen=True)
class FloorConfig:
    """Settings of the painting of pixels.

    Attributes
    ----------
    steps : int
        Of Adam, on every picture.
    style : str
        One of `STYLES`.
    side : int
        Of the square photographs, in pixels: the draft's.
    held_out : int
        How many; the same as a training's drafts are measured on.
    learning_rate : float
        As `rate` of :func:`tutorial_lib.lapstyle.pixels.paint_pixels`.
    backbone : {"vgg16", "vgg19"}
        The encoder.
    equalised : int
        Photographs over which its channels are made comparable.
    """

    steps: int = 200
    style: str = "starry_night"
    side: int = 128
    held_out: int = 6
    learning_rate: float = 0.05
    backbone: Backbone = "vgg16"
    equalised: int = 40

    def __post_init__(self) -> None:
        one_of(self, STYLES, "style")
        at_least(self, 16, "side")
        # A photograph is compared with another one.
        at_least(self, 2, "held_out")
        at_least(self, 1, "steps", "equalised")
        positive(self, "learning_rate")
        one_of(self, get_args(Backbone), "backbone")


def references(photos: Tensor, painting: Tensor) -> dict[str, Tensor]:
    """Pictures that nobody painted, for the losses to be compared with.

    Parameters
    ----------
    photos : Tensor
        (N, 3, S, S), range [0, 1], two or more.
    painting : Tensor
        (1, 3, H, W), both sides at least S.

    Returns
    -------
    dict of Tensor
        (N, 3, S, S) each.
    """
    noise = torch.randn(photos.shape, generator=torch.Generator().manual_seed(0)).to(photos)
    side = photos.shape[-1]
    top, left = ((length - side) // 2 for length in painting.shape[-2:])
    middle = painting[..., top : top + side, left : left + side].flip(-1)
    return {
        "photograph": photos,
        "photograph with grain": (photos + 0.1 * noise).clamp(0, 1),
        "another photograph": photos.roll(1, dims=0),
        "the painting, mirrored": middle.expand_as(photos),
    }


def run_floor(run: Run) -> ledger.Record:
    """Paint the pixels of held-out photographs, and measure them as drafts are."""
    config: FloorConfig = run.config
    device, began = run.fabric.device, time.monotonic()
    encoder = prepared_encoder(config.backbone, photographs=config.equalised).to(device)
    photos = middles(config.side, count=config.held_out).to(device)
    painting = style_picture(config.style, config.side).to(device)
    with torch.no_grad():
        objective = four_losses(encoder(photos), Style.of(encoder(painting)))
    with run.fabric.autocast():
        pictures = list(
            paint_pixels(
                photos, objective, encoder=encoder, steps=run.steps, rate=config.learning_rate
            )
        )
    made, values = pictures[-1][0], [value for _, value in pictures]
    files = {"photographs.webp": photos, "painted.webp": made}
    return run.record(
        history=History(
            names=["total"],
            losses=torch.tensor(values[1:])[:, None],
            seconds=time.monotonic() - began,
        ),
        metrics={
            name: measure(images, photos, painting, encoder=encoder)
            for name, images in ({"painted": made} | references(photos, painting)).items()
        },
        protocol={
            "losses": PROTOCOL["losses"],
            "pixels": "start at the photograph; Adam, its rate falling along a cosine to zero; "
            "clamped to [0, 1] after each step; the article's weights of the losses",
            "pictures": "side by side, in the order of the validation photographs",
            "references": "the photograph as it is; with normal noise of deviation 0.1; one of the "
            "other photographs in its place; the middle of the style picture, mirrored",
            "backbone": f"{config.backbone}, channels equalised",
        },
        artefacts=[
            write_picture(run.folder / name, torch.cat(images.split(1), dim=-1))
            for name, images in files.items()
        ],
        data=[
            "bsds500",
            "bsd100",
            f"style/{config.style}.jpg",
            *([VGG16_FILE] if config.backbone == "vgg16" else []),
        ],
    )
