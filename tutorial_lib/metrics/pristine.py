"""The model of natural images that NIQE measures the distance from.

References
----------
A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'Completely Blind' Image Quality Analyzer",
IEEE Signal Processing Letters, 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from tutorial_lib.files import locate


@dataclass(frozen=True)
class Gaussian:
    """Multivariate Gaussian of block features.

    Parameters
    ----------
    mean : Tensor
        Shape (D,) or (N, D), float64.
    covariance : Tensor
        Shape (D, D) or (N, D, D), float64.
    """

    mean: Tensor
    covariance: Tensor


def fit_gaussian(block_features: Tensor) -> Gaussian:
    """Mean and covariance of the features over the blocks of each image.

    Parameters
    ----------
    block_features : Tensor
        Shape (N, blocks, D). A block with a NaN (a flat one) is left out.

    Returns
    -------
    Gaussian
        Mean (N, D) and covariance (N, D, D), divided by blocks - 1; NaN for an image with fewer
        than two blocks left.

    References
    ----------
    Mittal et al. 2013, equation 9.
    """
    valid = ~block_features.isnan().any(dim=-1, keepdim=True)
    count = valid.sum(dim=1)
    known = block_features.where(valid, 0.0)
    mean = known.sum(dim=1) / count
    centred = (known - mean[:, None]).where(valid, 0.0)
    covariance = centred.mT @ centred / (count - 1)[..., None]
    few = count < 2
    return Gaussian(
        mean=mean.masked_fill(few, torch.nan),
        covariance=covariance.masked_fill(few[..., None], torch.nan),
    )


def distance(first: Gaussian, second: Gaussian) -> Tensor:
    """Distance between two Gaussians: that of their means, in units of their mean covariance.

    Parameters
    ----------
    first, second : Gaussian
        One or N Gaussians each.

    Returns
    -------
    Tensor
        Shape (N,), or () for one and one; NaN where either is.

    References
    ----------
    Mittal et al. 2013, equation 10.
    """
    difference = first.mean - second.mean
    covariance = (first.covariance + second.covariance) / 2
    defined = covariance.isfinite().all(dim=-1).all(dim=-1)
    # The decomposition inside pinv refuses NaN, which must not fail a whole batch.
    inverse = torch.linalg.pinv(covariance.where(defined[..., None, None], 0.0), hermitian=True)
    squared = torch.einsum("...i,...ij,...j->...", difference, inverse, difference)
    return squared.clamp(min=0).sqrt()


@lru_cache(maxsize=1)
def pristine_model() -> Gaussian:
    """The authors' model of natural images: features of the sharp blocks of 125 photographs.

    Returns
    -------
    Gaussian
        Mean (36,) and covariance (36, 36), float64, on the CPU.

    Raises
    ------
    tutorial_lib.files.DataUnavailable
        If ``niqe_pris_params.npz`` can be neither found nor downloaded.
    """
    with np.load(locate("niqe_pris_params.npz")) as stored:
        return Gaussian(
            mean=torch.from_numpy(stored["mu_pris_param"][0]),
            covariance=torch.from_numpy(stored["cov_pris_param"]),
        )
