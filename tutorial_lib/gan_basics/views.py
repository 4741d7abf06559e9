"""What there is to see of a game in the plane, measured: maps of D and D*, pull, net, divergence.

Taught in the chapter *GAN basics*. Each part is a function of its own, and `look` puts them
together; :mod:`tutorial_lib.gan_basics.draw` draws them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial_lib.gan_basics.game import jensen_shannon, optimal_discriminator
from tutorial_lib.gan_basics.losses import Losses
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
    # What has flown off to infinity is far away, and so nowhere in the window.
    near = samples.nan_to_num(nan=1e4, posinf=1e4, neginf=-1e4)
    distance = (near[..., None] - axis) / width
    factor = torch.exp(-distance.square() / 2) / (width * math.sqrt(2 * math.pi))
    return factor[..., 1, :].flip(-1).mT @ factor[..., 0, :] / samples.shape[-2]


def learned_map(discriminator: Mlps, *, losses: Losses, size: int = 48) -> Tensor:
    """What each discriminator says, all over the window.

    Parameters
    ----------
    discriminator : Mlps
        K games' discriminators.
    losses : Losses
        What they play for; says how an answer becomes a probability.
    size : int
        Side of the map, S.

    Returns
    -------
    Tensor
        (K, S, S), range [0, 1], rows from the top: the probability of *real*. A critic states
        none; its scores are standardised over the window and put through a sigmoid.
    """
    _, points, _ = plane(size)
    with torch.no_grad():
        logits = side_by_side(discriminator, points)
    if losses.probability is None:
        spread = (logits - logits.mean(-1, keepdim=True)) / logits.std(-1, keepdim=True)
        return torch.sigmoid(spread).view(-1, size, size)
    return losses.probability(logits).view(-1, size, size)


def densities(samples: Tensor, mixture: Mixture, *, size: int = 48) -> tuple[Tensor, Tensor, float]:
    """Densities of data and of samples over the window, both blurred by `BLUR`.

    Parameters
    ----------
    samples : Tensor
        (K, N, 2) points of K generators.
    mixture : Mixture
        The data's distribution.
    size : int
        Side of the maps, S.

    Returns
    -------
    p : Tensor
        (S, S), rows from the top: the data's, exact.
    q : Tensor
        (K, S, S): the generators', from their samples.
    cell : float
        Area of a cell.
    """
    axis, points, cell = plane(size)
    p = mixture.log_density(points, blur=BLUR).view(size, size).exp()
    return p, kernel_density(samples, axis), cell


def optimal_map(p: Tensor, q: Tensor) -> Tensor:
    """The best discriminator where two densities are known: D* = p / (p + q).

    Parameters
    ----------
    p, q : Tensor
        Densities of data and of the generator, of shapes that broadcast.

    Returns
    -------
    Tensor
        Range [0, 1]; ½ where both are below 1e-12, and there is nothing to tell apart.
    """
    return optimal_discriminator(p.clamp(min=1e-12).log(), q.clamp(min=1e-12).log())


def presence(p: Tensor, q: Tensor) -> Tensor:
    """How much there is of data or of fakes, each against its own peak.

    Where there is next to nothing of either, what the best discriminator says is of no account, and
    a picture fades it.

    Parameters
    ----------
    p, q : Tensor
        (..., S, S) densities, of shapes that broadcast.

    Returns
    -------
    Tensor
        (..., S, S), range [0, 1]: the larger of p and q, each over its highest value.
    """

    def share(density: Tensor) -> Tensor:
        return density / density.amax((-2, -1), keepdim=True).clamp(min=1e-12)

    return torch.maximum(share(p), share(q))


def pull(discriminator: Mlps, points: Tensor, *, losses: Losses) -> Tensor:
    """Which way and how hard the generator's loss pulls each point.

    Parameters
    ----------
    discriminator : Mlps
        K games' discriminators.
    points : Tensor
        (K, A, 2) generated points.
    losses : Losses
        What the generators play for.

    Returns
    -------
    Tensor
        (K, A, 2): minus the slope of one point's own loss, without the average over the batch.
    """
    moved = points.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(losses.generator(discriminator(moved)).sum(), moved)
    return -slope * points.shape[-2]


def net_image(generator: Mlps, *, noise: Noise = NORMAL, nodes: int = 15) -> Tensor:
    """Where each generator puts the nodes of a square net over the noise.

    Parameters
    ----------
    generator : Mlps
        K games' generators.
    noise : Noise
        What they start from; the net covers the middle 95 % of each of its axes.
    nodes : int
        Nodes along an axis, L.

    Returns
    -------
    Tensor
        (K, L, L, 2), or (K, L, 2) if the noise is one number.
    """
    with torch.no_grad():
        return side_by_side(generator, noise.net(nodes)).unflatten(1, [nodes] * noise.axes)


def side_by_side(players: Mlps, x: Tensor) -> Tensor:
    """Give all K networks the same (N, inputs): their answers, (K, N, …)."""
    return players(x.expand(len(players.weights[0]), -1, -1))


@dataclass(frozen=True)
class View:
    """Everything that a picture of a game in the plane shows.

    Attributes
    ----------
    learned, optimal : Tensor
        (S, S), range [0, 1]: the discriminator, and D* = p / (p + q) of the blurred densities, rows
        from the top. A critic's scores are standardised over the grid and put through a sigmoid.
    present : Tensor
        (S, S), range [0, 1]: how much there is of data or fakes, from `presence`.
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
    present: Tensor
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
    drawn = noise.sample(samples, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        made = side_by_side(generator, drawn)
    learned = learned_map(discriminator, losses=losses, size=size)
    pulls = pull(discriminator, made[:, :arrows], losses=losses)
    mesh = net_image(generator, noise=noise, nodes=nodes)
    p, q, cell = densities(made, mixture, size=size)
    optimal, present = optimal_map(p, q), presence(p, q)
    return [
        View(
            learned=learned[k],
            optimal=optimal[k],
            present=present[k],
            samples=made[k, :shown],
            arrows=pulls[k],
            mesh=mesh[k],
            divergence=jensen_shannon(p, q[k], cell=cell).item(),
        )
        for k in range(len(made))
    ]
