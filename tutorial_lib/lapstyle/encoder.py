"""LapStyle's encoder: VGG, frozen, with mirrored borders and channels that are equally loud.

Taught in the chapter *LapStyle*.

References
----------
K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015 (arXiv:1409.1556). T. Lin et al., "Drafting and Revision: Laplacian Pyramid
Network for Fast High-Quality Artistic Style Transfer", CVPR 2021 (arXiv:2104.05376).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tutorial_lib.lapstyle.losses import LAYERS
from tutorial_lib.vgg import Backbone, Vgg

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of each of `LAYERS`."""

CONVOLUTIONS = {"vgg16": (2, 2, 3, 3), "vgg19": (2, 2, 4, 4)}
"""Convolutions in each block of the backbone."""


def convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    """3 × 3, the border mirrored, so that no dark frame is painted."""
    return nn.Conv2d(
        inputs, outputs, kernel_size=3, stride=stride, padding=1, padding_mode="reflect"
    )


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

    def __init__(self, *, backbone: Backbone = "vgg16", blocks: int = 4) -> None:
        super().__init__()
        self.backbone = backbone
        self.stages = nn.ModuleList([nn.Sequential(convolution(3, 64), nn.ReLU())])
        for block in range(blocks - 1):
            width, wider = WIDTHS[block : block + 2]
            layers: list[nn.Module] = []
            for _ in range(CONVOLUTIONS[backbone][block] - 1):
                layers += [convolution(width, width), nn.ReLU()]
            layers += [nn.MaxPool2d(2), convolution(width, wider), nn.ReLU()]
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
        ours = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
        for mine, other in zip(ours, theirs, strict=True):
            mine.load_state_dict(other.state_dict())
        weight, bias = ours[0].weight, ours[0].get_parameter("bias")
        with torch.no_grad():
            # Exact even at the border, because mirrored pixels are pixels; zeros would not be.
            bias.sub_((weight * vgg.factor * vgg.mean).sum((1, 2, 3)))
            weight.mul_(vgg.factor)
        return encoder


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
            layer.get_parameter("bias").div_(before)
        x = layer(x)
