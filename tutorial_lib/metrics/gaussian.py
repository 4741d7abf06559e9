"""The Gaussian window under SSIM and NIQE."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_window(size: int, sigma: float) -> Tensor:
    """Sampled Gaussian that sums to one; its outer product is MATLAB's ``fspecial`` window.

    Parameters
    ----------
    size : int
        Number of samples, odd.
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    Tensor
        Shape (size,), float64.

    Raises
    ------
    ValueError
        If `size` is not odd and positive or `sigma` is not positive.

    Examples
    --------
    >>> [round(w, 4) for w in gaussian_window(3, 1.0).tolist()]
    [0.2741, 0.4519, 0.2741]
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and positive, got {size}")
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    x = torch.arange(size, dtype=torch.float64) - size // 2
    window = torch.exp(-(x**2) / (2 * sigma**2))
    return window / window.sum()


def gaussian_filter(image: Tensor, window: Tensor) -> Tensor:
    """Weighted mean around each pixel, where the window fits inside the image.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    window : Tensor
        Weights along one side, shape (k,), used for rows and for columns.

    Returns
    -------
    Tensor
        Shape (N, C, H - k + 1, W - k + 1).

    Raises
    ------
    ValueError
        If the image is smaller than the window.
    """
    size = len(window)
    height, width = (side - size + 1 for side in image.shape[-2:])
    if height < 1 or width < 1:
        raise ValueError(
            f"image of {image.shape[-2]} x {image.shape[-1]} pixels is smaller than "
            f"the {size} x {size} window"
        )
    # Sums of shifted images: unlike a convolution they never fall to TF32, and in double
    # precision on a CPU they are many times as fast.
    first, *others = window.tolist()
    rows = first * image[..., :height, :]
    for k, weight in enumerate(others, start=1):
        rows.add_(image[..., k : k + height, :], alpha=weight)
    result = first * rows[..., :width]
    for k, weight in enumerate(others, start=1):
        result.add_(rows[..., k : k + width], alpha=weight)
    return result
