"""Measuring pyramids: what each layer lets through, by frequency, and where its energy lies."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from tutorial_lib.lapstyle.pyramid import Form, laplacian_pyramid, layers


class Responses(NamedTuple):
    """What the layers of a pyramid let through, by frequency.

    Attributes
    ----------
    frequency : Tensor
        Shape (P,), in cycles per pixel, from 0 to ½.
    amplitude : Tensor
        Shape (levels + 1, P): how much of a wave a layer returns as that same wave. Over the
        layers it sums to one.
    aliased : Tensor
        Shape (levels + 1, P): root mean square, relative to the wave, of what a layer returns at
        other frequencies, since pixels were left out.
    """

    frequency: Tensor
    amplitude: Tensor
    aliased: Tensor


def responses(*, levels: int, form: Form, size: int = 512) -> Responses:
    """Measure the frequency response of each layer along one side.

    Every pixel of a row is lit in turn, which gives the layers as matrices; their rows in the
    middle, far from the borders, are Fourier transformed. A pyramid treats pixels in turn, not
    alike: row after row repeats only after ``2 ** levels``. The mean over these is the response to
    a wave; their spread is aliasing.

    Parameters
    ----------
    levels : int
        How many bands, 0 or more.
    form : {"classic", "bilinear"}
        As in `reduce`.
    size : int
        Pixels in the row, even and at least ``16 * 2 ** levels``; ``size // 2 + 1`` frequencies.

    Returns
    -------
    Responses
        In float64.

    Raises
    ------
    ValueError
        If `size` is odd or too small.

    Examples
    --------
    >>> found = responses(levels=1, form="bilinear")
    >>> found.amplitude[:, 0].tolist()  # of a flat picture, all is in the last layer
    [0.0, 1.0]
    """
    period = 2**levels
    if size % 2 or size < 16 * period:
        raise ValueError(
            f"for {levels} levels size must be even and at least {16 * period}, got {size}"
        )
    pixels = torch.eye(size, dtype=torch.float64)[:, None, None]
    full = layers(laplacian_pyramid(pixels, levels=levels, form=form), form=form)
    # matrix[layer, lit pixel, seen pixel]
    matrix = torch.stack(full)[:, :, 0, 0]
    places = range(size // 2, size // 2 + period)
    rows = torch.stack([matrix[..., place].roll(-place, dims=1) for place in places], dim=1)
    gains = torch.fft.rfft(rows)
    amplitude = gains.mean(1)
    power = gains.abs().square().mean(1)
    aliased = (power - amplitude.abs().square()).clamp(min=0).sqrt()
    return Responses(torch.fft.rfftfreq(size, dtype=torch.float64), amplitude.real, aliased)


def width_in_octaves(found: Responses, layer: int) -> float:
    """Width of a band-pass between the frequencies at which it has half its peak, interpolated.

    Parameters
    ----------
    found : Responses
        From :func:`responses`.
    layer : int
        A band that falls to half its peak on both sides; the finest and the last do not.

    Returns
    -------
    float
        In octaves.

    Raises
    ------
    ValueError
        If the layer is no band-pass.

    Examples
    --------
    >>> round(width_in_octaves(responses(levels=3, form="classic"), 1), 1)
    1.9
    """
    amplitude = found.amplitude[layer] / found.amplitude[layer].max()
    above = (amplitude >= 0.5).nonzero().flatten()
    low, high = int(above[0]), int(above[-1])
    if low == 0 or high == len(amplitude) - 1:
        raise ValueError(f"layer {layer} is no band-pass: it does not fall to half on both sides")

    def crossing(inside: int, outside: int) -> float:
        a, b = amplitude[inside], amplitude[outside]
        x, y = found.frequency[inside], found.frequency[outside]
        return (x + (0.5 - a) / (b - a) * (y - x)).item()

    return math.log2(crossing(high, high + 1) / crossing(low, low - 1))


def false_share(found: Responses, layer: int, *, falling: float = 0.0) -> float:
    """Share of a layer's power that is aliased.

    Parameters
    ----------
    found : Responses
        From :func:`responses`.
    layer : int
        Which.
    falling : float
        The power of the waves that come in falls with this power of their frequency: 0 for waves
        that are all equally strong, 2 as in natural pictures. The mean is left out.

    Returns
    -------
    float
        0 to 1.

    References
    ----------
    D. J. Field, "Relations between the statistics of natural images and the response properties of
    cortical cells", 1987, for the 2.
    """
    power = found.frequency[1:] ** -falling
    right, wrong = ((power * x[layer, 1:].square()).sum() for x in (found.amplitude, found.aliased))
    return (wrong / (right + wrong)).item()


def contour_share(image: Tensor, *, steepest: float = 0.1) -> float:
    """Share of the finest band's energy that lies where a picture is steepest.

    Parameters
    ----------
    image : Tensor
        Shape (1, C, H, W), any range, both sides at least 3.
    steepest : float
        Share of the pixels, by the slope of the mean over channels, that count as contours.

    Returns
    -------
    float
        0 to 1; `steepest` where the energy does not mind contours.
    """
    grey = image.mean(1)
    across = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    down = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    slope = across**2 + down**2
    band = laplacian_pyramid(image, levels=1, form="classic")[0]
    energy = band.square().mean(1)[:, 1:-1, 1:-1]
    contours = slope > slope.flatten().kthvalue(int((1 - steepest) * slope.numel())).values
    return (energy[contours].sum() / energy.sum()).item()
