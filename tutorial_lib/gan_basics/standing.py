"""How a game in the plane stands against its theory: V under its bound, D beside the best D.

Taught in the chapter *GAN basics*. Unlike what is drawn (:mod:`tutorial_lib.gan_basics.views`),
this is measured on the densities that the discriminator is shown: the data's exact one, and the
generator's from many samples through a narrow window.

References
----------
I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from tutorial_lib.gan_basics.game import jensen_shannon, value
from tutorial_lib.gan_basics.losses import Losses
from tutorial_lib.gan_basics.plane import NORMAL, Mixture, Mlps, Noise
from tutorial_lib.gan_basics.views import EXTENT, kernel_density, optimal_map, plane, side_by_side

WINDOW = 1 / 60
"""Standard deviation of the window through which a generator's density is estimated: a third of
that of the ring's Gaussians."""


@dataclass(frozen=True)
class Standing:
    """One game's numbers, over the window and what lies outside of it.

    Attributes
    ----------
    divergence : float
        Jensen–Shannon divergence of data and generator, in nats.
    coin : float
        Mean of ``|½ − D*|``, half over the data and half over the fakes, range [0, ½]: how far a
        coin is from the best discriminator.
    gap : float or None
        Mean of ``|D − D*|``, likewise; None for a critic. A D that knows something is below `coin`.
    value : float or None
        V(D, G), in nats; None where D states no logit.
    """

    divergence: float
    coin: float
    gap: float | None
    value: float | None

    @property
    def bound(self) -> float:
        """2 JSD − log 4: the value of the best D, which no other exceeds."""
        return 2 * self.divergence - math.log(4)


def standing(
    generator: Mlps,
    discriminator: Mlps,
    mixture: Mixture,
    *,
    losses: Losses,
    noise: Noise = NORMAL,
    samples: int = 10_000,
    size: int = 128,
    seed: int = 0,
) -> list[Standing]:
    """Measure all games that are played side by side.

    Parameters
    ----------
    generator, discriminator : Mlps
        K games' players.
    mixture : Mixture
        The data's distribution.
    losses : Losses
        What they play for; says how an answer becomes a probability.
    noise : Noise
        What the generators start from.
    samples : int
        Of each generator, for its density.
    size : int
        Cells of the grid along either axis of the window; two thirds of a cell are `WINDOW`.
    seed : int
        Of the noise.

    Returns
    -------
    list of Standing
        One for each game.

    References
    ----------
    Goodfellow et al. 2014, Equation 2, and the proof of Theorem 1 for V(D, G) ≤ 2 JSD − log 4.
    """
    axis, points, cell = plane(size)
    p = mixture.log_density(points).exp()
    drawn = noise.sample(samples, generator=torch.Generator().manual_seed(seed))
    found = []
    with torch.no_grad():
        made = side_by_side(generator, drawn)
        answers = side_by_side(discriminator, points)
        of_made = discriminator(made[:, :2000])
    for fakes, inside, judged in zip(made, answers, of_made, strict=True):
        q = kernel_density(fakes, axis, width=WINDOW).flatten()
        best = optimal_map(p, q)
        # Outside of the window there are no data, so that the best answer there is 0.
        outside = judged[~(fakes[: len(judged)].abs() <= EXTENT).all(-1)]
        away = max(0.0, 1 - q.sum().item() * cell) if len(outside) else 0.0
        gap = reached = None
        if losses.probability is not None:
            wrong = ((losses.probability(inside) - best).abs() * (p + q)).sum().item() * cell
            if len(outside):
                wrong += away * losses.probability(outside).mean().item()
            gap = wrong / 2
        if losses.probability is torch.sigmoid:
            reached = value(p, q, inside, cell=cell).item()
            if len(outside):
                reached += away * F.logsigmoid(-outside).mean().item()
        found.append(
            Standing(
                divergence=jensen_shannon(p, q, cell=cell).item(),
                coin=(((best - 0.5).abs() * (p + q)).sum().item() * cell + away / 2) / 2,
                gap=gap,
                value=reached,
            )
        )
    return found
