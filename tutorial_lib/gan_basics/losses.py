"""What the two players of a generative adversarial network minimise, game by game.

Taught in the chapter *GAN basics*. All losses take logits (or a critic's scores) and average over
the last axis: (N,) gives a scalar, and (K, N) one loss for each of K games that are played side by
side.

References
----------
I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661).
M. Arjovsky, S. Chintala and L. Bottou, "Wasserstein GAN", 2017 (arXiv:1701.07875).
I. Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017 (arXiv:1704.00028).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


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
        From samples (..., N, …) to scores (..., N). The last axes may be one, of a point's
        coordinates, or three, of a picture's colours, rows and columns: the slope is over them all.
    real, fake : Tensor
        (..., N, …) samples.
    share : Tensor
        (..., N), range [0, 1]: where between the two each slope is taken.

    Returns
    -------
    Tensor
        (...): mean of (slope − 1)², differentiable in the critic's weights.

    References
    ----------
    Gulrajani et al. 2017, Equation 3.
    """
    weight = share.view(*share.shape, *[1] * (real.ndim - share.ndim))
    between = torch.lerp(fake.detach().to(real), real, weight).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # The square root has no slope at zero; so small a number changes nothing else.
    length = (slope.flatten(share.ndim).square().sum(-1) + 1e-12).sqrt()
    return (length - 1).square().mean(-1)


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """How steep the discriminator is on real data: the mean of its squared slope there.

    Parameters
    ----------
    discriminator : callable
        From samples (..., N, …) to logits (..., N).
    real : Tensor
        (..., N, …) data.

    Returns
    -------
    Tensor
        (...), at least 0, differentiable in the discriminator's weights. The paper weighs it by
        γ / 2.

    References
    ----------
    L. Mescheder, A. Geiger and S. Nowozin, "Which Training Methods for GANs do actually
    Converge?", ICML 2018 (arXiv:1801.04406), Equation 9.
    """
    at = real.detach().clone().requires_grad_()
    answers = discriminator(at)
    (slope,) = torch.autograd.grad(answers.sum(), at, create_graph=True)
    return slope.flatten(answers.ndim).square().sum(-1).mean(-1)


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
        Weight of the gradient penalty in the discriminator's loss.
    r1 : float
        γ: twice the weight of the penalty on its slope at real data.
    probability : callable or None
        From the discriminator's output to the probability of *real* that it states; None for a
        critic, whose score states none.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    penalty: float = 0.0
    r1: float = 0.0
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
