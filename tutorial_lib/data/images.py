"""Image files to tensors and back: the only place where files, bytes and EXIF tags are known."""

from __future__ import annotations

import errno
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from tutorial_lib.files import write_atomically

EMBEDDED: dict[str, str] = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble_deep_field": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""Photographs that come with scikit-image and need no download: name to file."""

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

# What Pillow's decoders raise on damaged data.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


class ImageError(ValueError):
    """A file cannot be used as an image; the message names it and says what to do."""


def read_image(
    source: str | os.PathLike[str] | IO[bytes], *, max_pixels: int = 50_000_000
) -> Tensor:
    """Read an image file of any common kind as RGB.

    The EXIF rotation is applied. Grey, palette and CMYK images become RGB; 16-bit grey is divided
    by 65535, and of 16-bit colour the upper 8 bits are used; transparent images are composited on
    white; of an animation the first frame is taken. Colour profiles are not applied.

    Parameters
    ----------
    source : path or binary file object
        What to read.
    max_pixels : int
        Refuse images with more pixels than this, before any of them is decoded.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W), float32, range [0, 1].

    Raises
    ------
    ImageError
        If the file is empty, not an image, damaged, or too large.
    FileNotFoundError
        If there is no such file.
    """
    label = _label(source)
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            return _read(file, label, max_pixels)
    return _read(source if source.seekable() else io.BytesIO(source.read()), label, max_pixels)


def write_image(
    path: str | os.PathLike[str],
    image: Tensor,
    *,
    quality: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one image as PNG, JPEG or WebP, by the suffix of the path.

    PNG and WebP keep every 8-bit value, so that what is measured on the file is what was measured
    on the image. The file appears under its name only when it is complete.

    Parameters
    ----------
    path : path
        Where to write; ends in .png, .jpg, .jpeg or .webp.
    image : Tensor
        Shape (1, 3, H, W), range [0, 1]; rounded to 8 bits.
    quality : int, optional
        1 to 100, for a smaller file: of JPEG (95 if left out), or of a lossy WebP. Frames of a
        training may have one; 100 leaves WebP lossless.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written, as on a full disk; an older file is then still there.
    ValueError
        If the suffix or the shape is another one.
    """
    path = Path(path)
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ValueError(f"{path}: cannot write {path.suffix!r}; use one of {', '.join(_FORMATS)}")
    if image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(
            f"{path}: expected one image of shape (1, 3, H, W), got {tuple(image.shape)}"
        )
    options: dict[str, Any] = {}
    if file_format == "JPEG":
        options = {"quality": quality or 95, "subsampling": 0}
    elif file_format == "WEBP":
        options = webp_options(quality or 100)
    picture = Image.fromarray(to_uint8(image)[0].permute(1, 2, 0).cpu().numpy())
    write_new(
        path,
        lambda part: picture.save(part, format=file_format, **options),
        overwrite=overwrite,
    )
    return path


def write_new(path: Path, write: Callable[[Path], object], *, overwrite: bool = False) -> None:
    """Let `write` fill a file that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        The name, in a folder that exists.
    write : callable
        Called with a temporary path.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written; an older file is then still there.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name or pass overwrite=True")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "its folder is missing; make it first", str(path))
    try:
        write_atomically(path, write)
    except OSError as error:
        # Pillow's own error would name no file, or the temporary one.
        why = f"{error.strerror or error}; nothing was written"
        raise OSError(error.errno, why, str(path)) from error


def webp_options(quality: int) -> dict[str, Any]:
    """Return Pillow's settings for a WebP file.

    Parameters
    ----------
    quality : int
        1 to 100; 100 is lossless.

    Returns
    -------
    dict
        Keyword arguments of `PIL.Image.Image.save`.
    """
    if quality < 100:
        return {"quality": quality, "method": 6}
    # Here quality means effort, and the last percent of size would cost fifty times as long.
    return {"lossless": True, "quality": 75, "method": 4}


def to_uint8(image: Tensor) -> Tensor:
    """Round an image to 8 bits.

    Parameters
    ----------
    image : Tensor
        Any shape, floating point; clamped to [0, 1].

    Returns
    -------
    Tensor
        Same shape, uint8, 0 to 255.

    Examples
    --------
    >>> to_uint8(torch.tensor([-0.1, 0.5, 1.2])).tolist()
    [0, 128, 255]
    """
    return (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)


def from_uint8(image: Tensor) -> Tensor:
    """Turn 8-bit values into floats.

    Parameters
    ----------
    image : Tensor
        Any shape, uint8.

    Returns
    -------
    Tensor
        Same shape, float32, range [0, 1].

    Raises
    ------
    TypeError
        If the values are not uint8, so that no range is guessed.
    """
    if image.dtype != torch.uint8:
        raise TypeError(f"expected uint8, got {image.dtype}")
    return image.float() / 255


def embedded(name: str) -> Tensor:
    """Read a photograph that comes with scikit-image, without any download.

    Parameters
    ----------
    name : str
        One of `EMBEDDED`.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W), float32, range [0, 1].

    Raises
    ------
    ValueError
        If there is no such photograph.

    Examples
    --------
    >>> embedded("astronaut").shape
    torch.Size([1, 3, 512, 512])
    """
    if name not in EMBEDDED:
        raise ValueError(f"no embedded photograph {name!r}; there are {', '.join(EMBEDDED)}")
    with (files("skimage.data") / EMBEDDED[name]).open("rb") as file:
        return read_image(file)


def _read(file: IO[bytes], label: str, max_pixels: int) -> Tensor:
    image = open_upright(file, label, max_pixels)
    try:
        rgb = _to_rgb(image)
    except ImageError as error:
        raise ImageError(f"{label} {error}") from None
    return rgb.permute(2, 0, 1).unsqueeze(0).contiguous()


def open_upright(file: IO[bytes], label: str, max_pixels: int) -> Image.Image:
    """Decode a file as Pillow sees it, after its EXIF rotation.

    Parameters
    ----------
    file : binary file object
        Can seek.
    label : str
        The file's name in messages.
    max_pixels : int
        As for `read_image`.

    Raises
    ------
    ImageError
        If the file is empty, not an image, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            # Pillow's own size warning would speak before, and less clearly than, the test below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(file)
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(label, str(error), max_pixels)) from error
    except UnidentifiedImageError as error:
        raise ImageError(_not_an_image(file, label)) from error
    except _DAMAGE as error:
        raise ImageError(_damaged(label, error)) from error
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(_too_large(label, f"{width}x{height} pixels", max_pixels))
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE as error:
        raise ImageError(_damaged(label, error)) from error


def rgb_or_rgba(image: Image.Image, label: str) -> Image.Image:
    """Bring a Pillow image of any mode to 8-bit RGB, or RGBA where it has transparency.

    Raises
    ------
    ImageError
        If its numbers have no known range.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        try:
            return Image.fromarray(to_uint8(_to_rgb(image)).numpy())
        except ImageError as error:
            raise ImageError(f"{label} {error}") from None
    return _plain(image)


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_rgb(image: Image.Image) -> Tensor:
    """Return (H, W, 3) float32 in [0, 1]."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float32) / 65535
        return _grey(values, "holds integers outside 0 to 65535; convert it to 8 or 16 bits")
    if image.mode == "F":
        values = np.asarray(image)
        return _grey(values, "holds numbers outside 0 to 1; rescale it first")
    plain = _plain(image)
    pixels = torch.from_numpy(np.array(plain)).float() / 255
    if plain.mode == "RGB":
        return pixels
    alpha = pixels[..., 3:]
    return pixels[..., :3] * alpha + (1 - alpha)


def _grey(values: np.ndarray, otherwise: str) -> Tensor:
    grey = torch.from_numpy(np.array(values, dtype=np.float32))
    if not ((grey >= 0) & (grey <= 1)).all():
        raise ImageError(otherwise)
    return grey.unsqueeze(2).expand(-1, -1, 3)


def _label(source: str | os.PathLike[str] | IO[bytes]) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "the file object"))


def _not_an_image(file: IO[bytes], label: str) -> str:
    if file.seek(0, os.SEEK_END) == 0:
        return f"{label} is empty (0 bytes). Copy or download it again."
    return (
        f"{label} is not an image that can be read, whatever its name says. "
        "Open it in an image editor and save it as PNG or JPEG."
    )


def _damaged(label: str, error: BaseException) -> str:
    return f"{label} is damaged or incomplete ({error}). Copy or download it again."


def _too_large(label: str, size: str, max_pixels: int) -> str:
    return (
        f"{label} is too large: {size}, and the limit is {max_pixels} pixels. Scale it down first, "
        "or pass a larger max_pixels if there is memory for it."
    )
