"""The players for pictures: a DCGAN's generator and discriminator, and paths through its noise.

Taught in the chapter *GAN basics*. Those for points in the plane are in
:mod:`tutorial_lib.gan_basics.plane`.

References
----------
A. Radford, L. Metz and S. Chintala, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", ICLR 2016 (arXiv:1511.06434).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DcganGenerator(nn.Module):
    """From noise to a picture through fractionally strided convolutions.

    Each one doubles the sides and halves the channels. Batch normalisation and rectifiers
    between, tanh at the end, which is shifted from (−1, 1) to (0, 1).

    Parameters
    ----------
    size : int
        Side of the pictures: 8 times a power of two, 32 and 64 in the chapter.
    latent : int
        Length of the noise vector.
    width : int
        Channels before the last layer; the paper has 128 at 64 pixels.

    References
    ----------
    Radford et al. 2016, Figure 1. The kernels here are 4 × 4 instead of 5 × 5, so that every
    output pixel is reached by equally many weights.

    Examples
    --------
    >>> DcganGenerator(size=32, width=8)(torch.zeros(2, 64)).shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(self, *, size: int = 64, latent: int = 64, width: int = 64) -> None:
        super().__init__()
        channels = [width * 2**i for i in reversed(range(doublings(size)))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, channels[0], 4, bias=False)]
        for inputs, outputs in zip(channels, [*channels[1:], 3], strict=True):
            layers += [
                nn.BatchNorm2d(inputs),
                nn.ReLU(),
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=outputs == 3),
            ]
        self.net = nn.Sequential(*layers, nn.Tanh())
        self.latent = latent
        self.apply(small_weights)

    def forward(self, noise: Tensor) -> Tensor:
        """From (N, latent) standard normal noise to (N, 3, size, size) in [0, 1]."""
        return (self.net(noise[:, :, None, None]) + 1) / 2


class DcganDiscriminator(nn.Module):
    """The generator's mirror image: strided convolutions down to one logit a picture.

    Parameters
    ----------
    size : int
        Side of the pictures: 8 times a power of two.
    width : int
        Channels after the first layer.

    References
    ----------
    Radford et al. 2016, Section 3: no pooling, leaky rectifiers of slope 0.2, and batch
    normalisation everywhere except at the input.

    Examples
    --------
    >>> DcganDiscriminator(size=32, width=8)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2])
    """

    def __init__(self, *, size: int = 64, width: int = 64) -> None:
        super().__init__()
        channels = [width * 2**i for i in range(doublings(size))]
        layers: list[nn.Module] = [
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        for inputs, outputs in pairwise(channels):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
        self.net = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4))
        self.apply(small_weights)

    def forward(self, image: Tensor) -> Tensor:
        """From (N, 3, size, size) in [0, 1] to (N,) logits."""
        return self.net(2 * image - 1).flatten()


def doublings(size: int) -> int:
    """How often a side of 4 pixels is doubled to reach `size`.

    Raises
    ------
    ValueError
        If that is not a whole number, or none.

    Examples
    --------
    >>> doublings(32)
    3
    """
    count = (size // 4).bit_length() - 1
    if size < 8 or 4 * 2**count != size:
        raise ValueError(f"size must be 8, 16, 32, 64, …: got {size}")
    return count


def small_weights(module: nn.Module) -> None:
    """Draw a layer's weights as the paper does: normal, standard deviation 0.02.

    References
    ----------
    Radford et al. 2016, Section 4; the scales of batch normalisation, about 1, as in their code.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def latent_path(start: Tensor, end: Tensor, *, steps: int) -> Tensor:
    """Points on the great circle from one noise vector to another.

    On the straight line between them vectors are shorter than any the generator has met.

    Parameters
    ----------
    start, end : Tensor
        (..., latent) noise.
    steps : int
        Number of points, both ends included.

    Returns
    -------
    Tensor
        (steps, ..., latent).

    References
    ----------
    White 2016, "Sampling Generative Networks" (arXiv:1609.04468), Section 2.1.
    """
    cosine = F.cosine_similarity(start, end, dim=-1).clamp(-1 + 1e-6, 1 - 1e-6)
    angle = cosine.acos()[..., None]
    share = torch.linspace(0, 1, steps).view(-1, *[1] * start.ndim)
    return (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / angle.sin()
