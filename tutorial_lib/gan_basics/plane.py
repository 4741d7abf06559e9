"""Games in the plane: distributions of known density, noise, and small players side by side.

Taught in the chapter *GAN basics*, beside :mod:`tutorial_lib.gan_basics.game`.

References
----------
I. Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014 (arXiv:1406.2661).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# ------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Mixture:
    """An even mixture of round Gaussians in the plane: easy to sample, its density exact.

    The curves too are mixtures, of so many Gaussians so close together that no gap is seen.

    Parameters
    ----------
    centres : Tensor
        (M, 2) centres.
    sigma : float
        Standard deviation of each Gaussian along either axis.
    modes : Tensor
        (R, 2) points by which coverage is counted: the ring's centres, or points at equal
        distances along a curve.
    """

    centres: Tensor
    sigma: float
    modes: Tensor

    def sample(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw points: ``(*shape, 2)``."""
        index = torch.randint(len(self.centres), shape, generator=generator)
        return self.centres[index] + self.sigma * torch.randn(*shape, 2, generator=generator)

    def log_density(self, points: Tensor, *, blur: float = 0.0) -> Tensor:
        """Logarithm of the density at (N, 2) points, after a Gaussian blur if asked: (N,)."""
        variance = self.sigma**2 + blur**2
        squared = torch.cdist(points, self.centres).square()
        log_sum = torch.logsumexp(-squared / (2 * variance), dim=-1)
        return log_sum - math.log(2 * math.pi * variance * len(self.centres))


def ring(*, modes: int = 8, radius: float = 1.0, sigma: float = 0.05) -> Mixture:
    """Gaussians evenly on a circle.

    Examples
    --------
    >>> ring().modes.shape
    torch.Size([8, 2])
    """
    angle = torch.arange(modes) * (2 * math.pi / modes)
    centres = radius * torch.stack([angle.cos(), angle.sin()], dim=-1)
    return Mixture(centres, sigma, centres)


def spiral(*, turns: float = 1.75, sigma: float = 0.04) -> Mixture:
    """A spiral with equal weight on equal lengths, from near the centre to radius 1.2."""
    t = torch.linspace(0.2, 1, 4001)
    angle = 2 * math.pi * turns * t
    return _curve([1.2 * t[:, None] * torch.stack([angle.cos(), angle.sin()], dim=-1)], sigma)


def moons(*, sigma: float = 0.06) -> Mixture:
    """Two half circles that reach into each other."""
    angle = torch.linspace(0, math.pi, 2001)
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], dim=-1)
    return _curve([0.85 * upper, -0.85 * upper], sigma)


def _curve(lines: list[Tensor], sigma: float, count: int = 512, modes: int = 16) -> Mixture:
    def evenly(line: Tensor, number: int) -> Tensor:
        """Midpoints of `number` stretches of equal length."""
        length = F.pad(line.diff(dim=0).norm(dim=-1).cumsum(0), (1, 0))
        wanted = (torch.arange(number) + 0.5) / number * length[-1]
        return line[torch.searchsorted(length, wanted)]

    centres, anchors = (
        torch.cat([evenly(line, number // len(lines)) for line in lines])
        for number in (count, modes)
    )
    return Mixture(centres, sigma, anchors)


SMILE = """
   #      #

 #          #
   #      #
      ##
"""
"""A drawing for `drawn`."""


def drawn(drawing: str = SMILE, *, sigma: float = 0.05) -> Mixture:
    """A distribution that is drawn with the keyboard: each mark is a round Gaussian.

    Parameters
    ----------
    drawing : str
        Lines of text. Everything but a space is a mark; a row is twice as high as a column is
        wide, as on the screen. The drawing is scaled to fit into the window.
    sigma : float
        Standard deviation of each Gaussian along either axis.

    Returns
    -------
    Mixture
        Its modes are the marks.

    Raises
    ------
    ValueError
        If there is no mark, or more than 400.

    Examples
    --------
    >>> drawn("o  o").modes
    tensor([[-1.1000,  0.0000],
            [ 1.1000,  0.0000]])
    """
    marks = [
        (column / 2, -float(row))
        for row, line in enumerate(drawing.splitlines())
        for column, mark in enumerate(line)
        if not mark.isspace()
    ]
    if not 1 <= len(marks) <= 400:
        raise ValueError(f"a drawing needs 1 to 400 marks, got {len(marks)}")
    centres = torch.tensor(marks)
    low, high = centres.amin(0), centres.amax(0)
    half = float((high - low).max()) / 2
    centres = (centres - (low + high) / 2) * (1.1 / half if half else 1.0)
    return Mixture(centres, sigma, centres)


DISTRIBUTIONS: dict[str, Callable[[], Mixture]] = {
    "ring": ring,
    "spiral": spiral,
    "moons": moons,
    "smile": drawn,
}
"""The chapter's four distributions by name."""


# ------------------------------------------------------------------------------- noise


@dataclass(frozen=True)
class Noise:
    """What a generator in the plane starts from.

    Parameters
    ----------
    axes : int
        Numbers a sample: 2, or 1 for a generator that can only lay a thread.
    uniform : bool
        Even on (−1, 1) along each axis, instead of standard normal.

    Examples
    --------
    >>> Noise(1).sample(5, 3).shape
    torch.Size([5, 3, 1])
    """

    axes: int = 2
    uniform: bool = False

    def sample(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw noise: ``(*shape, axes)``."""
        return self._shaped(torch.randn(*shape, self.axes, generator=generator))

    def net(self, nodes: int) -> Tensor:
        """Nodes of a square net over the middle 95 % along each axis: ``(nodes ** axes, axes)``."""
        line = self._shaped(torch.linspace(-1.96, 1.96, nodes))
        return torch.stack(torch.meshgrid(*[line] * self.axes, indexing="ij"), dim=-1).flatten(
            0, -2
        )

    def _shaped(self, normal: Tensor) -> Tensor:
        return torch.erf(normal * 0.5**0.5) if self.uniform else normal


NORMAL = Noise()
"""Two standard normal numbers: the noise of all recorded games."""


# ---------------------------------------------------------------------------- players


class Mlps(nn.Module):
    """Several small multilayer perceptrons of one shape, trained side by side.

    One seed is one network. All are evaluated in one batched product a layer, so that ten cost
    little more time than one.

    Parameters
    ----------
    seeds : sequence of int
        One for each of the K networks' initial weights.
    inputs, outputs, hidden : int
        Widths of the noise or the points, of the answer, and of each hidden layer.
    layers : int
        Hidden layers, each with leaky rectifiers.
    spectral : bool
        Divide every weight matrix by its largest singular value, so that the network is nowhere
        steeper than 1. The value is found by power iteration, one turn each time that the network
        is trained on a batch.

    References
    ----------
    T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018
    (arXiv:1802.05957), Algorithm 1.

    Examples
    --------
    >>> players = Mlps([0, 1, 2], inputs=2, outputs=1)
    >>> players(torch.zeros(3, 5, 2)).shape
    torch.Size([3, 5])
    >>> sum(p.numel() for p in players.parameters()) // 3
    4417
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        inputs: int = 2,
        outputs: int = 2,
        hidden: int = 64,
        layers: int = 2,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.spectral = spectral
        widths = (inputs, *[hidden] * layers, outputs)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        for rows, columns in pairwise(widths):
            bound = rows**-0.5
            draws = [torch.rand(rows + 1, columns, generator=source) for source in sources]
            both = (2 * torch.stack(draws) - 1) * bound
            self.weights.append(both[:, :-1].contiguous())
            self.biases.append(both[:, -1:].contiguous())
            if spectral:
                direction = torch.ones(len(seeds), columns, 1)
                self.register_buffer(f"direction{len(self.weights) - 1}", direction)
                for _ in range(20):  # so that the first answers are right too
                    self.steepest(len(self.weights) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """From (K, N, inputs) to (K, N, outputs), or to (K, N) if there is one output."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if self.spectral:
                weight = weight / self.steepest(layer)
            x = torch.baddbmm(bias, x, weight)
            if layer < len(self.weights) - 1:
                x = F.leaky_relu(x, 0.2)
        return x.squeeze(-1) if x.shape[-1] == 1 else x

    def steepest(self, layer: int) -> Tensor:
        """Largest singular value of each network's weights in a layer: (K, 1, 1)."""
        weight, direction = self.weights[layer], self.get_buffer(f"direction{layer}")
        # A look, or a step of the other player, leaves this one as it is.
        learns = weight.requires_grad and torch.is_grad_enabled()
        with torch.no_grad():
            left = F.normalize(weight @ direction, dim=1)
            right = F.normalize(weight.mT @ left, dim=1)
            if learns:
                direction.copy_(right)
        return left.mT @ weight @ right


class RunwiseAdam(torch.optim.Adam):
    """Adam with a learning rate of its own for each of K networks trained side by side.

    Adam's step is proportional to its learning rate. So the step is taken at rate 1 and then
    shortened, run by run.

    Parameters
    ----------
    parameters : iterable of Tensor
        Each (K, …).
    rates : Tensor
        (K,) learning rates; may be changed at any time.
    betas : (float, float)
        Adam's own.
    """

    def __init__(
        self,
        parameters: nn.ParameterList | Sequence[nn.Parameter],
        rates: Tensor,
        *,
        betas: tuple[float, float] = (0.5, 0.9),
    ) -> None:
        super().__init__(parameters, lr=1.0, betas=betas, fused=True)
        self.rates = rates

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all networks once."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        before = [p.clone() for p in parameters]
        super().step(closure)
        for new, old in zip(parameters, before, strict=True):
            new.copy_(torch.lerp(old, new, self.rates.view(-1, 1, 1).to(new)))
