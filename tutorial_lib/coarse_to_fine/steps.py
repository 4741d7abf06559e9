"""One step of training a stage: on the error alone, or against a discriminator too.

References
----------
P. Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (pix2pix), CVPR
2017 (arXiv:1611.07004).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutorial_lib.srgan import adversarial_loss, discriminator_loss


def l1_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    picture: Tensor,
    truth: Tensor,
    *,
    stage: int,
    fade: float = 1.0,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """Update those levels that learn, on the mean absolute error.

    Parameters
    ----------
    network, optimizer
        The network, and the optimiser of all its parameters.
    picture, truth : Tensor
        (N, 3, S, S) at the stage's size, range [0, 1].
    stage : int
        The stage that answers.
    fade : float
        How much its own level has to say: see :meth:`.CoarseToFine.forward`.
    backward : callable
        Called with the loss; Fabric's own when it drives the training.

    Returns
    -------
    dict of Tensor
        ``{"l1": scalar}``, detached.
    """
    loss = F.l1_loss(network(picture, stage=stage, fade=fade), truth)
    # None, not zero: Adam would go on moving a frozen weight by its old moments.
    optimizer.zero_grad(set_to_none=True)
    backward(loss)
    optimizer.step()
    return {"l1": loss.detach()}


def adversarial_step(
    network: nn.Module,
    discriminator: nn.Module,
    optimizer: torch.optim.Optimizer,
    discriminator_optimizer: torch.optim.Optimizer,
    picture: Tensor,
    truth: Tensor,
    *,
    stage: int,
    weight: float,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """Update the discriminator, then those levels that learn, on L1 and on being believed.

    Parameters
    ----------
    network, discriminator, optimizer, discriminator_optimizer
        Both networks, and their optimisers.
    picture, truth : Tensor
        (N, 3, S, S) at the stage's size, range [0, 1].
    stage : int
        The stage that answers.
    weight : float
        Of the adversarial loss, beside 1 for the mean absolute error.
    backward : callable
        Called with each loss.

    Returns
    -------
    dict of Tensor
        ``l1``, ``adversarial`` and ``discriminator``, unweighted and detached.

    References
    ----------
    Isola et al. 2017, Equation 4.
    """
    made = network(picture, stage=stage)
    judged = discriminator_loss(
        discriminator(picture, truth), discriminator(picture, made.detach())
    )
    discriminator_optimizer.zero_grad(set_to_none=True)
    backward(judged)
    discriminator_optimizer.step()

    discriminator.requires_grad_(False)
    try:
        l1 = F.l1_loss(made, truth)
        believed = adversarial_loss(discriminator(picture, made))
        optimizer.zero_grad(set_to_none=True)
        backward(l1 + weight * believed)
        optimizer.step()
    finally:
        discriminator.requires_grad_(True)
    losses = {"l1": l1, "adversarial": believed, "discriminator": judged}
    return {name: loss.detach() for name, loss in losses.items()}
