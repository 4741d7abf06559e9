"""Halving and doubling one side of a picture with the weights (1, 4, 6, 4, 1)/16.

They are the binomial coefficients of the fourth power: the filter of the classic pyramid. Borders
are those of OpenCV's ``pyrDown`` and ``pyrUp``.

References
----------
Burt and Adelson 1983, "The Laplacian pyramid as a compact image code", equations 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def halve(x: Tensor, *, dim: int) -> Tensor:
    """Smooth with (1, 4, 6, 4, 1)/16 along one side, at every second pixel.

    Parameters
    ----------
    x : Tensor
        Shape (…, H, W), floating point, any range.
    dim : {-2, -1}
        The side.

    Returns
    -------
    Tensor
        Of half that side, rounded up. Beyond its edge `x` goes on as its mirror image about the
        outermost pixel.

    Examples
    --------
    >>> halve(torch.tensor([[16.0, 0, 0, 0, 0]]), dim=-1)
    tensor([[6., 1., 0.]])
    """
    size = x.shape[dim]
    before, after = ([mirrored(p, size) for p in beyond] for beyond in ((-2, -1), (size, size + 1)))
    x = extended(x, before, after, dim=dim)
    half = (size + 1) // 2
    # Sums of every second pixel: no product is computed that is thrown away.
    first, second, middle, fourth, fifth = (every_second(x, k, half, dim=dim) for k in range(5))
    return torch.add(first + fifth, second + fourth, alpha=4).add_(middle, alpha=6).mul_(1 / 16)


def double(x: Tensor, size: int, *, dim: int) -> Tensor:
    """Put a zero after every pixel and smooth with (1, 4, 6, 4, 1)/8 along one side.

    Parameters
    ----------
    x : Tensor
        Shape (…, H, W), floating point, any range.
    size : int
        Of the side afterwards: twice what it is, or one less.
    dim : {-2, -1}
        The side.

    Returns
    -------
    Tensor
        `x` is mirrored above and on the left, and its last pixel repeated below and on the right.

    Examples
    --------
    >>> double(torch.tensor([[0.0, 8, 0]]), 6, dim=-1)
    tensor([[2., 4., 6., 4., 1., 0.]])
    """
    length = x.shape[dim]
    wide = extended(x, (mirrored(-1, length),), (length - 1,), dim=dim)
    before, after = wide.narrow(dim, 0, length), wide.narrow(dim, 2, length)
    even = torch.add(before + after, x, alpha=6).mul_(1 / 8)
    odd = (x + after).mul_(1 / 2)
    at = x.ndim + dim
    return torch.stack((even, odd), at + 1).flatten(at, at + 1).narrow(dim, 0, size)


def mirrored(position: int, size: int) -> int:
    """Index of the pixel seen at a position beyond the edge, mirrored about the outermost one."""
    if size == 1:
        return 0
    period = 2 * (size - 1)
    return min(position % period, -position % period)


def extended(x: Tensor, before: Sequence[int], after: Sequence[int], *, dim: int) -> Tensor:
    """Set pixels of `x`, by index along one side, before and after it."""
    return torch.cat(
        [*(x.narrow(dim, i, 1) for i in before), x, *(x.narrow(dim, i, 1) for i in after)], dim
    )


def every_second(x: Tensor, start: int, count: int, *, dim: int) -> Tensor:
    """Take `count` pixels along one side from `start` on, leaving out one after each."""
    places = slice(start, start + 2 * count - 1, 2)
    return x[..., places, :] if dim == -2 else x[..., places]
