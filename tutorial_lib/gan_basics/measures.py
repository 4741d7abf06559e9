"""What a generator has learned, in numbers: coverage, quality, kernel distance, neighbours.

Taught in the chapter *GAN basics*. What can be seen of a game in the plane, and measured against
its known density, is in :mod:`tutorial_lib.gan_basics.views`.

References
----------
M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018 (arXiv:1801.01401).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.gan_basics.plane import Mixture

# --------------------------------------------------------------------------- the plane


def good_level(mixture: Mixture, *, count: int = 20_000) -> float:
    """The log-density that 99 % of true samples exceed.

    For one round Gaussian that is the disc of 3.03 standard deviations.
    """
    samples = mixture.sample(count, generator=torch.Generator().manual_seed(0))
    return mixture.log_density(samples).quantile(0.01).item()


def coverage(samples: Tensor, mixture: Mixture, *, level: float | None = None) -> tuple[int, float]:
    """Modes covered, and share of high-quality samples.

    A sample is of high quality where the true density exceeds `level`. A mode is covered if the
    high-quality samples nearest to it are at least a tenth of its fair share of all samples.

    Parameters
    ----------
    samples : Tensor
        (N, 2) generated points.
    mixture : Mixture
        The true distribution.
    level : float, optional
        From :func:`good_level`, computed if left out.

    Returns
    -------
    modes : int
        How many are covered, at most ``len(mixture.modes)``.
    quality : float
        Share of high-quality samples, range [0, 1]; 0.99 for true samples.

    References
    ----------
    After Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761), Section 5.1, who count samples within
    three standard deviations, and a mode for a single sample.
    """
    level = good_level(mixture) if level is None else level
    good = samples[mixture.log_density(samples) > level]
    nearest = torch.cdist(good, mixture.modes).argmin(-1)
    counts = torch.bincount(nearest, minlength=len(mixture.modes))
    enough = 0.1 * len(samples) / len(mixture.modes)
    return int((counts >= enough).sum()), len(good) / len(samples)


# ---------------------------------------------------------------------------- pictures


class FixedFeatures(nn.Module):
    """Features of pictures that need no trained network: three random convolutions.

    3 × 3 kernels of stride 2 with 32, 64 and 128 maps and rectifiers, their weights drawn once
    from a seed (normal, variance 2 / fan-in), averaged to 4 × 4 places: 2,048 numbers a picture.
    From each its mean over reference pictures is subtracted, and all are divided by one number,
    so that their mean variance over the reference pictures is 1.

    Parameters
    ----------
    reference : Tensor
        (N, 3, H, W) pictures in [0, 1] that set origin and scale.
    seed : int
        Of the weights.
    """

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        for layer, (inputs, outputs) in enumerate([(3, 32), (32, 64), (64, 128)]):
            kernel = torch.randn(outputs, inputs, 3, 3, generator=source)
            self.register_buffer(f"kernel{layer}", kernel * (2 / (9 * inputs)) ** 0.5)
        raw = self._raw(reference)
        self.register_buffer("mean", raw.mean(0))
        self.register_buffer("deviation", raw.var(0).mean().sqrt())

    def _raw(self, image: Tensor) -> Tensor:
        x = 2 * image - 1
        for layer in range(3):
            x = F.relu(F.conv2d(x, self.get_buffer(f"kernel{layer}"), stride=2, padding=1))
        return F.adaptive_avg_pool2d(x, 4).flatten(1)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """From (N, 3, H, W) in [0, 1] to (N, 2048)."""
        parts = [self._raw(part) for part in image.split(256)]
        return (torch.cat(parts) - self.get_buffer("mean")) / self.get_buffer("deviation")


def kernel_distance(x: Tensor, y: Tensor) -> Tensor:
    """Squared maximum mean discrepancy with the cubic kernel of KID, without bias.

    The kernel is (a·b / F + 1)³. The estimate may fall below zero; its expectation is zero for
    two samples of one distribution.

    Parameters
    ----------
    x, y : Tensor
        (N, F) and (M, F) features, of at least two pictures each.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Bińkowski et al. 2018, Equation 4 and Section 4 (there on features of Inception).
    """

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return ((a @ b.T).double() / a.shape[-1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean()


def nearest(
    images: Tensor, training: Tensor, *, besides: Tensor | None = None, chunk: int = 2048
) -> tuple[Tensor, Tensor]:
    """The training picture nearest to each image, by root mean square difference of pixels.

    Parameters
    ----------
    images : Tensor
        (N, 3, H, W), range [0, 1].
    training : Tensor
        (M, 3, H, W) uint8.
    besides : Tensor, optional
        (N,) position of a training picture with which each image is not compared: its own.
    chunk : int
        Training pictures compared at once.

    Returns
    -------
    index : Tensor
        (N,) positions in `training`.
    distance : Tensor
        (N,) distances on the [0, 1] scale.
    """
    flat = images.flatten(1)
    parts = [torch.cdist(flat, part.to(flat).flatten(1) / 255) for part in training.split(chunk)]
    apart = torch.cat(parts, dim=1)
    if besides is not None:
        apart.scatter_(1, besides[:, None], float("inf"))
    distance, index = apart.min(1)
    return index, distance / flat.shape[1] ** 0.5
