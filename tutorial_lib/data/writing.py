"""Tensors to image files, which are tried before the work and never lost after it."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from tutorial_lib.data.images import to_uint8
from tutorial_lib.files import write_atomically

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Suffix → format of what is written."""

_LONGEST = {"JPEG": 65_535, "WEBP": 16_383}
"""Pixels along a side that a format can hold."""


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
        If the suffix or the shape is another one, the picture is too large for the format, or a
        value is NaN.
    TypeError
        If the values are integers.
    """
    path = Path(path)
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ValueError(f"{path}: cannot write {path.suffix!r}; use one of {', '.join(FORMATS)}")
    if image.ndim != 4 or image.shape[:2] != (1, 3):
        raise ValueError(
            f"{path}: expected one image of shape (1, 3, H, W), got {tuple(image.shape)}"
        )
    check_size(path, width=image.shape[-1], height=image.shape[-2])
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


def check_size(path: Path, *, width: int, height: int) -> None:
    """Refuse a picture that the format of a file cannot hold.

    Raises
    ------
    ValueError
        If it cannot; names the format that can.
    """
    longest = _LONGEST.get(FORMATS.get(path.suffix.lower(), ""))
    if longest is not None and max(width, height) > longest:
        raise ValueError(
            f"{path}: {path.suffix} holds at most {longest} pixels along a side, and the picture "
            f"is {width}x{height}; use .png"
        )


def try_output(path: Path, *, overwrite: bool = False, needed: int = 4096) -> None:
    """Find out whether a file can be written, before the work that it is to hold.

    Parameters
    ----------
    path : Path
        Where to write.
    overwrite : bool
        Whether an existing file may be replaced.
    needed : int
        Bytes that it may take.

    Raises
    ------
    ValueError
        If the name is a folder's, is taken, or its folder is missing.
    OSError
        If the folder cannot be written to, the name is too long, or the disk too full.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists: choose another name, or pass --overwrite")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}: make it, or choose another")
    try:
        # Under the name's own length, and then away again.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tutorial-") as probe:
            probe.write(bytes(4096))
            probe.flush()
    except OSError as error:
        why = f"cannot write there: {error.strerror}; nothing was begun"
        raise OSError(error.errno, why, str(path)) from error
    if (free := shutil.disk_usage(path.parent).free) < needed:
        why = f"{needed >> 20} MiB may be needed, and {free >> 20} MiB are free; nothing was begun"
        raise OSError(errno.ENOSPC, why, str(path))


def keep_image(path: Path, image: Tensor, *, overwrite: bool = False) -> Path:
    """Write the result of long work; if that fails, beside it or among the temporary files.

    Parameters
    ----------
    path, image, overwrite
        As for :func:`write_image`.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        If the result is not at `path`; says where it is.
    """
    try:
        return write_image(path, image, overwrite=overwrite)
    except (OSError, ValueError) as error:
        for place in spare_places(path):
            try:
                write_image(place, image)
            except OSError:
                continue
            why = getattr(error, "strerror", None) or str(error)
            raise OSError(f"{path} could not be written ({why}). The result is {place}") from error
        raise


def spare_places(path: Path) -> list[Path]:
    """Names for a PNG that cannot have its own: beside it, and in the temporary folder."""
    name = f"result-{secrets.token_hex(4)}.png"
    return [path.parent / name, Path(tempfile.gettempdir()) / name]
