"""LapStyle whole: paint a draft at low resolution, then revise it band by band of a pyramid.

Taught in the chapter *LapStyle*. One set of networks knows one style. The drafting network sees
the picture at about 128 pixels and decides what goes where; each revision network doubles the
sides and adds the detail that belongs to its band.

References
----------
T. Lin et al., "Drafting and Revision: Laplacian Pyramid Network for Fast High-Quality Artistic
Style Transfer", CVPR 2021 (arXiv:2104.05376).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.lapstyle.drafting import (
    SKIPS,
    Decoder,
    Statistics,
    style_statistics,
    stylised_maps,
)
from tutorial_lib.lapstyle.encoder import WIDTHS, Encoder
from tutorial_lib.lapstyle.losses import LAYERS
from tutorial_lib.lapstyle.pyramid import laplacian_pyramid
from tutorial_lib.lapstyle.revision import Revision, Upsampling, revise

DRAFT_SIDE = 128
"""Shorter side, in pixels, at which the drafting network was made to work."""

ROUNDING = 1e-3
"""How far a picture may leave [0, 1]: resizing does, by a rounding error."""


def levels_for(height: int, width: int) -> int:
    """How many revisions a picture needs, so that its draft has a shorter side of about 128.

    Examples
    --------
    >>> [levels_for(side, side) for side in (100, 256, 512, 1024)], levels_for(1080, 1920)
    ([0, 1, 2, 3], 3)
    """
    return max(0, round(math.log2(min(height, width) / DRAFT_SIDE)))


class LapStyle(nn.Module):
    """Everything that paints in one style: encoder, decoder, revisions, and what AdaIN knows of it.

    Parameters
    ----------
    encoder : Encoder
        Frozen; shared by all styles, and not among the stored weights.
    revisions : int
        Revision networks that were trained. Larger pictures repeat the last one.

    References
    ----------
    Lin et al. 2021, Figure 2.
    """

    revise = staticmethod(revise)

    def __init__(self, encoder: Encoder, *, revisions: int = 2) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder()
        self.revisions = nn.ModuleList([Revision() for _ in range(revisions)])
        for name, width in zip(LAYERS, WIDTHS, strict=True):
            if name in SKIPS:
                self.register_buffer(f"mean_{name}", torch.zeros(1, width, 1, 1))
                self.register_buffer(f"deviation_{name}", torch.ones(1, width, 1, 1))

    @property
    def style(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The style's statistics, computed once and kept with the weights."""
        return {
            name: (self.get_buffer(f"mean_{name}"), self.get_buffer(f"deviation_{name}"))
            for name in SKIPS
        }

    def learn_style(self, picture: Tensor) -> None:
        """Set the style's statistics from a picture (1, 3, H, W), about 128 pixels high."""
        for name, (mean, deviation) in style_statistics(self.encoder, picture).items():
            self.get_buffer(f"mean_{name}").copy_(mean)
            self.get_buffer(f"deviation_{name}").copy_(deviation)

    def apart(self, image: Tensor, *, levels: int) -> list[Tensor]:
        """Take pictures apart: what each revision is shown, the finest first; then the smallest."""
        return laplacian_pyramid(image, levels=levels, form="bilinear")

    def draft(
        self, image: Tensor, *, style: Statistics | None = None, strength: float = 1.0
    ) -> Tensor:
        """Paint pictures (N, 3, H, W), sides multiples of 8, at their own resolution."""
        maps = self.encoder(image.to(next(self.decoder.parameters()).dtype))
        maps = stylised_maps(maps, style or self.style, strength=strength)
        return self.decoder(maps).to(image.dtype)

    def stages(
        self,
        image: Tensor,
        *,
        levels: int,
        strength: float = 1.0,
        upsampling: Upsampling = "bilinear",
    ) -> list[Tensor]:
        """Paint pictures whose sides are multiples of ``8 · 2**levels``, and keep every stage.

        Returns
        -------
        list of Tensor
            The draft, then each revision, the largest last; not clamped.

        Raises
        ------
        ValueError
            If there are levels, and no revision network.
        """
        if levels and not self.revisions:
            raise ValueError(f"a painter without revision networks has no {levels} levels, only 0")
        *bands, low = self.apart(image, levels=levels)
        found = [self.draft(low, strength=strength)]
        for index, band in enumerate(reversed(bands)):
            network = self.revisions[min(index, len(self.revisions) - 1)]
            found.append(self.revise(network, band, found[-1], upsampling=upsampling))
        return found

    def forward(
        self,
        image: Tensor,
        *,
        levels: int | None = None,
        strength: float = 1.0,
        upsampling: Upsampling = "bilinear",
    ) -> Tensor:
        """Paint pictures of any size.

        Parameters
        ----------
        image : Tensor
            (N, 3, H, W), range [0, 1].
        levels : int, optional
            Revisions; by default as many as :func:`levels_for` says, and none without a trained
            revision network.
        strength : float
            As in :func:`stylised_maps`.
        upsampling : {"bilinear", "nearest"}
            As in :func:`revise`.

        Returns
        -------
        Tensor
            (N, 3, H, W), range [0, 1].

        Raises
        ------
        ValueError
            If `image` is not a batch of RGB pictures, or a value is outside [0, 1] by more than
            rounding or is no number; if `levels` is negative, or positive without a revision
            network; if `strength` is outside [0, 1].
        """
        if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape:
            raise ValueError(f"expected pictures of shape (N, 3, H, W), got {tuple(image.shape)}")
        least, most = (x.item() for x in image.aminmax())
        if not (least >= -ROUNDING and most <= 1 + ROUNDING):
            raise ValueError(f"expected pictures in [0, 1], got {least:g} to {most:g}")
        height, width = image.shape[-2:]
        if levels is None:
            levels = levels_for(height, width) if self.revisions else 0
        elif levels < 0:
            raise ValueError(f"levels must be 0 or more, got {levels}")
        padded = pad_to_multiple(image, 8 * 2**levels, least=16 * 2**levels)
        painted = self.stages(padded, levels=levels, strength=strength, upsampling=upsampling)[-1]
        return painted[..., :height, :width].clamp(0, 1)


def pad_to_multiple(image: Tensor, multiple: int, *, least: int) -> Tensor:
    """Repeat the last row and column until both sides are multiples, and not too small.

    Examples
    --------
    >>> pad_to_multiple(torch.zeros(1, 3, 5, 33), 16, least=32).shape
    torch.Size([1, 3, 32, 48])
    """
    down, right = (max(least, -(-side // multiple) * multiple) - side for side in image.shape[-2:])
    return F.pad(image, (0, right, 0, down), mode="replicate") if down or right else image
