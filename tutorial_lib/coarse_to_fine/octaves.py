"""Pictures and their spoiled twins at every size of a coarse-to-fine training.

Taught in the chapter *Coarse to fine*, whose stages each have a size of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.data.images import from_uint8, to_uint8


class Octaves:
    """Pictures and their spoiled twins at several sizes, as bytes on the training's device.

    All is made once. A stage then reads arrays of its own size, so that small stages are not held
    up by large pictures.

    Parameters
    ----------
    images : Tensor
        (N, 3, S, S), uint8.
    sides : sequence of int
        Sizes at which batches are wanted; divisors of S.
    spoil : callable
        From true pictures, (N, 3, S, S) in [0, 1], to what a network is given instead.
    device : torch.device or str
        Where batches are wanted.
    """

    def __init__(
        self,
        images: Tensor,
        *,
        sides: Sequence[int],
        spoil: Callable[[Tensor], Tensor],
        device: torch.device | str = "cpu",
    ) -> None:
        parts: dict[int, list[tuple[Tensor, Tensor]]] = {side: [] for side in sides}
        for part in images.split(256):
            true = from_uint8(part.to(device))
            spoiled = spoil(true)
            for side in sides:
                small = [F.avg_pool2d(i, i.shape[-1] // side) for i in (spoiled, true)]
                low, high = (to_uint8(image).permute(0, 2, 3, 1) for image in small)
                parts[side].append((low, high))
        self._pairs = {
            side: tuple(torch.cat(pixels).contiguous() for pixels in zip(*found, strict=True))
            for side, found in parts.items()
        }
        self._count = len(images)

    def __len__(self) -> int:
        """Count the pictures."""
        return self._count

    def batch(self, index: Tensor, *, side: int) -> tuple[Tensor, Tensor]:
        """Take spoiled and true pictures.

        Parameters
        ----------
        index : Tensor
            (B,), which ones.
        side : int
            At which size, s.

        Returns
        -------
        spoiled, true : Tensor
            (B, 3, s, s), float32, range [0, 1], channels last in memory.
        """
        spoiled, true = (
            from_uint8(pixels.index_select(0, index.to(pixels.device)).permute(0, 3, 1, 2))
            for pixels in self._pairs[side]
        )
        return spoiled, true
