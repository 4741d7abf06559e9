"""How close pictures are in this chapter's records: over all of the picture, in colour."""

from __future__ import annotations

from torch import Tensor

from tutorial_lib.metrics import Protocol, psnr

WHOLE = Protocol("rgb", crop=0)
"""RGB, nothing cropped."""


def decibels(made: Tensor, truth: Tensor) -> float:
    """PSNR of one picture, clipped to [0, 1], by the protocol `WHOLE`.

    Parameters
    ----------
    made : Tensor
        Shape (1, 3, H, W), on any device.
    truth : Tensor
        Shape (1, 3, H, W), range [0, 1], on the CPU.

    Returns
    -------
    float
        In dB.

    Examples
    --------
    >>> import torch
    >>> round(decibels(torch.full((1, 3, 4, 4), 1.5), torch.full((1, 3, 4, 4), 0.8)), 2)
    13.98
    """
    return psnr(made.cpu().clamp(0, 1), truth, protocol=WHOLE).item()
