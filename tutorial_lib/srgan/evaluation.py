"""How a super-resolution method is measured: test sets, protocol, scores, and the squares shown.

Used by every chapter that enlarges: each number is measured here once, and worded here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from tutorial_lib.data import (
    load,
    low_resolution,
    mod_crop,
    photographs,
    write_image,
)
from tutorial_lib.experiment import Run
from tutorial_lib.metrics import (
    PIRM,
    RGB,
    Protocol,
    Y,
    feature_distance,
    features,
    measured,
    mse,
    niqe,
    psnr,
    ssim,
)
from tutorial_lib.training import write_atomically

SCALE = 4

CROPS: dict[str, tuple[str, tuple[int, int]]] = {
    "baby": ("set5/baby.png", (20, 130)),
    "butterfly": ("set5/butterfly.png", (0, 0)),
    "baboon": ("set14/baboon.png", (180, 0)),
    "comic": ("set14/comic.png", (40, 0)),
    "zebra": ("set14/zebra.png", (64, 180)),
    "statues": ("bsds500/val/101085.jpg", (100, 30)),
}
"""What super-resolution chapters show: registry name, top left corner of a 256-pixel square."""

Upscale = Callable[[Tensor], Tensor]

THE_ARTICLES = Protocol("rgb", crop=0, rounding=False)
"""How the article's author measures, by his repository; his small pictures are Pillow's."""

PROTOCOL = {
    "network": "weights rounded to half precision, as stored; evaluated in float32",
    "psnr": "in dB; Y is BT.601 studio-range luma, RGB the mean over the three channels; both "
    "images rounded to 8 bits; 4 pixels cropped at each border; mean over images of the set",
    "ssim": "Wang 2004, Gaussian window 11, sigma 1.5, on the same pixels as PSNR",
    "rmse": f"in grey levels, root of the mean MSE over the pictures; {PIRM.describe()} (PIRM)",
    "niqe": "Mittal 2013's model; colour to Y, rounded, no crop; mean over images",
    "consistency": "PSNR in Y, in dB, of the result shrunk again against the input",
    "frechet": "Fréchet distance between NIQE's features (36 a block of 96 pixels) of all made "
    "pictures and of all photographs of the set, each feature in standard deviations of the "
    "photographs'",
    "the article's": f"{THE_ARTICLES.describe()}; low resolution by Pillow's bicubic",
    "low resolution": "MATLAB-compatible bicubic x1/4 of the image cropped to a multiple of 4, "
    "rounded to 8 bits",
}
"""How each number is made, whichever chapter prints it."""

MEASURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse_pirm": lambda made, real: mse(made, real, protocol=PIRM),
    "psnr_y": lambda made, real: psnr(made, real, protocol=Y),
    "ssim_y": lambda made, real: ssim(made, real, protocol=Y),
    "psnr_rgb": lambda made, real: psnr(made, real, protocol=RGB),
    "ssim_rgb": lambda made, real: ssim(made, real, protocol=RGB),
    "niqe": lambda made, real: niqe(made),
    "niqe_pirm": lambda made, real: niqe(made, crop=PIRM.crop),
    "psnr_article": lambda made, real: psnr(made, real, protocol=THE_ARTICLES),
    "ssim_article": lambda made, real: ssim(made, real, protocol=THE_ARTICLES),
    "consistency": lambda made, real: psnr(
        low_resolution(made, scale=SCALE), low_resolution(real, scale=SCALE), protocol=Y
    ),
}
"""What can be measured of a picture: squared grey levels, decibels, and numbers without a unit."""

STANDARD = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "consistency", "niqe")

Scores = dict[str, dict[str, float]]
"""Picture → measure → value."""


@torch.no_grad()
def measure(made: Tensor, real: Tensor, measures: Sequence[str] = STANDARD) -> dict[str, float]:
    """Measure one picture against the photograph.

    Parameters
    ----------
    made, real : Tensor
        (1, 3, H, W), range [0, 1].
    measures : sequence of str
        Of :data:`MEASURES`.

    Returns
    -------
    dict
        Measure → value.
    """
    return {name: MEASURES[name](made, real).item() for name in measures}


@torch.no_grad()
def enlarge(
    upscale: Upscale,
    group: str,
    *,
    device: torch.device | str = "cpu",
    shrink: Callable[..., Tensor] = low_resolution,
) -> dict[str, Tensor]:
    """Enlarge every picture of a test set, shrunk by four.

    Parameters
    ----------
    upscale : callable
        From (1, 3, h, w) to (1, 3, 4h, 4w), range [0, 1].
    group : str
        "set5", "set14" or "bsd100".
    device : torch.device or str
        Where `upscale` expects its input.
    shrink : callable
        How the small pictures are made, called with an image and ``scale=4``.

    Returns
    -------
    dict
        Registry name → (1, 3, 4h, 4w), range [0, 1], on the CPU.
    """
    return {
        name: upscale(shrink(image, scale=SCALE).to(device)).cpu().clamp(0, 1)
        for name, image in photographs(group).items()
    }


def score(made: Mapping[str, Tensor], group: str, *, measures: Sequence[str] = STANDARD) -> Scores:
    """Measure pictures of a test set against its photographs.

    Parameters
    ----------
    made : mapping
        As :func:`enlarge` returns it.
    group : str
        The test set.
    measures : sequence of str
        Of :data:`MEASURES`; NIQE is left out on Set5, whose pictures are too small for it.

    Returns
    -------
    dict
        Picture → measure → value.
    """
    fitting = [name for name in measures if group != "set5" or not name.startswith("niqe")]
    return {
        Path(name).stem: measure(made[name], mod_crop(image, SCALE), fitting)
        for name, image in photographs(group).items()
    }


def evaluate(
    upscale: Upscale,
    group: str,
    *,
    measures: Sequence[str] = STANDARD,
    device: torch.device | str = "cpu",
) -> Scores:
    """Measure a method on every picture of a test set: :func:`enlarge`, then :func:`score`."""
    return score(enlarge(upscale, group, device=device), group, measures=measures)


def blocks(pictures: Iterable[Tensor]) -> Tensor:
    """NIQE's features of all blocks of some pictures: (B, 36), float64, flat blocks left out."""
    whole = Protocol("y", crop=0, rounding=True, round_y=True)
    found = torch.cat([features(measured(image, protocol=whole))[0] for image in pictures])
    return found[found.isfinite().all(-1)]


@torch.no_grad()
def set_distance(made: Mapping[str, Tensor], group: str) -> float:
    """Fréchet distance of NIQE's features between made pictures and their photographs.

    Parameters
    ----------
    made : mapping
        As :func:`enlarge` returns it.
    group : str
        The test set.

    Returns
    -------
    float
        As :func:`tutorial_lib.metrics.feature_distance`.
    """
    real = [mod_crop(image, SCALE) for image in photographs(group).values()]
    return round(feature_distance(blocks(made.values()), blocks(real)).item(), 4)


def score_as_the_article(
    upscale: Upscale, *, device: torch.device | str = "cpu"
) -> dict[str, float]:
    """A method's PSNR and SSIM on Set5 by the protocol of the article's author."""
    made = enlarge(upscale, "set5", device=device, shrink=partial(low_resolution, kernel="pillow"))
    return averages(score(made, "set5", measures=("psnr_article", "ssim_article")))


def averages(scores: Scores) -> dict[str, float]:
    """Means over the pictures of a set, one for each measure."""
    measures = next(iter(scores.values()))
    return {
        measure: round(fmean(found[measure] for found in scores.values()), 5)
        for measure in measures
    }


def write_scores(path: Path, sets: dict[str, Scores]) -> None:
    """Write every picture's scores as CSV: set, picture, measure, value."""
    lines = ["set,picture,measure,value"]
    for group, scores in sets.items():
        for picture, found in scores.items():
            lines += [f"{group},{picture},{name},{value:.5f}" for name, value in found.items()]
    text = "\n".join(lines) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def square(name: str, upscale: Upscale, *, device: torch.device | str = "cpu") -> Tensor:
    """One of the chapter's squares, (1, 3, 256, 256), as a method makes it."""
    file, (top, left) = CROPS[name]
    with torch.no_grad():
        made = upscale(low_resolution(load(file), scale=SCALE).to(device)).cpu().clamp(0, 1)
    return made[..., top : top + 256, left : left + 256]


def write_squares(run: Run, upscale: Upscale) -> list[str]:
    """Write all of the chapter's squares into the run's folder; returns the files' names."""
    for name in CROPS:
        made = square(name, upscale, device=run.fabric.device)
        write_image(run.folder / f"{name}.webp", made, overwrite=True)
    return [f"{name}.webp" for name in CROPS]
