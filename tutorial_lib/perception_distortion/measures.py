"""What NIQE answers to, beside the naturalness of a picture: its features, its habits, its size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib import metrics
from tutorial_lib.metrics import Gaussian, Protocol, imresize, niqe


def feature_deviations(image: Tensor, *, model: Gaussian) -> Tensor:
    """How far a picture's mean features are from those of natural pictures.

    Parameters
    ----------
    image : Tensor
        (1, 3, H, W), range [0, 1].
    model : Gaussian
        Of natural pictures.

    Returns
    -------
    Tensor
        (36,), float64, in standard deviations of the model: 18 numbers at full size, 18 at half.
    """
    protocol = Protocol("y", crop=0, rounding=True, round_y=True)
    own = metrics.fit_gaussian(metrics.features(metrics.measured(image, protocol=protocol)))
    return (own.mean[0] - model.mean) / model.covariance.diagonal().sqrt()


def niqe_with(
    image: Tensor, *, model: Gaussian, rounding: bool = True, antialias: bool = True
) -> float:
    """NIQE with its two habits to choose.

    Parameters
    ----------
    image : Tensor
        (1, 3, H, W), range [0, 1].
    model : Gaussian
        Of natural pictures.
    rounding : bool
        Round the picture and its luminance to 8 bits, as a file does.
    antialias : bool
        Widen the kernel where the picture is halved, as MATLAB does.

    Returns
    -------
    float
        With both, what :func:`tutorial_lib.metrics.niqe` says.
    """
    protocol = Protocol("y", crop=0, rounding=rounding, round_y=rounding)
    luminance = metrics.measured(image, protocol=protocol)
    height, width = (side // 96 * 96 for side in luminance.shape[-2:])
    full = luminance[..., :height, :width]
    half = (
        imresize(full, scale=1 / 2)
        if antialias
        else F.interpolate(full, scale_factor=0.5, mode="bicubic")
    )
    found = [
        metrics.block_features(metrics.mscn(picture), block=side)
        for picture, side in ((full, 96), (half, 48))
    ]
    return metrics.distance(model, metrics.fit_gaussian(torch.cat(found, dim=-1))).item()


def niqe_of_squares(image: Tensor, *, side: int, model: Gaussian, places: int = 5) -> list[float]:
    """NIQE of squares of one size, cut out of a picture at evenly spread places.

    Parameters
    ----------
    image : Tensor
        (1, 3, H, W), range [0, 1].
    side : int
        Of a square in pixels.
    model : Gaussian
        Of natural pictures.
    places : int
        Along each axis, at most: where the squares hardly fit, there are fewer.

    Raises
    ------
    ValueError
        If the picture is smaller than a square.
    """
    if side > min(image.shape[-2:]):
        raise ValueError(f"no square of side {side} in a picture of {tuple(image.shape[-2:])}")
    tops, lefts = (
        sorted(set(torch.linspace(0, size - side, places).long().tolist()))
        for size in image.shape[-2:]
    )
    return [
        niqe(image[..., top : top + side, left : left + side], model=model).item()
        for top in tops
        for left in lefts
    ]
