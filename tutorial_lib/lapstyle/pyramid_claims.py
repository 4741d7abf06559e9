"""What the article found on pyramids, and what comes out when it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.data import embedded
from tutorial_lib.lapstyle.pyramid import Form, laplacian_pyramid, reduce
from tutorial_lib.lapstyle.pyramid_measures import (
    Responses,
    contour_share,
    false_share,
    responses,
    width_in_octaves,
)
from tutorial_lib.metrics import Protocol, psnr

PHOTOGRAPHS = ("astronaut", "brick", "cat", "coffee", "grass", "gravel", "moon", "rocket")
"""Of scikit-image, on which it is measured."""

EXACT = Protocol("rgb", crop=0, rounding=False)
"""For decibels of pictures that were never rounded."""


def left_of_stripes() -> dict[str, float]:
    """How much of stripes 2.5 pixels long stays, as false and coarser ones, in the half picture.

    Returns
    -------
    dict of float
        Order of halving → amplitude afterwards, 0 to 1: pixels dropped and then smoothed, as the
        article words it; smoothed and then dropped; resized bilinearly.
    """
    weights = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    wave = 0.5 + 0.5 * torch.cos(2 * torch.pi * 0.4 * torch.arange(512.0)).view(1, 1, 1, -1)

    def swing(row: Tensor) -> float:
        return 2 * (row[..., 20:-20] - 0.5).abs().max().item()

    return {
        "dropped first": swing(F.conv1d(wave[0, ..., ::2], weights.view(1, 1, -1))),
        "smoothed first": swing(reduce(wave, form="classic")),
        "bilinear": swing(reduce(wave, form="bilinear")),
    }


def cutoffs(found: Responses) -> list[float]:
    """Frequencies at which the pictures of the Gaussian pyramid fall to half, G1 first.

    The k-th is the sum of all layers from the k-th on.
    """
    layers = len(found.amplitude)
    below = [found.amplitude[level:].sum(0) for level in range(1, layers)]
    return [found.frequency[(b >= 0.5).nonzero().max()].item() for b in below]


def pyramid_findings() -> list[dict[str, str]]:
    """Each of the article's findings on pyramids, and what is measured here.

    Returns
    -------
    list of dict
        Rows of a table: "the article found" and "we measured", a sentence each.
    """
    forms: tuple[Form, ...] = ("classic", "bilinear")
    fine = {form: responses(levels=3, form=form, size=2048) for form in forms}
    width = {form: width_in_octaves(fine[form], 1) for form in forms}
    false = {form: 100 * false_share(fine[form], 1, falling=2) for form in forms}
    finest = 100 * responses(levels=4, form="classic").amplitude[0, -1].item()
    falls = cutoffs(fine["classic"])
    left = {name: 100 * share for name, share in left_of_stripes().items()}
    shares, decibels, contours = [], [], []
    for name in PHOTOGRAPHS:
        image = embedded(name)
        band, _ = laplacian_pyramid(image, levels=1, form="bilinear")
        shares.append(100 * (band.square().mean() / image.var()).item())
        decibels.append(psnr((image - band).clamp(0, 1), image, protocol=EXACT).item())
        contours.append(100 * contour_share(image))

    def least(values: Sequence[float]) -> str:
        return PHOTOGRAPHS[values.index(min(values))]

    def most(values: Sequence[float]) -> str:
        return PHOTOGRAPHS[values.index(max(values))]

    def span(values: Sequence[float], form: str) -> str:
        return f"{min(values):{form}} to {max(values):{form}}"

    found = {
        "A pyramid is a rough frequency decomposition.": (
            f"Rough indeed: the band L1 is {width['classic']:.1f} octaves wide (bilinear: "
            f"{width['bilinear']:.1f}), an ideal one 1. Of its power {false['classic']:.1f} % is "
            f"aliased (bilinear: {false['bilinear']:.0f} %), for waves as strong as in photographs."
        ),
        "A Gaussian pyramid is one low-pass after another, and halving is like halving the "
        "sampling rate.": (
            f"Waves fall to half at {', '.join(f'{fall:.3f}' for fall in falls)} cycles per pixel "
            f"in G1, G2 and G3: each {' and '.join(f'{b / a:.2f}' for a, b in pairwise(falls))} of "
            "the one before."
        ),
        "Each step halves the picture, and then blurs it.": (
            f"The order matters. Of stripes 2.5 pixels long, {left['dropped first']:.0f} % stay as "
            f"false, coarser stripes if pixels are dropped first; {left['smoothed first']:.0f} % "
            "if the picture is blurred first, as by OpenCV."
        ),
        "A Laplacian pyramid is close to a band-pass filter.": (
            f"L1 and beyond, yes. L0 is a high-pass: it returns {finest:.0f} % of the finest waves."
        ),
        "It attends to contours.": (
            f"{span(contours, '.0f')} % of the energy of L0 lies on the steepest tenth of the "
            f"pixels: least in {least(contours)}, which has no outlines, most in {most(contours)}."
        ),
        "LapStyle leaves the Gaussian out, perhaps since bilinear resizing has a kernel.": (
            f"It has, and a weak one: of stripes 2.5 pixels long it lets {left['bilinear']:.0f} % "
            "through."
        ),
        "The residual matters less than the whole, so a light network can make it.": (
            f"L0 holds {span(shares, '.1f')} % of the pictures' variance: most in {most(shares)}. "
            f"Without it they keep {span(decibels, '.1f')} dB."
        ),
        "The pyramid is put together by enlarging and adding.": (
            "Exactly: to a millionth, at any size."
        ),
    }
    return [{"the article found": a, "we measured": b} for a, b in found.items()]
