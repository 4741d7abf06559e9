"""From a photograph to a damaged one: shrunk, noisy, compressed, written over, in another light."""

from __future__ import annotations

import io
from typing import Literal

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

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


def low_resolution(
    hr: Tensor, *, scale: int = 4, kernel: Literal["matlab", "pillow"] = "matlab"
) -> Tensor:
    """Make the low-resolution twin: bicubic with antialiasing, rounded to 8 bits.

    Parameters
    ----------
    hr : Tensor
        Shape (N, 3, H, W), range [0, 1]; cropped to multiples of `scale` first.
    scale : int
        The factor.
    kernel : {"matlab", "pillow"}
        Whose bicubic: MATLAB's, as most papers, or Pillow's, which differs by up to two levels
        inside and by more along the border.

    Returns
    -------
    Tensor
        Shape (N, 3, H // scale, W // scale), float32, multiples of 1/255 in [0, 1].

    Raises
    ------
    ValueError
        If the image is smaller than the scale.
    """
    hr = mod_crop(hr, scale)
    if kernel == "matlab":
        return from_uint8(to_uint8(imresize(hr, scale=1 / scale)))
    size = hr.shape[-1] // scale, hr.shape[-2] // scale
    small = [to_pil_image(image).resize(size, Image.Resampling.BICUBIC) for image in to_uint8(hr)]
    return from_uint8(torch.stack([pil_to_tensor(image) for image in small]))


def add_noise(image: Tensor, *, sigma: float = 25, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise, and clip to [0, 1] as a picture file would.

    Parameters
    ----------
    image : Tensor
        Shape (N, 3, H, W), range [0, 1].
    sigma : float
        Standard deviation on the scale of 0 to 255.
    generator : torch.Generator
        Source of the randomness, on the CPU.

    Returns
    -------
    Tensor
        Same shape and range.
    """
    noise = torch.randn(image.shape, generator=generator).to(image)
    return (image + sigma / 255 * noise).clamp(0, 1)


def compress_jpeg(image: Tensor, *, quality: int = 20) -> Tensor:
    """Compress one picture as JPEG, in memory, and decode it again.

    Parameters
    ----------
    image : Tensor
        Shape (1, 3, H, W), range [0, 1].
    quality : int
        1 to 100; the article's is 20.

    Returns
    -------
    Tensor
        Same shape and range.
    """
    file = io.BytesIO()
    to_pil_image(to_uint8(image[0]).cpu()).save(file, format="JPEG", quality=quality)
    return from_uint8(pil_to_tensor(Image.open(file)))[None]


def random_mask(
    size: tuple[int, int], *, missing: float = 0.5, generator: torch.Generator
) -> Tensor:
    """Draw a mask that loses each pixel with the same probability.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    missing : float
        Share of lost pixels.
    generator : torch.Generator
        Source of the randomness, on the CPU.

    Returns
    -------
    Tensor
        Shape (1, 1, H, W): 1 where the picture is known, 0 where it is lost.
    """
    return (torch.rand(1, 1, *size, generator=generator) >= missing).float()


def text_mask(size: tuple[int, int], *, text: str = "SAMPLE", rows: int = 4) -> Tensor:
    """Write a word across a picture, again and again, as a trial version does.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    text : str
        The word.
    rows : int
        Lines of text.

    Returns
    -------
    Tensor
        Shape (1, 1, H, W): 1 where the picture is known, 0 under a letter.
    """
    height, width = size
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(8, height // (2 * rows)))
    for row in range(rows):
        line = (f"{text} " * 20)[row % 2 * (len(text) // 2) :]
        draw.text((2, (row + 0.5) * height / rows), line, fill=0, font=font, anchor="lm")
    return (pil_to_tensor(picture)[None] > 127).float()


def two_lights(photograph: Tensor) -> tuple[Tensor, Tensor]:
    """Light one scene twice: dimly and warm from the left, and by a flash from the camera.

    A stand-in for a pair of photographs, made from one. The flash overexposes the middle and leaves
    the corners dark; elsewhere the two differ by a smooth factor.

    Parameters
    ----------
    photograph : Tensor
        Shape (N, 3, H, W), range [0, 1].

    Returns
    -------
    ambient, flash : Tensor
        Same shape and range.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky 2018 (flash and no flash); the two lights are ours.
    """
    height, width = photograph.shape[-2:]
    along = torch.linspace(0, 1, width).to(photograph)
    warm = photograph.new_tensor([0.9, 0.65, 0.4]).view(3, 1, 1)
    ambient = photograph * warm * (1 - 0.6 * along)
    y, x = (torch.linspace(-1, 1, side).to(photograph) for side in (height, width))
    cool = photograph.new_tensor([1.25, 1.35, 1.5]).view(3, 1, 1)
    flash = photograph * cool * torch.exp(-0.7 * (x**2 + y[:, None] ** 2))
    return ambient, flash.clamp(max=1)
