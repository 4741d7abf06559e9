"""Gaussian and Laplacian pyramids: a picture taken apart into bands of detail, and put together.

Two forms differ in how a picture is halved and doubled. ``"classic"`` smooths with the binomial
filter (1, 4, 6, 4, 1)/16, as Burt and Adelson do and OpenCV's ``pyrDown`` and ``pyrUp``;
``"bilinear"`` resizes bilinearly, as LapStyle does. A pyramid has to be put together in the form in
which it was taken apart.

References
----------
Burt and Adelson 1983, "The Laplacian pyramid as a compact image code"; Burt and Adelson 1983,
"A multiresolution spline with application to image mosaics"; Lin et al. 2021 (LapStyle),
section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.lapstyle.binomial import double, halve

Form = Literal["classic", "bilinear"]
"""How a picture is halved and doubled."""


def reduce(image: Tensor, *, form: Form) -> Tensor:
    """Halve both sides, rounding up.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    form : {"classic", "bilinear"}
        Smooth with (1, 4, 6, 4, 1)/16 and keep every second pixel, or resize bilinearly.

    Returns
    -------
    Tensor
        Shape (N, C, ⌈H/2⌉, ⌈W/2⌉); type and device as `image`.

    Raises
    ------
    ValueError
        If `image` is not a batch of pictures in floating point, or there is no such form.

    References
    ----------
    Burt and Adelson 1983, equation 1. Beyond its edge a picture goes on as its mirror image about
    the outermost pixel, which is the border of OpenCV's ``pyrDown``.

    Examples
    --------
    >>> reduce(torch.ones(1, 3, 5, 8), form="classic").shape
    torch.Size([1, 3, 3, 4])
    """
    check(image, form)
    if form == "bilinear":
        return F.interpolate(image, size=_half(image), mode="bilinear", align_corners=False)
    return halve(halve(image, dim=-2), dim=-1)


def expand(image: Tensor, *, size: Sequence[int], form: Form) -> Tensor:
    """Double both sides, to the size from which `reduce` came.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    size : (int, int)
        Height and width of the result. Each is twice that of `image`, or one less.
    form : {"classic", "bilinear"}
        Spread with (1, 4, 6, 4, 1)/8, or resize bilinearly.

    Returns
    -------
    Tensor
        Shape (N, C, height, width); type and device as `image`.

    Raises
    ------
    ValueError
        If `image` is not a batch of pictures in floating point, `size` does not reduce to the
        size of `image`, or there is no such form.

    References
    ----------
    Burt and Adelson 1983, equation 2, with the borders of OpenCV's ``pyrUp``: the picture is
    mirrored above and on the left, and its last pixel repeated below and on the right.

    Examples
    --------
    >>> expand(torch.ones(1, 3, 3, 4), size=(5, 8), form="classic").shape
    torch.Size([1, 3, 5, 8])
    """
    check(image, form)
    height, width = size
    if ((height + 1) // 2, (width + 1) // 2) != tuple(image.shape[-2:]):
        raise ValueError(
            f"a picture of {image.shape[-2]} x {image.shape[-1]} pixels cannot have come from one "
            f"of {height} x {width}: each side is twice as long, or one less"
        )
    if form == "bilinear":
        return F.interpolate(image, size=(height, width), mode="bilinear", align_corners=False)
    return double(double(image, height, dim=-2), width, dim=-1)


def gaussian_pyramid(image: Tensor, *, levels: int, form: Form) -> list[Tensor]:
    """Return a picture, its half, its quarter, and so on.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    levels : int
        How often to halve, 0 or more.
    form : {"classic", "bilinear"}
        As in `reduce`.

    Returns
    -------
    list of Tensor
        ``levels + 1`` pictures, the largest first; the first is `image` itself.

    Raises
    ------
    ValueError
        If `levels` is negative, or as in `reduce`.

    References
    ----------
    Burt and Adelson 1983, equation 1.

    Examples
    --------
    >>> [tuple(g.shape[-2:]) for g in gaussian_pyramid(torch.rand(1, 3, 9, 16), levels=3,
    ...                                                form="bilinear")]
    [(9, 16), (5, 8), (3, 4), (2, 2)]
    """
    check(image, form)
    if levels < 0:
        raise ValueError(f"levels must be 0 or more, got {levels}")
    pictures = [image]
    for _ in range(levels):
        pictures.append(reduce(pictures[-1], form=form))
    return pictures


def laplacian_pyramid(image: Tensor, *, levels: int, form: Form) -> list[Tensor]:
    """Take a picture apart into bands of detail and what is left.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    levels : int
        How many bands, 0 or more.
    form : {"classic", "bilinear"}
        As in `reduce`.

    Returns
    -------
    list of Tensor
        ``levels + 1`` tensors: the bands, the finest first, with values around zero; and last the
        smallest picture of the Gaussian pyramid.

    Raises
    ------
    ValueError
        As in `gaussian_pyramid`.

    References
    ----------
    Burt and Adelson 1983, equation 3.

    Examples
    --------
    >>> band, rest = laplacian_pyramid(torch.full((1, 3, 8, 8), 0.5), levels=1, form="classic")
    >>> band.abs().max().item(), tuple(rest.shape)
    (0.0, (1, 3, 4, 4))
    """
    pictures = gaussian_pyramid(image, levels=levels, form=form)
    bands = [
        fine - expand(coarse, size=fine.shape[-2:], form=form)
        for fine, coarse in pairwise(pictures)
    ]
    return [*bands, pictures[-1]]


def reconstruct(bands: Sequence[Tensor], *, form: Form) -> Tensor:
    """Put a picture together from its Laplacian pyramid.

    Parameters
    ----------
    bands : sequence of Tensor
        The finest first, as `laplacian_pyramid` returns them.
    form : {"classic", "bilinear"}
        The form in which the picture was taken apart.

    Returns
    -------
    Tensor
        Shape of the first band.

    Raises
    ------
    ValueError
        If there are no bands, or a band is not half as large as the one before.

    References
    ----------
    Burt and Adelson 1983, equation 4.

    Examples
    --------
    >>> image = torch.rand(1, 3, 7, 10)
    >>> bands = laplacian_pyramid(image, levels=2, form="bilinear")
    >>> torch.allclose(reconstruct(bands, form="bilinear"), image, atol=1e-6)
    True
    """
    if not bands:
        raise ValueError("there are no bands to put together")
    image = bands[-1]
    check(image, form)
    for band in reversed(bands[:-1]):
        image = band + expand(image, size=band.shape[-2:], form=form)
    return image


def layers(bands: Sequence[Tensor], *, form: Form) -> list[Tensor]:
    """Bring each band to full size.

    Parameters
    ----------
    bands : sequence of Tensor
        The finest first, as `laplacian_pyramid` returns them.
    form : {"classic", "bilinear"}
        The form in which the picture was taken apart.

    Returns
    -------
    list of Tensor
        One for each band, of the first band's shape. Their sum is the picture.

    Raises
    ------
    ValueError
        As in `reconstruct`.

    Examples
    --------
    >>> image = torch.rand(1, 3, 7, 10)
    >>> full = layers(laplacian_pyramid(image, levels=2, form="classic"), form="classic")
    >>> torch.allclose(sum(full), image, atol=1e-6)
    True
    """
    sizes = [band.shape[-2:] for band in bands]
    full = []
    for level, band in enumerate(bands):
        check(band, form)
        for size in reversed(sizes[:level]):
            band = expand(band, size=size, form=form)
        full.append(band)
    return full


def equalise(image: Tensor, *, gains: Sequence[float], form: Form) -> Tensor:
    """Turn bands of a picture up or down, as an equaliser does with sound.

    Parameters
    ----------
    image : Tensor
        Shape (N, C, H, W), floating point, any range.
    gains : sequence of float
        Factor of each band, the finest first, and last that of what is left. There are as many
        bands as there are gains but one. A gain of one leaves a band as it is.
    form : {"classic", "bilinear"}
        As in `reduce`.

    Returns
    -------
    Tensor
        Shape of `image`; may leave its range.

    Raises
    ------
    ValueError
        If there are no gains, or as in `gaussian_pyramid`.

    Examples
    --------
    >>> image = torch.rand(1, 3, 8, 8)
    >>> torch.allclose(equalise(image, gains=(1, 1, 1), form="classic"), image, atol=1e-6)
    True
    """
    bands = laplacian_pyramid(image, levels=len(gains) - 1, form=form)
    return reconstruct([g * band for g, band in zip(gains, bands, strict=True)], form=form)


def blend(first: Tensor, second: Tensor, mask: Tensor, *, levels: int, form: Form) -> Tensor:
    """Join two pictures, each band over a width of its own.

    Parameters
    ----------
    first, second : Tensor
        Shape (N, C, H, W), floating point, any range.
    mask : Tensor
        Share of the first picture in each pixel, shape (N or 1, C or 1, H, W), range [0, 1].
    levels : int
        Bands of detail. The seam of the coarsest is about ``2 ** levels`` pixels wide.
    form : {"classic", "bilinear"}
        As in `reduce`.

    Returns
    -------
    Tensor
        Shape of `first`; may leave the pictures' range a little.

    Raises
    ------
    ValueError
        If the pictures or the mask differ in size, or as in `gaussian_pyramid`.

    References
    ----------
    Burt and Adelson 1983, "A multiresolution spline", section 3.2.

    Examples
    --------
    >>> white, black = torch.ones(1, 3, 4, 8), torch.zeros(1, 3, 4, 8)
    >>> left = (torch.arange(8) < 4).float().expand(1, 1, 4, 8)
    >>> blend(white, black, left, levels=0, form="classic")[0, 0, 0]
    tensor([1., 1., 1., 1., 0., 0., 0., 0.])
    """
    if first.shape != second.shape or mask.shape[-2:] != first.shape[-2:]:
        raise ValueError(
            f"two pictures and a mask of one size are needed, got {tuple(first.shape)}, "
            f"{tuple(second.shape)} and {tuple(mask.shape)}"
        )
    shares = gaussian_pyramid(mask, levels=levels, form=form)
    pairs = zip(
        laplacian_pyramid(first, levels=levels, form=form),
        laplacian_pyramid(second, levels=levels, form=form),
        strict=True,
    )
    return reconstruct(
        [share * a + (1 - share) * b for share, (a, b) in zip(shares, pairs, strict=True)],
        form=form,
    )


def check(image: Tensor, form: Form) -> None:
    """Raise ValueError unless there is such a form and `image` is a batch of float pictures."""
    if form not in get_args(Form):
        raise ValueError(f"form must be one of {', '.join(get_args(Form))}, got {form!r}")
    if image.ndim != 4 or not torch.is_floating_point(image) or image.numel() == 0:
        raise ValueError(
            "a pyramid needs floating-point pictures of shape (N, C, H, W), got "
            f"{tuple(image.shape)} of {image.dtype}"
        )


def _half(image: Tensor) -> tuple[int, int]:
    height, width = image.shape[-2:]
    return (height + 1) // 2, (width + 1) // 2
