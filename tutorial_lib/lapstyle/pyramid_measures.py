"""Measuring pyramids: what each layer lets through, by frequency."""

from __future__ import annotations

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
