"""LapStyle's drafting network: the style enters the encoder's maps, and a decoder paints them.

Taught in the chapter *LapStyle*.

References
----------
T. Lin et al., "Drafting and Revision: Laplacian Pyramid Network for Fast High-Quality Artistic
Style Transfer", CVPR 2021 (arXiv:2104.05376). X. Huang and S. Belongie, "Arbitrary Style Transfer
in Real-Time with Adaptive Instance Normalization", ICCV 2017 (arXiv:1703.06868).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.lapstyle.encoder import convolution
from tutorial_lib.lapstyle.losses import Maps, moments

SKIPS = ("relu4_1", "relu3_1", "relu2_1")
"""Layers at which the style enters the decoder, in the order in which it meets them."""

Statistics = Mapping[str, tuple[Tensor, Tensor]]
"""Layer → mean and deviation of a style's channels: all that AdaIN needs to know of a style."""


def adain(content: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Adaptive instance normalisation: give content's channels the style's mean and deviation.

    Parameters
    ----------
    content : Tensor
        (N, C, H, W).
    mean, deviation : Tensor
        (1 or N, C, 1, 1), as from :func:`tutorial_lib.lapstyle.losses.moments`.

    Returns
    -------
    Tensor
        (N, C, H, W), of the type of `content`.

    References
    ----------
    Huang and Belongie 2017, Equation 8.
    """
    own_mean, own_deviation = moments(content)
    factor = deviation / own_deviation
    return (content * factor + (mean - own_mean * factor)).to(content.dtype)


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with a ReLU between, added to their input.

    Parameters
    ----------
    channels : int
        Channels of the input and of the output.

    Notes
    -----
    The second convolution starts at zero, so that a new block is the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = convolution(channels, channels)
        nn.init.zeros_(last.weight)
        self.net = nn.Sequential(convolution(channels, channels), nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return x + self.net(x)


def block(inputs: int, outputs: int) -> nn.Sequential:
    """A convolution and a ReLU, begun so that the signal keeps its size."""
    layer = convolution(inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.ReLU())


class Decoder(nn.Module):
    """The half of the drafting network that learns: from stylised maps to a picture.

    It starts from relu4_1 and doubles the sides three times; on the way it adds relu3_1 and
    relu2_1, as a U-Net does.

    References
    ----------
    Lin et al. 2021, Figure 3 and Section 3.2.

    Examples
    --------
    >>> sum(p.numel() for p in Decoder().parameters())
    7634755
    """

    def __init__(self) -> None:
        super().__init__()
        self.from4 = nn.Sequential(ResidualBlock(512), block(512, 256))
        self.from3 = nn.Sequential(ResidualBlock(256), block(256, 128))
        self.from2 = nn.Sequential(block(128, 128), block(128, 64))
        widest, last = block(64, 64), convolution(64, 3)
        self.to_colour = nn.Sequential(widest, last)
        # A new network paints a faint picture on grey, as the losses of a glaring one explode.
        nn.init.normal_(last.weight, std=1e-3)
        nn.init.constant_(last.get_parameter("bias"), 0.5)

    def forward(self, maps: Maps) -> Tensor:
        """Paint.

        Parameters
        ----------
        maps : mapping of Tensor
            relu4_1 (N, 512, H/8, W/8), relu3_1 (N, 256, H/4, W/4), relu2_1 (N, 128, H/2, W/2).

        Returns
        -------
        Tensor
            (N, 3, H, W), about [0, 1], not clamped.
        """
        x = double_sides(self.from4(maps["relu4_1"])) + maps["relu3_1"]
        x = double_sides(self.from3(x)) + maps["relu2_1"]
        return self.to_colour(double_sides(self.from2(x)))


def double_sides(x: Tensor) -> Tensor:
    """Repeat every pixel of (N, C, H, W) as a block of four."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


@torch.no_grad()
def style_statistics(encoder: nn.Module, style: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Compute what the drafting network needs of a style picture (1, 3, H, W), once for all."""
    maps = encoder(style)
    return {name: moments(maps[name]) for name in SKIPS}


def stylised_maps(content: Maps, style: Statistics, *, strength: float = 1.0) -> dict[str, Tensor]:
    """Let the style into the content's maps, wholly or in part.

    Parameters
    ----------
    content : mapping of Tensor
        Maps of the photographs.
    style : mapping
        From :func:`style_statistics`.
    strength : float
        0 leaves the content's maps, 1 gives the style's moments; between, the maps are blended.

    Returns
    -------
    dict of Tensor
        What the decoder takes.

    Raises
    ------
    ValueError
        If `strength` is outside [0, 1].

    References
    ----------
    Huang and Belongie 2017, Equation 14 (the trade-off).
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie between 0 and 1, got {strength:g}")
    found = {name: adain(content[name], *style[name]) for name in SKIPS}
    if strength == 1:
        return found
    return {name: torch.lerp(content[name], new, strength) for name, new in found.items()}
