"""The bound of Gaussian signals, in closed form.

Taught in the chapter *Perception and distortion*.

References
----------
Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018 (arXiv:1711.06077);
D. Freirich, T. Michaeli and R. Meir, "A Theory of the Distortion-Perception Tradeoff in
Wasserstein Space", NeurIPS 2021 (arXiv:2107.02555).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor


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
    >>> from tutorial_lib.perception_distortion import scalar_world
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
    def seen(self) -> Tensor:
        """Standard deviation of the observation."""
        return (self.gain * self.deviation).square().add(self.noise**2).sqrt()

    @property
    def correlation(self) -> Tensor:
        """Correlation ρ of each component with its observation, from 0 to 1."""
        return self.gain * self.deviation / self.seen

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
        >>> from tutorial_lib.perception_distortion import scalar_world
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
        mean = self.gain * self.deviation.square() / self.seen.square()
        natural = self.deviation / self.seen
        return (1 - share) * mean + share * natural


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
