"""Generative adversarial networks: the game, its losses, and the players for pictures.

Taught in the chapter *GAN basics*. The players for pictures are here, a DCGAN; those for points in
the plane, whose density is known, in :mod:`tutorial_lib.gan_basics.plane`; the measures of both in
:mod:`tutorial_lib.gan_basics.game.measures`.

References
----------
I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661).
A. Radford, L. Metz and S. Chintala, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", ICLR 2016 (arXiv:1511.06434).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# ------------------------------------------------------------------------------ theory


def value(p: Tensor, q: Tensor, logits: Tensor, *, cell: float) -> Tensor:
    """V(D, G) when the densities of the data and of the generator are known on a grid.

    Parameters
    ----------
    p, q : Tensor
        Densities of real and generated data at the grid's points, same shape, at least 0.
    logits : Tensor
        Those of D(x) at the same points; of the best D, log p − log q. A probability would not do:
        where D is sure, it rounds to 1, and log(1 − D) to minus infinity.
    cell : float
        Area (or length) of one cell of the grid.

    Returns
    -------
    Tensor
        Scalar, in nats, at most 0: the integral of p log D + q log(1 − D).

    References
    ----------
    Goodfellow et al. 2014, Equation 3.

    Examples
    --------
    >>> p = torch.tensor([0.5, 0.5])
    >>> round(value(p, p, torch.zeros(2), cell=1.0).item(), 6)  # −log 4
    -1.386294
    """
    return (p * F.logsigmoid(logits) + q * F.logsigmoid(-logits)).sum() * cell


def optimal_discriminator(log_p: Tensor, log_q: Tensor) -> Tensor:
    """The discriminator that no other can beat: D* = p / (p + q).

    Parameters
    ----------
    log_p, log_q : Tensor
        Log-densities of real and generated data at the same points.

    Returns
    -------
    Tensor
        D*(x), range [0, 1]. Written as a sigmoid of the log-ratio, it also holds where both
        densities are too small for a float.

    References
    ----------
    Goodfellow et al. 2014, Equation 2.
    """
    return torch.sigmoid(log_p - log_q)


def jensen_shannon(p: Tensor, q: Tensor, *, cell: float) -> Tensor:
    """Jensen–Shannon divergence of two densities on a grid.

    Parameters
    ----------
    p, q : Tensor
        Densities, same shape, at least 0.
    cell : float
        Area (or length) of one cell.

    Returns
    -------
    Tensor
        Scalar in nats, from 0 (equal) to log 2 (nowhere both positive).

    References
    ----------
    Goodfellow et al. 2014, Equation 6: V(D*, G) = 2 JSD − log 4.
    """
    middle = (p + q) / 2
    return (torch.xlogy(p, p / middle) + torch.xlogy(q, q / middle)).nansum() * cell / 2


# ------------------------------------------------------------------------------ losses
# All take logits, whose sigmoid is D, and average over the last axis: (N,) gives a scalar, and
# (K, N) gives one loss for each of K runs that train side by side.


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """What the discriminator minimises: −log D on real data, −log(1 − D) on generated data.

    Parameters
    ----------
    real_logits, fake_logits : Tensor
        (..., N) logits.

    Returns
    -------
    Tensor
        (...): the negative of the criterion C_D, averaged over each batch and added.

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1.
    """
    return F.softplus(-real_logits).mean(-1) + F.softplus(fake_logits).mean(-1)


def saturating_loss(fake_logits: Tensor) -> Tensor:
    """The generator's part of the min-max game: log(1 − D(G(z))), to be minimised.

    Its slope on a logit is −D: none is left where the discriminator is sure.

    Parameters
    ----------
    fake_logits : Tensor
        (..., N) logits for generated data.

    Returns
    -------
    Tensor
        (...), at most 0: the criterion C_G.

    References
    ----------
    Goodfellow et al. 2014, Equation 1.
    """
    return -F.softplus(fake_logits).mean(-1)


def non_saturating_loss(fake_logits: Tensor) -> Tensor:
    """The loss that is used instead: −log D(G(z)).

    Its slope on a logit is −(1 − D): largest where the discriminator is sure.

    Parameters
    ----------
    fake_logits : Tensor
        (..., N) logits for generated data.

    Returns
    -------
    Tensor
        (...), at least 0.

    References
    ----------
    Goodfellow et al. 2014, Section 3, last paragraph.
    """
    return F.softplus(-fake_logits).mean(-1)


def critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What a Wasserstein critic minimises: mean score of fakes minus mean score of real data.

    Parameters
    ----------
    real_scores, fake_scores : Tensor
        (..., N) unbounded scores.

    Returns
    -------
    Tensor
        (...). For the best 1-Lipschitz critic it is minus the Wasserstein-1 distance.

    References
    ----------
    Arjovsky et al. 2017, Equation 2.
    """
    return fake_scores.mean(-1) - real_scores.mean(-1)


def wasserstein_loss(fake_scores: Tensor) -> Tensor:
    """What the generator minimises against a critic: minus the mean score of its samples.

    Parameters
    ----------
    fake_scores : Tensor
        (..., N) scores of generated data.

    Returns
    -------
    Tensor
        (...).

    References
    ----------
    Arjovsky et al. 2017, Algorithm 1.
    """
    return -fake_scores.mean(-1)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """How far the critic's slope is from 1 at points between real and generated data.

    Parameters
    ----------
    critic : callable
        From points (..., N, 2) to scores (..., N).
    real, fake : Tensor
        (..., N, 2) points.
    share : Tensor
        (..., N, 1), range [0, 1]: where between the two each slope is taken.

    Returns
    -------
    Tensor
        (...): mean of (slope − 1)², differentiable in the critic's weights.

    References
    ----------
    Gulrajani et al. 2017, Equation 3.
    """
    between = torch.lerp(fake.detach(), real, share).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # The square root has no slope at zero; so small a number changes nothing else.
    length = (slope.square().sum(-1) + 1e-12).sqrt()
    return (length - 1).square().mean(-1)


def least_squares_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """What a discriminator minimises that answers 1 to real data and 0 to fakes by regression.

    Its best answer is again D* = p / (p + q), now without a sigmoid.

    Parameters
    ----------
    real_scores, fake_scores : Tensor
        (..., N) unbounded scores.

    Returns
    -------
    Tensor
        (...), at least 0.

    References
    ----------
    Mao et al. 2017 (arXiv:1611.04076), Equation 2 with a = 0 and b = 1.
    """
    return ((real_scores - 1).square().mean(-1) + fake_scores.square().mean(-1)) / 2


def least_squares_loss(fake_scores: Tensor) -> Tensor:
    """What the generator minimises against it: half the squared distance of its scores from 1.

    Parameters
    ----------
    fake_scores : Tensor
        (..., N) scores of generated data.

    Returns
    -------
    Tensor
        (...), at least 0.

    References
    ----------
    Mao et al. 2017 (arXiv:1611.04076), Equation 2 with c = 1.
    """
    return (fake_scores - 1).square().mean(-1) / 2


def _clipped(scores: Tensor) -> Tensor:
    return scores.clamp(0, 1)


@dataclass(frozen=True)
class Losses:
    """The two players' losses.

    Parameters
    ----------
    discriminator, generator : callable
        On (real logits, fake logits), and on fake logits.
    penalty : float
        Weight of the gradient penalty in the discriminator's loss; only for points in the plane.
    probability : callable or None
        From the discriminator's output to the probability of *real* that it states; None for a
        critic, whose score states none.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    penalty: float = 0.0
    probability: Callable[[Tensor], Tensor] | None = torch.sigmoid


LOSSES = {
    "non-saturating": Losses(discriminator_loss, non_saturating_loss),
    "saturating": Losses(discriminator_loss, saturating_loss),
    "wasserstein": Losses(critic_loss, wasserstein_loss, penalty=1.0, probability=None),
    "least squares": Losses(
        least_squares_discriminator_loss, least_squares_loss, probability=_clipped
    ),
}
"""The chapter's four games by name."""


# ---------------------------------------------------------------------------- one round


def gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimizer: torch.optim.Optimizer,
    discriminator_optimizer: torch.optim.Optimizer,
    reals: Sequence[Tensor],
    noises: Sequence[Tensor],
    *,
    losses: Losses,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """One round of the game: some updates of the discriminator, then one of the generator.

    Parameters
    ----------
    generator, discriminator, generator_optimizer, discriminator_optimizer
        The players and the optimisers of their weights.
    reals : sequence of Tensor
        A batch of real data for each update of the discriminator; may be empty.
    noises : sequence of Tensor
        A batch of noise for each of these updates; one more, if the generator is to move too.
    losses : Losses
        What each player minimises.
    backward : callable
        Called with a scalar loss; Fabric's own when it drives the training.

    Returns
    -------
    dict of Tensor
        ``discriminator`` and ``generator``, the last loss of each that moved, detached. Where
        runs train side by side these are (K,).

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1 (its k is ``len(reals)``).
    """
    found = {}
    for real, noise in zip(reals, noises, strict=False):
        with torch.no_grad():
            fake = generator(noise)
        loss = losses.discriminator(discriminator(real), discriminator(fake))
        if losses.penalty:
            share = torch.rand(*real.shape[:-1], 1, device=real.device)
            loss = loss + losses.penalty * gradient_penalty(discriminator, real, fake, share)
        discriminator_optimizer.zero_grad(set_to_none=True)
        # Runs side by side share no weight, so the gradient of the sum is each one's own.
        backward(loss.sum())
        discriminator_optimizer.step()
        found["discriminator"] = loss.detach()
    if len(noises) > len(reals):
        # The generator needs the discriminator's slope, but not the slope of its weights.
        discriminator.requires_grad_(False)
        loss = losses.generator(discriminator(generator(noises[-1])))
        generator_optimizer.zero_grad(set_to_none=True)
        backward(loss.sum())
        generator_optimizer.step()
        discriminator.requires_grad_(True)
        found["generator"] = loss.detach()
    return found


# ------------------------------------------------------------------- players for pictures


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
        doublings = _doublings(size)
        channels = [width * 2**i for i in reversed(range(doublings))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, channels[0], 4, bias=False)]
        for inputs, outputs in zip(channels, [*channels[1:], 3], strict=True):
            layers += [
                nn.BatchNorm2d(inputs),
                nn.ReLU(),
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=outputs == 3),
            ]
        self.net = nn.Sequential(*layers, nn.Tanh())
        self.latent = latent
        self.apply(_small_weights)

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
        channels = [width * 2**i for i in range(_doublings(size))]
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
        self.apply(_small_weights)

    def forward(self, image: Tensor) -> Tensor:
        """From (N, 3, size, size) in [0, 1] to (N,) logits."""
        return self.net(2 * image - 1).flatten()


def _doublings(size: int) -> int:
    doublings = (size // 4).bit_length() - 1
    if size < 8 or 4 * 2**doublings != size:
        raise ValueError(f"size must be 8, 16, 32, 64, …: got {size}")
    return doublings


def _small_weights(module: nn.Module) -> None:
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
