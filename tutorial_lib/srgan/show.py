"""What only the SRGAN chapter shows: the generator drawn, plans, errors, and a live panel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from tutorial_lib.data import embedded, low_resolution
from tutorial_lib.ledger import Record
from tutorial_lib.metrics import Protocol, psnr, to_y
from tutorial_lib.show.boxes import arrow, box
from tutorial_lib.show.curves import curves, figure
from tutorial_lib.show.grids import grid
from tutorial_lib.show.pictures import Picture
from tutorial_lib.show.sliders import FrameGrid, FrameSlider
from tutorial_lib.show.style import style
from tutorial_lib.show.tables import table
from tutorial_lib.srgan.ablation import file_name

PEERS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "y": (
        ("SRResNet, Ledig 2017", 32.05, 0.9019),
        ("EDSR, Lim 2017", 32.46, 0.8968),
        ("RRDB, Wang 2018", 32.73, 0.9011),
        ("SRGAN, Ledig 2017", 29.40, 0.8472),
    ),
    "rgb": (
        ("SRResNet, MMagic", 30.23, 0.8491),
        ("RRDB, MMagic", 30.64, 0.8559),
        ("SRGAN, MMagic", 27.95, 0.7846),
        ("ESRGAN, MMagic", 28.27, 0.7778),
    ),
}
"""Published PSNR and SSIM on Set5, four times enlarged, four pixels cropped: of Y from the papers
(EDSR's and RRDB's as in ESRGAN's repository), of RGB from MMagic's trainings (OpenMMLab)."""

PARTS = (
    ("9 × 9\nconv\nPReLU", 2.6),
    ("16 residual\nblocks", 6.0),
    ("3 × 3\nconv\nPReLU", 2.6),
    ("× 2", 2.0),
    ("× 2", 2.0),
    ("9 × 9\nconv\ntanh", 2.6),
)
"""The generator from left to right: what a box says, and how wide it is."""

ARTICLE = {
    "photographs": "16,700 of PASCAL VOC 2012",
    "steps": "200 epochs, about 209,000",
    "batch, patch": "16, 96 px",
    "learning rate": "0.0001; SRGAN: ×0.1 every 100,000",
    "weights kept": "the last",
    "weights that learn": "all",
    "D sees": "the whole patch",
    "further losses": "none",
    "precision": "float32",
    "VGG features": "VGG19, φ2,2 (relu2_2)",
}
"""How the article trains; what it does not state is left out."""


def beside_the_published(ours: Mapping[str, Record], channel: Literal["y", "rgb"]) -> Picture:
    """PSNR and SSIM on Set5 of our methods and of published ones, in one protocol.

    Parameters
    ----------
    ours : mapping
        Title → record.
    channel : {"y", "rgb"}
        Which protocol.
    """
    measured = [
        (title, record.metric("set5", f"psnr_{channel}"), record.metric("set5", f"ssim_{channel}"))
        for title, record in ours.items()
    ]
    names = tuple(f"{kind} {channel.upper()}" for kind in ("PSNR", "SSIM"))
    return table(
        [
            {"method": title, names[0]: psnr_, names[1]: ssim_}
            for title, psnr_, ssim_ in (*measured, *PEERS[channel])
        ],
        formats={names[0]: ".2f", names[1]: ".4f"},
    )


def generator_diagram() -> Picture:
    """Draw the generator as a row of boxes under its long skip connection."""
    with style():
        drawn, axes = plt.subplots(figsize=(5.4, 1.9))
    left, edges = 0.0, []
    for label, width in PARTS:
        box(axes, left + width / 2, 0.5, label, size=(width, 1), fontsize=9)
        edges.append((left, left + width))
        left += width + 0.8
    for (_, end), (begin, _) in pairwise(edges):
        arrow(axes, (end, 0.5), (begin, 0.5))
    source, target = edges[0][1] + 0.4, edges[2][1] + 0.4
    axes.plot([source, source, target, target], [0.5, 1.35, 1.35, 0.5], color="#0a66c2")
    axes.text((source + target) / 2, 1.42, "the long skip: added", ha="center", fontsize=9)
    axes.text(-0.3, 0.5, "24 × 24", ha="right", va="center", fontsize=9)
    axes.text(edges[-1][1] + 0.3, 0.5, "96 × 96", ha="left", va="center", fontsize=9)
    axes.set(xlim=(-3.2, edges[-1][1] + 3.2), ylim=(-0.1, 1.8))
    axes.axis("off")
    return figure(
        drawn,
        alt="The generator as a row of boxes: a wide convolution, sixteen residual blocks and a "
        "convolution under one long skip connection, two doublings of the sides, a last "
        "convolution.",
    )


def plan(record: Record) -> dict[str, str]:
    """How a record's network was trained, row by row.

    Parameters
    ----------
    record : Record
        Of SRResNet or SRGAN.

    Returns
    -------
    dict
        Setting → what it was, in words.
    """
    config = record.config
    rate = f"{config['learning_rate']:g}, "
    if config.get("cosine"):
        rate += "cosine to 0"
    elif config.get("falling"):
        rate += f"to 0 over the last {config['falling']:.0%}"
    elif "drop_every" in config:
        rate += f"×0.1 every {config['drop_every']:,}"
    else:
        rate += "constant"
    further = [
        f"{config[key]:g} × {words}"
        for key, words in (("slope_penalty", "D's slope / 2"), ("block", "mean block's error"))
        if config.get(key)
    ]
    asked = "" if record.steps == record.steps_planned else f" of {record.steps_planned:,}"
    return {
        "start": config.get("start") or "random weights",
        "photographs": "400 of BSDS500 (train and test)",
        "steps": f"{record.steps:,}{asked}",
        "batch, patch": f"{config['batch']}, {config['patch']} px",
        "learning rate": rate,
        "weights kept": "mean over the last tenth" if config.get("average") else "the last",
        "weights that learn": f"all but the {config['frozen']}" if config.get("frozen") else "all",
        "D sees": f"{config['window']} px of it" if config.get("window") else "the whole patch",
        "further losses": ", ".join(further) or "none",
        "precision": record.precision,
        "VGG features": record.protocol.get("content loss", "none"),
        "device": record.device,
        "time": f"{record.seconds / 60:.0f} min",
    }


def through_training(records: Mapping[str, Record]) -> FrameSlider:
    """A slider over the squares kept through both trainings, SRResNet's first.

    Parameters
    ----------
    records : mapping
        "srresnet" and "srgan".
    """
    frames, labels = [], []
    for name, title in (("srresnet", "SRResNet"), ("srgan", "SRGAN")):
        curve = records[name].curves["set5_psnr_y"]
        for step, value in zip(curve["step"], curve["value"], strict=True):
            if step < 100:
                continue  # much as at the start, or as SRResNet ended
            frames.append(records[name].artefact(f"step_{int(step):06d}.webp"))
            labels.append(f"{title}, step {int(step):,}: {value:.2f} dB on Set5 (Y)")
    return FrameSlider(
        frames,
        labels=labels,
        alt="A butterfly's wing and a baby's hat as the network makes them,",
        description="training",
        start=-1,
        play=True,
        max_bytes=1_200_000,
    )


def loss_curves(record: Record, *, over: int = 10) -> Picture:
    """The two players' losses through a training, each as the mean of one verdict.

    The discriminator's loss is a sum over two kinds of pictures; half of it, as the generator's, is
    log 2 for a coin.

    Parameters
    ----------
    record : Record
        Of an SRGAN training.
    over : int
        Points of the record's curves that one point here is the mean of; the band is their range.
    """
    series, bands = {}, {}
    for name, loss, share in (
        ("discriminator, half its loss", "discriminator", 0.5),
        ("generator, adversarial loss", "adversarial", 1.0),
    ):
        steps, values = (torch.tensor(record.curves[loss][key]) for key in ("step", "value"))
        whole = len(steps) // over * over
        ends = steps[:whole].view(-1, over)[:, -1]
        per = float(steps[0])  # steps that a point of the record is the mean of
        groups = share * values[:whole].view(-1, over)
        series[name] = (ends.tolist(), groups.mean(1).tolist())
        bands[name] = (groups.amin(1).tolist(), groups.amax(1).tolist())
    return curves(
        series,
        bands=bands,
        references={"a coin: log 2 = 0.69": math.log(2)},
        xlabel=f"step; means over {over * per:,.0f} steps, range of those over {per:,.0f}",
        ylabel="loss for one verdict",
        alt="Losses of the discriminator and of the generator through SRGAN's training, beside "
        "that of a coin.",
    )


def lattice_frames(record: Record) -> FrameGrid:
    """What each training does to smooth skin, step by step, and the spectrum of all smooth squares.

    Parameters
    ----------
    record : Record
        Of the experiment that lets different parts of the generator learn.
    """
    variants = record.config["variants"]
    alone = record.config["judge_first"]  # until then the generator rests
    frames: list[list[Path]] = []
    labels: list[list[str]] = []
    for variant in variants:
        curve = record.curves[f"lattice, {variant}"]
        frames.append([])
        labels.append([])
        for step, value in zip(curve["step"], curve["value"], strict=True):
            if step < alone:
                continue
            frames[-1].append(record.artefact(file_name(variant, f"{int(step):06d}.webp")))
            labels[-1].append(f"{variant}, step {int(step):,}: lattice {value:.3f}")
    return FrameGrid(
        frames,
        labels=labels,
        descriptions=("which learn", "step"),
        start=(0, -1),
        alt="A baby's brow, a baboon's nose, and the spectrum of twelve smooth squares,",
        caption="Left and middle: 48 pixels of skin. Right: how much there is of each frequency, "
        "none in the middle, half a cycle a pixel at the edges. A lattice of period 4 is a bright "
        "dot half-way out.",
    )


def error_frames(picture: Tensor, real: Tensor, *, crops: Sequence[int] = (0, 4, 16)) -> FrameGrid:
    """Errors where a protocol counts them: by channel, and by how much of the border is left out.

    Parameters
    ----------
    picture, real : Tensor
        (1, 3, H, W), range [0, 1].
    crops : sequence of int
        Pixels left out at each edge.
    """
    error = (5 * (picture - real).abs()).clamp(0, 1)
    grey = (5 * (to_y(picture) - to_y(real)).abs()).clamp(0, 1).expand(-1, 3, -1, -1)
    frames: list[list[Tensor]] = []
    labels: list[list[str]] = []
    channels: tuple[tuple[Literal["rgb", "y"], Tensor], ...] = (("rgb", error), ("y", grey))
    for channel, shown in channels:
        frames.append([])
        labels.append([])
        for crop in crops:
            inner = torch.zeros_like(shown)
            inside = slice(crop, shown.shape[-1] - crop)
            inner[..., inside, inside] = shown[..., inside, inside]
            value = psnr(picture, real, protocol=Protocol(channel, crop=crop)).item()
            frames[-1].append(inner)
            labels[-1].append(f"{channel.upper()}, {crop} px cropped: {value:.2f} dB")
    return FrameGrid(
        frames,
        labels=labels,
        descriptions=("channel", "crop"),
        alt="Errors of SRResNet's picture of the astronaut, five times enlarged, where they count.",
        caption="First slider: RGB or Y. Second slider: no border, 4 or 16 pixels left out.",
    )


@torch.no_grad()
def flat_frames(
    methods: Mapping[str, Callable[[Tensor], Tensor]], *, levels: Sequence[float] = (0.2, 0.5, 0.8)
) -> FrameGrid:
    """What each method makes of a picture of one grey, its mean taken away, ten times as strong.

    Parameters
    ----------
    methods : mapping
        As in :class:`EnlargePanel`.
    levels : sequence of float
        The greys, from 0 to 1.
    """
    frames: list[list[Tensor]] = []
    labels: list[list[str]] = []
    for name, method in methods.items():
        frames.append([])
        labels.append([])
        for level in levels:
            # The border, where the networks see its padding, is cut away.
            made = method(torch.full((1, 3, 56, 56), level))[..., 96:128, 96:128]
            rest = made - made.mean((2, 3), keepdim=True)
            frames[-1].append((0.5 + 10 * rest).clamp(0, 1))
            strength = 255 * rest.square().mean().sqrt().item()
            labels[-1].append(f"{name}, grey {level:g}: {strength:.2f} grey levels of pattern")
    return FrameGrid(
        frames,
        labels=labels,
        descriptions=("method", "grey"),
        start=(len(frames) - 1, len(levels) // 2),
        alt="What a method makes of one grey, ten times as strong,",
        caption="32 × 32 pixels. A flat frame is a right answer.",
    )


class EnlargePanel:
    """Any square of a photograph of the wheel, shrunk and enlarged again in several ways.

    Parameters
    ----------
    methods : mapping
        Name → from (1, 3, h, w) to (1, 3, 4h, 4w), range [0, 1].
    side : int
        Of the square, in pixels: a multiple of 4.

    Attributes
    ----------
    widget : Widget
        To be displayed; it answers while there is a kernel.
    """

    def __init__(
        self, methods: Mapping[str, Callable[[Tensor], Tensor]], *, side: int = 128
    ) -> None:
        self.methods, self.side = methods, side
        self.shown = widgets.HTML()
        self.photograph = widgets.Dropdown(
            options=["astronaut", "chelsea", "coffee", "rocket"], description="photograph"
        )
        self.down, self.right = (
            widgets.IntSlider(
                description=name, min=0, max=100, value=value, continuous_update=False
            )
            for name, value in (("down", 10), ("right", 40))
        )
        for control in (self.photograph, self.down, self.right):
            control.observe(self.redraw, "value")
        self.redraw()
        row = widgets.HBox([self.photograph, self.down, self.right])
        self.widget = widgets.VBox([row, self.shown]).add_class("tutorial-live")

    def redraw(self, _: object = None) -> None:
        """Enlarge the chosen square in every way."""
        image = embedded(self.photograph.value)
        height, width = image.shape[-2:]
        top = (height - self.side) * self.down.value // 100
        left = (width - self.side) * self.right.value // 100
        real = image[..., top : top + self.side, left : left + self.side]
        made = enlarge_by(self.methods, real)
        self.shown.value = grid(made, alt="A square of a photograph in four versions.").html


@torch.no_grad()
def enlarge_by(
    methods: Mapping[str, Callable[[Tensor], Tensor]], real: Tensor
) -> dict[str, Tensor]:
    """Shrink a photograph by four, and enlarge it again in every way.

    Parameters
    ----------
    methods : mapping
        As in :class:`EnlargePanel`.
    real : Tensor
        (1, 3, H, W), sides multiples of 4, range [0, 1].

    Returns
    -------
    dict
        Name → (1, 3, H, W), and last the photograph under its own name.
    """
    low = low_resolution(real)
    return {name: method(low) for name, method in methods.items()} | {"photograph": real}
