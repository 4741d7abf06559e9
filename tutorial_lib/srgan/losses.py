"""SRGAN's losses, and one update of its networks.

Taught in the chapter *SRGAN*. The losses work on logits, which is the same mathematics as the
article's without the overflow of a logarithm of a sigmoid.

References
----------
C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017 (arXiv:1609.04802).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Binary cross-entropy of "real" on photographs plus that of "fake" on generated pictures.

    Parameters
    ----------
    real_logits, fake_logits : Tensor
        (N, 1) logits of the discriminator.
    smoothing : float
        A photograph's label is 1 − smoothing instead of 1, so that no logit of a photograph is
        rewarded for growing for ever.

    Returns
    -------
    Tensor
        Scalar: mean of −log D(x) plus mean of −log(1 − D(G(z))), where nothing is smoothed.

    References
    ----------
    Goodfellow et al. 2014, Equation 1, with the sign turned for minimising. One-sided smoothing:
    Salimans et al. 2016 (arXiv:1606.03498), Section 3.4.
    """
    labels = torch.full_like(real_logits, 1 - smoothing)
    real = F.binary_cross_entropy_with_logits(real_logits, labels)
    return real + F.softplus(fake_logits).mean()


def adversarial_loss(fake_logits: Tensor) -> Tensor:
    """How far the discriminator is from being fooled: the mean of −log D(G(z)).

    Parameters
    ----------
    fake_logits : Tensor
        (N, 1) logits for generated pictures.

    Returns
    -------
    Tensor
        Scalar. Its gradient does not vanish when the discriminator wins.

    References
    ----------
    Ledig et al. 2017, Equation 6.
    """
    return F.softplus(-fake_logits).mean()


def slope(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """How steep the discriminator is at photographs: the mean of ‖∇D(x)‖² over them.

    A discriminator that wins by large logits has large slopes, and pushes the generator too hard
    to follow. A weight on its slope, the penalty R1, keeps the game going.

    Parameters
    ----------
    discriminator : callable
        From (N, 3, patch, patch) to logits (N, 1).
    real : Tensor
        (N, 3, patch, patch), range [0, 1].

    Returns
    -------
    Tensor
        Scalar, logits² a unit of range², with a graph: it can be minimised.

    References
    ----------
    Mescheder et al. 2018 (arXiv:1801.04406), Equation 9.
    """
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)).mean()


class ContentLoss(nn.Module):
    """Mean squared distance between two pictures' features in a frozen network (VGG loss).

    Parameters
    ----------
    features : nn.Module
        From pictures (N, 3, H, W) in [0, 1] to one map, or to a dict of maps, whose distances are
        then added. Its parameters are frozen.

    References
    ----------
    Ledig et al. 2017, Equation 5 (φ_{i,j}: the j-th convolution before the i-th pooling).
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Compare ``fake`` with ``real``, both (N, 3, H, W) in [0, 1]; returns a scalar."""
        with torch.no_grad():
            wanted = self._maps(real)
        # Outside autocast's half precision: squares of VGG features reach 1e6.
        pairs = zip(self._maps(fake), wanted, strict=True)
        return torch.stack([F.mse_loss(a.float(), b.float()) for a, b in pairs]).sum()

    def _maps(self, image: Tensor) -> list[Tensor]:
        maps = self.features(image)
        return list(maps.values()) if isinstance(maps, dict) else [maps]


def mean_block_error(fake: Tensor, real: Tensor, *, side: int = 4) -> Tensor:
    """Squared error of the mean block: of what all blocks of `side` × `side` pixels share.

    Texture is different in every block, and its mean is nearly flat. A lattice is the same in every
    block, and its mean is the lattice.

    Parameters
    ----------
    fake, real : Tensor
        (N, C, H, W), range [0, 1]; H and W multiples of `side`.
    side : int
        Of the blocks: how many times a network enlarges.

    Returns
    -------
    Tensor
        Scalar: the mean over pictures, channels and the block's pixels, the block's own mean taken
        away.
    """
    error = (fake - real).unflatten(-1, (-1, side)).unflatten(-3, (-1, side))
    block = error.mean((-4, -2))
    return (block - block.mean((-2, -1), keepdim=True)).square().mean()


@dataclass(frozen=True)
class LossWeights:
    """Weights of the generator's losses: three, as in the article, and one that it does not have.

    Parameters
    ----------
    pixel : float
        Of the mean squared error on [0, 1].
    content : float
        Of the VGG loss.
    adversarial : float
        Of the adversarial loss; zero leaves the discriminator out: it is neither asked nor
        trained.
    block : float
        Of :func:`mean_block_error`, which the article does not have.
    """

    pixel: float = 1.0
    content: float = 2e-6
    adversarial: float = 1e-3
    block: float = 0.0


# ------------------------------------------------------------------------- one update


def srresnet_step(
    generator: nn.Module,
    optimizer: torch.optim.Optimizer,
    low: Tensor,
    real: Tensor,
    *,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> dict[str, Tensor]:
    """Update the generator once on the mean squared error.

    Parameters
    ----------
    generator, optimizer
        The network and the optimiser of its parameters.
    low, real : Tensor
        (N, 3, h, w) and (N, 3, scale·h, scale·w), range [0, 1].
    backward : callable
        Called with the loss; Fabric's own when it drives the training.

    Returns
    -------
    dict of Tensor
        ``{"mse": scalar}``, detached.
    """
    loss = F.mse_loss(generator(low), real)
    optimizer.zero_grad(set_to_none=True)
    backward(loss)
    optimizer.step()
    return {"mse": loss.detach()}


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Ask no gradient of a network's weights for a while; afterwards they are as they were."""
    asked = [p.requires_grad for p in network.parameters()]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, before in zip(network.parameters(), asked, strict=True):
            parameter.requires_grad_(before)


def judge_step(
    discriminator: nn.Module,
    optimizer: torch.optim.Optimizer,
    fake: Tensor,
    real: Tensor,
    *,
    smoothing: float = 0.0,
    penalty: Callable[[Tensor], Tensor] | None = None,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
) -> Tensor:
    """Update the discriminator once, on photographs and on pictures that were made.

    Parameters
    ----------
    discriminator, optimizer
        The network and the optimiser of its parameters.
    fake, real : Tensor
        (N, 3, patch, patch), range [0, 1]. `fake` is detached: its generator learns nothing.
    smoothing : float
        As in :func:`discriminator_loss`.
    penalty : callable, optional
        Called with `real`; what it returns, such as a weighted :func:`slope`, is minimised too.
    backward : callable
        As in :func:`srgan_step`.

    Returns
    -------
    Tensor
        Scalar, detached: the loss before the update, without the penalty.
    """
    loss = discriminator_loss(
        discriminator(real), discriminator(fake.detach()), smoothing=smoothing
    )
    optimizer.zero_grad(set_to_none=True)
    backward(loss + penalty(real) if penalty else loss)
    optimizer.step()
    return loss.detach()


def srgan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimizer: torch.optim.Optimizer,
    discriminator_optimizer: torch.optim.Optimizer,
    content: Callable[[Tensor, Tensor], Tensor],
    low: Tensor,
    real: Tensor,
    *,
    weights: LossWeights,
    smoothing: float = 0.0,
    penalty: Callable[[Tensor], Tensor] | None = None,
    see: Callable[[Tensor], Tensor] = lambda image: image,
    backward: Callable[[Tensor], None] = torch.Tensor.backward,
    unsynchronised: Callable[[nn.Module], AbstractContextManager] = lambda _: nullcontext(),
) -> dict[str, Tensor]:
    """Update the discriminator once, then the generator once.

    The discriminator learns on the *detached* fake, so its step neither needs nor keeps the
    generator's graph. The generator then asks the updated discriminator anew. (The article's
    loop keeps the old graph with ``retain_graph=True`` and runs backward through weights that
    the discriminator's optimiser has changed in place; today's PyTorch refuses that.)

    Parameters
    ----------
    generator, discriminator, generator_optimizer, discriminator_optimizer
        The two networks and their optimisers.
    content : callable
        The VGG loss: called with the fake and the real pictures.
    low, real : Tensor
        (N, 3, h, w) and (N, 3, scale·h, scale·w), range [0, 1].
    weights : LossWeights
        Weights of the generator's losses. With no adversarial weight the discriminator stays as
        it is.
    smoothing : float
        As in :func:`discriminator_loss`.
    penalty : callable, optional
        As in :func:`judge_step`.
    see : callable
        What the discriminator is shown of a picture; the whole, unless something else is given.
    backward, unsynchronised : callable
        Fabric's ``backward`` and ``no_backward_sync`` when it drives the training on several
        devices; the defaults serve a single one.

    Returns
    -------
    dict of Tensor
        ``discriminator``, ``mse``, ``content``, ``adversarial`` and ``block``, unweighted and
        detached; of the five, those that were computed.

    References
    ----------
    Goodfellow et al. 2014, Algorithm 1; Ledig et al. 2017, Equation 3.
    """
    fake = generator(low)
    losses: dict[str, Tensor] = {}
    if weights.adversarial:
        losses["discriminator"] = judge_step(
            discriminator,
            discriminator_optimizer,
            see(fake),
            see(real),
            smoothing=smoothing,
            penalty=penalty,
            backward=backward,
        )
    parts = {"mse": F.mse_loss(fake, real), "content": content(fake, real)}
    total = weights.pixel * parts["mse"] + weights.content * parts["content"]
    if weights.block:
        parts["block"] = mean_block_error(fake, real)
        total = total + weights.block * parts["block"]
    generator_optimizer.zero_grad(set_to_none=True)
    with unsynchronised(discriminator), frozen(discriminator):
        if weights.adversarial:
            parts["adversarial"] = adversarial_loss(discriminator(see(fake)))
            total = total + weights.adversarial * parts["adversarial"]
        backward(total)
    generator_optimizer.step()
    return losses | {name: loss.detach() for name, loss in parts.items()}
