"""From a photograph to the small image that super-resolution starts from."""

from __future__ import annotations

from torch import Tensor

from tutorial_lib.data.images import from_uint8, to_uint8
from tutorial_lib.metrics.resize import imresize


def mod_crop(image: Tensor, scale: int) -> Tensor:
    """Crop height and width to multiples of a scale, from the top left corner.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W).
    scale : int
        The factor, at least 1.

    Returns
    -------
    Tensor
        Shape (N, C, H - H mod scale, W - W mod scale), a view.

    Raises
    ------
    ValueError
        If the image is smaller than the scale.

    Examples
    --------
    >>> import torch
    >>> mod_crop(torch.zeros(1, 3, 13, 8), 4).shape
    torch.Size([1, 3, 12, 8])
    """
    height, width = image.shape[-2:]
    if min(height, width) < scale:
        raise ValueError(f"an image of {width}x{height} pixels is smaller than the scale {scale}")
    return image[..., : height - height % scale, : width - width % scale]


def low_resolution(hr: Tensor, *, scale: int = 4) -> Tensor:
    """Make the low-resolution twin: MATLAB's bicubic with antialiasing, rounded to 8 bits.

    Parameters
    ----------
    hr : Tensor
        Shape (N, 3, H, W), range [0, 1]; cropped to multiples of `scale` first.
    scale : int
        The factor.

    Returns
    -------
    Tensor
        Shape (N, 3, H // scale, W // scale), float32, multiples of 1/255 in [0, 1].

    Raises
    ------
    ValueError
        If the image is smaller than the scale.
    """
    return from_uint8(to_uint8(imresize(mod_crop(hr, scale), scale=1 / scale)))
