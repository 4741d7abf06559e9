"""LapStyle: paint a draft at low resolution, then revise it band by band of a Laplacian pyramid.

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
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.lapstyle.losses import LAYERS, Maps, moments
from tutorial_lib.lapstyle.pyramid import expand, laplacian_pyramid
from tutorial_lib.vgg import Vgg

DRAFT_SIDE = 128
"""Shorter side, in pixels, at which the drafting network was made to work."""

SKIPS = ("relu4_1", "relu3_1", "relu2_1")
"""Layers at which the style enters the decoder, in the order in which it meets them."""

_WIDTHS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3), "vgg19": (2, 2, 4, 4)}

Upsampling = Literal["bilinear", "nearest"]


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    """3 × 3, the border mirrored, so that no dark frame is painted."""
    return nn.Conv2d(
        inputs, outputs, kernel_size=3, stride=stride, padding=1, padding_mode="reflect"
    )


# ---------------------------------------------------------------------------- encoder


class Encoder(nn.Module):
    """VGG's convolutions up to the first of a block, frozen; pictures are mirrored at the border.

    Parameters
    ----------
    backbone : {"vgg16", "vgg19"}
        How many convolutions a block has.
    blocks : int
        4 gives relu1_1 … relu4_1, which the drafting network reads; 5 adds relu5_1 for the losses.

    Notes
    -----
    The input's range is folded into the first convolution: it takes pictures in [0, 1].

    References
    ----------
    Lin et al. 2021, Section 3.2; K. Simonyan and A. Zisserman 2015.
    """

    def __init__(self, *, backbone: Literal["vgg16", "vgg19"] = "vgg16", blocks: int = 4) -> None:
        super().__init__()
        self.backbone = backbone
        self.stages = nn.ModuleList([nn.Sequential(_convolution(3, 64), nn.ReLU())])
        for block in range(blocks - 1):
            width, wider = _WIDTHS[block : block + 2]
            layers: list[nn.Module] = []
            for _ in range(_CONVOLUTIONS[backbone][block] - 1):
                layers += [_convolution(width, width), nn.ReLU()]
            layers += [nn.MaxPool2d(2), _convolution(width, wider), nn.ReLU()]
            self.stages.append(nn.Sequential(*layers))
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Compute the maps of pictures (N, 3, H, W) in [0, 1], sides of at least 16.

        Returns
        -------
        dict of Tensor
            Layer → (N, C, H', W'), non-negative, relu1_1 first.
        """
        found, x = {}, image
        for name, stage in zip(LAYERS, self.stages, strict=False):
            x = stage(x)
            found[name] = x
        return found

    def first(self, blocks: int) -> Encoder:
        """An encoder of the first so many blocks, with the same weights, not copied."""
        shallow = Encoder(backbone=self.backbone, blocks=blocks)
        shallow.stages = self.stages[:blocks]
        return shallow

    @classmethod
    def from_vgg(cls, vgg: Vgg) -> Encoder:
        """Take the weights of a loaded VGG network, as far as it goes.

        Parameters
        ----------
        vgg : Vgg
            Loaded up to ``"relu4_1"`` or ``"relu5_1"``.
        """
        theirs = [m for m in vgg.net.values() if isinstance(m, nn.Conv2d)]
        encoder = cls(backbone=vgg.backbone, blocks=int(vgg.layers[-1][4]))
        ours = _convolutions(encoder)
        with torch.no_grad():
            for mine, other in zip(ours, theirs, strict=True):
                mine.weight.copy_(other.weight)
                _bias(mine).copy_(_bias(other))
            # Exact even at the border, because mirrored pixels are pixels; zeros would not be.
            _bias(ours[0]).sub_((ours[0].weight * vgg.factor * vgg.mean).sum((1, 2, 3)))
            ours[0].weight.mul_(vgg.factor)
        return encoder


def _convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def _bias(convolution: nn.Conv2d) -> Tensor:
    if convolution.bias is None:
        raise ValueError("this network's convolutions have no biases")
    return convolution.bias


@torch.no_grad()
def normalise_encoder(encoder: Encoder, photographs: Tensor) -> None:
    """Rescale every channel, in place, so that it averages 1 over some photographs.

    What the network tells apart stays the same, because ReLU and pooling commute with positive
    factors, and the next layer takes them back. But layers and channels become comparable: raw
    VGG16 answers by hundreds in one layer and by units in another.

    Parameters
    ----------
    encoder : Encoder
        Changed in place.
    photographs : Tensor
        (N, 3, H, W), range [0, 1]: typical pictures.

    References
    ----------
    L. Gatys et al., "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016,
    Section 2.
    """
    x = photographs
    before: Tensor | None = None
    for layer in (m for m in encoder.modules() if not list(m.children())):
        if isinstance(layer, nn.Conv2d):
            if before is not None:
                layer.weight.mul_(before.view(1, -1, 1, 1))
            answer = layer(x).relu().mean((0, 2, 3))
            # A channel that hardly ever answers is not blown up.
            before = answer.clamp(min=0.05 * answer.mean().item())
            layer.weight.div_(before.view(-1, 1, 1, 1))
            _bias(layer).div_(before)
        x = layer(x)


# --------------------------------------------------------------------- drafting network


def adain(content: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Adaptive instance normalisation: give content's channels the style's mean and deviation.

    Parameters
    ----------
    content : Tensor
        (N, C, H, W).
    mean, deviation : Tensor
        (1 or N, C, 1, 1), as from :func:`tutorial_lib.lapstyle.networks.losses.moments`.

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
        last = _convolution(channels, channels)
        nn.init.zeros_(last.weight)
        self.net = nn.Sequential(_convolution(channels, channels), nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels, H, W) to the same shape."""
        return x + self.net(x)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    convolution = _convolution(inputs, outputs)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.ReLU())


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
        self.from4 = nn.Sequential(ResidualBlock(512), _block(512, 256))
        self.from3 = nn.Sequential(ResidualBlock(256), _block(256, 128))
        self.from2 = nn.Sequential(_block(128, 128), _block(128, 64))
        self.to_colour = nn.Sequential(_block(64, 64), _convolution(64, 3))
        # A new network paints a faint picture on grey, as the losses of a glaring one explode.
        last = _convolutions(self)[-1]
        nn.init.normal_(last.weight, std=1e-3)
        nn.init.constant_(_bias(last), 0.5)

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
        x = _double(self.from4(maps["relu4_1"])) + maps["relu3_1"]
        x = _double(self.from3(x)) + maps["relu2_1"]
        return self.to_colour(_double(self.from2(x)))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


Statistics = Mapping[str, tuple[Tensor, Tensor]]
"""Layer → mean and deviation of a style's channels: all that AdaIN needs to know of a style."""


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

    References
    ----------
    Huang and Belongie 2017, Equation 14 (the trade-off).
    """
    found = {name: adain(content[name], *style[name]) for name in SKIPS}
    if strength == 1:
        return found
    return {name: torch.lerp(content[name], new, strength) for name, new in found.items()}


# --------------------------------------------------------------------- revision network


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
            _convolution(6, 64), nn.ReLU(), _convolution(64, 64, stride=2), nn.ReLU()
        )
        self.middle = ResidualBlock(64)
        last = _convolution(64, 3)
        # A new network changes nothing.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(_bias(last))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), _convolution(64, 64), nn.ReLU(), last
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
    band = _in_strips(revision, residual.to(dtype), seen.to(dtype))
    return doubled + band.to(picture.dtype)


def _in_strips(
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


# -------------------------------------------------------------------- the whole painter


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

    def __init__(self, encoder: Encoder, *, revisions: int = 2) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = Decoder()
        self.revisions = nn.ModuleList([Revision() for _ in range(revisions)])
        for name, width in zip(LAYERS, _WIDTHS, strict=True):
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
        """
        *bands, low = laplacian_pyramid(image, levels=levels, form="bilinear")
        found = [self.draft(low, strength=strength)]
        for index, band in enumerate(reversed(bands)):
            revision = self.revisions[min(index, len(self.revisions) - 1)]
            found.append(revise(revision, band, found[-1], upsampling=upsampling))
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
            If `image` is not a batch of RGB pictures.
        """
        if image.ndim != 4 or image.shape[1] != 3 or 0 in image.shape:
            raise ValueError(f"expected pictures of shape (N, 3, H, W), got {tuple(image.shape)}")
        height, width = image.shape[-2:]
        if levels is None:
            levels = levels_for(height, width) if self.revisions else 0
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
