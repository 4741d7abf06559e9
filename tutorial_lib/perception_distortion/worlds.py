"""Small worlds in which the best that any method can do is known.

Taught in the chapter *Perception and distortion*: a number seen in noise, clouds seen through a
blurred lens, and the pixels of a printed page.

References
----------
Y. Blau and T. Michaeli, "The Perception-Distortion Tradeoff", CVPR 2018 (arXiv:1711.06077).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tutorial_lib.perception_distortion.discrete import Array
from tutorial_lib.perception_distortion.gaussian import GaussianWorld


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
