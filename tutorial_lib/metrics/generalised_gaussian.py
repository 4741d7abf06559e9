"""Generalised Gaussians with a scale on each side of zero, fitted by matching moments.

References
----------
A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'Completely Blind' Image Quality Analyzer",
IEEE Signal Processing Letters, 2013.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=8)
def _shape_table(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Shapes alpha = 0.2, 0.201, ..., 10 and the moment ratio of each, which rises with alpha."""
    with torch.inference_mode(False):
        alpha = torch.arange(200, 10001, dtype=torch.float64) / 1000
        ratio = (2 * _log_gamma(2, alpha) - _log_gamma(1, alpha) - _log_gamma(3, alpha)).exp()
        return alpha.to(device, dtype), ratio.to(device, dtype)


def _log_gamma(k: int, alpha: Tensor) -> Tensor:
    return torch.lgamma(k / alpha)


def _shape_of(ratio: Tensor) -> Tensor:
    """Alpha of the grid whose moment ratio is nearest; NaN where the ratio is NaN."""
    alphas, ratios = _shape_table(ratio.dtype, ratio.device)
    above = torch.searchsorted(ratios, ratio.contiguous()).clamp(1, len(ratios) - 1)
    below = above - 1
    nearest = torch.where(ratio - ratios[below] <= ratios[above] - ratio, below, above)
    return torch.where(ratio.isnan(), ratio, alphas[nearest])


def _unit_scale(alpha: Tensor) -> Tensor:
    """Scale beta of a generalised Gaussian of variance one."""
    return (0.5 * (_log_gamma(1, alpha) - _log_gamma(3, alpha))).exp()


def aggd_fit(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalised Gaussian with its mode at zero by matching moments.

    The density is proportional to ``exp(-(|x| / beta) ** alpha)``, with a scale beta of its own on
    each side of zero: alpha = 2 is the Gaussian, 1 the Laplacian, and a large alpha approaches the
    uniform distribution. The scales can be differentiated; the shape comes from a table: it cannot.

    Parameters
    ----------
    samples : Tensor
        Shape (..., n), floating point.

    Returns
    -------
    alpha : Tensor
        Shape parameter, shape (...), to the nearest 0.001 within [0.2, 10].
    left, right : Tensor
        Scale parameters below and above zero, shape (...). All three are NaN where no sample, or
        none on one side, differs from zero.

    References
    ----------
    N.-E. Lasmar, Y. Stitou and Y. Berthoumieu, "Multiscale skewed heavy tailed model for texture
    analysis", ICIP 2009; Mittal et al. 2013, equation 7.

    Examples
    --------
    >>> import torch
    >>> size = torch.randn(200_000, generator=torch.Generator().manual_seed(0)).abs()
    >>> x = torch.cat([-size[:50_000], 3 * size[50_000:]])  # three times as wide, as often
    >>> alpha, left, right = aggd_fit(x)
    >>> round(alpha.item(), 1), round(right.item() / left.item(), 1)
    (2.0, 3.0)
    """
    n = samples.shape[-1]
    positive = samples.clamp(min=0)
    negative = samples - positive
    right_square = torch.linalg.vector_norm(positive, dim=-1).square()
    left_square = torch.linalg.vector_norm(negative, dim=-1).square()
    absolute = (positive.sum(dim=-1) - negative.sum(dim=-1)) / n
    right_std = (right_square / positive.count_nonzero(dim=-1)).sqrt()
    left_std = (left_square / negative.count_nonzero(dim=-1)).sqrt()
    skew = left_std / right_std
    ratio = absolute.square() / ((left_square + right_square) / n)
    alpha = _shape_of(ratio * (skew**3 + 1) * (skew + 1) / (skew.square() + 1).square())
    unit = _unit_scale(alpha)
    return alpha, left_std * unit, right_std * unit


def aggd_mean(alpha: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Mean of an asymmetric generalised Gaussian, which is not its mode.

    Parameters
    ----------
    alpha, left, right : Tensor
        As `aggd_fit` returns them, of one shape.

    Returns
    -------
    Tensor
        Of the same shape; zero where both scales are equal.

    References
    ----------
    Mittal et al. 2013, equation 8.

    Examples
    --------
    >>> import torch
    >>> one = torch.tensor(1.0)  # two exponential halves, each as often as it is wide
    >>> round(aggd_mean(one, one, 3 * one).item(), 3)
    2.0
    """
    return (right - left) * (_log_gamma(2, alpha) - _log_gamma(1, alpha)).exp()
