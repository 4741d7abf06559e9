"""The perception–distortion trade-off, where it can be computed exactly.

Taught in the chapter *Perception and distortion*. Two small worlds in which the best that any
method can do is known: Gaussian signals, where the bound has a closed form, and signals of a few
levels, where it is a linear programme. And the lower envelope of points that were measured.

References
----------
Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018 (arXiv:1711.06077);
D. Freirich, T. Michaeli and R. Meir, "A Theory of the Distortion-Perception Tradeoff in
Wasserstein Space", NeurIPS 2021 (arXiv:2107.02555).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

Array = NDArray[np.float64]

# -------------------------------------------------------------------------- Gaussian


@dataclass(frozen=True)
class GaussianWorld:
    """A Gaussian signal, seen component by component through a gain and white noise.

    Component k of the signal is X ~ N(0, deviation²) and is seen as Y = gain · X + noise · N with
    N ~ N(0, 1), all independent. One component is a number seen in noise; the Fourier components
    of a stationary texture are a blurred and noisy picture.

    Distortion is the mean squared error, and perception the Wasserstein-2 distance between the
    distributions of signal and estimate, both as means over the components.

    Attributes
    ----------
    deviation : Tensor
        Standard deviation of each component, any shape, not negative.
    gain : Tensor
        Of the same shape, not negative; 1 leaves a component alone, 0 removes it.
    noise : float
        Standard deviation of the noise, positive.

    Raises
    ------
    ValueError
        If the shapes differ, or a value is out of its range.

    Examples
    --------
    >>> world = scalar_world(noise=1.0)
    >>> round(world.least_distortion, 3), round(world.worst_perception, 3)
    (0.5, 0.293)
    """

    deviation: Tensor
    gain: Tensor
    noise: float

    def __post_init__(self) -> None:
        if self.deviation.shape != self.gain.shape:
            raise ValueError(
                f"deviation of shape {tuple(self.deviation.shape)}, gain of shape "
                f"{tuple(self.gain.shape)}: give one of each to a component"
            )
        if bool((self.deviation < 0).any()) or bool((self.gain < 0).any()):
            raise ValueError("deviation and gain must not be negative")
        if not self.noise > 0:
            raise ValueError(f"noise must be positive, got {self.noise}")

    @property
    def _seen(self) -> Tensor:
        """Standard deviation of the observation."""
        return (self.gain * self.deviation).square().add(self.noise**2).sqrt()

    @property
    def correlation(self) -> Tensor:
        """Correlation ρ of each component with its observation, from 0 to 1."""
        return self.gain * self.deviation / self._seen

    @property
    def least_distortion(self) -> float:
        """D*, the error of the posterior mean: the mean of deviation² (1 − ρ²)."""
        return (self.deviation.square() * (1 - self.correlation.square())).mean().item()

    @property
    def worst_perception(self) -> float:
        """P*, how far the posterior mean's distribution is from the signal's.

        The posterior mean of a component has the standard deviation ρ · deviation: too little.
        """
        return (self.deviation * (1 - self.correlation)).square().mean().sqrt().item()

    def distortion(self, perception: float) -> float:
        """The least distortion of all estimators whose perception is no worse than this.

        Parameters
        ----------
        perception : float
            Wasserstein-2 distance, not negative.

        Returns
        -------
        float
            Mean squared error; at perception 0 never more than twice `least_distortion`.

        References
        ----------
        Freirich et al. 2021: D(P) = D* + max(P* − P, 0)², whatever the signal's distribution.

        Examples
        --------
        >>> round(scalar_world(noise=1.0).distortion(0.0), 3)
        0.586
        """
        if perception < 0:
            raise ValueError(f"a distance is not negative, got {perception}")
        return self.least_distortion + max(self.worst_perception - perception, 0.0) ** 2

    def perception(self, distortion: float) -> float:
        """The bound P(D): the best perception of all estimators with no more distortion than this.

        Parameters
        ----------
        distortion : float
            Mean squared error, at least `least_distortion`.

        Returns
        -------
        float
            Wasserstein-2 distance; 0 from D* + P*² on.

        Raises
        ------
        ValueError
            If no estimator has so little distortion.
        """
        excess = distortion - self.least_distortion
        if excess < -1e-9 * max(1.0, self.least_distortion):
            raise ValueError(
                f"no estimator reaches a distortion of {distortion:g}: the posterior mean has "
                f"{self.least_distortion:g}"
            )
        return max(self.worst_perception - max(excess, 0.0) ** 0.5, 0.0)

    def restoring_gain(self, share: float) -> Tensor:
        """What to multiply an observation with, for an estimate on the bound.

        A share of 0 is the posterior mean. A share of 1 is the estimate that has the signal's own
        distribution and, among those, the least distortion: the posterior mean stretched until
        its variance is right. What lies between on a straight line lies on the bound, too.

        Parameters
        ----------
        share : float
            From 0 to 1.

        Returns
        -------
        Tensor
            One factor a component. Where `gain` is 0 it makes texture of the right variance from
            the observation's noise.

        References
        ----------
        Freirich et al. 2021: estimators on the bound interpolate between its two ends.
        """
        mean = self.gain * self.deviation.square() / self._seen.square()
        natural = self.deviation / self._seen
        return (1 - share) * mean + share * natural


def scalar_world(*, noise: float) -> GaussianWorld:
    """One number X ~ N(0, 1), seen as Y = X + noise · N.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise.

    References
    ----------
    Blau and Michaeli 2018, the example of denoising a Gaussian.
    """
    one = torch.ones(1, dtype=torch.float64)
    return GaussianWorld(deviation=one, gain=one, noise=noise)


def texture_world(side: int, *, blur: float, noise: float, slope: float = 1.5) -> GaussianWorld:
    """Square pictures of clouds, blurred and noisy: Gaussian, with the spectrum of photographs.

    Parameters
    ----------
    side : int
        Of the picture, in pixels; the components are those of its two-dimensional Fourier
        transform, shape (side, side).
    blur : float
        Standard deviation of the Gaussian blur, in pixels.
    noise : float
        Standard deviation of the noise, where the picture's is 1.
    slope : float
        The amplitude falls with the frequency f as f^−slope; that of photographs is about 1.

    Returns
    -------
    GaussianWorld
        Its mean component, the picture's brightness, is zero.
    """
    frequency = torch.fft.fftfreq(side, dtype=torch.float64)
    radius = (frequency[:, None].square() + frequency.square()).sqrt()
    deviation = radius.clamp(min=1 / side).pow(-slope)
    deviation[0, 0] = 0
    deviation = deviation / deviation.square().mean().sqrt()
    gain = (-2 * (torch.pi * blur * radius).square()).exp()
    return GaussianWorld(deviation=deviation, gain=gain, noise=noise)


def draw_texture(world: GaussianWorld, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a picture and its observation.

    Parameters
    ----------
    world : GaussianWorld
        As `texture_world` makes it.
    generator : torch.Generator
        Source of all randomness.

    Returns
    -------
    picture, observation : Tensor
        (side, side) each, float64, of mean zero and, for the picture, variance one on average.
    """
    shape = world.deviation.shape
    white, noise = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    picture = filtered(white, world.deviation)
    return picture, filtered(picture, world.gain) + world.noise * noise


def filtered(picture: Tensor, gain: Tensor) -> Tensor:
    """Multiply the Fourier components of a picture, (side, side), with gains of that shape."""
    return torch.fft.ifft2(torch.fft.fft2(picture) * gain).real


def gaussian_kl(deviation: float) -> float:
    """Kullback–Leibler divergence of N(0, deviation²) from N(0, 1), in nats.

    With it in place of the Wasserstein distance, the bound for one number seen in noise is this
    function of the standard deviation of `GaussianWorld.restoring_gain`'s estimate.

    Parameters
    ----------
    deviation : float
        Positive.

    Returns
    -------
    float
        KL(N(0, 1) ‖ N(0, deviation²)).

    Examples
    --------
    >>> gaussian_kl(1.0)
    0.0
    """
    variance = deviation**2
    return float((np.log(variance) + 1 / variance - 1) / 2)


# -------------------------------------------------------------------------- discrete


@dataclass(frozen=True)
class Optimum:
    """The best that an estimator can do within a distortion.

    Attributes
    ----------
    rule : ndarray
        (observations, levels): the probability of each answer, given the observation.
    output : ndarray
        (levels,): how often each answer is given in all.
    distortion, perception : float
        The expected cost, and the total variation between the output and the signal.
    """

    rule: Array
    output: Array
    distortion: float
    perception: float


def least_cost(joint: Array, cost: Array) -> float:
    """The least expected cost of all estimators, perception aside.

    Parameters
    ----------
    joint : ndarray
        (levels, observations): probability of each signal with each observation.
    cost : ndarray
        (levels, levels): of answering with the second where the first is true.

    Returns
    -------
    float
        The mean over observations of the cheapest answer's cost.
    """
    return float((joint.T @ cost).min(axis=1).sum())


def best_perception(joint: Array, cost: Array, *, distortion: float) -> Optimum:
    """Solve for P(D) exactly: the least total variation within a distortion.

    All randomised estimators are allowed. Expected cost and output are linear in the estimator's
    probabilities, so this is a linear programme.

    Parameters
    ----------
    joint : ndarray
        (levels, observations): probability of each signal with each observation; sums to one.
    cost : ndarray
        (levels, levels): of answering with the second where the first is true.
    distortion : float
        The most that the expected cost may be.

    Returns
    -------
    Optimum
        An optimal estimator and what it reaches.

    Raises
    ------
    ValueError
        If the shapes do not fit, the probabilities are none, or no estimator is so cheap.

    References
    ----------
    Blau and Michaeli 2018, the perception-distortion function.

    Examples
    --------
    >>> fair = np.full((2, 2), 0.25)  # an observation that says nothing about a fair coin
    >>> toss = best_perception(fair, 1 - np.eye(2), distortion=0.5)
    >>> round(toss.perception, 6), toss.output.round(6).tolist()
    (0.0, [0.5, 0.5])
    """
    levels, observations = joint.shape
    if cost.shape != (levels, levels):
        raise ValueError(f"cost of shape {cost.shape}, expected {(levels, levels)}")
    if (joint < 0).any() or not np.isclose(joint.sum(), 1):
        raise ValueError("joint must hold probabilities that sum to one")
    least = least_cost(joint, cost)
    if distortion < least - 1e-9:
        raise ValueError(f"no estimator has a distortion of {distortion:g}: the least is {least:g}")

    # Unknowns: the rule, row by row, then for each level by how much its share is off.
    signal, seen = joint.sum(axis=1), joint.sum(axis=0)
    price = (joint.T @ cost).ravel()
    share = np.kron(seen, np.eye(levels))  # (levels, observations · levels): rule → output
    off = np.eye(levels)
    answer = linprog(
        np.concatenate([np.zeros(price.size), np.full(levels, 0.5)]),
        A_ub=np.block([[price, np.zeros(levels)], [share, -off], [-share, -off]]),
        b_ub=np.concatenate([[max(distortion, least) + 1e-12], signal, -signal]),
        A_eq=np.hstack(
            [np.kron(np.eye(observations), np.ones(levels)), np.zeros((observations, levels))]
        ),
        b_eq=np.ones(observations),
        method="highs",
    )
    rule = answer.x[: price.size].reshape(observations, levels)
    return Optimum(
        rule=rule,
        output=seen @ rule,
        distortion=float(price @ rule.ravel()),
        perception=float(np.abs(seen @ rule - signal).sum() / 2),
    )


def ink_world(*, noise: float = 3.0) -> tuple[Array, Array]:
    """Pixels of a printed page, dark or light and seldom between, seen in noise.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, in levels.

    Returns
    -------
    joint : ndarray
        (9, 17): probability of each of the levels 0 to 8 with each reading from −4 to 12.
    cost : ndarray
        (9, 9): the squared difference of levels.
    """
    signal = np.array([4.0, 20, 8, 1, 0.5, 1, 8, 46, 12])
    signal /= signal.sum()
    levels, readings = np.arange(9), np.arange(-4, 13)
    likelihood = np.exp(-(((readings - levels[:, None]) / noise) ** 2) / 2)
    likelihood /= likelihood.sum(axis=1, keepdims=True)
    cost = (levels[:, None] - levels).astype(float) ** 2
    return signal[:, None] * likelihood, cost


# -------------------------------------------------------------------------- envelope


def lower_envelope(points: Sequence[tuple[float, float]]) -> list[int]:
    """Which points are on the convex envelope below and to the left of all.

    Whoever has two methods also has all their mixtures: take the one for some of the pictures, at
    random, and the other for the rest. Mean squared error and mean NIQE then lie on the straight
    line between the two points. What lies above such a line, or is worse in both measures, is on
    nobody's list.

    Parameters
    ----------
    points : sequence of (float, float)
        Distortion and perception, smaller being better, in units in which mixtures are straight:
        the mean squared error and not its root.

    Returns
    -------
    list of int
        Places in `points`, from the least distortion to the best perception.

    Raises
    ------
    ValueError
        If there is no point.

    Examples
    --------
    >>> lower_envelope([(1, 9), (2, 4), (3, 5), (3, 3.9), (4, 1), (5, 2)])
    [0, 1, 4]
    """
    if not points:
        raise ValueError("there are no points")
    best: list[int] = []
    for i in sorted(range(len(points)), key=lambda k: points[k]):
        if best and points[i][1] >= points[best[-1]][1]:
            continue  # no better in either measure
        while len(best) > 1 and not _turns_left(points[best[-2]], points[best[-1]], points[i]):
            best.pop()
        best.append(i)
    return best


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0
