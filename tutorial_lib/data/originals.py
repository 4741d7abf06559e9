"""A photograph of the user's own: read with all that it holds, and written line by line."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from tutorial_lib.data.images import open_upright, rgb_or_rgba
from tutorial_lib.data.writing import write_new


@dataclass(frozen=True)
class Original:
    """What is in an image file.

    Attributes
    ----------
    colours : Tensor
        Shape (1, 3, H, W), uint8, upright. Those of transparent pixels are as the file has them.
    alpha : Tensor or None
        Shape (1, 1, H, W), uint8; None where everything is opaque.
    profile : bytes
        The ICC profile that the colours are meant in; empty without one, and where the file's
        belongs to grey or CMYK values, which are RGB now.
    exif : PIL.Image.Exif
        Camera, date, place and so on, without the rotation, which has been applied.
    """

    colours: Tensor
    alpha: Tensor | None = None
    profile: bytes = b""
    exif: Image.Exif = field(default_factory=Image.Exif)

    def metadata(self, *, width: int, height: int) -> dict[str, bytes]:
        """What :func:`write_png` takes for a picture made from this one.

        Parameters
        ----------
        width, height : int
            Of that picture, in pixels: EXIF may state them.
        """
        found = {}
        if self.profile:
            found["icc_profile"] = self.profile
        if len(self.exif):
            exif = Image.Exif()
            exif.load(self.exif.tobytes())
            for tag, length in (
                (ExifTags.Base.ExifImageWidth, width),
                (ExifTags.Base.ExifImageHeight, height),
            ):
                if ExifTags.IFD.Exif in exif and tag in exif.get_ifd(ExifTags.IFD.Exif):
                    exif.get_ifd(ExifTags.IFD.Exif)[tag] = length
            found["exif"] = exif.tobytes()
        return found


def read_original(path: str | os.PathLike[str], *, max_pixels: int = 50_000_000) -> Original:
    """Read a photograph so that a picture made from it can be written as one of the same kind.

    Unlike :func:`tutorial_lib.data.read_image` it keeps 8-bit values, transparency, colour profile
    and EXIF. Of 16 bits a channel the upper 8 are used.

    Parameters
    ----------
    path : path
        An image file of any common kind.
    max_pixels : int
        Refuse images with more pixels than this, before any of them is decoded.

    Returns
    -------
    Original
        With its EXIF rotation applied.

    Raises
    ------
    ImageError
        If the file is empty, not an image, damaged, or too large.
    FileNotFoundError
        If there is no such file.
    """
    label = os.fspath(path)
    with open(path, "rb") as file:
        image = open_upright(file, label, max_pixels)
    profile = image.info.get("icc_profile") or b""
    plain = rgb_or_rgba(image, label)
    pixels = torch.from_numpy(np.array(plain)).permute(2, 0, 1)[None]
    alpha = pixels[:, 3:] if plain.mode == "RGBA" else None
    return Original(
        colours=pixels[:, :3],
        alpha=None if alpha is None or bool((alpha == 255).all()) else alpha,
        profile=profile if profile[16:20] == b"RGB " else b"",
        exif=_exif(image),
    )


def _exif(image: Image.Image) -> Image.Exif:
    """The EXIF tags, or none of them where they cannot be read and written."""
    try:
        exif = image.getexif()
        exif.pop(ExifTags.Base.Orientation, None)
        again = Image.Exif()
        again.load(exif.tobytes())
        again.get_ifd(ExifTags.IFD.Exif)
    except Exception:
        # Cameras write what Pillow cannot; the picture is worth having without it.
        return Image.Exif()
    return exif


_AVERAGE = b"\3"
"""Filter type of a line: less the mean of what is left of it and above."""


# Pillow encodes from a whole picture only, which it holds in four bytes a pixel.
def write_png(
    path: Path,
    strips: Iterable[Tensor],
    *,
    width: int,
    height: int,
    channels: int = 3,
    metadata: Mapping[str, bytes] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a picture of any size as PNG, while it is being made.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        Ends in .png.
    strips : iterable of Tensor
        The picture from the top to the bottom, each (1, `channels`, h, `width`), uint8.
    width, height : int
        Of the picture, in pixels.
    channels : int
        3, or 4 with transparency.
    metadata : mapping, optional
        ``icc_profile`` and ``exif``, as Pillow names them.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written; an older file is then still there.
    ValueError
        If the strips are not of that width, height and depth together.

    References
    ----------
    W3C, Portable Network Graphics (PNG) Specification, third edition, 2025.
    """

    def write(part: Path) -> None:
        with part.open("wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            kind = {3: 2, 4: 6}[channels]
            _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
            about = metadata or {}
            if profile := about.get("icc_profile"):
                _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
            if exif := about.get("exif"):
                _chunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
            _pixels(file, strips, (height, width, channels))
            _chunk(file, b"IEND", b"")

    write_new(path, write, overwrite=overwrite)
    return path


def _pixels(file: BinaryIO, strips: Iterable[Tensor], shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    done = 0
    above = np.zeros(width * channels, np.uint16)
    # Run-length coding of what the Average filter leaves of a photograph is a tenth of the work
    # of zlib's usual search, and no longer.
    packer = zlib.compressobj(3, zlib.DEFLATED, 15, 8, zlib.Z_RLE)
    for strip in strips:
        if strip.dtype != torch.uint8 or strip.shape != (1, channels, strip.shape[2], width):
            raise ValueError(
                f"expected strips (1, {channels}, h, {width}) of uint8, got {tuple(strip.shape)} "
                f"of {strip.dtype}"
            )
        for line in strip[0].permute(1, 2, 0).reshape(strip.shape[2], -1).numpy():
            left = np.concatenate([np.zeros(channels, np.uint16), line[:-channels]])
            rest = line - ((left + above) // 2).astype(np.uint8)
            _chunk(file, b"IDAT", packer.compress(_AVERAGE + rest.tobytes()))
            above = line
        done += strip.shape[2]
    if done != height:
        raise ValueError(f"{height} lines were announced, and {done} came")
    _chunk(file, b"IDAT", packer.flush())


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    if data or name == b"IEND":
        file.write(struct.pack(">I", len(data)) + name + data)
        file.write(struct.pack(">I", zlib.crc32(name + data)))
