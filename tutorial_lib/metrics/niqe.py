"""NIQE, the natural image quality evaluator, step by step.

NIQE asks how far an image is from looking natural, with no reference image and no human scores.
Natural images, divided by their local contrast, have values of a very regular distribution; blur,
noise and artefacts each change it. The steps, in order:

1. `mscn`: subtract the local mean and divide by the local contrast;
2. `block_features`: in each block fit generalised Gaussians (`aggd_fit`) to the coefficients and
   to the products of neighbours (`neighbour_products`): 18 numbers;
3. `features`: the same on the half-size image: 36 numbers a block;
4. `fit_gaussian`: the mean and covariance of those over the blocks;
5. `distance`: how far they are from those of many sharp photographs (`pristine_model`).

`niqe` does it all. Smaller is more natural.

References
----------
A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'Completely Blind' Image Quality Analyzer",
IEEE Signal Processing Letters, 2013.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial_lib.metrics.gaussian import gaussian_filter, gaussian_window
from tutorial_lib.metrics.generalised_gaussian import aggd_fit, aggd_mean
from tutorial_lib.metrics.pristine import Gaussian, distance, fit_gaussian, pristine_model
from tutorial_lib.metrics.protocol import Protocol, measured
from tutorial_lib.metrics.resize import imresize

BLOCK = 96
"""Side of a block in pixels at full size; half that in the half-size image."""

_WINDOW, _SIGMA = 7, 7 / 6

# Horizontal, vertical and the two diagonal neighbours, as (rows, columns) of a circular shift.
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def local_statistics(luminance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation around each pixel, in a 7 x 7 Gaussian window.

    Beyond its edges the image continues with its edge pixels.

    Parameters
    ----------
    luminance : Tensor
        Shape (N, 1, H, W), float64, on the 0-255 scale.

    Returns
    -------
    mean, deviation : Tensor
        Each of shape (N, 1, H, W), in grey levels.

    References
    ----------
    Mittal et al. 2013, equations 2 and 3.
    """
    window = gaussian_window(_WINDOW, _SIGMA)
    margin = _WINDOW // 2
    padded = F.pad(luminance, (margin, margin, margin, margin), mode="replicate")
    mean = gaussian_filter(padded, window)
    # The difference of the two moments can fall just below zero by round-off.
    variance = gaussian_filter(padded.square(), window).addcmul(mean, mean, value=-1)
    return mean, variance.abs_().sqrt_()


def mscn(luminance: Tensor) -> Tensor:
    """Mean-subtracted, contrast-normalised coefficients.

    In a natural image these look like noise with edges faintly left in it, and their histogram is
    close to a Gaussian.

    Parameters
    ----------
    luminance : Tensor
        Shape (N, 1, H, W), float64, on the 0-255 scale.

    Returns
    -------
    Tensor
        Shape (N, 1, H, W); exactly zero where the image is flat.

    Notes
    -----
    In a flat region the local mean differs from the pixel by round-off alone, of a sign that
    depends on the order of summation. `aggd_fit` counts values by sign, so implementations that
    keep this noise disagree by as much as 0.3 in NIQE on images with saturated or blank regions.

    References
    ----------
    Mittal et al. 2013, equation 1.

    Examples
    --------
    >>> import torch
    >>> mscn(torch.full((1, 1, 96, 96), 235.0, dtype=torch.float64)).abs().max().item()
    0.0
    """
    mean, deviation = local_statistics(luminance)
    difference = F.hardshrink(luminance - mean, _round_off(luminance.dtype))
    return difference.div_(deviation.add_(1))


def _round_off(dtype: torch.dtype) -> float:
    """Bound, in grey levels, on what rounding can leave of a difference that should be zero."""
    return 32 * 255 * torch.finfo(dtype).eps


def neighbour_products(blocks: Tensor) -> Iterator[Tensor]:
    """Each coefficient times its neighbour, in four directions.

    Neighbouring coefficients of a natural image are correlated; the products show how. At its
    edges a block continues with its opposite side, as in the published code.

    Parameters
    ----------
    blocks : Tensor
        MSCN coefficients, shape (..., h, w).

    Yields
    ------
    Tensor
        Four times, shape (..., h, w): with the left, the upper, the upper-left and the upper-right
        neighbour.

    References
    ----------
    Mittal et al. 2013, section II.
    """
    for shift in _SHIFTS:
        yield blocks.roll(shift, dims=(-2, -1)).mul_(blocks)


def block_features(coefficients: Tensor, *, block: int) -> Tensor:
    """The 18 numbers that NIQE takes from each block of MSCN coefficients.

    Two describe the coefficients (shape, mean scale) and four each of the four directions of
    neighbour products (shape, mean, left and right scale).

    Parameters
    ----------
    coefficients : Tensor
        Shape (N, 1, H, W), sides multiples of `block`.
    block : int
        Side of a block in pixels.

    Returns
    -------
    Tensor
        Shape (N, blocks, 18), blocks in reading order. NaN where a block is flat.

    Notes
    -----
    The paper fits the coefficients with a symmetric density. The published code, and so the
    pristine model, fits the asymmetric one and takes the mean of its scales; so does this.

    References
    ----------
    Mittal et al. 2013, section II; the mean is equation 8.
    """
    tiles = coefficients.unfold(2, block, block).unfold(3, block, block)
    tiles = tiles.flatten(1, 3).contiguous()
    alpha, left, right = aggd_fit(tiles.flatten(-2))
    found = [alpha, (left + right) / 2]
    for products in neighbour_products(tiles):
        alpha, left, right = aggd_fit(products.flatten(-2))
        found += [alpha, aggd_mean(alpha, left, right), left, right]
    return torch.stack(found, dim=-1)


def features(luminance: Tensor) -> Tensor:
    """The 36 numbers of each 96 x 96 block: 18 at full size and 18 at half size.

    Parameters
    ----------
    luminance : Tensor
        Shape (N, 1, H, W), float64, on the 0-255 scale; cut at the right and at the bottom to
        multiples of 96 pixels.

    Returns
    -------
    Tensor
        Shape (N, blocks, 36).

    Raises
    ------
    ValueError
        If the image holds no block.
    """
    rows, columns = (side // BLOCK for side in luminance.shape[-2:])
    if rows == 0 or columns == 0:
        raise ValueError(
            f"NIQE needs blocks of {BLOCK} x {BLOCK} pixels; the image has "
            f"{luminance.shape[-2]} x {luminance.shape[-1]}"
        )
    full = luminance[..., : rows * BLOCK, : columns * BLOCK]
    half = imresize(full, scale=1 / 2)
    scales = ((full, BLOCK), (half, BLOCK // 2))
    return torch.cat([block_features(mscn(image), block=side) for image, side in scales], dim=-1)


@torch.no_grad()
def niqe(
    images: Tensor, *, model: Gaussian | None = None, rounding: bool = True, crop: int = 0
) -> Tensor:
    """Natural image quality evaluator; smaller is more natural.

    Parameters
    ----------
    images : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1], each side at least 96 pixels and at
        least two 96 x 96 blocks in all.
    model : Gaussian, optional
        Model of natural images; by default `pristine_model`.
    rounding : bool
        Whether the image and then its luminance are rounded to 8 bits, as when MATLAB reads a file.
        Published numbers are made so; without it a smooth image, as bicubic enlarging makes it,
        can come out more than 1 higher.
    crop : int
        Pixels removed from every edge first; PIRM removes 4.

    Returns
    -------
    Tensor
        Shape (N,), float64. NaN for an image with fewer than two blocks that are not flat.

    Raises
    ------
    ValueError
        If the images do not have the stated shape and range or hold fewer than two blocks.
    """
    protocol = Protocol("y", crop=crop, rounding=rounding, round_y=rounding)
    found = features(measured(images, protocol=protocol))
    if found.shape[1] < 2:
        raise ValueError(
            f"NIQE needs at least two {BLOCK} x {BLOCK} blocks for a covariance; images of "
            f"{images.shape[-2]} x {images.shape[-1]} pixels hold one"
        )
    model = pristine_model() if model is None else model
    natural = Gaussian(model.mean.to(found), model.covariance.to(found))
    return distance(natural, fit_gaussian(found))
