"""What a generator has learned, in numbers: coverage, quality, kernel distance, neighbours.

Taught in the chapter *GAN basics*, beside :mod:`tutorial_lib.gan_basics.game`.

References
----------
M. Bińkowski et al., "Demystifying MMD GANs", ICLR 2018 (arXiv:1801.01401).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.gan_basics.game import Losses, jensen_shannon, optimal_discriminator
from tutorial_lib.gan_basics.plane import NORMAL, Mixture, Mlps, Noise

EXTENT = 1.6
"""The chapter's window on the plane reaches from −1.6 to 1.6 along both axes."""

BLUR = 0.05
"""Width h of the window of all density estimates, in the plane's units."""


def plane(size: int, *, extent: float = EXTENT) -> tuple[Tensor, Tensor, float]:
    """A square grid of cell centres.

    Parameters
    ----------
    size : int
        Cells along either axis, S.
    extent : float
        Half the side of the square.

    Returns
    -------
    axis : Tensor
        (S,) coordinates along an axis, rising.
    points : Tensor
        (S², 2) points (x, y), row by row from the top (largest y), as in an image.
    cell : float
        Area of a cell.
    """
    axis = (torch.arange(size) + 0.5) * (2 * extent / size) - extent
    y, x = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return axis, torch.stack([x, y], dim=-1).reshape(-1, 2), (2 * extent / size) ** 2


def kernel_density(samples: Tensor, axis: Tensor, *, width: float = BLUR) -> Tensor:
    """Density of samples in the plane, estimated with a Gaussian window of width h.

    It is the exact density of (samples, blurred); blur the other density alike before comparing.

    Parameters
    ----------
    samples : Tensor
        (..., N, 2) points.
    axis : Tensor
        (S,) coordinates of the grid along each axis.
    width : float
        Standard deviation h of the window.

    Returns
    -------
    Tensor
        (..., S, S), rows from the top, as an image.
    """
    # The window is a product of one factor in x and one in y: all sums become one product.
    distance = (samples[..., None] - axis) / width
    factor = torch.exp(-distance.square() / 2) / (width * math.sqrt(2 * math.pi))
    return factor[..., 1, :].flip(-1).mT @ factor[..., 0, :] / samples.shape[-2]


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


@dataclass(frozen=True)
class View:
    """Everything that a picture of a game in the plane shows.

    Attributes
    ----------
    learned, optimal : Tensor
        (S, S), range [0, 1]: the discriminator, and D* = p / (p + q), rows from the top. A
        critic's scores are standardised over the grid and put through a sigmoid.
    samples : Tensor
        (N, 2) generated points.
    arrows : Tensor
        (A, 2): which way and how hard the generator's loss pulls the first A samples; minus its
        gradient on each.
    mesh : Tensor
        (L, L, 2): where the generator puts the nodes of a square net over the noise's middle 95 %;
        (L, 2) if the noise is one number.
    divergence : float
        Jensen–Shannon divergence, in nats, of data and samples, both blurred by `BLUR`.
    """

    learned: Tensor
    optimal: Tensor
    samples: Tensor
    arrows: Tensor
    mesh: Tensor
    divergence: float


def look(
    generator: Mlps,
    discriminator: Mlps,
    mixture: Mixture,
    *,
    losses: Losses,
    noise: Noise = NORMAL,
    size: int = 48,
    samples: int = 4000,
    shown: int = 256,
    arrows: int = 96,
    nodes: int = 15,
    seed: int = 0,
) -> list[View]:
    """Look at all games that are played side by side.

    Parameters
    ----------
    generator, discriminator : Mlps
        K games' players.
    mixture : Mixture
        The data's distribution.
    losses : Losses
        What they play for.
    noise : Noise
        What the generators start from.
    size : int
        Side of the heat maps, S.
    samples, shown, arrows, nodes : int
        How many samples the density estimate uses, how many of them are kept, how many have an
        arrow, and how many nodes the net has along an axis.
    seed : int
        Of the noise; equal in all games and at all times, so that points can be followed.

    Returns
    -------
    list of View
        One for each game.
    """
    games = len(generator.weights[0])
    axis, points, cell = plane(size)
    drawn = noise.sample(samples, generator=torch.Generator().manual_seed(seed))
    net = noise.net(nodes)
    with torch.no_grad():
        made = generator(torch.cat([drawn, net]).expand(games, -1, -1))
        logits = discriminator(points.expand(games, -1, -1))
    made, mesh = made[:, :samples], made[:, samples:]
    pulled = made[:, :arrows].clone().requires_grad_()
    (slope,) = torch.autograd.grad(losses.generator(discriminator(pulled)).sum(), pulled)
    if losses.probability is None:
        spread = (logits - logits.mean(-1, keepdim=True)) / logits.std(-1, keepdim=True)
        learned = torch.sigmoid(spread).view(-1, size, size)
    else:
        learned = losses.probability(logits).view(-1, size, size)
    p = mixture.log_density(points, blur=BLUR).view(size, size).exp()
    q = kernel_density(made, axis)
    return [
        View(
            learned=learned[k],
            optimal=optimal_discriminator(p.clamp(min=1e-12).log(), q[k].clamp(min=1e-12).log()),
            samples=made[k, :shown],
            arrows=-slope[k] * arrows,
            mesh=mesh[k].view(*[nodes] * noise.axes, 2),
            divergence=jensen_shannon(p, q[k], cell=cell).item(),
        )
        for k in range(games)
    ]


def discriminator_gap(view: View, mixture: Mixture) -> float:
    """How far the learned discriminator is from the best one, where there are data.

    Parameters
    ----------
    view : View
        Of a game against a discriminator, not against a critic.
    mixture : Mixture
        The data.

    Returns
    -------
    float
        Mean of ``|D − D*|`` over the data, range [0, 1].
    """
    _, points, _ = plane(len(view.learned))
    weight = mixture.log_density(points, blur=BLUR).softmax(0)
    return ((view.learned - view.optimal).abs().flatten() * weight).sum().item()


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


def nearest(images: Tensor, training: Tensor, *, chunk: int = 2048) -> tuple[Tensor, Tensor]:
    """The training picture nearest to each image, by root mean square difference of pixels.

    Parameters
    ----------
    images : Tensor
        (N, 3, H, W), range [0, 1].
    training : Tensor
        (M, 3, H, W) uint8.
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
    distance, index = torch.cat(parts, dim=1).min(1)
    return index, distance / flat.shape[1] ** 0.5
