"""Does an enlargement help to read? Small letters, and a reader that knows their font.

The page of text is one page, and its letters stand on the grid of pixels. Here are as many as a
verdict needs: single letters on a sheet, each a fraction of a small pixel off the grid, shrunk by
four, enlarged by each method, and compared with the letters of the same font at the full size.
"""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from tutorial_lib import ledger
from tutorial_lib.data import low_resolution, write_image
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import imresize
from tutorial_lib.settings import at_least, not_empty
from tutorial_lib.srgan.evaluation import SCALE, Upscale
from tutorial_lib.srgan.training import recorded_generator
from tutorial_lib.training import History

FONT = "DejaVuSerif.ttf"
"""Comes with matplotlib."""

COLUMNS = 20
OFFSETS = tuple(product(range(-2, 3), repeat=2))
"""Where a letter may stand, in pixels of the large sheet: half a small pixel either way."""

KNOWN_BLUR = "bicubic, to a reader that knows of the blur"

PROTOCOL = {
    "letters": "26 lower-case letters of DejaVu Serif, dark on white, at random offsets of up to "
    "2 pixels, shrunk by 4",
    "reader": "the letter and offset whose picture at full size correlates best with the cell",
}


@dataclasses.dataclass(frozen=True)
class LettersConfig:
    """Settings of the reading test.

    Attributes
    ----------
    sizes : tuple of int
        Of the font, in pixels of the large sheet.
    count : int
        Letters a sheet.
    steps : int
        None are taken.
    """

    sizes: tuple[int, ...] = (32, 28, 24, 20, 16)
    count: int = 1_000
    steps: int = 0

    def __post_init__(self) -> None:
        not_empty(self, "sizes")
        at_least(self, 8, "sizes")
        at_least(self, 1, "count")


def cell_side(size: int) -> int:
    """Side of the square that a letter of this size stands in, a multiple of four."""
    return -(-size * 5 // 16) * 4


def sheet(text: str, *, size: int, offsets: Tensor) -> Tensor:
    """Letters in rows of twenty.

    Parameters
    ----------
    text : str
    size : int
        Of the font, in pixels.
    offsets : Tensor of shape (len(text), 2)
        How far each letter is moved right and down, in pixels.

    Returns
    -------
    Tensor of shape (1, 3, rows x side, 20 x side), range [0, 1]
    """
    side = cell_side(size)
    font = ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / FONT, size)
    image = Image.new("L", (COLUMNS * side, -(-len(text) // COLUMNS) * side), 255)
    draw = ImageDraw.Draw(image)
    for index, (letter, (right, down)) in enumerate(zip(text, offsets.tolist(), strict=True)):
        row, column = divmod(index, COLUMNS)
        place = (column * side + side // 2 + right, row * side + int(side * 0.7) + down)
        draw.text(place, letter, font=font, fill=20, anchor="ms")
    return torch.from_numpy(np.array(image)).div(255).expand(1, 3, -1, -1).contiguous()


def _cells(picture: Tensor, side: int) -> Tensor:
    """Each cell without its mean, as a vector of length 1."""
    luma = picture[0].mean(0)
    cells = luma.unfold(0, side, side).unfold(1, side, side).flatten(0, 1).flatten(1)
    return torch.nn.functional.normalize(cells - cells.mean(1, keepdim=True), dim=1)


def read(picture: Tensor, *, size: int, count: int, seen: Upscale = lambda models: models) -> str:
    """What a reader that knows the font takes the letters of a sheet for.

    Parameters
    ----------
    picture : Tensor of shape (1, 3, H, W)
        An enlarged sheet, as `sheet` lays it out.
    size : int
        Of the font, in pixels.
    count : int
        How many letters stand there.
    seen : callable
        What became of a sheet before the reader sees it, as far as the reader knows: by default
        nothing. A reader that knows of a blur expects blurred letters.

    Returns
    -------
    str of `count` letters
        Each the one whose own picture, at the best of all offsets, has the largest normalised
        correlation with its cell.
    """
    side = cell_side(size)
    alphabet = len(ascii_lowercase)
    sheets = (
        sheet(ascii_lowercase, size=size, offsets=torch.tensor([offset] * alphabet))
        for offset in OFFSETS
    )
    models = torch.stack([_cells(seen(models), side)[:alphabet] for models in sheets])
    likeness = torch.einsum("cp,olp->col", _cells(picture, side)[:count], models)
    return "".join(ascii_lowercase[index] for index in likeness.amax(1).argmax(1).tolist())


def bicubic(low: Tensor) -> Tensor:
    """The baseline's enlargement, (1, 3, h, w) to (1, 3, 4h, 4w), range [0, 1]."""
    return imresize(low, scale=SCALE).clamp(0, 1)


def bicubic_of_small(large: Tensor) -> Tensor:
    """A picture of the size of `large` that was shrunk and enlarged again."""
    return bicubic(low_resolution(large))


def run_letters(run: Run) -> ledger.Record:
    """Share of letters that are read right after each enlargement, by size."""
    config, device = run.config, run.fabric.device
    methods: dict[str, Upscale] = {
        "bicubic": bicubic,
        "SRResNet": recorded_generator("srgan/srresnet").to(device),
        "SRGAN": recorded_generator("srgan/srgan").to(device),
    }
    metrics: dict[str, Any] = {}
    for size in config.sizes:
        random = torch.Generator().manual_seed(size)
        drawn = torch.randint(len(ascii_lowercase), (config.count,), generator=random)
        text = "".join(ascii_lowercase[index] for index in drawn.tolist())
        offsets = torch.randint(-2, 3, (config.count, 2), generator=random)
        large = sheet(text, size=size, offsets=offsets)
        low = low_resolution(large)
        made = {"photograph": large}
        with torch.no_grad():
            made |= {name: enlarge(low.to(device)).cpu() for name, enlarge in methods.items()}
        right = {
            name: read(picture, size=size, count=config.count) for name, picture in made.items()
        }
        right[KNOWN_BLUR] = read(
            made["bicubic"], size=size, count=config.count, seen=bicubic_of_small
        )
        metrics[f"{size} px"] = {
            name: round(sum(map(str.__eq__, letters, text)) / config.count, 4)
            for name, letters in right.items()
        }
        strips = [picture[..., : cell_side(size), :] for picture in made.values()]
        write_image(
            run.folder / f"letters_{size}.webp", torch.cat(strips, -2), quality=92, overwrite=True
        )
    return dataclasses.replace(
        run.record(
            history=History(),
            metrics=metrics,
            protocol=PROTOCOL,
            artefacts=[f"letters_{size}.webp" for size in config.sizes],
        ),
        precision="32-true",
    )
