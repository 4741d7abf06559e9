"""LapStyle's revision network, which paints one band of detail, and the judge that it learns from.

Taught in the chapter *LapStyle*.

References
----------
T. Lin et al., "Drafting and Revision: Laplacian Pyramid Network for Fast High-Quality Artistic
Style Transfer", CVPR 2021 (arXiv:2104.05376).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.lapstyle.drafting import ResidualBlock
from tutorial_lib.lapstyle.encoder import convolution
from tutorial_lib.lapstyle.pyramid import expand

Upsampling = Literal["bilinear", "nearest"]
"""How the painting so far is doubled for the revision network to see."""


class Revision(nn.Module):
    """Paints one band of detail: half the sides and back, around one residual block.

    References
    ----------
    Lin et al. 2021, Figure 4 and Section 3.2.

    Examples
    --------
    >>> sum(p.numel() for p in Revision().parameters())
    152963
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            convolution(6, 64), nn.ReLU(), convolution(64, 64, stride=2), nn.ReLU()
        )
        self.middle = ResidualBlock(64)
        last = convolution(64, 3)
        # A new network changes nothing.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.get_parameter("bias"))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), convolution(64, 64), nn.ReLU(), last
        )

    def forward(self, residual: Tensor, picture: Tensor) -> Tensor:
        """Paint a band.

        Parameters
        ----------
        residual : Tensor
            (N, 3, H, W), the photograph's band of the Laplacian pyramid; even sides.
        picture : Tensor
            (N, 3, H, W), the painting so far, doubled.

        Returns
        -------
        Tensor
            (N, 3, H, W), the painting's band, to be added to its doubled form.
        """
        return self.up(self.middle(self.down(torch.cat([residual, picture], dim=1))))


class PatchDiscriminator(nn.Module):
    """Is this patch from the style picture? One logit for each place, not one for the picture.

    Five 3 × 3 convolutions see 11 × 11 pixels: enough for a brush stroke, too little to learn the
    one style picture by heart.

    References
    ----------
    Lin et al. 2021, Section 3.2; T. R. Shaham et al., "SinGAN", ICCV 2019 (arXiv:1905.01164).
    """

    def __init__(self, *, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (3, channels, channels, channels):
            layers += [
                nn.Conv2d(inputs, channels, kernel_size=3, padding=1),
                nn.BatchNorm2d(channels),
                nn.LeakyReLU(0.2),
            ]
        self.net = nn.Sequential(*layers, nn.Conv2d(channels, 1, kernel_size=3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """Judge pictures (N, 3, H, W) in [0, 1]; returns logits (N, 1, H, W)."""
        return self.net(picture)


def revise(
    revision: nn.Module, residual: Tensor, picture: Tensor, *, upsampling: Upsampling = "bilinear"
) -> Tensor:
    """Double a painting and add its next band.

    Parameters
    ----------
    revision : nn.Module
        A :class:`Revision`.
    residual : Tensor
        (N, 3, 2H, 2W), the photograph's band.
    picture : Tensor
        (N, 3, H, W), the painting so far.
    upsampling : {"bilinear", "nearest"}
        How the network's input is doubled. The pyramid itself is always bilinear; the published
        code has "nearest" here, which makes the network undo the steps first.

    Returns
    -------
    Tensor
        (N, 3, 2H, 2W).

    References
    ----------
    Lin et al. 2021, Section 3.2.
    """
    size = residual.shape[-2:]
    doubled = expand(picture, size=size, form="bilinear")
    seen = doubled if upsampling == "bilinear" else F.interpolate(picture, size=size)
    dtype = next(revision.parameters()).dtype
    band = in_strips(revision, residual.to(dtype), seen.to(dtype))
    return doubled + band.to(picture.dtype)


def in_strips(
    revision: nn.Module, residual: Tensor, seen: Tensor, *, pixels: int = 2**22
) -> Tensor:
    """Paint a large band strip by strip, so that memory does not grow with the picture.

    The network sees 9 pixels far; strips overlap by 16, and no seam is left.
    """
    height, width = residual.shape[-2:]
    rows = max(16, pixels // width // 2 * 2)
    if height <= rows or torch.is_grad_enabled():
        return revision(residual, seen)
    painted = []
    for top in range(0, height, rows):
        begin, end = max(0, top - 16), min(height, top + rows + 16)
        part = revision(residual[..., begin:end, :], seen[..., begin:end, :])
        painted.append(part[..., top - begin : top - begin + rows, :])
    return torch.cat(painted, dim=-2)
