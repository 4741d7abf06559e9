"""Coarse-to-fine generators: a U-Net each of whose octaves can answer.

Taught in the chapter *Coarse to fine*. One network has two switches, which make it the mirrored
article's coarse-to-fine model, the same without skip connections, and a plain U-Net.

References
----------
T.-C. Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs" (pix2pixHD), CVPR 2018 (arXiv:1711.11585).
O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015 (arXiv:1505.04597).
P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (pix2pix), CVPR
2017 (arXiv:1611.07004).
T. Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR
2018 (arXiv:1710.10196).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 8
"""Side of the pictures of the first stage, in pixels."""


def sizes(top: int) -> tuple[int, ...]:
    """Sides of the pictures, stage by stage: octaves from 8 pixels to the top.

    Parameters
    ----------
    top : int
        Side of the last stage's pictures, in pixels: 8, 16, 32, …

    Returns
    -------
    tuple of int
        One side a stage.

    Raises
    ------
    ValueError
        If `top` is not 8 times a power of two.

    Examples
    --------
    >>> sizes(64), len(sizes(256))
    ((8, 16, 32, 64), 6)
    """
    octaves = (top // SMALLEST).bit_length() - 1
    if top < SMALLEST or top != SMALLEST << octaves:
        raise ValueError(f"the top must be 8, 16, 32, … pixels: got {top}")
    return tuple(SMALLEST << octave for octave in range(octaves + 1))


NORMS = ("batch", "instance")
"""What may follow a convolution: the statistics of a batch, or each picture's own."""


def normed(convolution: nn.Module, channels: int, *, norm: str = "batch") -> nn.Sequential:
    """A convolution to so many channels, and after it one of :data:`NORMS`, scaled and shifted."""
    if norm == "instance":
        return nn.Sequential(convolution, nn.InstanceNorm2d(channels, affine=True))
    return nn.Sequential(convolution, nn.BatchNorm2d(channels))


class Level(nn.Module):
    """All that a stage adds to the network: one octave of the U, down on its left, up on its right.

    Parameters
    ----------
    channels : int
        Feature maps at this size, C.
    coarser : int or None
        Feature maps of the level below; None at the bottom.
    reads : bool
        Whether this level is shown the picture at its own size.
    skips : bool
        Whether the way up is shown the features of the way down.
    norm : str
        One of :data:`NORMS`.

    References
    ----------
    Ronneberger et al. 2015, Figure 1: one row of it, with a single convolution on each side.
    """

    def __init__(
        self, channels: int, *, coarser: int | None, reads: bool, skips: bool, norm: str = "batch"
    ) -> None:
        super().__init__()
        self.skips = skips
        self.stem = self.down = self.up = None
        if reads:
            self.stem = normed(
                nn.Conv2d(3, channels, 3, padding=1, bias=False), channels, norm=norm
            )
        incoming = channels
        if coarser is not None:
            self.down = normed(
                nn.Conv2d(channels, coarser, 4, stride=2, padding=1, bias=False), coarser, norm=norm
            )
            self.up = nn.ConvTranspose2d(coarser, channels, 2, stride=2)
            incoming = 2 * channels if skips else channels
        self.join = normed(
            nn.Conv2d(incoming, channels, 3, padding=1, bias=False), channels, norm=norm
        )
        self.head = nn.Conv2d(channels, 3, 3, padding=1)

    def encode(self, picture: Tensor, carried: Tensor | None) -> Tensor:
        """Add what the picture (N, 3, h, w) shows to what the level above carried (N, C, h, w)."""
        found = carried
        if self.stem is not None:
            seen = self.stem(picture)
            found = seen if carried is None else seen + carried
        assert found is not None
        return found.relu()

    def decode(self, features: Tensor, coarse: Tensor | None) -> Tensor:
        """Refine what the level below made, (N, C', h/2, w/2), by this level's own features."""
        if coarse is None or self.up is None:
            return self.join(features).relu()
        larger = self.up(coarse)
        return self.join(torch.cat([larger, features], dim=1) if self.skips else larger).relu()


class CoarseToFine(nn.Module):
    """A U-Net that reads its picture at every size, and can answer at any of them.

    Stage k is the network of the levels 1 to k, from 8 pixels up to 8 · 2^(k − 1). The levels above
    take no part in it, and cost nothing. Only the last stage's answer is at full size.

    Parameters
    ----------
    top : int
        Side of the last stage's pictures: 8, 16, 32, …
    width : int
        Feature maps at the top; each level below has twice as many,
    widest : int
        but no more than this.
    every_input : bool
        Whether every level reads the picture at its own size. If not, only the top does: with
        `skips`, that is a plain U-Net.
    skips : bool
        Whether the features of the way down are joined on the way up. If not, the network is an
        auto-encoder.
    norm : str
        One of :data:`NORMS`.

    Raises
    ------
    ValueError
        If `top` is none of the sizes, or there is no such norm; in ``forward``, if there is no such
        stage, or the picture's sides do not halve as often as the stage asks.

    References
    ----------
    Wang et al. 2018, Figure 3, for the idea; there two generators are nested, and each reads the
    picture at its own size.

    Examples
    --------
    >>> network = CoarseToFine(top=64, width=8)
    >>> network(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 3, 64, 64])
    >>> network(torch.zeros(1, 3, 16, 16), stage=2).shape
    torch.Size([1, 3, 16, 16])
    """

    def __init__(
        self,
        *,
        top: int = 64,
        width: int = 16,
        widest: int = 128,
        every_input: bool = True,
        skips: bool = True,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ValueError(f"norm is one of {', '.join(NORMS)}: got {norm!r}")
        self.sizes = sizes(top)
        self.every_input = every_input
        stages = len(self.sizes)
        channels = [min(width << (stages - 1 - k), widest) for k in range(stages)]
        self.levels = nn.ModuleList(
            Level(
                channels[k],
                coarser=channels[k - 1] if k else None,
                reads=every_input or k == stages - 1,
                skips=skips,
                norm=norm,
            )
            for k in range(stages)
        )

    def forward(self, picture: Tensor, *, stage: int | None = None, fade: float = 1.0) -> Tensor:
        """Answer at the size of the picture.

        Parameters
        ----------
        picture : Tensor
            (N, 3, H, W), range [0, 1]; H and W are multiples of 2^(stage − 1). The smaller ones
            that the levels below read are its averages over squares.
        stage : int, optional
            From 1; the last one if left out.
        fade : float
            How much the top level of the stage has to say, in [0, 1]. With 0 the stage answers as
            the one below it, its pixels doubled; with 1 the top level answers alone.

        Returns
        -------
        Tensor
            (N, 3, H, W), float32, range [0, 1].

        References
        ----------
        Karras et al. 2018, Figure 2, for fading in; there it is a level of a GAN.
        """
        stage = len(self.levels) if stage is None else stage
        self.check(picture, stage)
        levels = cast(list[Level], list(self.levels)[:stage])
        encoded: list[Tensor] = []
        carried = None
        for level in reversed(levels):
            features = level.encode(picture, carried)
            encoded.append(features)
            if level.down is not None:
                carried = level.down(features)
                if fade < 1 and level is levels[-1]:
                    carried = fade * carried
                picture = F.avg_pool2d(picture, 2) if self.every_input else picture
        made = below = None
        for level in levels:
            made, below = level.decode(encoded.pop(), made), made
        # Outside autocast's half precision, whose steps near 1 are as large as a grey level.
        answer = levels[-1].head(made).float().sigmoid()
        if fade < 1 and stage > 1:
            smaller = levels[-2].head(below).float().sigmoid()
            answer = torch.lerp(F.interpolate(smaller, scale_factor=2.0), answer, fade)
        return answer

    def check(self, picture: Tensor, stage: int) -> None:
        """Refuse what the network cannot answer: see the class for what is raised."""
        if not 1 <= stage <= len(self.levels):
            raise ValueError(f"there are stages 1 to {len(self.levels)}: got {stage}")
        if not self.every_input and stage < len(self.levels):
            raise ValueError("this network reads its picture at the top alone: it has one stage")
        if any(side % 2 ** (stage - 1) for side in picture.shape[-2:]):
            height, width = picture.shape[-2:]
            raise ValueError(
                f"sides of {height} × {width} do not halve {stage - 1} times: crop the picture to "
                f"multiples of {2 ** (stage - 1)}"
            )


class PatchDiscriminator(nn.Module):
    """Judge answers patch by patch: is it the truth, given what was asked.

    Four convolutions, two of them with stride 2, so that pictures of 8 pixels and of 256 can both
    be judged.

    Parameters
    ----------
    width : int
        Feature maps of the first convolution.

    References
    ----------
    Isola et al. 2017 (pix2pix), Section 3.2.2; here shallower, for the smallest stages.

    Examples
    --------
    >>> judge = PatchDiscriminator(width=8)
    >>> judge(torch.zeros(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 1, 16, 16])
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(6, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )

    def forward(self, picture: Tensor, answer: Tensor) -> Tensor:
        """Judge answers; both (N, 3, H, W) in [0, 1], the logits (N, 1, H/4, W/4)."""
        return self.net(torch.cat([picture, answer], dim=1) - 0.5)
