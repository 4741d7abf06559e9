"""Image files to tensors: the only place where their bytes and tags are known."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from importlib.resources import files
from typing import IO

import numpy as np
import torch
from PIL import ExifTags, Image, UnidentifiedImageError
from torch import Tensor

from tutorial_lib.data.chunks import without_metadata
from tutorial_lib.metrics import NotFinite

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


class ImageError(ValueError):
    """A file cannot be used as an image; the message names it and says what to do."""


def read_image(
    source: str | os.PathLike[str] | IO[bytes], *, max_pixels: int = 50_000_000
) -> Tensor:
    """Read an image file of any common kind as RGB.

    The EXIF rotation is applied; whatever else stands beside the pixels decides nothing, and may be
    damaged. Grey, palette and CMYK images become RGB; 16-bit grey is divided by 65535, and of
    16-bit colour the upper 8 bits are used; transparent images are composited on white; of an
    animation the first frame is taken. Colour profiles are not applied.

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

    Raises
    ------
    TypeError
        If the values are integers, so that no range is guessed.
    NotFinite
        If a value is NaN, which is no grey level.

    Examples
    --------
    >>> to_uint8(torch.tensor([-0.1, 0.5, 1.2])).tolist()
    [0, 128, 255]
    """
    if not image.is_floating_point():
        raise TypeError(f"expected floating point in [0, 1], got {image.dtype}")
    image = image.detach().float()
    if not image.is_meta and bool(image.isnan().any()):
        raise NotFinite("the picture holds NaN, which is no grey level: what made it has diverged")
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


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
        return _upright(_opened(file, label, max_pixels))
    except ImageError:
        raise
    except Exception as error:  # whatever a decoder makes of damaged data
        bare = without_metadata(_bytes(file))
        if bare is None:
            raise _refusal(file, label, error) from error
    try:
        return _upright(_opened(io.BytesIO(bare), label, max_pixels))
    except ImageError:
        raise
    except Exception as error:
        raise _refusal(file, label, error) from error


def _opened(file: IO[bytes], label: str, max_pixels: int) -> Image.Image:
    """A file whose size is known and allowed, decoded."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            # Pillow's own size warning would speak before, and less clearly than, the test below;
            # and what is wrong with metadata is nobody's concern here.
            warnings.simplefilter("ignore")
            image = Image.open(file)
            _scale_transparency(image)
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(_too_large(label, f"{width}x{height} pixels", max_pixels))
            image.load()
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(label, str(error), max_pixels)) from error
    return image


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(orientation(image))
    return image.transpose(turn) if turn is not None else image


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of an opened image, 1 to 8; 1 where it has none that can be read.

    No other tag is looked at.
    """
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
        if found in range(1, 9):
            return int(found)
    return 1


def _scale_transparency(image: Image.Image) -> None:
    """Bring PNG's transparent colour to the range that Pillow brings the pixels to."""
    colour = image.info.get("transparency")
    tile = getattr(image, "tile", None)
    layout = str(tile[0].args) if tile else ""
    factor = {"1": 255, "L;2": 85, "L;4": 17}.get(layout)
    if isinstance(colour, int) and factor is not None:
        image.info["transparency"] = min(255, colour * factor)
    elif isinstance(colour, tuple) and layout == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in colour)


def _bytes(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _refusal(file: IO[bytes], label: str, error: Exception) -> ImageError:
    if isinstance(error, UnidentifiedImageError):
        return ImageError(_not_an_image(file, label))
    return ImageError(_damaged(label, error))


def rgb_or_rgba(image: Image.Image, label: str) -> Image.Image:
    """Bring a Pillow image of any mode to 8-bit RGB, or RGBA where it has transparency.

    Raises
    ------
    ImageError
        If its numbers have no known range.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        try:
            rgb = to_uint8(_deep(image)).numpy()
        except ImageError as error:
            raise ImageError(f"{label} {error}") from None
        alpha = _deep_alpha(image)
        if alpha is None:
            return Image.fromarray(rgb)
        return Image.fromarray(np.dstack([rgb, (255 * alpha).astype(np.uint8)]))
    return _plain(image)


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_rgb(image: Image.Image) -> Tensor:
    """Return (H, W, 3) float32 in [0, 1]."""
    if image.mode == "F" or image.mode.startswith("I"):
        rgb, seen = _deep(image), _deep_alpha(image)
        if seen is None:
            return rgb
        alpha = torch.from_numpy(seen)[..., None]
        return rgb * alpha + (1 - alpha)
    plain = _plain(image)
    pixels = torch.from_numpy(np.array(plain)).float() / 255
    if plain.mode == "RGB":
        return pixels
    alpha = pixels[..., 3:]
    return pixels[..., :3] * alpha + (1 - alpha)


def _deep(image: Image.Image) -> Tensor:
    """Grey of more than 8 bits as (H, W, 3)."""
    if image.mode == "F":
        values = np.asarray(image)
        return _grey(values, "holds numbers outside 0 to 1; rescale it first")
    values = np.asarray(image).astype(np.float32) / 65535
    return _grey(values, "holds integers outside 0 to 65535; convert it to 8 or 16 bits")


def _deep_alpha(image: Image.Image) -> np.ndarray | None:
    """Where such grey is seen, (H, W) of 0 and 1, if one of its levels is transparent."""
    level = image.info.get("transparency")
    if not isinstance(level, int):
        return None
    return (np.asarray(image) != level).astype(np.float32)


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
