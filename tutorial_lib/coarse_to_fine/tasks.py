"""What is done to a picture that a network has to mend: its colour taken, or a mosaic laid."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def to_grey(image: Tensor) -> Tensor:
    """Take the colour out of pictures; colourisation puts it back.

    Parameters
    ----------
    image : Tensor
        (N, 3, H, W), RGB, range [0, 1].

    Returns
    -------
    Tensor
        (N, 3, H, W), range [0, 1], three equal channels: BT.601's weights in the full range.

    Examples
    --------
    >>> round(to_grey(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))[0, 2].item(), 3)
    0.299
    """
    weights = image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (image * weights).sum(1, keepdim=True).expand_as(image)


def to_mosaic(image: Tensor) -> Tensor:
    """Hide pictures behind a blurred mosaic of 16 × 16 tiles; mosaic removal looks behind it.

    At 256 pixels, as in the article: one pixel of each 16 × 16 is kept and fills its tile, and
    a Gaussian of radius (standard deviation) 4 blurs the edges. At other sizes both numbers shrink
    or grow with the side.

    Parameters
    ----------
    image : Tensor
        (N, 3, S, S), range [0, 1]; S is a multiple of 16, at least 32.

    Returns
    -------
    Tensor
        (N, 3, S, S), range [0, 1].

    Raises
    ------
    ValueError
        If the pictures are not square, or of another size.
    """
    height, side = image.shape[-2:]
    if height != side or side < 32 or side % 16:
        raise ValueError(f"a mosaic needs squares of 32, 48, 64, … pixels: got {height} × {side}")
    tile = side // 16
    # The pixel beside the middle, as Pillow's nearest neighbour chooses it.
    kept = image[..., tile // 2 :: tile, tile // 2 :: tile]
    tiles = kept.repeat_interleave(tile, -1).repeat_interleave(tile, -2)
    sigma = side / 64
    reach = round(4 * sigma)
    x = torch.arange(-reach, reach + 1, dtype=torch.float32, device=image.device)
    window = torch.exp(-0.5 * (x / sigma) ** 2)
    window = (window / window.sum()).expand(3, 1, 1, -1)
    padded = F.pad(tiles, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, window, groups=3)
    return F.conv2d(rows, window.mT, groups=3).clamp(0, 1)


TASKS: dict[str, Callable[[Tensor], Tensor]] = {"colour": to_grey, "mosaic": to_mosaic}
"""What spoils a picture, by the name of the task of mending it."""
