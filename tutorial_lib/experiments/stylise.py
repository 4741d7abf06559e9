"""Painting files in a recorded style: what the command ``tutorial stylise`` does."""

from __future__ import annotations

from pathlib import Path

import torch
from tqdm.auto import tqdm

from tutorial_lib.data import read_image, write_image
from tutorial_lib.experiments.lapstyle import fast_form, recorded_painter

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def stylise_files(
    source: Path, target: Path, *, style: str, strength: float = 1.0, overwrite: bool = False
) -> tuple[int, int]:
    """Paint one photograph into a file, or all photographs of a folder into another folder.

    Parameters
    ----------
    source : Path
        A picture, or a folder of them; their order and names are kept.
    target : Path
        A file with the suffix of an image format, or a folder, which is made.
    style : str
        A recorded style.
    strength : float
        0 to 1, as in :func:`tutorial_lib.lapstyle.stylised_maps`.
    overwrite : bool
        Replace paintings that exist. Without it, those of a folder are kept, so that a run that
        was stopped goes on; a single one is an error.

    Returns
    -------
    painted, kept : int
        Pictures painted now, and those that were there.

    Raises
    ------
    ValueError
        If there is no such source or style, the source holds no pictures, or the target exists
        or has no image's suffix.
    ImageError
        If a picture cannot be read.
    LedgerError
        If the style is not recorded.
    """
    jobs = _jobs(source, target)
    if not source.is_dir() and target.exists() and not overwrite:
        raise ValueError(f"{target} exists: choose another name, or pass --overwrite")
    open_ = [(a, b) for a, b in jobs if overwrite or not b.exists()]
    if not open_:
        return 0, len(jobs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    painter = fast_form(recorded_painter(style), device)
    with torch.inference_mode():
        for photo, painting in tqdm(open_, desc=style, unit="picture", disable=len(open_) == 1):
            made = painter(read_image(photo).to(device), strength=strength)
            painting.parent.mkdir(parents=True, exist_ok=True)
            write_image(painting, made.float(), overwrite=overwrite)
    return len(open_), len(jobs) - len(open_)


def _jobs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Every photograph with the name of its painting."""
    if source.is_dir():
        photos = sorted(p for p in source.iterdir() if p.suffix.lower() in PICTURES)
        if not photos:
            raise ValueError(f"no pictures in {source}; they end in {', '.join(PICTURES)}")
        if target.exists() and not target.is_dir():
            raise ValueError(f"{target} is a file: a folder of photographs needs a folder")
        if target.resolve() == source.resolve():
            raise ValueError(f"{target} holds the photographs: choose another folder")
        return [(photo, target / photo.name) for photo in photos]
    if not source.exists():
        raise ValueError(f"{source}: no such file or folder")
    if target.suffix.lower() not in PICTURES:
        raise ValueError(f"{target}: cannot write {target.suffix!r}; use {', '.join(PICTURES)}")
    return [(source, target)]
