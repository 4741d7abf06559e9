"""Measuring painters: the four losses of what they paint on photographs they have not seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tutorial_lib.lapstyle.encoder import Encoder
from tutorial_lib.lapstyle.losses import Style, base_losses
from tutorial_lib.lapstyle.painter import LapStyle
from tutorial_lib.lapstyle.pictures import middles, style_picture

PROTOCOL = {
    "network": "weights rounded to half precision, as stored; evaluated in float32",
    "losses": "of paintings of the middle squares of BSDS500's validation photographs, on the "
    "encoder's maps up to relu5_1, each channel scaled to average 1; pairwise losses over all "
    "places at 128 pixels, over 4096 random ones above; 'photograph' is the unpainted photograph",
}
"""What a record says of these numbers."""


def measure(
    made: Tensor, photo: Tensor, painting: Tensor, *, encoder: nn.Module
) -> dict[str, float]:
    """The four losses of paintings against their photographs and their style, one by one.

    Parameters
    ----------
    made, photo : Tensor
        (N, 3, H, W), range [0, 1]: pictures, and the photographs that they show.
    painting : Tensor
        (1, 3, H', W'), range [0, 1].
    encoder : nn.Module
        Up to relu5_1.

    Returns
    -------
    dict of float
        As of :func:`tutorial_lib.lapstyle.losses.base_losses`, means over the pictures.
    """
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(4096, generator=generator).to(photo.device)
    found: dict[str, float] = {}
    with torch.no_grad():
        style = Style.of(encoder(painting))
        for a, b in zip(made.split(1), photo.split(1), strict=True):
            losses = base_losses(encoder(a), encoder(b), style, places=places)
            for name, value in losses.items():
                found[name] = found.get(name, 0.0) + value.item() / len(made)
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def held_out_losses(
    painter: LapStyle | None,
    *,
    style: str,
    side: int,
    count: int,
    encoder: Encoder,
    levels: int = 0,
) -> dict[str, float]:
    """Measure a painter on held-out photographs, or those photographs as they are.

    Parameters
    ----------
    painter : LapStyle or None
        None leaves the photographs unpainted.
    style : str
        Whose painting to compare with.
    side : int
        Of the photographs, in pixels.
    count : int
        How many at 128 pixels. Larger ones are fewer: the largest maps cost the most.
    encoder : Encoder
        Up to relu5_1; its device is used.
    levels : int
        Revisions.

    Returns
    -------
    dict of float
        As of :func:`measure`.
    """
    device = next(encoder.parameters()).device
    photos = middles(side, count=max(1, count * 128 // side)).to(device)
    made = photos
    if painter is not None:
        with torch.no_grad():
            made = torch.cat([painter(photo, levels=levels) for photo in photos.split(1)])
    return measure(made, photos, style_picture(style, side).to(device), encoder=encoder)
