"""Deep Image Prior: restore one picture by fitting an untrained network to it.

Taught in the chapter *Deep Image Prior*.

References
----------
D. Ulyanov, A. Vedaldi and V. Lempitsky, "Deep image prior", CVPR 2018.

「ChainerでDeep Image Priorをやってみた」, Chainer Advent Calendar 2017.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any, Literal

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from tutorial_lib.data import from_uint8, to_uint8
from tutorial_lib.metrics import imresize

SLOPE = 0.2
"""Of the leaky rectifiers, in the article and in the paper."""

INPUTS = 32
"""Channels of the fixed noise that a network turns into a picture."""

JPEG_CHANNELS, JPEG_SKIPS = (8, 16, 32, 64, 128), (0, 0, 0, 4, 4)
"""The small network that the paper's authors published for their JPEG example."""

# ---------------------------------------------------------------------------- networks


class SkipNetwork(nn.Module):
    """The paper's network: an hourglass with thin skip connections.

    Each level halves the sides on the way down and doubles them on the way up. Pictures of any
    size come out as large as they went in: where a side is odd, the level below is one pixel too
    large on its way up, and loses it.

    Parameters
    ----------
    inputs : int
        Channels of the noise.
    channels : sequence of int
        Channels of each level, from the largest maps to the smallest.
    skips : sequence of int
        Channels that pass from a level's input to its output beside the levels below; 0 for none.
    upsampling : {"bilinear", "nearest"}
        How maps are doubled.

    Raises
    ------
    ValueError
        If there is no level, or not one number of skip channels for each.

    References
    ----------
    Ulyanov 2018, section 3 and supplementary material. The default is the setting published for
    denoising: 2,217,831 parameters.

    Examples
    --------
    >>> sum(p.numel() for p in SkipNetwork().parameters())
    2217831
    >>> SkipNetwork()(draw_input((37, 50))).shape
    torch.Size([1, 3, 37, 50])
    """

    def __init__(
        self,
        inputs: int = INPUTS,
        *,
        channels: Sequence[int] = (128,) * 5,
        skips: Sequence[int] = (4,) * 5,
        upsampling: Literal["bilinear", "nearest"] = "bilinear",
    ) -> None:
        super().__init__()
        if not channels or len(channels) != len(skips):
            raise ValueError(
                f"one number of skip channels for each level: got {len(channels)} levels and "
                f"{len(skips)} numbers"
            )
        self.upsampling = upsampling
        sides = list(pairwise((inputs, *channels)))
        below = (*channels[1:], channels[-1])
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(i, o, 3, stride=2), _convolution(o, o, 3)) for i, o in sides
        )
        self.skip = nn.ModuleList(
            _convolution(i, s, 1) if s else nn.Identity()
            for (i, _), s in zip(sides, skips, strict=True)
        )
        self.has_skip = [s > 0 for s in skips]
        self.up = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(s + b), _convolution(s + b, o, 3), _convolution(o, o, 1))
            for s, b, o in zip(skips, below, channels, strict=True)
        )
        self.colours = nn.Conv2d(channels[0], 3, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Turn noise into a picture.

        Parameters
        ----------
        z : Tensor
            Shape (1, inputs, H, W).

        Returns
        -------
        Tensor
            Shape (1, 3, H, W), range (0, 1).

        Raises
        ------
        ValueError
            In training, if the lowest level would be a single pixel.
        """
        _check_size(z, levels=len(self.down), training=self.training)
        maps = [z]
        for down in self.down:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for level in reversed(range(len(maps))):
            x = _double(x, like=maps[level], mode=self.upsampling)
            if self.has_skip[level]:
                x = torch.cat([self.skip[level](maps[level]), x], dim=1)
            x = self.up[level](x)
        return self.colours(x).sigmoid()


class PriorNet(nn.Module):
    """The article's network: five levels down, five up, and four skips.

    Beside the paper's it has no skip at the full size, 3 × 3 convolutions in the skips, two
    3 × 3 convolutions in each level up, zeros beyond the edges, and bilinear doubling that keeps
    the corners in place, as Chainer does.

    Parameters
    ----------
    inputs : int
        Channels of the noise.
    latent : int
        Channels of all levels.

    References
    ----------
    The article's section on the network; 2,884,819 parameters.

    Examples
    --------
    >>> sum(p.numel() for p in PriorNet().parameters())
    2884819
    """

    def __init__(self, inputs: int = INPUTS, *, latent: int = 128) -> None:
        super().__init__()

        def pair(inputs: int, stride: int) -> list[nn.Module]:
            return [
                _convolution(inputs, latent, 3, stride=stride, mirror=False),
                _convolution(latent, latent, 3, mirror=False),
            ]

        self.down = nn.ModuleList(nn.Sequential(*pair(i, 2)) for i in (inputs, *(latent,) * 4))
        self.skip = nn.ModuleList(_convolution(latent, 4, 3, mirror=False) for _ in range(4))
        self.up = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(i), *pair(i, 1)) for i in (latent, *(latent + 4,) * 4)
        )
        self.colours = nn.Conv2d(latent, 3, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Turn noise of shape (1, inputs, H, W) into a picture (1, 3, H, W), range (0, 1)."""
        _check_size(z, levels=len(self.down), training=self.training)
        maps = [z]
        for down in self.down:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for level in range(4, 0, -1):
            x = _double(x, like=maps[level], mode="bilinear", corners=True)
            x = torch.cat([x, self.skip[level - 1](maps[level])], dim=1)
            x = self.up[level](x)
        x = _double(x, like=z, mode="bilinear", corners=True)
        return self.colours(self.up[0](x)).sigmoid()


class Convolution(nn.Conv2d):
    """A convolution that mirrors the picture at its edges, however small it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps of shape (N, C, H, W)."""
        reach = self.kernel_size[0] // 2
        # A side of one pixel has nothing to mirror.
        mode = "reflect" if min(x.shape[-2:]) > reach else "replicate"
        return self._conv_forward(F.pad(x, (reach,) * 4, mode=mode), self.weight, self.bias)


def _convolution(
    inputs: int, outputs: int, size: int, *, stride: int = 1, mirror: bool = True
) -> nn.Sequential:
    """Convolution, batch normalisation, leaky rectifier."""
    layer = (
        Convolution(inputs, outputs, size, stride=stride)
        if mirror and size > 1
        else nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)
    )
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.LeakyReLU(SLOPE, inplace=True))


def _check_size(z: Tensor, *, levels: int, training: bool) -> None:
    # One pixel has no spread, by which batch normalisation would divide it.
    if training and max(z.shape[-2:]) <= 2**levels:
        raise ValueError(
            f"a picture of {z.shape[-1]}x{z.shape[-2]} pixels is too small for {levels} levels: "
            f"one side must be longer than {2**levels}; enlarge it, or take fewer levels"
        )


def _double(x: Tensor, *, like: Tensor, mode: str, corners: bool | None = None) -> Tensor:
    if mode == "bilinear":
        corners = bool(corners)
    x = F.interpolate(x, scale_factor=2, mode=mode, align_corners=corners)
    # The factor changes nothing but the layout of the gradient: a slice of a larger tensor, as
    # concatenation hands it back, takes interpolation ten times as long.
    return 1.0 * x[..., : like.shape[-2], : like.shape[-1]]


def draw_input(
    size: tuple[int, int], *, channels: int = INPUTS, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the fixed noise z, uniform between 0 and 0.1.

    Parameters
    ----------
    size : (int, int)
        Height and width of the picture to be made.
    channels : int
        As many as the network takes.
    generator : torch.Generator, optional
        Source of the randomness, on the CPU.

    Returns
    -------
    Tensor
        Shape (1, channels, H, W).
    """
    return 0.1 * torch.rand(1, channels, *size, generator=generator)


def mesh_input(size: tuple[int, int]) -> Tensor:
    """Coordinates instead of noise, which the paper takes to fill large holes.

    Parameters
    ----------
    size : (int, int)
        Height and width of the picture to be made.

    Returns
    -------
    Tensor
        Shape (1, 2, H, W): column and row, from 0 to 1.
    """
    rows, columns = (torch.linspace(0, 1, side) for side in size)
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))[None]


# ---------------------------------------------------------------------- damaged pictures


def add_noise(image: Tensor, *, sigma: float = 25, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise, and clip to [0, 1] as a picture file would.

    Parameters
    ----------
    image : Tensor
        Shape (N, 3, H, W), range [0, 1].
    sigma : float
        Standard deviation on the scale of 0 to 255.
    generator : torch.Generator
        Source of the randomness, on the CPU.

    Returns
    -------
    Tensor
        Same shape and range.
    """
    noise = torch.randn(image.shape, generator=generator).to(image)
    return (image + sigma / 255 * noise).clamp(0, 1)


def compress_jpeg(image: Tensor, *, quality: int = 20) -> Tensor:
    """Compress one picture as JPEG, in memory, and decode it again.

    Parameters
    ----------
    image : Tensor
        Shape (1, 3, H, W), range [0, 1].
    quality : int
        1 to 100; the article's is 20.

    Returns
    -------
    Tensor
        Same shape and range.
    """
    file = io.BytesIO()
    to_pil_image(to_uint8(image[0]).cpu()).save(file, format="JPEG", quality=quality)
    return from_uint8(pil_to_tensor(Image.open(file)))[None]


def random_mask(
    size: tuple[int, int], *, missing: float = 0.5, generator: torch.Generator
) -> Tensor:
    """Draw a mask that loses each pixel with the same probability.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    missing : float
        Share of lost pixels.
    generator : torch.Generator
        Source of the randomness, on the CPU.

    Returns
    -------
    Tensor
        Shape (1, 1, H, W): 1 where the picture is known, 0 where it is lost.
    """
    return (torch.rand(1, 1, *size, generator=generator) >= missing).float()


def text_mask(size: tuple[int, int], *, text: str = "SAMPLE", rows: int = 4) -> Tensor:
    """Write a word across a picture, again and again, as a trial version does.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    text : str
        The word.
    rows : int
        Lines of text.

    Returns
    -------
    Tensor
        Shape (1, 1, H, W): 1 where the picture is known, 0 under a letter.
    """
    height, width = size
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(8, height // (2 * rows)))
    for row in range(rows):
        line = (f"{text} " * 20)[row % 2 * (len(text) // 2) :]
        draw.text((2, (row + 0.5) * height / rows), line, fill=0, font=font, anchor="lm")
    return (pil_to_tensor(picture)[None] > 127).float()


def two_lights(photograph: Tensor) -> tuple[Tensor, Tensor]:
    """Light one scene twice: dimly and warm from the left, and by a flash from the camera.

    A stand-in for a pair of photographs, made from one. The flash overexposes the middle and leaves
    the corners dark; elsewhere the two differ by a smooth factor.

    Parameters
    ----------
    photograph : Tensor
        Shape (N, 3, H, W), range [0, 1].

    Returns
    -------
    ambient, flash : Tensor
        Same shape and range.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky 2018 (flash and no flash); the two lights are ours.
    """
    height, width = photograph.shape[-2:]
    along = torch.linspace(0, 1, width).to(photograph)
    warm = photograph.new_tensor([0.9, 0.65, 0.4]).view(3, 1, 1)
    ambient = photograph * warm * (1 - 0.6 * along)
    y, x = (torch.linspace(-1, 1, side).to(photograph) for side in (height, width))
    cool = photograph.new_tensor([1.25, 1.35, 1.5]).view(3, 1, 1)
    flash = photograph * cool * torch.exp(-0.7 * (x**2 + y[:, None] ** 2))
    return ambient, flash.clamp(max=1)


# ------------------------------------------------------------------------------- tasks


@dataclass(frozen=True)
class Denoising:
    """The whole picture is there, with noise or with the blocks of JPEG.

    Attributes
    ----------
    observed : Tensor
        The damaged picture, (1, 3, H, W), range [0, 1].

    References
    ----------
    Ulyanov 2018, equation 3.
    """

    observed: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        return self.observed.shape[-2], self.observed.shape[-1]

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference from the damaged picture."""
        return (x - self.observed).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The picture that a network's output stands for: the output."""
        return x


@dataclass(frozen=True)
class SuperResolution:
    """The picture has been shrunk.

    Attributes
    ----------
    observed : Tensor
        The small picture, (1, 3, h, w), range [0, 1].
    scale : int
        How often the sides of the large picture are those of the small one.

    References
    ----------
    Ulyanov 2018, equation 5. The paper shrinks with Lanczos' kernel; here it is MATLAB's bicubic,
    which made the small picture.
    """

    observed: Tensor
    scale: int = 4

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        return self.observed.shape[-2] * self.scale, self.observed.shape[-1] * self.scale

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference from the small picture, once the output is shrunk as well."""
        return (imresize(x, scale=1 / self.scale) - self.observed).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The picture that a network's output stands for: the output."""
        return x


@dataclass(frozen=True)
class Inpainting:
    """Parts of the picture are lost.

    Attributes
    ----------
    observed : Tensor
        The picture, (1, 3, H, W), range [0, 1]; lost pixels may have any value.
    mask : Tensor
        (1, 1, H, W): 1 where the picture is known, 0 where it is lost.

    References
    ----------
    Ulyanov 2018, equation 4.
    """

    observed: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        if self.mask.shape[-2:] != self.observed.shape[-2:]:
            (h, w), (mh, mw) = self.observed.shape[-2:], self.mask.shape[-2:]
            raise ValueError(f"the mask has {mw}x{mh} pixels, the picture {w}x{h}")
        known = self.mask.mean().item()
        if not 0 < known < 1:
            lost = "nothing" if known else "everything"
            raise ValueError(f"by this mask {lost} is lost; 0 (black) marks what is to be filled")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture to be made."""
        return self.observed.shape[-2], self.observed.shape[-1]

    def loss(self, x: Tensor) -> Tensor:
        """Mean squared difference where the picture is known."""
        return ((x - self.observed) * self.mask).square().mean()

    def restored(self, x: Tensor) -> Tensor:
        """The output in the holes, and the picture as it was everywhere else."""
        return self.mask * self.observed + (1 - self.mask) * x


Task = Denoising | SuperResolution | Inpainting

# ----------------------------------------------------------------------------- the fit


@dataclass(frozen=True)
class Settings:
    """How a network is fitted.

    Attributes
    ----------
    jitter : float
        Size of the noise that is added to z anew in each step.
    uniform : bool
        The article's jitter is uniform between 0 and `jitter`; the paper's is Gaussian with this
        standard deviation.
    averaging : float
        Share of the old average that remains in each step; the article does not average.
    jump : float
        Go back when the loss exceeds that of the last good state so many times; the published
        code's 5 dB are a factor of 3.2. Infinity: never. From the second time on, the learning
        rate is halved each time, until there is a new good state.
    """

    jitter: float = 1 / 30
    uniform: bool = False
    averaging: float = 0.99
    jump: float = 10**0.5


LEARNING_RATE = 0.01
"""Of Adam, in the paper's published code."""

KEEP_EVERY = 20
"""Steps between two states worth going back to."""


@dataclass(frozen=True)
class Step:
    """What one step of a fit shows.

    Attributes
    ----------
    step : int
        From 1.
    loss : float
        Of `output`, before the update.
    output, average : Tensor
        Shape (1, 3, H, W), range (0, 1): the network's picture, and the moving average of all.
    went_back : bool
        Whether the loss had jumped, and the last good state was restored instead of a step.
    """

    step: int
    loss: float
    output: Tensor
    average: Tensor
    went_back: bool


class Average(nn.Module):
    """An exponential moving average of pictures; the first one starts it.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    share : float
        What remains of the old average in each step.
    """

    value: Tensor
    seen: Tensor

    def __init__(self, size: tuple[int, int], *, share: float = 0.99) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("value", torch.zeros(1, 3, *size))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, picture: Tensor) -> Tensor:
        """Take one picture in, (1, 3, H, W), and return the new average."""
        first = self.seen == 0
        self.value = torch.where(first, picture, self.value.lerp(picture, 1 - self.share))
        self.seen += 1
        return self.value


class Snapshot:
    """A copy of all that a step changes: weights, and what the optimiser remembers."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: float) -> None:
        self.loss = loss
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.memory = copy.deepcopy(optimizer.state_dict())

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put everything back as it was."""
        network.load_state_dict(self.weights)
        # An optimiser adopts the tensors that it is given, and would change the copy.
        optimizer.load_state_dict(copy.deepcopy(self.memory))


def _scale_rate(optimizer: torch.optim.Optimizer, *, share: float) -> None:
    """Set the learning rate to a share of the one that the optimiser began with."""
    for group in optimizer.param_groups:
        group["lr"] = share * group.setdefault("initial_lr", group["lr"])


def fit(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    task: Task,
    z: Tensor,
    *,
    settings: Settings | None = None,
    average: Average | None = None,
    backward: Callable[[Tensor], Any] = Tensor.backward,
) -> Iterator[Step]:
    """Fit a network to one damaged picture, one step for each value that is asked for.

    Parameters
    ----------
    network : nn.Module
        From z to a picture; its weights are what is fitted.
    optimizer : torch.optim.Optimizer
        Of the network's parameters.
    task : Denoising, SuperResolution or Inpainting
        The damaged picture, and how an output is compared with it.
    z : Tensor
        The fixed noise, shape (1, inputs, H, W) with H and W of `task.size`.
    settings : Settings, optional
        Jitter, averaging and going back.
    average : Average, optional
        To go on from an earlier fit's.
    backward : callable
        Computes gradients from the loss; Fabric's, where Fabric scales it.

    Yields
    ------
    Step
        Loss, output and average. The caller decides when it is enough.

    References
    ----------
    Ulyanov 2018, equation 2.
    """
    settings = settings or Settings()
    average = average or Average(task.size, share=settings.averaging).to(z.device)
    good, returns = Snapshot(network, optimizer, loss=math.inf), 0
    for step in count(1):
        output = network(z + settings.jitter * _noise_like(z, uniform=settings.uniform)).float()
        loss = task.loss(output)
        value = loss.item()
        # Written so that a loss that is not a number is a jump, too.
        jumped = not value <= settings.jump * good.loss
        if jumped:
            good.restore(network, optimizer)
            # The same step from the same state would lead to the same jump, for ever.
            _scale_rate(optimizer, share=0.5**returns)
            returns += 1
        else:
            if step % KEEP_EVERY == 1:
                _scale_rate(optimizer, share=1)
                good, returns = Snapshot(network, optimizer, value), 0
            optimizer.zero_grad()
            backward(loss)
            optimizer.step()
            average.update(output)
        yield Step(step, value, output.detach(), average.value, jumped)


def _noise_like(z: Tensor, *, uniform: bool) -> Tensor:
    noise = torch.empty_like(z)
    # In the order of memory, whatever that is, numbers are drawn several times as fast.
    row = noise.as_strided((noise.numel(),), (1,))
    if uniform:
        row.uniform_()
    else:
        row.normal_()
    return noise
