"""Pyramids and painters drawn, and an equaliser for pictures. Used in the chapter *LapStyle*."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from functools import lru_cache, partial

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from PIL import Image
from torch import Tensor

from tutorial_lib import show
from tutorial_lib.data import to_uint8
from tutorial_lib.lapstyle.pictures import fit
from tutorial_lib.lapstyle.pyramid import Form, laplacian_pyramid, layers, reconstruct
from tutorial_lib.lapstyle.stylise import recorded_painter
from tutorial_lib.metrics import imresize
from tutorial_lib.show.boxes import arrow, box

_ALT = "The picture with its bands as loud as the sliders say."


class EqualiserPanel:
    """A picture with a slider for each band of its pyramid: needs a kernel.

    The picture is taken apart once; a move of a slider only puts it together again.

    Parameters
    ----------
    image : Tensor
        Shape (1, 3, H, W), range [0, 1].
    levels : int
        Bands of detail.
    form : {"classic", "bilinear"}
        As in :func:`tutorial_lib.lapstyle.pyramid.reduce`.

    Attributes
    ----------
    gains : list of ipywidgets.FloatSlider
        The finest band first, and last that of what is left.
    widget : ipywidgets.VBox
        The picture and the sliders.

    Raises
    ------
    ValueError
        If `image` is not one colour picture.
    """

    def __init__(self, image: Tensor, *, levels: int, form: Form) -> None:
        if image.ndim != 4 or image.shape[:2] != (1, 3):
            raise ValueError(f"one picture of shape (1, 3, H, W) is needed, got {image.shape}")
        self.image, self.form = image, form
        # About mid-grey, so that a picture without its last layer is grey and not black.
        self._bands = laplacian_pyramid(image - 0.5, levels=levels, form=form)
        wide = widgets.Layout(width="100%", max_width="520px")
        self.gains = [
            widgets.FloatSlider(
                1, min=0, max=4, step=0.1, description=name, layout=wide,
                style={"description_width": "9em"},
            )
            for name in layer_names(levels)
        ]  # fmt: skip
        self.reset = widgets.Button(description="all to 1")
        self.shown = widgets.HTML(layout=wide)
        for slider in self.gains:
            slider.observe(lambda _: self._draw(), "value")
        self.reset.on_click(lambda _: self._reset())
        self._draw()
        self.widget = widgets.VBox([self.shown, *self.gains, self.reset]).add_class("tutorial-live")

    def picture(self) -> Tensor:
        """Put the picture together as the sliders say; may leave the range [0, 1]."""
        bands = [slider.value * band for slider, band in zip(self.gains, self._bands, strict=True)]
        return reconstruct(bands, form=self.form) + 0.5

    def _reset(self) -> None:
        for slider in self.gains:
            slider.value = 1

    def _draw(self) -> None:
        file = io.BytesIO()
        pixels = to_uint8(self.picture())[0].permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(file, "jpeg", quality=88)
        height, width = self.image.shape[-2:]
        self.shown.value = (
            f'<img alt="{_ALT}" width="{width}" height="{height}" decoding="sync" '
            'style="max-width:100%;height:auto" '
            f'src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}">'
        )

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)


_painter = lru_cache(maxsize=1)(recorded_painter)


@torch.no_grad()
def painted_in_page(image: Tensor, style: str, strength: float) -> show.Picture:
    """A photograph beside its painting by a recorded painter.

    Parameters
    ----------
    image : Tensor
        (1, 3, H, W), range [0, 1].
    style : str
        Whose painter.
    strength : float
        0 to 1, as in :func:`tutorial_lib.lapstyle.drafting.stylised_maps`.
    """
    return show.grid(
        {"photograph": image, f"{style}, {strength:g}": _painter(style)(image, strength=strength)},
        alt="A photograph and its painting.",
        columns=2,
    )


def layer_names(levels: int) -> list[str]:
    """Name the layers of a Laplacian pyramid.

    Parameters
    ----------
    levels : int
        Bands of detail, 0 or more.

    Returns
    -------
    list of str
        ``levels + 1`` names, the finest first.

    Examples
    --------
    >>> layer_names(2)
    ['L0, finest', 'L1', 'G2, what is left']
    """
    bands = [f"L{level}, finest" if level == 0 else f"L{level}" for level in range(levels)]
    return [*bands, f"G{levels}, what is left"]


def visible(band: Tensor, times: float = 4) -> Tensor:
    """A band as a picture: grey is zero, and it is `times` as strong as it is.

    Examples
    --------
    >>> visible(torch.tensor([-1.0, 0.0, 0.05])).tolist()
    [0.0, 0.5, 0.699999988079071]
    """
    return (0.5 + times * band).clamp(0, 1)


def tower(pictures: Sequence[Tensor], *, gap: int = 4) -> Tensor:
    """The first picture of a pyramid, and the others in a column beside it.

    Parameters
    ----------
    pictures : sequence of Tensor
        Shape (1, 3, H, W), (1, 3, H/2, W/2), …, range [0, 1]; at least two.
    gap : int
        White pixels between them.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W + gap + W/2), range [0, 1].
    """
    height, width = pictures[0].shape[-2:]
    canvas = torch.ones(1, 3, height, width + gap + pictures[1].shape[-1])
    canvas[..., :width] = pictures[0]
    top = 0
    for picture in pictures[1:]:
        h, w = picture.shape[-2:]
        canvas[..., top : top + h, width + gap : width + gap + w] = picture
        top += h + gap
    return canvas


def seam(masks: Sequence[Tensor], level: int) -> Tensor:
    """How softly a blend joins one band: that level of the mask's pyramid, at full size.

    Parameters
    ----------
    masks : sequence of Tensor
        The mask's Gaussian pyramid, the largest first.
    level : int
        Which.

    Returns
    -------
    Tensor
        Of the largest mask's shape, range [0, 1].
    """
    only = [m if index == level else torch.zeros_like(m) for index, m in enumerate(masks)]
    return layers(only, form="classic")[level].clamp(0, 1)


def middle(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of a picture, shrunk until it just fills (height, width)."""
    scale = max(a / b for a, b in zip(size, picture.shape[-2:], strict=True))
    picture = fit(picture, math.ceil(scale * min(picture.shape[-2:])))
    top, left = ((a - b) // 2 for a, b in zip(picture.shape[-2:], size, strict=True))
    return picture[..., top : top + size[0], left : left + size[1]]


def larger(picture: Tensor, times: int) -> Tensor:
    """A picture so many times as large, smooth: pixels repeated as blocks would look painted.

    Examples
    --------
    >>> larger(torch.rand(1, 3, 8, 10), 3).shape
    torch.Size([1, 3, 24, 30])
    """
    height, width = picture.shape[-2:]
    return imresize(picture, size=(times * height, times * width)).clamp(0, 1)


_box = partial(box, size=(1.5, 0.62), fontsize=9)


def drafting_diagram() -> show.Picture:
    """The drafting network: three maps of the encoder, AdaIN at each, and the decoder."""
    with show.style():
        figure, axes = plt.subplots(figsize=(7, 3.6))
    rows = [("relu4_1", "512 maps, 16"), ("relu3_1", "256 maps, 32"), ("relu2_1", "128 maps, 64")]
    for y, (name, size) in enumerate(rows):
        _box(axes, 0, y, f"{name}\n{size}")
        _box(axes, 2.3, y, "AdaIN", "#f6e7d8")
        _box(
            axes, 4.6, y, ("ResBlock, Conv", "+ ResBlock, Conv", "+ Conv, Conv")[y], colour="white"
        )
        arrow(axes, (0.75, y), (1.55, y))
        arrow(axes, (3.05, y), (3.85, y))
    for y in (0, 1):
        arrow(axes, (0, y + 0.69), (0, y + 0.31))
        arrow(axes, (4.6, y + 0.31), (4.6, y + 0.69))
        axes.text(4.7, y + 0.5, "doubled", va="center", fontsize=8)
    _box(axes, 0, 3, "small photograph\n128", colour="white")
    arrow(axes, (0, 2.69), (0, 2.31))
    _box(axes, 4.6, 3, "Conv, Conv: draft\n128", colour="#f6e7d8")
    arrow(axes, (4.6, 2.31), (4.6, 2.69))
    axes.text(4.7, 2.5, "doubled", va="center", fontsize=8)
    _box(axes, 2.3, 3, "painting's\nmoments", colour="white")
    arrow(axes, (2.3, 2.69), (2.3, 2.31))
    for x, name in ((0, "VGG, frozen"), (4.6, "decoder, trained")):
        axes.text(x, -0.6, name, ha="center", fontsize=9, style="italic")
    axes.set(xlim=(-0.9, 5.7), ylim=(-0.8, 3.4))
    axes.axis("off")
    return show.figure(
        figure,
        alt="The drafting network. On the left VGG takes the small photograph down to the maps "
        "relu2_1, relu3_1 and relu4_1. Each goes through AdaIN with the painting's moments. On the "
        "right the decoder begins at relu4_1, doubles the sides and adds relu3_1, doubles them and "
        "adds relu2_1, doubles them once more and paints the draft.",
    )


def diagram() -> show.Picture:
    """The way of a picture of 512 pixels through a draft and two revisions."""
    with show.style():
        figure, axes = plt.subplots(figsize=(7, 2.6))
    _box(axes, 0, 2, "photograph\n512", colour="white")
    for index, (size, name) in enumerate([("128", "Draft"), ("256", "Rev 1"), ("512", "Rev 2")]):
        x = 2.2 + 2.1 * index
        _box(axes, x, 2, f"{'band' if index else 'small picture'}\n{size}", colour="white")
        _box(axes, x, 1, name)
        _box(axes, x, 0, f"{'painting' if index else 'draft'}\n{size}", colour="#f6e7d8")
        arrow(axes, (x, 1.69), (x, 1.31))
        arrow(axes, (x, 0.69), (x, 0.31))
        if index:
            arrow(axes, (x - 1.35, 0.1), (x - 0.75, 0.1))
            arrow(axes, (x - 1.35, 0.28), (x - 0.75, 0.85))
            axes.text(x - 1.05, -0.22, "doubled", ha="center", fontsize=8)
    arrow(axes, (0.75, 2), (1.45, 2))
    for x in (4.3, 6.4):
        axes.text(x - 1.05, -0.42, "and added", ha="center", fontsize=8)
    axes.set(xlim=(-0.9, 7.3), ylim=(-0.6, 2.4))
    axes.axis("off")
    return show.figure(
        figure,
        alt="LapStyle for a picture of 512 pixels. Its small picture of 128 pixels goes through "
        "the drafting network; the draft, doubled, goes with the next band of the photograph "
        "through the first revision network and is added to what comes out; the same again at 512.",
    )
