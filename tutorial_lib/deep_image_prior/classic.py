"""Classic methods from scikit-image: denoisers, each at its best strength, and a smooth filling.

Used in the chapter *Deep Image Prior*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from skimage.restoration import (
    denoise_nl_means,
    denoise_tv_chambolle,
    denoise_wavelet,
    inpaint_biharmonic,
)
from torch import Tensor

from tutorial_lib.deep_image_prior.scores import decibels

CLASSICS = {
    "baselines": "scikit-image's classic denoisers, strength chosen with the true picture, in "
    "their favour"
}
"""How the classic denoisers' numbers are measured, for a record."""


def tuned(
    method: Callable[[np.ndarray, float], np.ndarray],
    damaged: Tensor,
    truth: Tensor,
    strengths: Sequence[float],
) -> tuple[Tensor, float, float]:
    """Run a classic denoiser at several strengths: the best picture, its PSNR, its strength."""
    pixels = damaged[0].permute(1, 2, 0).numpy()
    tried = []
    for strength in strengths:
        made = torch.from_numpy(method(pixels, strength)).permute(2, 0, 1)[None].float().clamp(0, 1)
        tried.append((decibels(made, truth), strength, made))
    score, strength, made = max(tried, key=lambda row: row[0])
    return made, score, strength


def non_local_means(pixels: np.ndarray, strength: float) -> np.ndarray:
    """scikit-image's non-local means, with `strength` for both the noise and the filter."""
    return denoise_nl_means(
        pixels,
        patch_size=5,
        patch_distance=6,
        h=0.8 * strength,
        sigma=strength,
        fast_mode=True,
        channel_axis=-1,
    )


def total_variation(pixels: np.ndarray, strength: float) -> np.ndarray:
    """scikit-image's total variation denoising."""
    return denoise_tv_chambolle(pixels, weight=strength, channel_axis=-1)


def wavelet(pixels: np.ndarray, strength: float) -> np.ndarray:
    """scikit-image's wavelet shrinkage (BayesShrink, in YCbCr), told this standard deviation."""
    return denoise_wavelet(
        pixels,
        sigma=strength,
        wavelet="db4",
        convert2ycbcr=True,
        rescale_sigma=True,
        channel_axis=-1,
    )


def classics(
    damaged: Tensor, truth: Tensor, *, level: float
) -> tuple[dict[str, dict[str, float]], dict[str, Tensor]]:
    """All three classic denoisers at their best strength, around a level of noise in [0, 1]."""
    steps = [0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.35, 1.6]
    numbers, pictures = {}, {}
    for name, method, strengths in (
        ("non-local means", non_local_means, [level * s for s in steps]),
        ("total variation", total_variation, [1.4 * level * s for s in steps]),
        ("wavelet", wavelet, [level * s for s in steps]),
    ):
        made, score, strength = tuned(method, damaged, truth, strengths)
        numbers[name] = {"psnr": round(score, 3), "strength": round(strength, 4)}
        pictures[name.replace(" ", "_").replace("-", "_")] = made
    return numbers, pictures


def smooth_filling(image: Tensor, mask: Tensor) -> Tensor:
    """The smoothest surface that joins the edges of holes: scikit-image's biharmonic inpainting.

    Parameters
    ----------
    image : Tensor
        Shape (1, 3, H, W), range [0, 1].
    mask : Tensor
        Shape (1, 1, H, W): 1 where the picture is known.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W), range [0, 1].
    """
    filled = inpaint_biharmonic(
        image[0].permute(1, 2, 0).numpy(),
        (mask[0, 0] == 0).numpy(),
        split_into_regions=True,
        channel_axis=-1,
    )
    return torch.from_numpy(filled).permute(2, 0, 1)[None].float().clamp(0, 1)
