"""The networks of Deep Image Prior, from noise to one picture.

Taught in the chapter *Deep Image Prior*.

References
----------
D. Ulyanov, A. Vedaldi and V. Lempitsky, "Deep image prior", CVPR 2018.

「ChainerでDeep Image Priorをやってみた」, Chainer Advent Calendar 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
"""Of the leaky rectifiers, in the article and in the paper."""

INPUTS = 32
"""Channels of the fixed noise that a network turns into a picture."""

JPEG_CHANNELS, JPEG_SKIPS = (8, 16, 32, 64, 128), (0, 0, 0, 4, 4)
"""The small network that the paper's authors published for their JPEG example."""


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
                "one number of skip channels for each level: "
                f"got {len(channels)} levels and {len(skips)} numbers"
            )
        self.upsampling = upsampling
        sides = list(pairwise((inputs, *channels)))
        below = (*channels[1:], channels[-1])
        self.down = nn.ModuleList(
            nn.Sequential(
                convolution(i, o, 3, stride=2),
                convolution(o, o, 3),
            )
            for i, o in sides
        )
        self.skip = nn.ModuleList(
            convolution(i, s, 1) if s else nn.Identity()
            for (i, _), s in zip(sides, skips, strict=True)
        )
        self.has_skip = [s > 0 for s in skips]
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(s + b),
                convolution(s + b, o, 3),
                convolution(o, o, 1),
            )
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
        check_size(z, levels=len(self.down), training=self.training)
        maps = [z]
        for down in self.down:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for level in reversed(range(len(maps))):
            x = double(x, like=maps[level], mode=self.upsampling)
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
                convolution(inputs, latent, 3, stride=stride, mirror=False),
                convolution(latent, latent, 3, mirror=False),
            ]

        down, up = (inputs, *(latent,) * 4), (latent, *(latent + 4,) * 4)
        self.down = nn.ModuleList(nn.Sequential(*pair(i, 2)) for i in down)
        self.skip = nn.ModuleList(
            convolution(latent, 4, 3, mirror=False)
            for _ in range(4)  # none at the full size
        )
        levels = [nn.Sequential(nn.BatchNorm2d(i), *pair(i, 1)) for i in up]
        self.up = nn.ModuleList(levels)
        self.colours = nn.Conv2d(latent, 3, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Turn noise of shape (1, inputs, H, W) into a picture (1, 3, H, W), range (0, 1)."""
        check_size(z, levels=len(self.down), training=self.training)
        maps = [z]
        for down in self.down:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for level in range(4, 0, -1):
            x = double(x, like=maps[level], mode="bilinear", corners=True)
            x = torch.cat([x, self.skip[level - 1](maps[level])], dim=1)
            x = self.up[level](x)
        x = double(x, like=z, mode="bilinear", corners=True)
        return self.colours(self.up[0](x)).sigmoid()


class Convolution(nn.Conv2d):
    """A convolution that mirrors the picture at its edges, however small it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps of shape (N, C, H, W)."""
        reach = self.kernel_size[0] // 2
        # A side of one pixel has nothing to mirror.
        mode = "reflect" if min(x.shape[-2:]) > reach else "replicate"
        mirrored = F.pad(x, (reach,) * 4, mode=mode)
        return F.conv2d(mirrored, self.weight, self.bias, stride=self.stride)


def convolution(
    inputs: int, outputs: int, size: int, *, stride: int = 1, mirror: bool = True
) -> nn.Sequential:
    """Convolution, batch normalisation, leaky rectifier.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    size : int
        Of the kernel, in pixels.
    stride : int
        2 halves the sides.
    mirror : bool
        Whether the maps are mirrored at their edges; else zeros lie beyond.

    Returns
    -------
    nn.Sequential
        The three layers.
    """
    layer = (
        Convolution(inputs, outputs, size, stride=stride)
        if mirror and size > 1
        else nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)
    )
    rectifier = nn.LeakyReLU(SLOPE, inplace=True)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), rectifier)


def check_size(z: Tensor, *, levels: int, training: bool) -> None:
    """Refuse what is too small to be fitted by a network of so many levels.

    Parameters
    ----------
    z : Tensor
        What the network is fed, (1, C, H, W).
    levels : int
        How often its sides are halved.
    training : bool
        Whether batch normalisation reads its statistics from the maps.

    Raises
    ------
    ValueError
        In training, if the lowest level would be a single pixel.
    """
    # One pixel has no spread, by which batch normalisation would divide it.
    if training and max(z.shape[-2:]) <= 2**levels:
        raise ValueError(
            f"a picture of {z.shape[-1]}x{z.shape[-2]} pixels is too small for {levels} levels: "
            f"one side must be longer than {2**levels}; enlarge it, or take fewer levels"
        )


def double(
    x: Tensor,
    *,
    like: Tensor,
    mode: str,
    corners: bool | None = None,
) -> Tensor:
    """Double the sides of maps, and cut off what is beyond those of other maps.

    Parameters
    ----------
    x : Tensor
        Shape (N, C, h, w).
    like : Tensor
        Shape (N, any, H, W) with H of 2h or 2h - 1, and W likewise.
    mode : {"bilinear", "nearest"}
        How values between pixels are found.
    corners : bool, optional
        For "bilinear": keep the corners' pixels in place, as Chainer does.

    Returns
    -------
    Tensor
        Shape (N, C, H, W).
    """
    if mode == "bilinear":
        corners = bool(corners)
    x = F.interpolate(x, scale_factor=2, mode=mode, align_corners=corners)
    # The factor changes nothing but the layout of the gradient: a slice of a larger
    # tensor, as concatenation hands it back, takes interpolation ten times as long.
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
