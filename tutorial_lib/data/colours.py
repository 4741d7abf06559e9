"""Which photographs are in colour, and which only stored as if they were."""

from __future__ import annotations

import torch
from torch import Tensor


def channel_correlation(image: Tensor) -> Tensor:
    """How nearly the channels of pictures are one: the mean of their correlation matrix.

    Parameters
    ----------
    image : Tensor
        (N, 3, H, W), uint8 or float.

    Returns
    -------
    Tensor
        (N,), 1 for grey pictures. All nine entries count, the diagonal too. A picture with
        a channel of one value has no correlation, and counts as grey.
    """
    pixels = image.flatten(2).double()
    pixels = pixels - pixels.mean(-1, keepdim=True)
    length = pixels.norm(dim=-1, keepdim=True)
    unit = pixels / length
    found = (unit @ unit.mT).mean((1, 2))
    return torch.where((length > 0).all(1).squeeze(-1), found, torch.ones_like(found))


COLOURED = 0.995
"""A picture whose channels correlate by less than this in the mean counts as coloured."""


def coloured(images: Tensor) -> Tensor:
    """Leave out grey pictures.

    Parameters
    ----------
    images : Tensor
        (N, 3, S, S), uint8.

    Returns
    -------
    Tensor
        Those whose channels correlate by less than 0.995 in the mean.

    References
    ----------
    koshian2 2019, the article that the chapter *Coarse to fine* mirrors.
    """
    correlation = torch.cat([channel_correlation(part) for part in images.split(256)])
    return images[correlation < COLOURED]
