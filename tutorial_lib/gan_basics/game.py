"""The game of two networks: what its theory says, and one round of it.

Taught in the chapter *GAN basics*. What the players minimise is in
:mod:`tutorial_lib.gan_basics.losses`; who plays, in :mod:`tutorial_lib.gan_basics.plane` for points
and in :mod:`tutorial_lib.gan_basics.players` for pictures.

References
----------
I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.gan_basics.losses import Losses, gradient_penalty, r1_penalty

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
    """Jensen–Shannon divergence of two densities that are known on a grid.

    What either lacks to a mass of 1 lies outside of the grid, which counts as one more cell. So
    fakes that have left the window are told from data that have not.

    Parameters
    ----------
    p, q : Tensor
        Densities, same shape, at least 0, each of a mass of at most 1.
    cell : float
        Area (or length) of one cell.

    Returns
    -------
    Tensor
        Scalar in nats, from 0 (equal) to log 2 (nowhere both positive). A lower bound where both
        have mass outside of the grid.

    References
    ----------
    Goodfellow et al. 2014, Equation 6: V(D*, G) = 2 JSD − log 4.
    """
    inside = torch.stack([p, q]).flatten(1) * cell
    p, q = torch.cat([inside, (1 - inside.sum(1, keepdim=True)).clamp(min=0)], dim=1)
    both = torch.where(p + q > 0, p + q, 1)  # where neither has any mass, nothing counts

    def apart(mass: Tensor) -> Tensor:
        ratio = torch.where(mass > 0, 2 * mass / both, 1)
        return (mass * ratio.log()).sum()

    return (apart(p) + apart(q)) / 2


# ---------------------------------------------------------------------------- one round


def discriminator_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizer: torch.optim.Optimizer,
    real: Tensor,
    noise: Tensor,
    *,
    losses: Losses,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> Tensor:
    """One update of the discriminator, on real data and on as many fakes.

    Parameters
    ----------
    generator, discriminator : nn.Module
        The players. Whatever axes the discriminator's answer lacks are those of a sample: points
        (K, N, 2) are answered by (K, N), pictures (N, 3, H, W) by (N,).
    optimizer : torch.optim.Optimizer
        Of the discriminator's weights.
    real : Tensor
        A batch of data.
    noise : Tensor
        As many samples of what the generator starts from.
    losses : Losses
        What is minimised; the penalties on the discriminator's slope too, if they have a weight.
    backward : callable
        Called with a scalar loss; Fabric's own when it drives the training.

    Returns
    -------
    Tensor
        The loss before the update, detached: a scalar, or (K,) of K games side by side.

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1, the inner loop.
    """
    with torch.no_grad():
        fake = generator(noise)
    logits = discriminator(real)
    loss = losses.discriminator(logits, discriminator(fake))
    if losses.penalty:
        share = torch.rand(logits.shape, dtype=real.dtype, device=real.device)
        loss = loss + losses.penalty * gradient_penalty(discriminator, real, fake, share)
    if losses.r1:
        loss = loss + losses.r1 / 2 * r1_penalty(discriminator, real)
    optimizer.zero_grad(set_to_none=True)
    # Games side by side share no weight, so the gradient of the sum is each one's own.
    backward(loss.sum())
    optimizer.step()
    return loss.detach()


def generator_step(
    generator: nn.Module,
    discriminator: nn.Module,
    optimizer: torch.optim.Optimizer,
    noise: Tensor,
    *,
    losses: Losses,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> Tensor:
    """One update of the generator, down the slope that the discriminator hands back.

    Parameters
    ----------
    generator, discriminator : nn.Module
        The players.
    optimizer : torch.optim.Optimizer
        Of the generator's weights.
    noise : Tensor
        A batch of what the generator starts from.
    losses, backward
        As in `discriminator_step`.

    Returns
    -------
    Tensor
        The loss before the update, detached: a scalar, or (K,) of K games side by side.

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1, the outer loop.
    """
    # The generator needs the discriminator's slope, but not the slope of its weights.
    discriminator.requires_grad_(False)
    try:
        loss = losses.generator(discriminator(generator(noise)))
        optimizer.zero_grad(set_to_none=True)
        backward(loss.sum())
        optimizer.step()
    finally:
        discriminator.requires_grad_(True)
    return loss.detach()


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
    losses, backward
        As in `discriminator_step`.

    Returns
    -------
    dict of Tensor
        ``discriminator`` and ``generator``, the last loss of each that moved, detached. Where
        games are played side by side these are (K,).

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1 (its k is ``len(reals)``).
    """
    players, found = (generator, discriminator), {}
    for real, noise in zip(reals, noises, strict=False):
        found["discriminator"] = discriminator_step(
            *players, discriminator_optimizer, real, noise, losses=losses, backward=backward
        )
    if len(noises) > len(reals):
        found["generator"] = generator_step(
            *players, generator_optimizer, noises[-1], losses=losses, backward=backward
        )
    return found
