"""PSNR, SSIM and RMSE under a stated evaluation protocol.

The same pair of images has a PSNR that differs by one to three decibels between luminance and RGB,
and by up to a tenth with the border cropped or kept. A number without its protocol cannot be
compared with anything, so every function here demands one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tutorial_lib.metrics.gaussian import gaussian_filter, gaussian_window

# BT.601 luma in the studio range, of 8-bit values: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.
# Kept as thousandths, whose sums are exact: round-off would decide which way a half is rounded.
_LUMA = (65481, 128553, 24966)
_BLACK = 16

_SSIM_WINDOW, _SSIM_SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class NotFinite(ValueError):
    """An image holds values that are no numbers: what made it has diverged."""


@dataclass(frozen=True)
class Protocol:
    """How two images are compared.

    Parameters
    ----------
    channel : {"y", "rgb"}
        Compare BT.601 luminance in the studio range, as MATLAB's ``rgb2ycbcr`` gives it, or the
        three colour channels.
    crop : int
        Pixels removed from every edge before comparing, by custom the scale factor.
    rounding : bool
        Whether images are first rounded to 8 bits, as if saved to a file.
    round_y : bool
        Whether luminance is rounded to 8 bits as well. ``rgb2ycbcr`` of an 8-bit image does so;
        most published Python code does not.

    Raises
    ------
    ValueError
        If a setting makes no sense.

    Examples
    --------
    >>> Protocol("y", crop=4).describe()
    'luminance Y (BT.601, 16-235), 4 pixels cropped from each edge, images rounded to 8 bits'
    """

    channel: Literal["y", "rgb"]
    crop: int = 4
    rounding: bool = True
    round_y: bool = False

    def __post_init__(self) -> None:
        if self.channel not in ("y", "rgb"):
            raise ValueError(f'channel must be "y" or "rgb", got {self.channel!r}')
        if isinstance(self.crop, bool) or not isinstance(self.crop, int) or self.crop < 0:
            raise ValueError(f"crop must be a whole number of pixels, 0 or more, got {self.crop!r}")
        if self.round_y and not (self.channel == "y" and self.rounding):
            raise ValueError('round_y needs channel "y" and rounding')

    def describe(self) -> str:
        """One sentence for records and captions.

        Returns
        -------
        str
            Channel, cropping and rounding in words.
        """
        channel = "luminance Y (BT.601, 16-235)" if self.channel == "y" else "RGB"
        pixels = "1 pixel" if self.crop == 1 else f"{self.crop} pixels"
        crop = f"{pixels} cropped from each edge" if self.crop else "nothing cropped"
        rounding = "images not rounded"
        if self.rounding:
            rounding = "images and Y rounded" if self.round_y else "images rounded"
            rounding += " to 8 bits"
        return f"{channel}, {crop}, {rounding}"


Y = Protocol("y", crop=4)
"""Luminance, 4 pixels cropped: what most papers on x4 super-resolution report."""

RGB = Protocol("rgb", crop=4)
"""Colour, 4 pixels cropped."""

PIRM = Protocol("y", crop=4, round_y=True)
"""The PIRM 2018 challenge: MATLAB's 8-bit luminance, 4 pixels shaved."""


def to_y(image: Tensor) -> Tensor:
    """BT.601 luminance in the studio range, as MATLAB's ``rgb2ycbcr`` gives it.

    Parameters
    ----------
    image : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].

    Returns
    -------
    Tensor
        Shape (N, 1, H, W), range [16/255, 235/255], same dtype.

    Raises
    ------
    ValueError
        If the shape is not (N, 3, H, W) or the values are integers.

    Examples
    --------
    >>> import torch
    >>> white = torch.ones(1, 3, 1, 1)
    >>> round(255 * to_y(white).item(), 3)
    235.0
    """
    _check_rgb("image", image)
    # Half precision would overflow in the sum.
    dtype = torch.promote_types(image.dtype, torch.float32)
    return _luma(image, peak=1, dtype=dtype).to(image.dtype)


def measured(image: Tensor, *, protocol: Protocol) -> Tensor:
    """The pixels that a protocol compares.

    Parameters
    ----------
    image : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].
    protocol : Protocol
        Channel, crop and rounding.

    Returns
    -------
    Tensor
        Shape (N, 1 or 3, H - 2 crop, W - 2 crop), float64, on the 0-255 scale.

    Raises
    ------
    ValueError
        If the shape is not (N, 3, H, W), a value is not finite or lies outside [0, 1] by more than
        rounding mends, or cropping leaves nothing.
    """
    return _measured("image", image, protocol)


@torch.no_grad()
def mse(image: Tensor, reference: Tensor, *, protocol: Protocol) -> Tensor:
    """Mean squared error on the 0-255 scale.

    Parameters
    ----------
    image, reference : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].
    protocol : Protocol
        What is compared.

    Returns
    -------
    Tensor
        One value an image, shape (N,), float64, in squared grey levels.

    Raises
    ------
    ValueError
        If the shapes differ or an image does not suit the protocol; see `measured`.
    """
    a, b = _pair(image, reference, protocol)
    return (a - b).square().mean(dim=(1, 2, 3))


def rmse(image: Tensor, reference: Tensor, *, protocol: Protocol) -> Tensor:
    """Root of the mean squared error on the 0-255 scale.

    PIRM's figure for a set of images is the root of the mean of their `mse`. The mean of these
    values is something else, and smaller unless all are equal.

    Parameters
    ----------
    image, reference : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].
    protocol : Protocol
        What is compared.

    Returns
    -------
    Tensor
        One value an image, shape (N,), float64, in grey levels.

    Raises
    ------
    ValueError
        If the shapes differ or an image does not suit the protocol; see `measured`.

    References
    ----------
    Y. Blau et al., "The 2018 PIRM Challenge on Perceptual Image Super-Resolution", ECCV Workshops
    2018, section 2.

    Examples
    --------
    >>> import torch
    >>> a, b = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16)
    >>> b[1] = 4 / 255
    >>> rmse(a, b, protocol=RGB).tolist()
    [0.0, 4.0]
    >>> round(mse(a, b, protocol=RGB).mean().sqrt().item(), 4)
    2.8284
    """
    return mse(image, reference, protocol=protocol).sqrt()


def psnr(image: Tensor, reference: Tensor, *, protocol: Protocol) -> Tensor:
    """Peak signal-to-noise ratio.

    Parameters
    ----------
    image, reference : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].
    protocol : Protocol
        What is compared.

    Returns
    -------
    Tensor
        One value an image, shape (N,), float64, in decibels; infinite for identical images.

    Raises
    ------
    ValueError
        If the shapes differ or an image does not suit the protocol; see `measured`.

    Examples
    --------
    >>> import torch
    >>> a = torch.zeros(1, 3, 16, 16)
    >>> round(psnr(a, a + 0.1, protocol=Protocol("rgb", rounding=False)).item(), 2)
    20.0
    """
    return 10 * torch.log10(255**2 / mse(image, reference, protocol=protocol))


@torch.no_grad()
def ssim(image: Tensor, reference: Tensor, *, protocol: Protocol) -> Tensor:
    """Structural similarity, averaged over the image and over its channels.

    Gaussian window of 11 x 11 pixels with standard deviation 1.5, only where it fits inside the
    image; K1 = 0.01, K2 = 0.03, dynamic range 255.

    Parameters
    ----------
    image, reference : Tensor
        Shape (N, 3, H, W), RGB, floating point, range [0, 1].
    protocol : Protocol
        What is compared.

    Returns
    -------
    Tensor
        One value an image, shape (N,), float64, at most 1.

    Raises
    ------
    ValueError
        If the shapes differ, an image does not suit the protocol (see `measured`), or less than
        11 x 11 pixels are left after cropping.

    References
    ----------
    Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    Transactions on Image Processing, 2004, equation 13.
    """
    a, b = _pair(image, reference, protocol)
    height, width = a.shape[-2:]
    if min(height, width) < _SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs {_SSIM_WINDOW} x {_SSIM_WINDOW} pixels, but {height} x {width} are left "
            f"after cropping {protocol.crop} from each edge"
        )
    window = gaussian_window(_SSIM_WINDOW, _SSIM_SIGMA)
    mean_a, mean_b = gaussian_filter(a, window), gaussian_filter(b, window)
    variance_a = gaussian_filter(a * a, window) - mean_a**2
    variance_b = gaussian_filter(b * b, window) - mean_b**2
    covariance = gaussian_filter(a * b, window) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_a + variance_b + _C2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _pair(image: Tensor, reference: Tensor, protocol: Protocol) -> tuple[Tensor, Tensor]:
    if image.shape != reference.shape:
        raise ValueError(
            f"image and reference must have the same shape, got {tuple(image.shape)} and "
            f"{tuple(reference.shape)}"
        )
    return _measured("image", image, protocol), _measured("reference", reference, protocol)


def _measured(name: str, image: Tensor, protocol: Protocol) -> Tensor:
    _check_rgb(name, image)
    _check_range(name, image)
    height, width = image.shape[-2:]
    crop = protocol.crop
    if min(height, width) <= 2 * crop:
        raise ValueError(
            f"{name} of {height} x {width} pixels has nothing left after cropping {crop} from "
            "each edge"
        )
    # Apple's GPUs have no double precision.
    device = "cpu" if image.device.type == "mps" else image.device
    pixels = image[..., crop : height - crop, crop : width - crop].to(device)
    if protocol.rounding:
        # Single precision holds 8-bit values exactly, half precision does not.
        pixels = 255 * pixels.to(torch.promote_types(pixels.dtype, torch.float32))
        pixels = pixels.round_().clamp_(0, 255)
    else:
        pixels = 255 * pixels.double()
    if protocol.channel == "rgb":
        return pixels.double()
    luminance = _luma(pixels, peak=255, dtype=torch.float64)
    return luminance.round_() if protocol.round_y else luminance


def _luma(rgb: Tensor, *, peak: int, dtype: torch.dtype) -> Tensor:
    """Luminance of colours in [0, peak], on the same scale."""
    total = rgb.new_full((), 1000 * _BLACK * peak, dtype=dtype)
    for weight, channel in zip(_LUMA, rgb.split(1, dim=1), strict=True):
        total = torch.add(total, channel.to(dtype), alpha=weight)
    return total / 255_000


def _check_rgb(name: str, image: Tensor) -> None:
    if image.ndim != 4 or image.shape[1] != 3:
        raise ValueError(f"{name} must have shape (N, 3, H, W), got {tuple(image.shape)}")
    if not image.is_floating_point():
        raise ValueError(
            f"{name} must be floating point in [0, 1], got {image.dtype}; "
            "divide 8-bit values by 255"
        )


def _check_range(name: str, image: Tensor) -> None:
    if image.numel() == 0:
        raise ValueError(f"{name} is empty: shape {tuple(image.shape)}")
    low, high = (bound.item() for bound in image.aminmax())
    if not math.isfinite(low + high):
        raise NotFinite(
            f"{name} must lie in [0, 1], but spans [{low:g}, {high:g}]: what made it has diverged"
        )
    # Half a grey level is what rounding to 8 bits would mend; it also passes arithmetic noise.
    if not (low >= -0.5 / 255 and high <= 1 + 0.5 / 255):
        raise ValueError(
            f"{name} must lie in [0, 1], but its values span [{low:.4g}, {high:.4g}]; "
            "clamp or rescale it first"
        )
