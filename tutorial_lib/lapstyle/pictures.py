"""What the painters learn from and are shown on: photographs and paintings, at one size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import torch
from torch import Tensor

from tutorial_lib.data import (
    READABLE,
    embedded,
    group_names,
    load,
    locate,
    pictures_in,
    read_image,
    to_uint8,
    unreadable,
    write_image,
)
from tutorial_lib.metrics import imresize

STYLES = ("starry_night", "the_scream", "shipwreck")
"""Paintings whose style can be learned."""

CONTENTS: dict[str, Callable[[], Tensor]] = {
    "tubingen": lambda: load("content/tubingen.jpg"),
    "astronaut": lambda: embedded("astronaut"),
    "coffee": lambda: embedded("coffee"),
    "rocket": lambda: embedded("rocket"),
}
"""The photographs that the chapter shows painted."""


def fit(image: Tensor, side: int) -> Tensor:
    """Resize a picture so that its shorter side is `side`."""
    scale = side / min(image.shape[-2:])
    height, width = (max(side, round(length * scale)) for length in image.shape[-2:])
    return imresize(image, size=(height, width)).clamp(0, 1)


def content(name: str, side: int) -> Tensor:
    """One of `CONTENTS`, its shorter side at most `side`."""
    image = CONTENTS[name]()
    return fit(image, min(side, *image.shape[-2:]))


def style_picture(style: str, side: int) -> Tensor:
    """A style's painting with a shorter side of `side`, cropped to a multiple of 16.

    Raises
    ------
    ValueError
        If there is no such style.
    """
    if style not in STYLES:
        raise ValueError(f"no style {style!r}; there are: {', '.join(STYLES)}")
    image = fit(load(f"style/{style}.jpg"), side)
    height, width = (length // 16 * 16 for length in image.shape[-2:])
    return image[..., :height, :width]


def middles(side: int, *, count: int) -> Tensor:
    """Held-out photographs, (count, 3, side, side): the middles of BSDS500's validation part."""
    found = []
    for name in group_names("bsd100")[:count]:
        image = fit(load(name), side)
        top, left = ((length - side) // 2 for length in image.shape[-2:])
        found.append(image[..., top : top + side, left : left + side])
    return torch.cat(found)


@cache
def _sound_pictures(folder: Path, *, limit: int) -> list[Path]:
    paths = pictures_in(folder)[:limit] if folder.is_dir() else []
    if not paths:
        raise ValueError(
            f"no pictures in {folder}: name the folder that holds the photographs, which end in "
            f"{', '.join(READABLE)}"
        )
    if damaged := unreadable(paths):
        lines = [f"  {path.name}: {why}" for path, why in list(damaged.items())[:10]]
        first = f"{len(damaged)} of {len(paths)} pictures in {folder} cannot be read; take them out"
        raise ValueError("\n".join([f"{first}:", *lines]))
    return paths


class Photographs:
    """Photographs at one size, each read when it is first asked for, and kept as bytes.

    Parameters
    ----------
    source : str
        "bsds500", or a folder.
    side : int
        Side of the square crops.
    limit : int
        Use only so many.

    Raises
    ------
    ValueError
        If a folder holds no photographs, or damaged ones; names them.
    """

    def __init__(self, source: str, *, side: int, limit: int) -> None:
        self.side = side
        if source == "bsds500":
            paths = [locate(name) for name in group_names(source)[:limit]]
        else:
            paths = _sound_pictures(Path(source).expanduser(), limit=limit)
        self.paths = paths
        self._read = lru_cache(maxsize=1000)(self._resized)

    def _resized(self, index: int) -> Tensor:
        """The whole scene, a quarter larger than a crop."""
        return to_uint8(fit(read_image(self.paths[index]), self.side * 5 // 4))

    def sample(self, batch: int, generator: torch.Generator) -> Tensor:
        """Cut random squares, half of them mirrored: (batch, 3, side, side), uint8."""
        crops = []
        for u in torch.rand(batch, 4, generator=generator, dtype=torch.float64).tolist():
            image = self._read(int(u[0] * len(self.paths)))
            top, left = (
                int(share * (size - self.side + 1))
                for share, size in zip(u[1:3], image.shape[-2:], strict=True)
            )
            crop = image[..., top : top + self.side, left : left + self.side]
            crops.append(crop.flip(-1) if u[3] < 0.5 else crop)
        return torch.cat(crops)


def write_picture(path: Path, image: Tensor, *, quality: int = 100) -> str:
    """Write a painting, without loss unless `quality` is below 100, and return its file's name."""
    write_image(path, image.float().cpu().clamp(0, 1), quality=quality, overwrite=True)
    return path.name
