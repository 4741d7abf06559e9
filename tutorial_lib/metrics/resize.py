"""Image resizing that agrees with MATLAB's ``imresize``.

Published super-resolution numbers rest on MATLAB's bicubic: its low-resolution images, its
baseline, and the half-size image inside NIQE. Resizers that do not widen the kernel when
shrinking, or that use another cubic, give images that differ by several decibels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

_Kernel = Callable[[Tensor], Tensor]


def cubic(x: Tensor) -> Tensor:
    """Cubic convolution kernel with a = -1/2.

    Parameters
    ----------
    x : Tensor
        Distances from the sample, in pixels, any shape.

    Returns
    -------
    Tensor
        Weights, same shape; zero beyond two pixels.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing, 1981, equation 15.
    """
    r = x.abs()
    near = (1.5 * r - 2.5) * r**2 + 1
    far = ((-0.5 * r + 2.5) * r - 4) * r + 2
    return torch.where(r <= 1, near, torch.where(r <= 2, far, torch.zeros_like(r)))


def triangle(x: Tensor) -> Tensor:
    """Triangle kernel, that of bilinear interpolation.

    Parameters
    ----------
    x : Tensor
        Distances from the sample, in pixels, any shape.

    Returns
    -------
    Tensor
        Weights, same shape; zero beyond one pixel.
    """
    return (1 - x.abs()).clamp(min=0)


# Name -> (kernel, full width of its support in pixels).
_KERNELS: dict[str, tuple[_Kernel, float]] = {"bicubic": (cubic, 4.0), "bilinear": (triangle, 2.0)}


def taps(
    length: int, out_length: int, *, scale: float, antialias: bool = True, kernel: str = "bicubic"
) -> tuple[Tensor, Tensor]:
    """Which pixels make up each output pixel along one side, and their weights.

    Output pixel i (from zero) sits at ``(i + 0.5) / scale - 0.5`` of the input. When shrinking with
    `antialias`, the kernel is stretched by ``1 / scale``, which makes it the low-pass filter as
    well. Beyond its edges the image is mirrored, the edge pixel being repeated.

    Parameters
    ----------
    length, out_length : int
        Pixels before and after.
    scale : float
        Output pixels per input pixel; not always ``out_length / length``, as lengths are rounded.
    antialias : bool
        Whether to stretch the kernel when ``scale < 1``.
    kernel : {"bicubic", "bilinear"}
        Interpolation kernel.

    Returns
    -------
    source : Tensor
        Input pixel of each tap, shape (taps, out_length), int64.
    weight : Tensor
        Its weight, shape (taps, out_length), float64; each column sums to one.
    """
    function, width = _KERNELS[kernel]
    stretch = min(scale, 1.0) if antialias else 1.0
    width /= stretch
    centre = (torch.arange(out_length, dtype=torch.float64) + 0.5) / scale - 0.5
    reach = torch.arange(math.ceil(width) + 2, dtype=torch.float64)
    position = torch.floor(centre - width / 2) + reach[:, None]
    weight = function(stretch * (centre - position))
    weight = weight / weight.sum(dim=0)
    folded = position.long() % (2 * length)
    source = torch.where(folded < length, folded, 2 * length - 1 - folded)
    used = (weight != 0).any(dim=1)
    return source[used], weight[used]


@lru_cache(maxsize=64)
def _taps_on(
    length: int,
    out_length: int,
    scale: float,
    antialias: bool,
    kernel: str,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    # A tensor born in inference mode could not be used in a later differentiated call.
    with torch.inference_mode(False):
        source, weight = taps(length, out_length, scale=scale, antialias=antialias, kernel=kernel)
        return source.to(device), weight.to(device=device, dtype=dtype)


def _resize_rows(
    image: Tensor, out_length: int, scale: float, antialias: bool, kernel: str
) -> Tensor:
    source, weight = _taps_on(
        image.shape[-2], out_length, scale, antialias, kernel, image.dtype, image.device
    )
    # A sum over a few taps, rather than a product with a matrix: far less work on a large image,
    # and out of reach of autocast and TF32, which would cost more than an 8-bit step.
    result = image.new_zeros(())
    for index, w in zip(source, weight, strict=True):
        result = torch.addcmul(result, image.index_select(-2, index), w[:, None])
    return result


def imresize(
    image: Tensor,
    *,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    antialias: bool = True,
    kernel: str = "bicubic",
) -> Tensor:
    """Resize images as MATLAB's ``imresize`` does.

    Differentiable with respect to `image`. The result is neither rounded nor clamped: bicubic
    overshoots by a few per cent beside edges, so a [0, 1] image may leave that range.

    Parameters
    ----------
    image : Tensor
        Images, shape (N, C, H, W), float32 or float64, any range.
    scale : float, optional
        Output pixels per input pixel; each side becomes ``ceil(scale * side)``.
    size : tuple of int, optional
        Output height and width; each side then has its own scale. Give `scale` or `size`.
    antialias : bool
        Whether to low-pass when shrinking.
    kernel : {"bicubic", "bilinear"}
        Interpolation kernel.

    Returns
    -------
    Tensor
        Shape (N, C, H', W'), dtype and device of `image`.

    Raises
    ------
    ValueError
        If the image is not 4-D or is empty, or if `scale`, `size` or `kernel` make no sense.
    TypeError
        If the image is not float32 or float64.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing, 1981.

    Examples
    --------
    >>> import torch
    >>> imresize(torch.rand(2, 3, 37, 53), scale=1 / 4).shape
    torch.Size([2, 3, 10, 14])
    """
    if image.ndim != 4:
        raise ValueError(f"image must have shape (N, C, H, W), got {tuple(image.shape)}")
    if image.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"image must be float32 or float64, got {image.dtype}")
    if kernel not in _KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(_KERNELS)}, got {kernel!r}")
    height, width = image.shape[-2:]
    if height == 0 or width == 0:
        raise ValueError(f"image has no pixels: shape {tuple(image.shape)}")
    (out_height, scale_y), (out_width, scale_x) = _plan(height, width, scale, size)
    image = _resize_rows(image, out_height, scale_y, antialias, kernel).mT.contiguous()
    return _resize_rows(image, out_width, scale_x, antialias, kernel).mT.contiguous()


def _plan(
    height: int, width: int, scale: float | None, size: tuple[int, int] | None
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Output length and scale of each side."""
    if scale is not None and size is None:
        if not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"scale must be a positive number, got {scale}")
        # The margin keeps 100 * 0.55 = 55.00000000000001 from becoming 56 pixels.
        return (
            (math.ceil(scale * height - 1e-9), scale),
            (math.ceil(scale * width - 1e-9), scale),
        )
    if size is not None and scale is None:
        if len(size) != 2 or any(side < 1 for side in size):
            raise ValueError(f"size must be (height, width), both at least 1, got {size}")
        return (int(size[0]), size[0] / height), (int(size[1]), size[1] / width)
    raise ValueError("give either scale or size" + (", not both" if size is not None else ""))
