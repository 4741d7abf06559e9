"""Texture and lattice: how much fine structure a picture has, and how much of it is a grid.

Both are read off the spectrum of luma, on squares of the test pictures that are named here. PSNR
does not see either: it prefers no texture to a texture in the wrong place, and a faint grid costs
it next to nothing.
"""

from __future__ import annotations

import math
from statistics import fmean

import torch
from torch import Tensor

from tutorial_lib.data import load, low_resolution, mod_crop
from tutorial_lib.metrics import to_y
from tutorial_lib.srgan.evaluation import SCALE, Upscale

Square = tuple[str, tuple[int, int]]
"""Registry name of a picture, and the top left corner of a square in it."""

ROUGH: dict[str, Square] = {
    "baboon, fur": ("set14/baboon.png", (130, 30)),
    "zebra, grass": ("set14/zebra.png", (30, 440)),
    "statue, wood": ("bsds500/val/101085.jpg", (290, 42)),
    "baby, hat": ("set5/baby.png", (40, 230)),
    "sand": ("bsds500/val/41069.jpg", (232, 360)),
}
"""Squares of 64 pixels that are all texture."""

SMOOTH: dict[str, Square] = {
    "baby, brow": ("set5/baby.png", (110, 215)),
    "baboon, nose": ("set14/baboon.png", (200, 222)),
} | {
    f"{number}, smooth": (f"bsds500/val/{number}.jpg", corner)
    for number, corner in (
        ("147091", (8, 280)),
        ("14037", (136, 280)),
        ("296007", (56, 104)),
        ("8023", (232, 280)),
        ("260058", (136, 232)),
        ("45096", (24, 8)),
        ("241004", (120, 216)),
        ("170057", (8, 120)),
        ("300091", (8, 168)),
        ("41033", (88, 296)),
    )
}
"""Squares of 48 pixels that are skin, sky, water or blur. Those of BSD100 are the ten, one a
picture, that are even all over and whose fine structure is nearest to two grey levels (root mean
square): where there is less, a share of it says nothing that could be seen."""

TEXTURE_SIDE, LATTICE_SIDE = 64, 48
SPECTRUM_RANGE = (1e0, 1e6)  # squared grey levels, from black to white
FINE = 1 / 8  # cycles a pixel: what a picture shrunk by four cannot hold

PROTOCOL = {
    "texture": "energy of luma (BT.601) above 1/8 cycle a pixel under a Hann window, the "
    f"photograph's as 1, on squares of {TEXTURE_SIDE} pixels",
    "lattice": "share of that energy at the frequencies whose periods are 2 or 4 pixels along "
    f"either axis or both; mean over {len(SMOOTH)} smooth squares of {LATTICE_SIDE} pixels",
}


def luma_energy(image: Tensor) -> Tensor:
    """Energy of luma by frequency, under a Hann window.

    Parameters
    ----------
    image : Tensor
        (N, 3, S, S), RGB, range [0, 1].

    Returns
    -------
    Tensor
        (N, S, S), squared grey levels in the order of :func:`torch.fft.fftfreq`; the mean luma is
        taken away first.
    """
    luma = 255 * to_y(image)[:, 0]
    luma = luma - luma.mean((-2, -1), keepdim=True)
    window = torch.hann_window(image.shape[-1], periodic=True, dtype=image.dtype)
    return torch.fft.fft2(luma * window * window[:, None]).abs().square()


def _frequencies(side: int) -> tuple[Tensor, Tensor]:
    along = torch.fft.fftfreq(side).abs()
    return along[:, None].expand(side, side), along.expand(side, side)


def fine_energy(image: Tensor) -> Tensor:
    """Energy of luma above 1/8 cycle a pixel, summed: (N,), for pictures (N, 3, S, S)."""
    down, right = _frequencies(image.shape[-1])
    return luma_energy(image)[..., torch.hypot(down, right) > FINE].sum(-1)


def lattice_share(image: Tensor) -> Tensor:
    """Share of the fine energy that lies at the frequencies of a grid of period 2 or 4.

    Sub-pixel convolution writes each block of 2 × 2 pixels with four filters of their own, twice
    over; where they disagree, the same small pattern stands in every block.

    Parameters
    ----------
    image : Tensor
        (N, 3, S, S), range [0, 1]; S a multiple of 4.

    Returns
    -------
    Tensor
        (N,), from 0 to 1. Fine energy spread evenly over all frequencies has 0.007.

    References
    ----------
    Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"; Aitken et al. 2017
    (arXiv:1707.02937).
    """
    down, right = _frequencies(image.shape[-1])
    on_grid = torch.zeros_like(down, dtype=torch.bool)
    for a in (0.0, 0.25, 0.5):
        for b in (0.0, 0.25, 0.5):
            on_grid |= (down == a) & (right == b) & (a + b > 0)
    energy = luma_energy(image)
    fine = energy[..., torch.hypot(down, right) > FINE].sum(-1)
    return energy[..., on_grid].sum(-1) / fine.clamp(min=1e-12)


@torch.no_grad()
def squares(
    upscale: Upscale, wanted: dict[str, Square], *, side: int, device: torch.device | str = "cpu"
) -> dict[str, tuple[Tensor, Tensor]]:
    """Squares as a method makes them, and as they are in the photographs.

    Parameters
    ----------
    upscale : callable
        From (1, 3, h, w) to (1, 3, 4h, 4w), range [0, 1].
    wanted : dict
        Name → picture and corner.
    side : int
        Of each square, in pixels.
    device : torch.device or str
        Where `upscale` expects its input.

    Returns
    -------
    dict
        Name → (made, true), each (1, 3, side, side), range [0, 1].
    """
    made: dict[str, Tensor] = {}
    found = {}
    for name, (file, (top, left)) in wanted.items():
        real = mod_crop(load(file), SCALE)
        if file not in made:
            low = low_resolution(real, scale=SCALE).to(device)
            made[file] = upscale(low).cpu().clamp(0, 1)
        cut = (..., slice(top, top + side), slice(left, left + side))
        found[name] = made[file][cut], real[cut]
    return found


def texture_scores(upscale: Upscale, *, device: torch.device | str = "cpu") -> dict[str, float]:
    """A method's fine energy on each rough square, the photograph's as 1."""
    pairs = squares(upscale, ROUGH, side=TEXTURE_SIDE, device=device)
    return {
        name: round((fine_energy(made) / fine_energy(real)).item(), 4)
        for name, (made, real) in pairs.items()
    }


def lattice_score(upscale: Upscale, *, device: torch.device | str = "cpu") -> float:
    """A method's mean lattice share over the smooth squares."""
    pairs = squares(upscale, SMOOTH, side=LATTICE_SIDE, device=device).values()
    return round(fmean(lattice_share(made).item() for made, _ in pairs), 5)


def smooth_spectrum(upscale: Upscale, *, device: torch.device | str = "cpu") -> Tensor:
    """The spectrum behind :func:`lattice_score`, as a picture of it.

    Returns
    -------
    Tensor
        (1, 3, S, S), grey, range [0, 1]: frequency zero in the middle, half a cycle a pixel at the
        edges; the logarithm of the mean energy over the smooth squares, between those of
        :data:`SPECTRUM_RANGE`.
    """
    pairs = squares(upscale, SMOOTH, side=LATTICE_SIDE, device=device).values()
    energy = torch.cat([luma_energy(made) for made, _ in pairs]).mean(0)
    low, high = (math.log10(end) for end in SPECTRUM_RANGE)
    grey = (energy.clamp(min=1e-12).log10() - low) / (high - low)
    return torch.fft.fftshift(grey).clamp(0, 1).expand(1, 3, -1, -1)
