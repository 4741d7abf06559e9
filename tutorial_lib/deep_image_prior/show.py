"""A picture being restored while the reader watches; paths through the space of pictures; spectra.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

import asyncio
import base64
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from tutorial_lib.data import (
    EMBEDDED,
    add_noise,
    compress_jpeg,
    embedded,
    random_mask,
    read_image,
    text_mask,
)
from tutorial_lib.deep_image_prior.early_stopping import error_plane
from tutorial_lib.deep_image_prior.fit import Step
from tutorial_lib.deep_image_prior.fitting import restore
from tutorial_lib.deep_image_prior.networks import PriorNet, SkipNetwork
from tutorial_lib.deep_image_prior.scores import decibels
from tutorial_lib.deep_image_prior.tasks import Denoising, Inpainting, SuperResolution, Task
from tutorial_lib.metrics import imresize
from tutorial_lib.show.boxes import arrow, box
from tutorial_lib.show.curves import figure
from tutorial_lib.show.pictures import Picture, encode
from tutorial_lib.show.style import style

DAMAGES: dict[str, Callable[[Tensor], Task]] = {
    "noise, σ = 25": lambda image: Denoising(add_noise(image, generator=_fixed())),
    "noise, σ = 50": lambda image: Denoising(add_noise(image, sigma=50, generator=_fixed())),
    "JPEG, quality 20": lambda image: Denoising(compress_jpeg(image, quality=20)),
    "half of the pixels lost": lambda image: Inpainting(
        image, random_mask((image.shape[-2], image.shape[-1]), generator=_fixed())
    ),
    "a word written over it": lambda image: Inpainting(
        image, text_mask((image.shape[-2], image.shape[-1]))
    ),
    "a quarter of the size": lambda image: SuperResolution(
        imresize(image, scale=1 / 4).clamp(0, 1), 4
    ),
    "none: it is damaged already": Denoising,
}
"""What can be done to a picture, by name."""

_ALT = "The damaged picture, the network's output, and the average of its outputs."


def two_paths(outputs: Sequence[Tensor], *, truth: Tensor, observed: Tensor, alt: str) -> Picture:
    """Draw a fit's way to the damaged picture, and the straight way of changing pixels.

    Parameters
    ----------
    outputs : sequence of Tensor
        The network's picture after each step, (1, 3, H, W).
    truth, observed : Tensor
        The true picture and the damaged one, of that shape.
    alt : str
        What there is to see.

    Returns
    -------
    Picture
        In the plane of :func:`tutorial_lib.deep_image_prior.early_stopping.error_plane`, with
        circles of equal PSNR.
    """
    path = [error_plane(output, truth=truth, observed=observed) for output in outputs]
    shares = torch.linspace(0, 1, 20).tolist()
    pixels = (outputs[0].lerp(observed, share) for share in shares)
    straight = [error_plane(made, truth=truth, observed=observed) for made in pixels]
    size = (observed - truth).square().mean().sqrt().item()

    with style():
        drawing, axes = plt.subplots(figsize=(4.8, 6.0))
    for level in (14, 18, 20, 22, 24):
        radius = 10 ** (-level / 20) / size
        axes.add_patch(plt.Circle((0, 0), radius, fill=False, color="#bbbbbb"))
        axes.annotate(f"{level} dB", (0.8 * radius, 0.6 * radius), color="#666666", fontsize=9)
    axes.plot(*zip(*straight, strict=True), "--", label="changing pixels")
    axes.plot(*zip(*path[::3], strict=True), label="changing weights", linewidth=1.5)
    axes.plot(0, 0, "k*", markersize=14, label="the true face")
    axes.plot(1, 0, "kx", markersize=10, markeredgewidth=2, label="the noisy face")
    for step in (10, 50, 100, 500):
        if step <= len(path):
            axes.annotate(
                f"step {step}",
                path[step - 1],
                fontsize=9,
                xytext=(7, 4),
                textcoords="offset points",
            )
    # Both ways begin far from either face, and their start belongs in the frame.
    axes.plot(*path[0], "o", color="#24292f", markersize=6)
    axes.annotate(
        "both start", path[0], fontsize=9, xytext=(-8, 0), textcoords="offset points", ha="right"
    )
    top = max(1.35, 1.08 * path[0][1])
    right = max(1.15, path[0][0] + 0.15)
    axes.set(xlim=(min(-0.1, path[0][0] - 0.4), right), ylim=(-0.05, top), aspect="equal")
    axes.set(
        xlabel="share of the noise in the picture", ylabel="other error, in units of the noise"
    )
    axes.legend(loc="upper right", fontsize=9)
    return figure(drawing, alt=alt)


def with_spectrum(image: Tensor) -> Tensor:
    """A picture, its contrast stretched, above its spectrum: (1, 3, 2H, W)."""
    return torch.cat([stretched(image), spectrum(image)], dim=-2)


def mosaic(pictures: Sequence[Tensor], *, columns: int = 3, side: int = 128) -> Tensor:
    """The middle squares of several pictures as one picture, row by row.

    Parameters
    ----------
    pictures : sequence of Tensor
        Shape (1, 3, H, W) each, both sides at least `side`; a multiple of `columns`.
    columns : int
        Squares in a row.
    side : int
        Of a square, in pixels.

    Returns
    -------
    Tensor
        Shape (1, 3, rows × side, columns × side).
    """
    squares = []
    for image in pictures:
        top, left = ((length - side) // 2 for length in image.shape[-2:])
        squares.append(image[..., top : top + side, left : left + side])
    starts = range(0, len(squares), columns)
    return torch.cat([torch.cat(squares[k : k + columns], dim=-1) for k in starts], dim=-2)


_box = partial(box, size=(1.8, 0.6), fontsize=10)


def diagram(network: SkipNetwork | PriorNet, *, size: int = 256) -> Picture:
    """Draw a network as an hourglass; what each box says is watched, not planned.

    Noise goes in at the top left. Down the left side the maps get smaller, up the right side they
    get larger again, and thin arrows across are the skips with their channels.

    Parameters
    ----------
    network : SkipNetwork or PriorNet
        Whose maps are watched while noise of `size` pixels goes through.
    size : int
        Side of the noise, a multiple of 32.
    """
    seen: dict[str, tuple[int, int]] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _, __, maps: seen.update({name: (maps.shape[1], maps.shape[-1])})

    parts = {"down": network.down, "up": network.up, "skip": network.skip}
    hooks = [
        part.register_forward_hook(watch(f"{kind}{level}"))
        for kind, several in parts.items()
        for level, part in enumerate(several)
        if not isinstance(part, nn.Identity)
    ]
    inputs = next(m for m in network.modules() if isinstance(m, nn.Conv2d)).in_channels
    with torch.no_grad():
        network(torch.zeros(1, inputs, size, size))
    for hook in hooks:
        hook.remove()
    levels = len(network.down)
    # The article's network has no skip at the full size; the first of its four is one level below.
    offset = levels - len(network.skip)
    with style():
        drawing, axes = plt.subplots(figsize=(6.2, 0.62 * levels + 1.3))
    for level in range(levels + 1):
        y = float(-level)
        left = (inputs, size) if level == 0 else seen[f"down{level - 1}"]
        _box(axes, 0, y, _maps("z: " if level == 0 else "", left))
        if level == levels:
            continue
        _box(axes, 4, y, _maps("", seen[f"up{level}"]))
        arrow(axes, (0, y - 0.3), (0, y - 0.7))
        last = level == levels - 1
        arrow(axes, (0.9, y - 1) if last else (4, y - 0.7), (4, y - 0.3))
        skip = seen.get(f"skip{level - offset}")
        if skip:
            arrow(axes, (0.9, y), (3.1, y))
            axes.text(2, y + 0.08, f"skip, {skip[0]}", ha="center", fontsize=9)
    _box(axes, 6.6, 0, _maps("x: ", (3, size)), "#fff4d6")
    arrow(axes, (4.9, 0), (5.7, 0))
    axes.set(xlim=(-1.1, 7.7), ylim=(-levels - 0.5, 0.6))
    axes.axis("off")
    across = sum(name.startswith("skip") for name in seen)
    return figure(
        drawing,
        alt=f"An hourglass of {levels} levels: maps halved in size from {size} pixels down to "
        f"{size // 2**levels}, and doubled again, with {across} thin skips across.",
    )


def _maps(name: str, maps: tuple[int, int]) -> str:
    channels, side = maps
    return f"{name}{channels} × {side} px"


def stretched(image: Tensor) -> Tensor:
    """A picture with its contrast stretched to [0, 1], but for the outermost percents."""
    low, high = image.quantile(0.01), image.quantile(0.99)
    return ((image - low) / (high - low)).clamp(0, 1)


def spectrum(image: Tensor) -> Tensor:
    """Logarithm of a picture's power by frequency, (1, 3, H, W) in [0, 1].

    In the middle are slow changes over the picture, at the rim the finest grain.
    """
    wave = torch.fft.fftshift(torch.fft.fft2(image - image.mean((-2, -1), keepdim=True)))
    power = (wave.abs().square().mean(1, keepdim=True) + 1e-9).log10()
    low, high = power.quantile(0.02), power.max()
    return ((power - low) / (high - low)).clamp(0, 1).expand(-1, 3, -1, -1)


def _fixed() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class RestorePanel:
    """A picture to damage and to restore: needs a kernel.

    Parameters
    ----------
    side : int
        The longer side of the picture, to which it is shrunk; at least 36.
    steps : int
        Where the progress bar ends.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Choices, buttons, progress bar and pictures.
    result : Tensor or None
        The restored picture so far, (1, 3, H, W), which the stop button keeps.
    """

    def __init__(self, *, side: int = 128, steps: int = 1_000) -> None:
        self.side, self.steps = side, steps
        self.result: Tensor | None = None
        wide = widgets.Layout(width="100%", max_width="620px")
        names = {"description_width": "6em"}
        photographs = sorted(set(EMBEDDED) - {"cat"})
        self.picture = widgets.Dropdown(
            options=photographs, value="astronaut", description="picture", style=names, layout=wide
        )
        self.upload = widgets.FileUpload(accept="image/*", description="or your own")
        self.damage = widgets.Dropdown(
            options=list(DAMAGES), description="damage", style=names, layout=wide
        )
        self.network = widgets.Dropdown(
            options=["small and fast", "the paper's"],
            description="network",
            style=names,
            layout=wide,
        )
        self.start = widgets.Button(description="restore", layout=widgets.Layout(width="auto"))
        self.stop = widgets.Button(
            description="stop, keep this", layout=widgets.Layout(width="auto"), disabled=True
        )
        self.bar = widgets.IntProgress(0, min=0, max=steps, layout=wide)
        self.image, self.status = widgets.HTML(layout=wide), widgets.HTML()
        self._task: asyncio.Task[None] | None = None

        self.start.on_click(lambda _: self._begin())
        self.stop.on_click(lambda _: self._end())
        for control in (self.picture, self.damage, self.network, self.upload):
            control.observe(lambda _: self._prepare(), "value")
        self._prepare()
        self.widget = widgets.VBox(
            [
                self.picture,
                self.upload,
                self.damage,
                self.network,
                widgets.HBox([self.start, self.stop]),
                self.bar,
                self.status,
                self.image,
            ]
        ).add_class("tutorial-live")

    def _original(self) -> Tensor:
        if self.upload.value:
            image = read_image(io.BytesIO(bytes(self.upload.value[0]["content"])))
        else:
            image = embedded(self.picture.value)
        scale = min(1.0, self.side / max(image.shape[-2:]))
        height, width = (max(4, int(scale * side) // 4 * 4) for side in image.shape[-2:])
        return imresize(image, size=(height, width)).clamp(0, 1)

    def _prepare(self) -> None:
        """Damage the chosen picture, and forget the former fit."""
        self._end()
        try:
            self.truth = self._original()
        except ValueError as error:
            self.status.value = escape(str(error))
            return
        self.task = DAMAGES[self.damage.value](self.truth)
        self.fit: Iterator[Step] | None = None
        self.result, self.bar.value = None, 0
        self.status.value = f"damaged: {self._score(self._damaged())}"
        self._draw(self._damaged())

    def _damaged(self) -> Tensor:
        """What there is to see of the damaged picture, at the size of the true one."""
        seen = self.task.damaged
        if seen.shape == self.truth.shape:
            return seen
        return imresize(seen, size=self.task.size, kernel="bilinear")

    def _score(self, image: Tensor) -> str:
        if self.damage.value.startswith("none"):
            return "the true picture is not known"
        return f"{decibels(image, self.truth):.2f} dB"

    def _draw(self, *pictures: Tensor) -> None:
        row = torch.cat([p.clamp(0, 1) for p in pictures], dim=-1)
        data = base64.b64encode(encode(row)).decode()
        height, width = row.shape[-2:]
        # Whole multiples leave the pixels as they are.
        factor = max(1, math.floor(620 / width))
        self.image.value = (
            f'<img alt="{escape(_ALT)}" width="{factor * width}" height="{factor * height}" '
            'decoding="sync" style="max-width:100%;height:auto;image-rendering:pixelated" '
            f'src="data:image/webp;base64,{data}">'
        )

    def _begin(self) -> None:
        if self._task is None:
            self.start.disabled, self.stop.disabled = True, False
            self._task = asyncio.get_event_loop().create_task(self._run())

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.start.disabled, self.stop.disabled = False, True

    def _network(self) -> nn.Module:
        if self.network.value == "the paper's":
            return SkipNetwork()
        return SkipNetwork(channels=(32,) * 4, skips=(4,) * 4, upsampling="nearest")

    def advance(self, seconds: float) -> Step:
        """Fit for about so long, at least one step, and keep the average as the result."""
        if self.fit is None:
            torch.manual_seed(0)
            self.fit = restore(self.task, network=self._network())
        end = time.perf_counter() + seconds
        while True:
            now = next(self.fit)
            if time.perf_counter() >= end or now.step >= self.steps:
                break
        self.result = self.task.restored(now.average.cpu())
        return now

    async def _run(self) -> None:
        while True:
            began, before = time.perf_counter(), self.bar.value
            now = self.advance(0.4)
            assert self.result is not None
            output = self.task.restored(now.output.cpu())
            speed = (now.step - before) / (time.perf_counter() - began)
            self.bar.value = now.step
            self.status.value = (
                f"step {now.step}: output {self._score(output)}, average "
                f"{self._score(self.result)}, {speed:.0f} steps/s"
            )
            self._draw(self._damaged(), output, self.result)
            if now.step >= self.steps:
                self.start.disabled, self.stop.disabled = False, True
                self._task = None
                return
            await asyncio.sleep(0.01)

    def _repr_mimebundle_(self, **options: object) -> dict[str, object]:
        return self.widget._repr_mimebundle_(**options)
