"""Pictures in a folder of the user's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from tqdm.auto import tqdm

from tutorial_lib.data.images import ImageError, read_image

READABLE = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".mpo")
"""Suffixes of the files in a folder that count as pictures."""


def pictures_in(folder: Path) -> list[Path]:
    """Files in a folder that are called pictures, in the order of their names.

    Hidden files, such as the ``._photo.jpg`` that some systems leave, are none, nor are folders.

    Parameters
    ----------
    folder : Path
        Is not searched below.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in READABLE and path.name[0] != "." and path.is_file()
    )


def unreadable(paths: Iterable[Path], *, progress: bool = True) -> dict[Path, str]:
    """Find out which files cannot be read, before work begins that needs all of them.

    Parameters
    ----------
    paths : iterable of Path
        Image files. JPEGs are decoded at an eighth of their size, which is as thorough and fast.
    progress : bool
        Whether there is a progress bar.

    Returns
    -------
    dict of Path to str
        What is wrong with each.
    """
    found = {}
    for path in tqdm(list(paths), desc="checking pictures", disable=not progress):
        try:
            with warnings.catch_warnings(), Image.open(path) as image:
                warnings.simplefilter("ignore")
                image.draft("RGB", (1, 1))
                image.load()
        except Exception:
            try:
                read_image(path)
            except (ImageError, OSError) as error:
                found[path] = str(error)
    return found
