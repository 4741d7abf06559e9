"""Fréchet distance between the block features of two sets of pictures.

NIQE compares one picture with a model of natural ones, and says nothing of whether a *set* of
pictures is distributed as photographs are. This does: it is the distance of FID, with NIQE's 36
numbers a block in the place of a classifier's features.

References
----------
D. C. Dowson and B. V. Landau, "The Fréchet Distance between Multivariate Normal Distributions",
Journal of Multivariate Analysis 12 (1982); M. Heusel et al. 2017 (arXiv:1706.08500), Equation 6.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial_lib.metrics.pristine import Gaussian


def _root(matrix: Tensor) -> Tensor:
    """Square root of a symmetric matrix without negative eigenvalues, but for rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.mT


def frechet_distance(first: Gaussian, second: Gaussian) -> Tensor:
    """Squared 2-Wasserstein distance of two Gaussians.

    Parameters
    ----------
    first, second : Gaussian
        Means (D,) and covariances (D, D), float64.

    Returns
    -------
    Tensor
        Scalar, at least 0 but for rounding: ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½).

    Examples
    --------
    >>> unit = torch.eye(2, dtype=torch.float64)
    >>> here = Gaussian(torch.zeros(2, dtype=torch.float64), unit)
    >>> there = Gaussian(torch.tensor([3.0, 0.0], dtype=torch.float64), 4 * unit)
    >>> round(frechet_distance(here, there).item(), 6)  # 3² + 2 · (1 − 2)²
    11.0
    """
    root = _root(first.covariance)
    middle = _root(root @ second.covariance @ root)
    spread = (first.covariance + second.covariance - 2 * middle).diagonal().sum()
    return (first.mean - second.mean).square().sum() + spread


def feature_distance(made: Tensor, real: Tensor) -> Tensor:
    """Fréchet distance between two sets' block features, in units of the photographs' spread.

    Parameters
    ----------
    made, real : Tensor
        (B, 36) and (C, 36): the features of all blocks of all pictures of a set, more blocks than
        features; float64.

    Returns
    -------
    Tensor
        Scalar. Each feature is first divided by its standard deviation over `real`, so that none
        counts more for being written in larger numbers: a set whose features are all shifted by
        one standard deviation has distance 36.

    Raises
    ------
    ValueError
        If a set has too few blocks for a covariance.
    """
    for name, blocks in (("made", made), ("real", real)):
        if len(blocks) <= blocks.shape[-1]:
            raise ValueError(
                f"{name} has {len(blocks)} blocks: more than {blocks.shape[-1]} are needed, one "
                "for each feature; take more or larger pictures"
            )
    scale = real.std(0)
    fits = [Gaussian(x.mean(0), torch.cov(x.T)) for x in (made / scale, real / scale)]
    return frechet_distance(*fits)
